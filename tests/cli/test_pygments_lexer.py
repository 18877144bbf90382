"""Pipeline files in colour: nothing is lost, nothing sound is an error, and everyone finds it."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, _TokenType
from rich.console import Console
from rich.markdown import Markdown
from rich.syntax import Syntax

from orch.cli.pygments_lexer import PipelineLexer
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from pipelines.spec_guard import examples_of, pages

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "pipelines").rglob("*.pipeline")),
    *sorted((ROOT / "docs").rglob("*.pipeline")),
    *sorted((ROOT / "tests/plans/corpus").rglob("*.pipeline")),
]
CASES = sorted((ROOT / "tests/ui/cases").rglob("*.pipeline"))
PAGES = [page for page in pages(ROOT) if not page.startswith("docs/errors/")]


def pieces(text: str) -> list[tuple[str, str]]:
    """Kinds without `Token.`, and texts; their places are held to be right."""
    found = list(PipelineLexer().get_tokens_unprocessed(text))
    at = 0
    for start, _, piece in found:
        assert start == at
        at += len(piece)
    assert "".join(piece for _, _, piece in found) == text
    return [(name_of(kind), piece) for _, kind, piece in found]


def name_of(kind: _TokenType) -> str:
    return ".".join(kind)


def errors(text: str) -> list[str]:
    return [piece for kind, piece in pieces(text) if kind == name_of(Error)]


def colour(text: str, piece: str) -> str:
    """The kind of the one piece that has this text."""
    (kind,) = {kind for kind, each in pieces(text) if each == piece}
    return kind


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_ours_holds_no_error_and_loses_nothing(path: Path) -> None:
    """The pipelines that the repository runs, draws and plans."""
    assert errors(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_hold_no_error(page: str) -> None:
    """Each file of README.md and the manual, faulty only where a comment says so."""
    for example in examples_of(ROOT, page):
        for text in example.files.values():
            assert "E01" in text or errors(text) == []


def test_cases_hold_errors_only_where_the_compiler_finds_no_token() -> None:
    """Whatever is wrong with a file, all of it is shown; what can be read is no error."""
    found = 0
    for path in CASES:
        text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        root, name = path.parent, path.name
        if errors(text.replace("\r", "\n")):
            found += 1
            told = {each.code for each in compile_pipeline(str(root), name, Request()).diagnostics}
            assert told & {"E0002", "E0103", "E0104", "E0105", "E0107", "E0502"}, path.name
    assert found >= 3


@given(st.text(alphabet="ab =\"'{}[]()\\\n#:;.,|$é1m-", max_size=60))
def test_any_text_is_told_piece_by_piece(text: str) -> None:
    """The pieces join to the text, whatever it is."""
    pieces(text)
    pieces(f'stage a {{ run = "{text}" }}')


STAGE = """\
stage show-it {
  needs = [build, test[suite = "unit"]]
  when  = {{ params.level | lower == "full" and not lets.is_off }}
  retry { attempts = 3, on = [timeout, exit(75)], factor = 1.5 }
  env   { MODE = "a\\tb {{ glob("*") }}" }
  values { version: string }
  run   = "if true; then echo \\"{{ name }}\\"; fi"
}
"""


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        ("stage", "Keyword.Declaration"),
        ("show-it", "Name.Class"),
        ("needs", "Name.Attribute"),
        ("build", "Name"),
        ("params", "Name.Builtin"),
        ("level", "Name.Attribute"),
        ("lower", "Name.Function"),
        ("glob", "Name.Function"),
        ("and", "Operator.Word"),
        ("retry", "Keyword"),
        ("timeout", "Name.Builtin"),
        ("exit", "Name.Builtin"),
        ("75", "Literal.Number.Integer"),
        ("1.5", "Literal.Number.Float"),
        ("MODE", "Name.Variable"),
        ("\\t", "Literal.String.Escape"),
        ("version", "Name.Variable"),
        ("string", "Keyword.Type"),
        ("then", "Keyword"),
        ("name", "Name.Variable"),
        ("{{", "Literal.String.Interpol"),
    ],
)
def test_a_piece_has_the_colour_of_what_it_is(piece: str, kind: str) -> None:
    """Words by what they mean where they stand, scripts as their shell reads them."""
    assert colour(STAGE, piece) == kind


def test_a_name_behind_a_value_begins_anew() -> None:
    """Nothing but white space need stand between two settings, or two blocks."""
    assert colour("stage a { shell = bash run = 'x' }", "run") == "Name.Attribute"
    assert colour("let a = b\nstage c { }", "stage") == "Keyword.Declaration"
    assert colour("param a: int\nsecret C", "secret") == "Keyword.Declaration"
    assert colour('use "a" as b\nsecret C', "C") == "Name.Class"


@pytest.mark.parametrize(
    ("shell", "kind"),
    [("python", "Name.Builtin"), ("node", "Name.Other"), ("sh", "Text"), ("other", "Text")],
)
def test_a_script_is_coloured_as_its_shell_says(shell: str, kind: str) -> None:
    """Wherever in its stage the shell is set, and in no other stage."""
    stage = f"stage a {{ run = 'print' shell = {shell} }}"
    assert colour(stage, "print") == kind
    after = pieces(stage + "stage b { run = 'fi' }")
    assert ("Keyword", "fi") in after


def test_an_escape_belongs_to_what_the_shell_reads() -> None:
    """An escaped quote opens a string of the shell's, with the template in it still a template."""
    text = r'stage a { run = "echo \"a {{ b }}\" c" }'
    assert colour(text, r"\"a ") == "Literal.String.Double"
    assert colour(text, "b") == "Name.Variable"
    assert colour(text, "c") == "Text"


def test_pygments_finds_the_lexer_by_name_and_by_file() -> None:
    """So does Sphinx, which asks for the language of a code block."""
    assert type(get_lexer_by_name("pipeline")) is PipelineLexer
    assert type(get_lexer_for_filename("some/where.pipeline")) is PipelineLexer


def test_rich_shows_a_pipeline_in_colour(tmp_path: Path) -> None:
    """A file by its name, and a block of Markdown by its mark."""
    (tmp_path / "a.pipeline").write_text(STAGE, encoding="utf-8")
    syntax = Syntax.from_path(str(tmp_path / "a.pipeline"))
    assert type(syntax.lexer) is PipelineLexer
    plain, drawn = io.StringIO(), io.StringIO()
    for stream, fence in ((plain, "text"), (drawn, "pipeline")):
        console = Console(file=stream, force_terminal=True, color_system="truecolor")
        console.print(Markdown(f"```{fence}\n{STAGE}```"))
    assert drawn.getvalue().count("\x1b[") > 2 * plain.getvalue().count("\x1b[")


def test_whoever_colours_other_files_pays_little() -> None:
    """Pygments imports every lexer that is registered when it looks for one."""
    program = (
        "import sys, orch.cli.pygments_lexer;"
        "print([name for name in ('lark', 'jinja2', 'click', 'rich', 'pydantic')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
