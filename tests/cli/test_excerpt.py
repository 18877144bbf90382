"""Diagnostics as people see them: the golden drawings are the claim, read in their diff."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from orch.cli.excerpt import draw_diagnostic, draw_summary
from orch.cli.report_diagnostics import draw_diagnostics
from orch.cli.terminal import PLAIN, Terminal
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.source import SourceFile, Span

PIPELINE = """\
pipeline demo { }

stage fetch { run = "true" }

stage build {
\tneeds = [fetsh, "世界" ]  # wide
  run = \"\"\"
    make
    make install
  \"\"\"
}
"""


def source(text: str = PIPELINE, path: str = "pipelines/demo.pipeline") -> SourceFile:
    return SourceFile(path, text)


def span_of(text: str, part: str, nth: int = 0) -> Span:
    at = -1
    for _ in range(nth + 1):
        at = text.index(part, at + 1)
    return Span(at, at + len(part))


def diagnostic(
    span: Span | None,
    code: str = "E0201",
    label: str = "",
    help_text: str | None = None,
    related: tuple[Related, ...] = (),
) -> Diagnostic:
    message = "`build` needs `fetsh`, which is no stage, service or alias"
    return Diagnostic(code, message, "pipelines/demo.pipeline", span, label, help_text, related)


CORPUS = [
    path
    for path in sorted((Path(__file__).parents[1] / "ui" / "cases").glob("*.pipeline"))
    if not path.stem.startswith("_") and not re.search(rb"(?m)^#!", path.read_bytes())
]

LONG = 'x = "' + "a" * 200 + "BAD" + "b" * 200 + '"\n'
SCRIPT = PIPELINE[PIPELINE.index('"""') : PIPELINE.rindex('"""') + 3]
HOSTILE = 'title = "\x1b[2J\u202eevil\x07" bad\n'

CASES: dict[str, tuple[Diagnostic, str]] = {
    "a name": (
        diagnostic(
            span_of(PIPELINE, "fetsh"), label="not a stage", help_text="did you mean `fetch`?"
        ),
        PIPELINE,
    ),
    "behind a tab and wide characters": (diagnostic(span_of(PIPELINE, '"世界"')), PIPELINE),
    "several lines": (diagnostic(span_of(PIPELINE, SCRIPT), label="this script"), PIPELINE),
    "a related place in the same file": (
        diagnostic(
            span_of(PIPELINE, "build"),
            "E0202",
            "again here",
            related=(Related("first here", "pipelines/demo.pipeline", span_of(PIPELINE, "fetch")),),
        ),
        PIPELINE,
    ),
    "a related place on the same line": (
        diagnostic(
            span_of(PIPELINE, "fetsh"),
            related=(
                Related("wanted by this", "pipelines/demo.pipeline", span_of(PIPELINE, "needs")),
            ),
        ),
        PIPELINE,
    ),
    "a related place in another file": (
        diagnostic(
            span_of(PIPELINE, "fetsh"),
            related=(Related("used from here", "pipelines/lib/used.pipeline", Span(4, 7)),),
        ),
        PIPELINE,
    ),
    "no place": (diagnostic(None, "E0208", help_text="declare it:\nparam level: string"), PIPELINE),
    "the end of the file": (
        diagnostic(Span(len(PIPELINE), len(PIPELINE)), label="here"),
        PIPELINE,
    ),
    "the middle of a long line": (diagnostic(span_of(LONG, "BAD"), label="here"), LONG),
    "all of a long line": (diagnostic(Span(4, len(LONG) - 1), label="here"), LONG),
    "text that acts": (diagnostic(span_of(HOSTILE, "bad"), label="\x1b[31mred"), HOSTILE),
    "a lint": (diagnostic(span_of(PIPELINE, "make"), "W0703", "read twice"), PIPELINE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_diagnostic_looks_like_this(name: str, snapshot: SnapshotAssertion) -> None:
    """Each kind of place, drawn 72 cells wide without colours."""
    found, text = CASES[name]
    other = source('use "x"\n', "pipelines/lib/used.pipeline")
    drawn = draw_diagnostic(found, {found.path: source(text), other.path: other}, PLAIN, 72)
    assert f"\n{drawn}" == snapshot


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_of_wrong_pipelines_looks_like_this(
    path: Path, snapshot: SnapshotAssertion
) -> None:
    """Every case of tests/ui that needs no more than its file, as `orch check` draws it."""
    compilation = compile_pipeline(str(path.parent), path.name, Request(demand_arguments=False))
    drawn = draw_diagnostics(compilation.diagnostics, compilation.sources, 1, PLAIN)
    assert f"\n{drawn}" == snapshot


def test_colours_change_no_character() -> None:
    """Without its colour codes a coloured drawing is the plain one."""
    colored = Terminal(1, is_terminal=True, is_live=True, has_color=True)
    for found, text in CASES.values():
        sources = {found.path: source(text)}
        drawn = draw_diagnostic(found, sources, colored)
        assert "\x1b[" in drawn
        assert re.sub(r"\x1b\[[0-9;]*m", "", drawn) == draw_diagnostic(found, sources, PLAIN)


def test_ascii_terminals_get_ascii() -> None:
    """Where the encoding has no signs, orch draws none of its own."""
    ascii_only = Terminal(1, has_unicode=False, encoding="ascii")
    drawn = draw_diagnostic(
        diagnostic(span_of(LONG, "BAD")), {"pipelines/demo.pipeline": source(LONG)}, ascii_only, 60
    )
    assert drawn.isascii()


def terminal_cells(text: str) -> int:
    """What a terminal makes of printable text, counted apart from orch."""
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return len(text) + wide - marks


@given(st.text("ab 世界äö\u0301🙂", max_size=60), st.data())
def test_carets_stand_under_the_span(line: str, data: st.DataObject) -> None:
    """For every span of a line, wide and combining characters included, carets cover its cells."""
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    found = Diagnostic("E0101", "m", "f", Span(start, end))
    carets = draw_diagnostic(found, {"f": source(line, "f")}).split("\n")[4][len("1 | ") :]
    assert len(carets) - len(carets.lstrip()) == terminal_cells(line[:start])
    assert carets.strip() == "^" * max(1, terminal_cells(line[start:end]))


@given(st.text(max_size=200), st.data(), st.integers(1, 120))
def test_any_span_of_any_text_can_be_drawn(text: str, data: st.DataObject, width: int) -> None:
    """No text, span or window makes drawing fail or lets an acting character through."""
    file = source(text.replace("\r", "\n"), "f")
    start = data.draw(st.integers(0, len(file.text)))
    span = Span(start, data.draw(st.integers(start, len(file.text))))
    drawn = draw_diagnostic(Diagnostic("E0101", text, "f", span, text), {"f": file}, PLAIN, width)
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [c for c in drawn if c != "\n" and unicodedata.category(c) in acting]


def test_a_line_without_end_is_drawn_at_once() -> None:
    """Of a line of 16 MiB only the neighbourhood of the span is looked at."""
    file = source("x" * (16 << 20), "f")
    drawn = draw_diagnostic(Diagnostic("E0101", "m", "f", Span(9_000_000, 9_000_003)), {"f": file})
    assert "^^^" in drawn
    assert max(map(len, drawn.split("\n"))) <= 101


def test_at_most_fifty_are_drawn_and_errors_come_first() -> None:
    """What is not drawn is counted; lints make room for errors."""
    lints = [diagnostic(Span(at, at + 1), "W0701") for at in range(60)]
    error = diagnostic(Span(70, 71))
    drawn = draw_diagnostics([*lints, error], {error.path: source()}, 1, PLAIN)
    assert drawn.count(" --> ") == 50
    assert drawn.count("error[E0201]") == 1
    assert "and 11 more" in drawn
    assert "1 error, 60 warnings in 1 file\n" in drawn
    assert drawn.endswith("`orch explain E0201` says more about the first one\n")


def test_the_summary_counts() -> None:
    """Errors, warnings and files, each in its number."""
    error, lint = diagnostic(None), diagnostic(None, "W0701")
    assert draw_summary([error, error, lint], 1) == "2 errors, 1 warning in 1 file\n"
    assert draw_summary([lint], 2) == "1 warning in 2 files\n"
    assert draw_summary([], 3) == "no problems in 3 files\n"
