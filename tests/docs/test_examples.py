"""Every example of README.md and the manual compiles, so that what people copy works."""

from pathlib import Path

import pytest

from pipelines.spec_guard import Example, examples_of, judge, pages

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    example
    for page in pages(ROOT)
    if not page.startswith("docs/errors/")
    for example in examples_of(ROOT, page)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_an_example_compiles(example: Example) -> None:
    """It has no error; what it needs stands beside it on its page."""
    assert judge(example) == []


def test_examples_are_found_with_their_files_and_commands(tmp_path: Path) -> None:
    """Files, setup and arguments of a section reach its examples, and no other section's."""
    (tmp_path / "page.md").write_text(
        "## One\n```pipeline file=lib/a.pipeline\nA\n```\n```pipeline\nB\n```\n"
        "```sh\norch plan main.pipeline -p x=1 -p 'y=a b'\n```\n```pipeline\nC\n```\n"
        "## Two\n```sh setup\ntouch x\n```\n"
        "````\n## no heading\n```pipeline\nno example\n```\n````\n",
        encoding="utf-8",
    )
    first, second, third = examples_of(tmp_path, "page.md")
    assert dict(first.files) == {"lib/a.pipeline": "A\n", "main.pipeline": "B\n"}
    assert (dict(first.arguments), first.is_planned) == ({"x": "1", "y": "a b"}, True)
    assert (second.files["main.pipeline"], second.is_planned) == ("C\n", False)
    assert (third.section, third.setup, dict(third.files)) == ("Two", "touch x\n", {})
