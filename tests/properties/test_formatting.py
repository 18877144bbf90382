"""Properties of formatting that hold for every file without syntax errors."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from orch.dsl.decode import decode_source
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile
from tests.dsl.canonical import check
from tests.dsl.written_files import files
from tests.properties.fuzzing import MINUTES

ROOT = Path(__file__).parents[2]
EXAMPLES = 100 + int(500 * MINUTES)


@settings(max_examples=EXAMPLES)
@given(files())
def test_the_canonical_form_says_the_same_once_and_for_all(text: str) -> None:
    """Blocks and comments are kept, the form of the form is itself, and bytes bring it back."""
    assume(not parse(SourceFile("m", text))[1])
    check(text)


def corpus() -> list[str]:
    """Every .pipeline file of the repository and every page with examples."""
    words = ("--cached", "--others", "--exclude-standard", "*.pipeline", "*.md")
    listed = subprocess.run(
        ["git", "ls-files", "-z", *words],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return sorted(path for path in listed if path and (ROOT / path).is_file())


@pytest.mark.parametrize("path", corpus())
def test_the_promises_hold_for_what_people_wrote(path: str) -> None:
    """Every sound file of the repository, and every sound example of its pages."""
    source, refusal = decode_source(path, (ROOT / path).read_bytes())
    texts = [source.text]
    if path.endswith(".md"):
        texts = re.findall(r"^```pipeline.*\n((?:.*\n)*?)```$", source.text, re.MULTILINE)
    for text in texts:
        if refusal is None and not parse(SourceFile(path, text))[1]:
            check(text)
