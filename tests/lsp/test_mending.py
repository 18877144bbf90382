"""A mending takes away what it was proposed for: held against every case of tests/ui."""

from pathlib import Path

import pytest

from orch.cli.lsp.mending import Mending, mendings
from orch.cli.lsp.renaming import edited
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import PiecedText, in_pieces
from tests.lsp.marked import MAIN, opened, project_of
from tests.ui.test_ui import cases

READS = 'stage a { run = "x" }\nstage b '
HANDS_ON = 'stage a { run = "x", values '
TAKES = "stage b { needs = [a], run = {{ stages.a.values.x }} }\n"


HIDING = ("Change to `status`", "Change to `lib/good.pipeline`")
"""Behind these more is looked at: whether what is read comes before, and what a file demands."""


def checked(main: Path, texts: dict[str, str]) -> Compilation:
    encoded = {path: text.encode() for path, text in texts.items()}
    request = Request(demand_arguments=False, texts=encoded)
    return compile_pipeline(str(main.parent), main.name, request)


def errors_in(compilation: Compilation) -> int:
    return sum(d.is_error for d in compilation.diagnostics)


def proposed(compilation: Compilation, diagnostic: Diagnostic) -> tuple[Mending, ...]:
    def text_of(path: str) -> PiecedText | None:
        source = compilation.sources.get(path)
        return None if source is None else in_pieces(path, source.text)

    return mendings(diagnostic, text_of)


def test_what_is_mended_is_said_no_more() -> None:
    """Each mending alone, in a text with whatever else is wrong with it: of its diagnostic there is
    one less, and nothing is wrong that wasn't, but for what it hid. Every help has a mending."""
    for main in cases():
        before = checked(main, {})
        said = [(d.code, d.message) for d in before.diagnostics]
        for diagnostic in before.diagnostics:
            found = proposed(before, diagnostic)
            assert found or diagnostic.help is None, (main.name, diagnostic)
            for each in found:
                texts = {
                    path: edited(before.sources[path].text, list(edits))
                    for path, edits in each.edits.items()
                }
                after = checked(main, texts)
                left = [(d.code, d.message) for d in after.diagnostics]
                this = (diagnostic.code, diagnostic.message)
                assert left.count(this) < said.count(this), (main.name, diagnostic, each)
                is_worse = errors_in(after) > errors_in(before)
                assert not is_worse or each.title in HIDING, (main.name, diagnostic, each)


@pytest.mark.parametrize(
    ("wrong", "title", "right"),
    [
        ('stage a { rnu = "x" }\n', "Change to `run`", 'stage a { run = "x" }\n'),
        (
            READS + "{ run = {{ stages.a.exit_code }} }\n",
            "List it: `needs = [a]`",
            READS + "{ needs = [a] run = {{ stages.a.exit_code }} }\n",
        ),
        (
            'let a = 1\nstage b { run = "echo {{ params.a }}" }\n',
            "Write `lets.a`",
            'let a = 1\nstage b { run = "echo {{ lets.a }}" }\n',
        ),
        ('stage a { run = "x"; }\n', "Settings need no separator", 'stage a { run = "x" }\n'),
        ('stage a { run: "x" }\n', "A value is set with `=`", 'stage a { run = "x" }\n'),
        (
            'stage a { run = "x", retry = { attempts = 2 } }\n',
            "Write `retry { … }`",
            'stage a { run = "x", retry { attempts = 2 } }\n',
        ),
        ("param x\nlet y = {{ x }}\n", "Write `param x: string`", "param x: string\n"),
        (
            'stage a {\n  deadline = 5m\n  run = "x"\n}\n',
            "Put it into a `policy` block",
            "policy {\n  deadline = 5m\n}\n\nstage a {\n",
        ),
        (
            'policy { grace = 1s }\nstage a { heartbeat { every = 1s } run = "x" }\n',
            "Put it into a `policy` block",
            "policy { heartbeat { every = 1s } grace = 1s }\nstage a { ",
        ),
        ('stage a { timeout = 5, run = "x" }\n', "Write `5m`", "stage a { timeout = 5m, "),
        (
            HANDS_ON + "{ v: int } }\n" + TAKES,
            "Declare it in `a`",
            HANDS_ON + "{ x: string, v: int } }\n",
        ),
        ('use "l" # x\nlet y = 1\n', "Write `use", 'use "l" as NAME # x\nlet y = 1\n'),
        ('use "l"', "Write `use", 'use "l" as NAME'),
        (
            "stage a {\n  needs = [b # x\n    c, d e]\n}\n",
            "Commas stand",
            "stage a {\n  needs = [b # x\n    , c, d e]\n}\n",
        ),
        ('let y = {{ 1 + "+" + 2 }}\n', "Join texts", 'let y = {{ 1 ~ "+" ~ 2 }}\n'),
        (
            'stage a { run = "{{ matrix.os }}" }\n',
            "Give the stage",
            'stage a { matrix { os = [""] } run = "{{ matrix.os }}" }\n',
        ),
        ("let y = p\n", "Write `{{ p }}`", "let y = {{ p }}\n"),
        ("let y = range(3)\n", "Write `{{", "let y = {{ range(3) }}\n"),
        ("let y = {{ pipeline }}\n", "Write `pipeline.name`", "let y = {{ pipeline.name }}\n"),
        ("pool p { }\n", "`slots`: stages running at once", "pool p { slots = 1 }\n"),
        (
            'stage a { run = "x", when = {{ 90s == 90s }} }\n',
            "Give it a name",
            'let value = 90s\nstage a { run = "x", when = {{ value == 90s }} }\n',
        ),
        (
            'stage a {\n  run = "x"\n\nstage b { run = "y" }\n',
            "Add the missing `}`",
            'stage a {\n  run = "x"\n}\n\nstage b { run = "y" }\n',
        ),
        (
            'stage a {\n  env {\n    A = "1"\n  run = """\necho\n"""\n}\n',
            "Add the missing `}`",
            'stage a {\n  env {\n    A = "1"\n  }\n  run = """\necho\n"""\n}\n',
        ),
        ('stage a { run = ["x" }\n', "Add the missing `]`", 'stage a { run = ["x"] }\n'),
        ("param x: list<string = []\n", "Add the missing `>`", "param x: list<string> = []\n"),
        ('stage a { run = "x }\n', "Close it with", 'stage a { run = "x" }\n'),
        (
            'stage a {\n  run = ["x", "#" # y\n  title = "t"\n}\n',
            "Add the missing `]`",
            'stage a {\n  run = ["x", "#"] # y\n  title = "t"\n}\n',
        ),
        ('stage a { run = """\n  x\n', "Close it with", 'stage a { run = """\n  x\n"""\n'),
        (
            'stage a { run = "x {{ run.id" }\n',
            "Close it with",
            'stage a { run = "x {{ run.id }}" }',
        ),
        ("timeout = 5m\n", "Put it into a", "policy { timeout = 5m }\n"),
        (
            "policy {\n  grace = 1s\n}\ntimeout = 5m # x\n",
            "Put it into a",
            "policy {\n  timeout = 5m,\n  grace = 1s\n}\n # x\n",
        ),
        ("level = 3\n", "Write `let", "let level = 3\n"),
        ("param x int\n", "Write `param", "param x: int\n"),
        ("let y = {{ 1 ? 2 : 3 }}\n", "Write `a if", "let y = {{ 2 if 1 else 3 }}\n"),
        ("let y = {{ p||q }}\n", "Write the operator", "let y = {{ p or q }}\n"),
        ("let y = 1.5h\n", "Write `1h30m`", "let y = 1h30m\n"),
        ("let y = 30m1h\n", "Write `1h30m`", "let y = 1h30m\n"),
        ("let y = 1.5GiB\n", "Write `1536MiB`", "let y = 1536MiB\n"),
        ("let y = 5 * 3\n", "Write `{{ 5 * 3 }}`", "let y = {{ 5 * 3 }}\n"),
        ("let y = {{ (1, 2) }}\n", "Write a list", "let y = {{ [1, 2] }}\n"),
        ('stage "a b" { run = "x" }\n', "Write `stage", 'stage a-b { run = "x" }\n'),
        ('secret "a b" { env = "X" }\n', "Write `secret", 'secret a_b { env = "X" }\n'),
        ('stage café { run = "x" }\n', "Write a name", 'stage cafe { run = "x" }\n'),
        ('stage a { run = "x" "y" }\n', "Put them into", 'stage a { run = ["x", "y"] }\n'),
        (
            READS + '{ run = "x", env = ["A=1", "B: 2"] }\n',
            "Write a map",
            READS + '{ run = "x", env = { A = "1", B = "2" } }\n',
        ),
        ("stage a { run = `x y` }\n", "Write a text", 'stage a { run = "x y" }\n'),
        (
            "stage a {\n  run = |\n    x\n}\n",
            "Put the lines",
            'stage a {\n  run = """\n    x\n  """\n}\n',
        ),
        ("stage a { run = <<E\nx\nE\n}\n", "Put the lines", 'stage a { run = """\nx\n"""\n}\n'),
        (
            'stage a {\n  needs:\n    - b\n    - c\n  run = "x"\n}\n',
            "Write it without dashes",
            'stage a {\n  needs = [b, c]\n  run = "x"\n}\n',
        ),
        (
            'stage a {\n  - run = "x"\n}\n',
            "Write it without dashes",
            'stage a {\n  run = "x"\n}\n',
        ),
        ("/* a\n * b */ let y = 1\n", "Begin it", "# a\n# b\nlet y = 1\n"),
        ('- a\nstage a { run = "x {{" }\n', "Delete the braces", '- a\nstage a { run = "x " }\n'),
    ],
)
def test_a_mending_is_what_one_would_write(
    wrong: str, title: str, right: str, tmp_path: Path
) -> None:
    """By example."""
    project = project_of(tmp_path)
    opened(project, wrong)
    found = [each for d in project.diagnostics(MAIN) for each in mendings(d, project.pieced)]
    chosen = next(each for each in found if each.title.startswith(title))
    assert edited(wrong, list(chosen.edits[MAIN])).startswith(right)


def test_an_editor_mends_by_itself_only_what_leaves_nothing_to_fill_in(tmp_path: Path) -> None:
    """A near miss is sure; a name that only the author knows isn't."""
    sure = {}
    for wrong in ('stage a { rnu = "x" }\n', 'stage { run = "x" }\n'):
        project = project_of(tmp_path)
        opened(project, wrong)
        found = [each for d in project.diagnostics(MAIN) for each in mendings(d, project.pieced)]
        sure[wrong] = [each.is_sure for each in found]
    assert list(sure.values()) == [[True], [False]]
