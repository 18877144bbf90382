"""A mending takes away what it was proposed for: held against every case of tests/ui."""

from pathlib import Path

import pytest

from orch.cli.lsp.mending import Mending, mending
from orch.cli.lsp.renaming import edited
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import in_pieces
from orch.dsl.suggest import proposed_word
from tests.lsp.marked import MAIN, opened, project_of
from tests.ui.test_ui import cases

READS = 'stage a { run = "x" }\nstage b '
LEAST_MENDED = 120
"""So many diagnostics of the cases have a mending at least; 218 have a help."""


def checked(main: Path, texts: dict[str, str]) -> Compilation:
    encoded = {path: text.encode() for path, text in texts.items()}
    request = Request(demand_arguments=False, texts=encoded)
    return compile_pipeline(main.parent, main.name, request)


def mended(compilation: Compilation, diagnostic: Diagnostic) -> Mending | None:
    source = compilation.sources.get(diagnostic.path)
    return None if source is None else mending(in_pieces(diagnostic.path, source.text), diagnostic)


def test_what_is_mended_is_said_no_more() -> None:
    """Each mending alone, in a text with whatever else is wrong with it: of its diagnostic there is
    one less. Every near miss has one."""
    count = 0
    for main in cases():
        before = checked(main, {})
        said = [(d.code, d.message) for d in before.diagnostics]
        for diagnostic in before.diagnostics:
            found = mended(before, diagnostic)
            if found is None:
                assert diagnostic.span is None or proposed_word(diagnostic.help) is None
                continue
            count += 1
            text = edited(before.sources[diagnostic.path].text, list(found.edits))
            after = checked(main, {diagnostic.path: text})
            left = [(d.code, d.message) for d in after.diagnostics]
            this = (diagnostic.code, diagnostic.message)
            assert left.count(this) < said.count(this), (main.name, diagnostic, found)
    assert count >= LEAST_MENDED


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
        ("param x\nlet y = {{ x }}\n", "Write `param x: string`", "param x: string\n"),
    ],
)
def test_a_mending_is_what_one_would_write(
    wrong: str, title: str, right: str, tmp_path: Path
) -> None:
    """By example."""
    project = project_of(tmp_path)
    opened(project, wrong)
    found = [mending(project.documents[MAIN].pieced, d) for d in project.diagnostics(MAIN)]
    (chosen,) = [each for each in found if each is not None and each.title.startswith(title)]
    assert edited(wrong, list(chosen.edits)).startswith(right)
