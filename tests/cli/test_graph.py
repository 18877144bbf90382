"""`orch graph`: what waits for what, for a terminal, as SVG, Mermaid and DOT."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from orch.cli.graph_languages import draw_dot, draw_mermaid
from orch.cli.graph_model import graph_of, segments
from orch.cli.graph_svg import draw_svg
from orch.cli.graph_text import draw_text
from orch.compiler.plan import Plan, PlannedStage
from tests.cli.made_plans import make_plan, make_stage
from tests.cli.orch_program import orch

SVG = "{http://www.w3.org/2000/svg}"

FILES = {
    "shop.pipeline": """\
pipeline shop { title = "A shop" }
param slow: bool = false
service db { run = ["db"] }
stage build { matrix { os = ["linux", "mac"], arch = [1, 2] } run = "echo {{ matrix.os }}" }
stage test { needs = [build, db] run = "true" }
stage slow { needs = [build] run = "true" when = {{ params.slow }} }
use "lib.pipeline" as web { needs = [test] matrix { theme = ["a.b", "x]"] } }
stage ship { needs = [web] run = "true" }
finally clean { run = "true" }
""",
    "lib.pipeline": """\
stage install { run = "true" }
stage bundle { needs = [install] run = "true" }
""",
}

HOSTILE = (
    'a"b', "x]]>y", "<b>&amp;", "back\\slash\\", 'slash\\"', "new\nline", "end", "subgraph",
    "1. list", "- item", "%% comment", "#35;", "`code`", "n1 --> n2", "{{x}}", "(())", "[x", "x]",
    '"]; click n1 "javascript:alert(1)"', "\u202eevil\x00\x1b[31m", "漢字", " ", "a|b", "a.b.",
    "*bold*", "]", 'a["', "--", "graph", "n1",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def hostile_plan() -> Plan:
    stages: list[PlannedStage] = []
    for number, name in enumerate(HOSTILE):
        stages.append(
            make_stage(
                name,
                title=HOSTILE[-1 - number],
                needs=tuple(stage.id for stage in stages[-2:]),
                kind="service" if number % 5 == 0 else "stage",
                skip="no" if number % 7 == 0 else None,
            )
        )
    plan = make_plan(*stages, name='ev"il\\')
    return replace(plan, pipeline=replace(plan.pipeline, title='"]]> %% \\ <script>\n-->'))


# -- the model ---------------------------------------------------------------------


def test_text_shows_layers_and_what_each_comes_after(shop: Path) -> None:
    """A matrix is one line with a count, a service stands before its first user, the end last."""
    done = orch("graph", "shop.pipeline", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "shop: A shop\n"
        "13 stages in 6 layers\n\n"
        "   1  db              service\n"
        "      build x4        os, arch\n"
        "   2  test            after db, build\n"
        "      slow            after build · skipped\n"
        "   3  web.install x2  after test\n"
        "   4  web.bundle x2   after web.install\n"
        "   5  ship            after web\n"
        "   6  clean           finally\n"
    )


def test_one_edge_stands_for_all_to_or_from_a_frame(shop: Path) -> None:
    """A use that needs something, and what needs the use, are one line each."""
    done = orch("graph", "shop.pipeline", "--format", "json", cwd=shop)
    edges = [(edge["source"], edge["target"]) for edge in json.loads(done.stdout)["edges"]]
    assert ("test", "web") in edges
    assert ("web", "ship") in edges
    assert ("web.install", "web.bundle") in edges
    assert not any(target == "web.install" for _, target in edges)
    expanded = orch("graph", "shop.pipeline", "--format", "json", "--expand", cwd=shop)
    keys = [box["key"] for box in json.loads(expanded.stdout)["boxes"]]
    assert 'web[theme="x]"].install' in keys
    assert "build[os=mac,arch=2]" in keys


def test_an_edge_to_some_of_a_frame_stays_one_to_each() -> None:
    """Only what all of its stages share is told of the frame."""
    plan = make_plan(
        make_stage("a"),
        make_stage("lib.x", needs=("a",)),
        make_stage("lib.y"),
        make_stage("b", needs=("lib.x",)),
        make_stage("c", needs=("lib.x", "lib.y")),
    )
    edges = [(".".join(e.source), ".".join(e.target)) for e in graph_of(plan).edges]
    assert sorted(edges) == [("a", "lib.x"), ("lib", "c"), ("lib.x", "b")]


def test_a_frame_of_services_alone_can_be_drawn() -> None:
    """Who needs one of them points from it, and not from the frame."""
    plan = make_plan(
        make_stage("dbs.one", kind="service"),
        make_stage("dbs.two", kind="service"),
        make_stage("a", needs=("dbs.one",)),
    )
    graph = graph_of(plan)
    assert [(".".join(e.source), e.is_service) for e in graph.edges] == [("dbs.one", True)]
    for draw in (draw_svg, draw_mermaid, draw_dot, draw_text):
        assert "dbs" in draw(graph)


@pytest.mark.parametrize(
    ("stage_id", "parts"),
    [
        ("test", [("test", "")]),
        ("lib.test", [("lib", ""), ("test", "")]),
        ("lib[os=mac].test[v=3.11]", [("lib", "os=mac"), ("test", "v=3.11")]),
        ('t[x="a].b",y="\\"]"]', [("t", 'x="a].b",y="\\"]"')]),
        ("odd[", [("odd[", "")]),
        ("a..b", [("a..b", "")]),
        ("a[x]b", [("a[x]b", "")]),
        ("a.", [("a.", "")]),
        ('a["', [('a["', "")]),
    ],
)
def test_ids_are_taken_apart_where_they_are_ours(
    stage_id: str, parts: list[tuple[str, str]]
) -> None:
    """Aliases, names and combinations; what a plan of another make calls its stages is one name."""
    assert list(segments(stage_id)) == parts


def test_stages_of_a_matrix_that_need_each_other_are_shown_one_by_one() -> None:
    """Together they would stand in a circle; a plan made by hand may hold that."""
    plan = make_plan(
        make_stage("a[x=1]", matrix={"x": 1}),
        make_stage("b", needs=("a[x=1]",)),
        make_stage("a[x=2]", matrix={"x": 2}, needs=("b",)),
    )
    assert [box.name for box in graph_of(plan).boxes.values()] == ["a[x=1]", "b", "a[x=2]"]


# -- SVG ---------------------------------------------------------------------------


def frames_and_boxes(root: ET.Element) -> list[tuple[float, float, float, float]]:
    found = []
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") in ("box", "frame"):
            x, y, width, height = (float(rect.get(n, "")) for n in ("x", "y", "width", "height"))
            found.append((x, y, width, height))
    return found


def test_svg_is_a_whole_accessible_document(shop: Path) -> None:
    """It parses, says in words what it shows, follows dark schemes, and holds no script."""
    done = orch("graph", "shop.pipeline", "--format", "svg", cwd=shop)
    root = ET.fromstring(done.stdout)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "A shop"
    assert root.findtext(f"{SVG}desc") == (
        "The pipeline shop: 11 stages, 1 service, 1 stage at the end; 1 of 13 are skipped. "
        "Lines lead to what comes later."
    )
    assert "prefers-color-scheme: dark" in done.stdout
    assert not list(root.iter(f"{SVG}script"))
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", done.stdout)
    names = {text.text for text in root.iter(f"{SVG}text")}
    assert {"db", "build \u00d74", "web \u00d72", "install \u00d72", "clean"} <= names
    classes = {group.get("class") for group in root.iter(f"{SVG}g")}
    assert {"stage", "service", "finally", "stage skipped"} <= classes


@pytest.mark.parametrize("words", [(), ("--expand",)])
def test_boxes_and_frames_lie_apart_or_inside_each_other(
    words: tuple[str, ...], shop: Path
) -> None:
    """A frame holds whole boxes; those of one matrix lie behind each other."""
    done = orch("graph", "shop.pipeline", "--format", "svg", *words, cwd=shop)
    for a, b in combinations(frames_and_boxes(ET.fromstring(done.stdout)), 2):
        is_apart = (
            a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        )
        is_inside = a[0] < b[0] and a[1] < b[1] and b[0] + b[2] < a[0] + a[2]
        is_stack = a[2:] == b[2:] and abs(a[0] - b[0]) <= 10
        assert is_apart or is_inside or is_stack, (a, b)


def test_hostile_names_are_text_in_an_svg() -> None:
    """It parses, and every name stands in it as it is shown elsewhere."""
    root = ET.fromstring(draw_svg(graph_of(hostile_plan())))
    names = {text.text for text in root.iter(f"{SVG}text")}
    assert {'a"b', "x]]>y", "<b>&amp;", "back\\slash\\", "new^Jline"} <= names
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "desc", "style", "rect", "text", "g", "path",
    }  # fmt: skip


# -- Mermaid -----------------------------------------------------------------------

MERMAID_LINE = re.compile(
    r"""
    \ *(
      n\d+(\[\["|\(\["|\[") (?P<label>[^"]*) ("\]\]|"\]\)|"\])
    | subgraph\ n\d+\["(?P<frame>[^"]*)"\]
    | end
    | class\ n\d+\ (service|finally|skipped)
    | n\d+\ (-->|-\.->)\ n\d+
    | classDef\ \w+\ [\w#:,.\ -]+
    | accTitle:\ (?P<title>.*)
    )
    """,
    re.VERBOSE,
)


def check_mermaid(text: str) -> list[str]:
    """The labels of a flowchart of which each line is one that Mermaid knows."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    labels = []
    for line in lines:
        match = MERMAID_LINE.fullmatch(line)
        assert match, line
        label = match["label"] or match["frame"]
        if label is not None:
            assert re.fullmatch(r"(<br/>|#\d+;|[\w .,/:+=\u00d7\u00b7\u2026-])*", label), label
            labels.append(re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label))
    assert text.count(" subgraph n") == len([line for line in lines if line.strip() == "end"])
    return labels


def test_mermaid_holds_nothing_but_its_own_syntax(shop: Path) -> None:
    """Names are ours, labels stand in quotes, with all that could be syntax as entities."""
    done = orch("graph", "shop.pipeline", "--format", "mermaid", cwd=shop)
    labels = check_mermaid(done.stdout)
    assert "build \u00d74<br/>os, arch" in labels
    assert "  n1 -.-> n3\n" in done.stdout
    decoded = check_mermaid(draw_mermaid(graph_of(hostile_plan())))
    assert any(label.startswith('a"b<br/>') for label in decoded)


# -- DOT ---------------------------------------------------------------------------

DOT_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|->|[{}\[\],=]|\w+|\s+')


def check_dot(text: str) -> list[str]:
    """The quoted strings of a digraph whose tokens and brackets are those of DOT."""
    at, opened, quoted = 0, [], []
    while at < len(text):
        match = DOT_TOKEN.match(text, at)
        assert match, text[at : at + 40]
        at, token = match.end(), match[0]
        if token in "{[":
            opened.append(token)
        elif token in "}]":
            assert opened.pop() + token in ("{}", "[]")
        elif token.startswith('"'):
            quoted.append(re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], token[1:-1]))
    assert not opened
    return quoted


def test_dot_holds_nothing_but_its_own_syntax(shop: Path) -> None:
    """Strings are quoted, backslashes doubled; Graphviz reads it, where it is there."""
    done = orch("graph", "shop.pipeline", "--format", "dot", cwd=shop)
    assert "build \u00d74\nos, arch" in check_dot(done.stdout)
    assert re.search(r"n\d+ -> n\d+ \[lhead=cluster_n\d+\]", done.stdout)
    hostile = draw_dot(graph_of(hostile_plan()))
    labels = {label.split("\n")[0] for label in check_dot(hostile)}
    assert {'a"b', "back\\slash\\", 'slash\\"', "<b>&amp;", "new^Jline"} <= labels
    program = shutil.which("dot")
    for text in (done.stdout, hostile):
        if program is not None:
            read = subprocess.run(
                [program, "-Tcanon"], input=text, text=True, capture_output=True, check=False
            )
            assert (read.returncode, read.stderr) == (0, "")


# -- the command -------------------------------------------------------------------


def test_hostile_names_cannot_act_in_a_terminal() -> None:
    """Nothing moves the cursor, and each box keeps to its line."""
    text = draw_text(graph_of(hostile_plan()))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.splitlines()) == 3 + len(HOSTILE)


def test_a_saved_plan_has_a_graph_and_a_broken_file_has_none(shop: Path, project: Path) -> None:
    """Errors are told as ever, not in place of a picture."""
    plan = orch("plan", "shop.pipeline", "--format", "json", cwd=shop).stdout
    (shop / "plan.json").write_text(plan, encoding="utf-8")
    assert (
        orch("graph", "plan.json", cwd=shop).stdout
        == orch("graph", "shop.pipeline", cwd=shop).stdout
    )
    done = orch("graph", "pipelines/broken.pipeline", "--format", "svg", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E0201]" in done.stderr
