"""Whatever a file holds, a compilation ends with diagnostics or a plan, never with an exception."""

import random
import shutil
import time
from pathlib import Path

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.catalogue import CODES
from orch.dsl.diagnostics import Diagnostic

TESTS = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("ui/cases", "plans/corpus")
    for path in (TESTS / folder).rglob("*.pipeline")
    if path.stat().st_size < 10_000 and "too_large" not in path.name
)
PIECES = (
    "{", "}", "[", "]", "(", ")", '"', "'", '"""', "{{", "}}", "=", ",", ":", "..", ".", "\n", "#",
    "stage", "use", "matrix", "needs", "when", "policy", "as", "3", "5m", "-1", "64KiB", "true",
    "params.level", "stages.build.status", "\u00e9", "\U0001f600", "\\", "$(", "<<END", "exit(7)",
    "{{ range(0, 9999) }}", "9999999999999999999999", "0.5", "''", "[[1]]", "{ a = 1 }",
)  # fmt: skip


LONGEST_MESSAGE = 1_000


def mutated(text: str, dice: random.Random) -> str:
    for _ in range(dice.randint(1, 5)):
        at = dice.randint(0, len(text))
        to = min(len(text), at + dice.randint(0, 25))
        match dice.randint(0, 3):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + dice.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + dice.choice(PIECES) + text[to:]
            case _:
                other = dice.randint(0, len(text))
                text = text[:other] + text[at:to] + text[other:]
    return text


def check_words(diagnostic: Diagnostic) -> None:
    """Every text of it is one line that can be shown as it is; the message is a sentence."""
    message = diagnostic.message
    assert message, diagnostic
    assert not message[0].isupper(), message
    assert not message.endswith("."), message
    related = [place.message for place in diagnostic.related]
    for text in (message, diagnostic.label, diagnostic.help or "", *related):
        assert text.isprintable(), text
        assert len(text) <= LONGEST_MESSAGE, text


def check(compilation: Compilation) -> None:
    """What every outcome promises."""
    places = []
    for diagnostic in compilation.diagnostics:
        assert diagnostic.code in CODES
        span = diagnostic.span
        if span is not None:
            text = compilation.sources[diagnostic.path].text
            assert 0 <= span.start <= span.end <= len(text), diagnostic
        places.append((diagnostic.path, -1 if span is None else span.start))
        for related in diagnostic.related:
            assert related.path in compilation.sources
        check_words(diagnostic)
    assert places == sorted(places)
    has_error = any(diagnostic.is_error for diagnostic in compilation.diagnostics)
    assert compilation.plan is None or not has_error


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_mutated_file_gets_diagnostics_or_a_plan(source: Path, tmp_path: Path) -> None:
    """Cut, doubled, moved and spiked at random, the same way each time."""
    root = tmp_path / "project"
    shutil.copytree(source.parent, root, symlinks=True)
    text = source.read_text(encoding="utf-8", errors="replace")
    dice = random.Random(source.name)
    for number in range(12):
        (root / source.name).write_text(mutated(text, dice), encoding="utf-8")
        request = Request(demand_arguments=number % 2 == 0)
        begun = time.monotonic()
        check(compile_pipeline(str(root), source.name, request))
        assert time.monotonic() - begun < 30
