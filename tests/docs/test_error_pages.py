"""Every diagnostic code has a page, and the page tells the truth: its example and its repair."""

from pathlib import Path

import pytest

from orch.dsl.catalogue import CODES, page
from pipelines.spec_guard import NOT_COMPILED, examples_of, said_of

ROOT = Path(__file__).parents[2]


def test_every_code_has_one_page_and_no_page_stands_alone() -> None:
    """The catalogue and docs/errors hold the same codes."""
    assert sorted(CODES) == sorted(path.stem for path in (ROOT / "docs" / "errors").glob("*.md"))


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_the_shape_of_all_pages(code: str) -> None:
    """Headline as in the catalogue, one paragraph of cause, an example, a repair; and the command
    finds it."""
    text = (ROOT / "docs" / "errors" / f"{code}.md").read_text(encoding="utf-8")
    headline, _blank, cause, *_rest = text.split("\n")
    assert headline == f"# {code}: {CODES[code]}"
    assert len(cause) > 80
    headings = [line for line in text.split("\n") if line.startswith("## ")]
    assert headings == ["## Example", "## Repair"]
    assert page(code) == text


@pytest.mark.parametrize("code", [code for code in CODES if code not in NOT_COMPILED])
def test_an_example_yields_exactly_its_code(code: str) -> None:
    """One diagnostic, lints counted, for the example; none for the repair."""
    examples = list(examples_of(ROOT, f"docs/errors/{code}.md"))
    assert [example.section for example in examples] == ["Example", "Repair"]
    broken, mended = examples
    assert said_of(broken) == [code]
    assert said_of(mended) == []


@pytest.mark.parametrize("code", NOT_COMPILED)
def test_an_example_that_no_compilation_judges_is_clean_for_the_compiler(code: str) -> None:
    """What only ShellCheck finds is a valid pipeline before and after."""
    examples = list(examples_of(ROOT, f"docs/errors/{code}.md"))
    assert [example.section for example in examples] == ["Example", "Repair"]
    assert [said_of(example) for example in examples] == [[], []]
