"""`orch report`: a run as one HTML file, held against its structure; tests/browser looks at it."""

import hashlib
import json
import os
import re
import shutil
from base64 import b64encode
from itertools import pairwise
from pathlib import Path
from unicodedata import category

import pytest

from orch.cli.report.markup import tag
from orch.compiler.plan import Kind, PipelineInfo, Plan, with_digest
from orch.dsl.record import changed
from orch.runtime.clock import utc_text
from orch.runtime.events import RunResumed
from orch.runtime.owner import OwnerLock
from orch.runtime.states import RunStatus, StageStatus
from tests.cli.html_page import Element, read_page
from tests.cli.made_plans import make_plan, make_stage
from tests.cli.orch_program import orch
from tests.cli.written_runs import (
    TRICKS,
    Story,
    completed,
    ended,
    one_after_the_other,
    ready,
    started,
    write_run,
)
from tests.runtime.samples import START_MS

FAILING = "pipelines/failing.pipeline"


def report_of(root: Path) -> Element:
    """The page of the last run; everything that holds for each page is looked at."""
    return checked(source_of(root))


def source_of(root: Path) -> str:
    done = orch("report", "last", "--output", "-", cwd=root)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def checked(source: str) -> Element:
    page = read_page(source)
    check_self_contained(page, source)
    check_structure(page)
    return page


def check_self_contained(page: Element, source: str) -> None:
    """Nothing is loaded, nothing is inline but what the policy knows by its digest."""
    (policy,) = (
        meta.attributes["content"] or ""
        for meta in page.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        (block,) = page.all(name)
        digest = b64encode(hashlib.sha256(block.text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
        assert block.attributes == {}
    for element in page.all():
        for key, value in element.attributes.items():
            assert key not in ("style", "src", "srcset", "action", "data", "xlink:href"), element
            assert not key.startswith("on"), element
            if key == "href":
                assert (value or "").startswith("#"), element
    assert "url(" not in source.partition("<body>")[0]
    assert "@import" not in source


def check_structure(page: Element) -> None:
    """Landmarks, one title, headings that skip no level, ids that are unique and links that lead
    to them, tables with heads, pictures with words."""
    assert page.all("html")[0].attributes["lang"] == "en"
    assert len(page.all("head")[0].all("title")) == 1
    for name in ("h1", "header", "main", "nav", "footer"):
        assert len(page.all(name)) == 1, name
    levels = [int(e.name[1]) for e in page.all() if re.fullmatch(r"h[1-6]", e.name)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert (link.attributes["href"] or "").removeprefix("#") in ids
    for section in page.all("section"):
        assert section.attributes["aria-labelledby"] in ids
    for table in page.all("table"):
        assert table.all("caption")
        assert all(head.attributes["scope"] in ("col", "row") for head in table.all("th"))
    for picture in page.all("svg"):
        is_hidden = picture.attributes.get("aria-hidden") == "true"
        assert is_hidden or (picture.attributes["role"] == "img" and picture.all("title"))


def sections(page: Element) -> list[str]:
    return [section.attributes["id"] or "" for section in page.all("section")]


def hostile_plan() -> Plan:
    """Every trick is the id of a stage, its title and its script; the pipeline's title too."""
    kinds: tuple[Kind, ...] = ("stage", "service", "finally")
    stages = [
        make_stage(
            trick,
            f"echo {trick}",
            title=trick,
            kind=kinds[number % 3],
            env={trick: trick},
            pool=trick,
        )
        for number, trick in enumerate(TRICKS)
    ]
    plan = make_plan(*stages)
    info = PipelineInfo("demo", "".join(TRICKS), TRICKS[0], TRICKS, None)
    return with_digest(changed(plan, pipeline=info, params={t: t for t in TRICKS}))


def test_a_failed_run_says_first_what_failed_and_why(project: Path) -> None:
    """The result, the excerpt of the failed stage, and the commands to go on; then all else."""
    orch("run", FAILING, cwd=project)
    page = report_of(project)
    run_id = next((project / ".runs/failing/cli").iterdir()).name
    assert sections(page) == [
        "failures", "timeline", "path", "stages", "graph", "details", "bounds", "plan", "machine",
    ]  # fmt: skip
    head = page.all("header")[0].text
    assert head.startswith("✗ failed in ")
    assert "1 succeeded✗ 1 failed○ 1 skipped" in head
    assert f"orch resume {run_id}" in head
    assert f"orch logs {run_id} bad" in head
    (failure,) = page.by_id("failures").all("article")
    assert "exit 1 after 2 attempts" in failure.text
    assert [pre.text for pre in failure.all("pre")] == ["no such thing", "one"]
    assert f".runs/failing/cli/{run_id}/stages/0001-bad/2" in failure.text


def test_a_stage_that_may_fail_is_counted_beside_those_that_may_not(project: Path) -> None:
    """The counts above hold it, so the section says where it is."""
    stages = [f'stage {name} {{ run = "false" }}' for name in ("a", "b")]
    stages.append('stage c { run = "false", allow_failure = true }')
    path = project / "pipelines/allowed.pipeline"
    path.write_text("pipeline allowed { }\n" + "\n".join(stages) + "\n", encoding="utf-8")
    assert orch("run", str(path), "--keep-going", cwd=project).returncode == 1
    failures = report_of(project).by_id("failures")
    assert len(failures.all("article")) == 2
    assert "Beside them 1 stage failed that may, by allow_failure." in failures.text


def test_attempts_waits_and_the_path_stand_in_words(project: Path) -> None:
    """Who waited for whom, each attempt, and what decided the length of the run."""
    orch("run", FAILING, cwd=project)
    page = report_of(project)
    rows = page.by_id("timeline").all("details")
    assert [row.all("summary")[0].all("code")[0].text for row in rows] == ["good", "bad"]
    told = [item.text for item in rows[1].all("li")]
    assert re.search(r"waited \d+ms for good$", told[0])
    assert any(re.search(r"attempt 1, .+: exit 1$", words) for words in told)
    assert re.search(r"attempt 2, .+: exit 1$", told[-1])
    path = [item.text for item in page.by_id("path").all("li")]
    assert [re.match(r"\w+?(?=\d)", words)[0] for words in path] == ["good", "bad"]  # type: ignore[index]  # No match is a failure too.
    assert path[1].endswith("began when good had ended")


def test_the_table_holds_every_stage_with_its_figures(project: Path) -> None:
    """In the order of the plan; figures to sort by stand beside those to read."""
    orch("run", FAILING, cwd=project)
    (table,) = report_of(project).by_id("stages").all("table")
    rows = [[cell.text for cell in row.children if isinstance(cell, Element)]
            for row in table.all("tbody")[0].all("tr")]  # fmt: skip
    assert [row[:2] for row in rows] == [
        ["good", "✓ succeeded"],
        ["bad", "✗ failed"],
        ["after", "○ skipped"],
    ]
    assert rows[1][5] == "2"
    assert [row[9] for row in rows] == ["", "exit 1", "another stage had failed"]
    memory = table.all("tbody")[0].all("tr")[0].all("td")[6]
    assert int(memory.attributes["data-n"] or "") > 100_000


def test_details_hold_plan_policies_and_output(project: Path) -> None:
    """Of a stage: its script, the bounds in force, the names of variables but not their values."""
    (project / "a.pipeline").write_text(
        'pipeline a { }\nsecret token { env = "TOKEN" }\n'
        'stage one { timeout = 7m env { GREETING = "hidden value" } secrets = [token]\n'
        '  run = "echo $GREETING | wc -c; printf secret-%s value-of-it" }\n',
        encoding="utf-8",
    )
    done = orch("run", "a.pipeline", cwd=project, env={"TOKEN": "secret-value-of-it"})
    assert done.returncode == 0, done.stdout + done.stderr
    page = report_of(project)
    shown = page.by_id("s0").text
    assert "Time-out7m" in shown
    assert "VariablesGREETING" in shown
    assert "Secretstoken" in shown
    assert "echo $GREETING | wc -c" in shown
    assert "hidden value" not in page.text
    assert "secret-value-of-it" not in page.text
    assert "***" in shown
    assert "token" in page.by_id("plan").text
    assert [row.children[0].text for row in page.by_id("bounds").all("tr") if isinstance(
        row.children[0], Element)] == [
        "", "Time", "Output held at once", "Output logged", "Attempts",
    ]  # fmt: skip


def test_the_file_lies_beside_the_run_and_its_path_is_told(project: Path) -> None:
    """As a path and as a URL; as JSON; elsewhere where one says so, with its mode kept."""
    orch("run", FAILING, cwd=project)
    folder = next((project / ".runs/failing/cli").iterdir())
    done = orch("report", "last", cwd=project)
    path, url = done.stdout.splitlines()
    assert (project / path) == folder / "report.html"
    assert url == (folder / "report.html").as_uri()
    other = project / "out of the way.html"
    other.write_text("old")
    other.chmod(0o600)
    told = json.loads(
        orch("report", "last", "-o", other.name, "--format", "json", cwd=project).stdout
    )
    assert told == {"path": other.name, "url": other.as_uri()}
    assert other.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert other.stat().st_mode & 0o777 == 0o600
    link = project / "link.html"
    link.symlink_to(other)
    assert orch("report", "last", "-o", "link.html", cwd=project).returncode == 0
    assert link.is_symlink()
    # What lies in the folder of a run hurts none of the other commands.
    assert orch("status", "last", cwd=project).returncode == 0
    assert orch("gc", "--keep", "0", cwd=project).returncode == 0
    assert not folder.exists()


def test_what_cannot_be_done_is_said_and_leaves_no_file(project: Path) -> None:
    """No folder, no name, two answers on one stdout, no such run."""
    orch("run", FAILING, cwd=project)
    os.mkfifo(project / "pipe")
    for words, code, said in (
        (("-o", "no/such/folder.html"), 3, "no/such/folder.html: no such file or directory"),
        (("-o", ""), 2, "names no file"),
        (("-o", "pipelines"), 2, "can't write to `pipelines`: it isn't a regular file"),
        (("-o", "pipe"), 2, "isn't a regular file"),
        (("-o", "-", "--format", "json"), 2, "exclude each other"),
    ):
        done = orch("report", "last", *words, cwd=project)
        assert done.returncode == code, words
        assert said in done.stderr
    assert orch("report", "1999", cwd=project).returncode == 2
    assert not list(project.rglob("*.html"))
    assert not list(project.rglob("*.tmp"))


def test_a_run_that_is_lost_or_has_only_begun_has_a_report(tmp_path: Path) -> None:
    """Of the one it says that nobody knows how it ended; the other has nothing to draw yet."""
    plan = make_plan(make_stage("a"), make_stage("b", needs=("a",)))
    write_run(tmp_path, plan, [(1, ready("a")), (2, started("a"))])
    page = report_of(tmp_path)
    assert page.all("header")[0].text.startswith("? stale")
    assert "under way" in page.by_id("timeline").text
    # Its logs are there before the journal has any of them.
    assert re.search(r"so far: orch logs \S+ a$", page.by_id("s0").all("p")[-1].text)
    shutil.rmtree(tmp_path / ".runs")
    paths = write_run(tmp_path, plan, [(1, ready("a")), (2, started("a"))])
    beat = {"time": utc_text(START_MS + 800), "sequence": 1}
    Path(paths.heartbeat).write_text(json.dumps(beat))
    # Nobody holds the lock of this owner file, so its process is gone.
    OwnerLock.acquire(paths.owner, "0.1.0").release()
    page = report_of(tmp_path)
    assert page.all("header")[0].text.startswith("! lost after 800ms: the process that held it")
    assert "attempt 1, 798ms: cut off" in page.by_id("timeline").text
    shutil.rmtree(tmp_path / ".runs")
    paths = write_run(tmp_path, plan, [])
    Path(paths.journal).write_bytes(b"")
    page = report_of(tmp_path)
    assert sections(page)[0] == "timeline"
    assert "No stage has been started" in page.by_id("timeline").text


def test_a_run_that_was_cancelled_says_so_once(tmp_path: Path) -> None:
    """The reason of a run that was cancelled is that it was."""
    plan = make_plan(make_stage("a"))
    end = changed(ended(RunStatus.CANCELLED), reason="cancelled")
    write_run(tmp_path, plan, [(1, ready("a")), (2, started("a")), (900, end)])
    assert report_of(tmp_path).all("header")[0].all("p")[0].text == "⊘ cancelled in 1.0s"


def test_a_run_that_was_copied_elsewhere_has_a_report(project: Path, tmp_path: Path) -> None:
    """Under another name, in another project, without its sources: all is in its folder. Where its
    journal is damaged that is said, and nothing is written."""
    orch("run", FAILING, cwd=project)
    folder = tmp_path / "elsewhere" / ".runs" / "failing" / "cli" / "2026-01-01T00-00-00-000Z-0a"
    shutil.copytree(next((project / ".runs/failing/cli").iterdir()), folder)
    (tmp_path / "elsewhere" / "orch.toml").touch()
    assert "no such thing" in report_of(tmp_path / "elsewhere").by_id("failures").text
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join([*lines[:2], b"no event\n", *lines[3:]]))
    done = orch("report", "last", cwd=tmp_path / "elsewhere")
    assert done.returncode == 3
    assert "journal.jsonl, line 3: the journal is damaged" in done.stderr
    assert not (folder / "report.html").exists()


def test_a_resumed_run_is_shown_without_the_time_between(tmp_path: Path) -> None:
    """Its clock stands still between its lives, and a line marks where the second begins."""
    a_day = 86_400_000
    story: Story = [
        (0, ready("a")), (0, started("a")), (500, completed("a")),
        (500, ready("b")), (500, started("b")),
        (a_day, RunResumed("r", 1, "h", "0.1.0")),
        (a_day, ready("b")), (a_day, started("b", 2)), (a_day + 400, completed("b", attempts=2)),
        (a_day + 400, ended()),
    ]  # fmt: skip
    write_run(tmp_path, make_plan(make_stage("a"), make_stage("b", needs=("a",))), story)
    page = report_of(tmp_path)
    rows = [row.text for row in page.by_id("timeline").all("details")]
    assert "attempt 1, 0ms: cut off" in rows[1]
    assert "500ms to 900ms attempt 2, 400ms: succeeded" in rows[1]
    assert len(page.by_id("timeline").all("path")) == len(rows)
    assert "Resumedonce" in page.all("header")[0].text
    assert "succeeded in 900ms" in page.all("header")[0].text
    assert "each of its lives" in page.by_id("bounds").text


def test_hostile_names_and_output_stay_text(tmp_path: Path) -> None:
    """No element, attribute or script comes from a name or from output; what acts is spelled."""
    plan = hostile_plan()
    output = "\n".join(TRICKS) * 3
    story: Story = []
    for at_ms, stage in enumerate(plan.stages):
        end = completed(stage.id, StageStatus.FAILED, output=output, reason=TRICKS[at_ms])
        story += [(at_ms, ready(stage.id)), (at_ms, started(stage.id)), (at_ms + 1, end)]
    story.append((99, ended(RunStatus.FAILED)))
    write_run(tmp_path, plan, story)
    source = source_of(tmp_path)
    page = checked(source)
    assert {e.name for e in page.all()} == {
        "", "html", "head", "meta", "title", "style", "body", "a", "header", "p", "span", "h1",
        "div", "dl", "dt", "dd", "code", "time", "pre", "nav", "ul", "li", "main", "section", "h2",
        "article", "h3", "strong", "figure", "figcaption", "svg", "rect", "ol", "details",
        "summary", "form", "table", "caption", "thead", "tbody", "tr", "th", "td", "g", "text",
        "footer", "script",
    }  # fmt: skip
    for sign in ("\0", "\x1b", "\x9b", "\u202e", "\u2066", "\u2028"):
        assert sign not in source, ascii(sign)
    pre = page.by_id("failures").all("pre")[0].text
    for shown in (TRICKS[0], TRICKS[1], TRICKS[3], r"line\u{2028}paragraph", r"\u{202e}gnp"):
        assert shown in pre


def test_text_is_escaped_and_what_acts_in_it_is_spelled_out() -> None:
    """Whatever it is given, markup holds no character that acts, and only its own elements."""
    for words in (*TRICKS, "lone \ud800 surrogate \udcff", "".join(map(chr, range(0x300)))):
        made = tag("p", words, title=words)
        (element,) = read_page(made).all("p")
        assert element.text == element.attributes["title"]
        assert set(element.attributes) == {"title"}
        assert all(sign == "\n" or category(sign)[0] != "C" for sign in made)
        made.encode()
    with pytest.raises(AssertionError):
        tag("p", onclick="alert(1)")
    with pytest.raises(AssertionError):
        tag("p", style="color: red")


@pytest.mark.parametrize("count", [250, 5000])
def test_a_report_of_many_stages_is_bounded_and_says_so(tmp_path: Path, count: int) -> None:
    """All stages stand in the table; bars, details and output are those that matter most."""
    names = [f"stage{n}" for n in range(count)]
    plan = make_plan(*(make_stage(name, title="A title") for name in names))
    bad = names[-30:]
    story = one_after_the_other(names, failed=bad)
    story.append((10 * count + 10, ended(RunStatus.FAILED)))
    write_run(tmp_path, plan, story)
    source = source_of(tmp_path)
    page = checked(source)
    assert len(page.by_id("stages").all("tbody")[0].all("tr")) == count
    assert len(page.by_id("failures").all("article")) == 20
    assert len(page.by_id("failures").all("details")) == 15
    assert "And 10 failed stages more" in page.by_id("failures").text
    details = page.by_id("details").all("details")
    assert len(details) == min(count, 400)
    assert details[-1].all("code")[0].text == names[-1]
    assert ("400 of 5,000 stages" in page.by_id("details").text) is (count == 5000)
    assert len(page.by_id("timeline").all("details")) == 250
    has_picture = bool(page.by_id("graph").all("svg"))
    assert has_picture is (count == 250)
    assert len(source) < 600_000 + 800 * count


def test_what_a_stage_wrote_is_cut_in_the_middle(tmp_path: Path) -> None:
    """The end of a long output is kept, and how much is missing is said."""
    story: Story
    output = "first line\n" + "x" * 70 * 1000 + "\nlast line\n"
    story = [(0, ready("a")), (0, started("a")),
             (5, completed("a", StageStatus.FAILED, output=output)),
             (5, ended(RunStatus.FAILED))]  # fmt: skip
    write_run(tmp_path, make_plan(make_stage("a")), story)
    (figure,) = report_of(tmp_path).by_id("failures").all("figure")
    assert figure.all("pre")[0].text.startswith("first line\n⋯\n")
    assert figure.all("pre")[0].text.endswith("\nlast line")
    assert "characters of the excerpt left out in the middle" in figure.text
    assert len(figure.text) < 20_000
