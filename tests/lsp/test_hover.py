"""What is said of a word where the pointer rests: types, words, values, what is in force."""

from pathlib import Path

import pytest

from orch.cli.lsp.hover import hover
from orch.cli.lsp.wording import FUNCTION_WORDS
from orch.compiler.functions import FILTERS, FUNCTIONS
from tests.lsp.marked import MAIN, opened, project_of, text_at

PART = 'param x: int\n# Looks for\n# mistakes.\nstage lint { run = "echo {{ x }}" }\n'
TEXT = """pipeline demo { }
use "part.pipeline" as part { with { x = {{ 3 + 4 }} } }
# How much.
param level: string = "full" { in = ["full", "quick"], help = "How much to test" }
param n: int
let wait = {{ [30s, 64KiB] }}
policy { timeout = 3m }
stage test {
  matrix { python = ["3.11", "3.12"], suite = ["a", "b"] }
  timeout = 10m
  run     = "echo {{ matrix.python }}"
  values { version: string }
}
stage b {
  needs = [test[suite="a"], part.lint]
  run   = "echo {{ level | upper }} {{ wait }} {{ n }} {{ stages.test.values.version }}"
}
"""


@pytest.mark.parametrize(
    ("before", "word", "said"),
    [
        ('b {\n  needs = [test[suite="a"], part.', "lint", ["stage lint", "Looks for mistakes."]),
        ("needs = [", "test", ["stage test", "4 combinations: `python=3.11,suite=a`"]),
        ("needs = [", "test", ["- `timeout = 10m` from main.pipeline:10"]),
        ("needs = [test[", "suite", ['suite = ["a", "b"]', 'Values: `"a"` `"b"`']),
        ("echo {{ ", "level", ["param level: string", "How much.", "How much to test"]),
        ("echo {{ ", "level", ['Value: `"full"`']),
        ("}} {{ ", "wait", ["let wait", "Value: `[30s, 64KiB]`"]),
        ("}} {{ wait }} {{ ", "n", ["param n: int", "Value: `known with an argument only`"]),
        ("with { ", "x", ["param x: int", "Value in `part`: `7`"]),
        ("level | ", "upper", ["filter: capital letters"]),
        ("{{ matrix.", "python", ['Values: `"3.11"` `"3.12"`']),
        ("stages.test.values.", "version", ["version: string"]),
        ('suite = ["a", "b"] }\n  ', "timeout", ["one attempt", "Default: `30m`"]),
        ('suite = ["a", "b"] }\n  ', "timeout", ["In force: `10m`, from main.pipeline:10"]),
        ("policy { ", "timeout", ["In force: `3m`, from main.pipeline:7"]),
        ("test {\n  ", "matrix", ["one stage for every combination"]),
        ("\n", "stage", ["a node of the graph: one command"]),
        ('use "', "part.pipeline", ["the file `part.pipeline`", "Declares `x` `lint`"]),
    ],
)
def test_a_word_is_explained(before: str, word: str, said: list[str], tmp_path: Path) -> None:
    """At its beginning and at its end alike, and for the word alone."""
    project = project_of(tmp_path, part=PART)
    text = TEXT.replace("wait = {{ [30s, 64KiB] }}", "wait = [30s, 64KiB]")
    opened(project, text)
    start = text.index(before + word) + len(before)
    for offset in (start, start + len(word)):
        found = hover(project, MAIN, offset)
        assert found is not None
        assert text_at(project, MAIN, found.span) == word
        assert [part for part in said if part not in found.text] == []


def test_nothing_is_said_of_what_is_no_word(tmp_path: Path) -> None:
    """An empty line, a brace, a number; and names that nobody declares."""
    project = project_of(tmp_path)
    text = 'pipeline p { }\n\nstage a { needs = [nobody], run = "{{ nothing }}", timeout = 5m }\n'
    opened(project, text)
    for word in ("\n\n", "}\n", "5m", "nobody", "nothing"):
        assert hover(project, MAIN, text.index(word) + 1) is None


def test_every_filter_and_function_has_words() -> None:
    """And nothing else has."""
    assert FUNCTION_WORDS.keys() == FILTERS.keys() | FUNCTIONS.keys()
