"""Every example of README.md and docs/ compiles, so that what people copy works."""

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
def test_an_example_yields_what_it_says(example: Example) -> None:
    """Nothing, lints included, but the codes that comments on its lines name."""
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
    library, first, second = examples_of(tmp_path, "page.md")
    assert (library.entry, dict(library.files)) == ("lib/a.pipeline", {"lib/a.pipeline": "A\n"})
    assert dict(first.files) == {"lib/a.pipeline": "A\n", "main.pipeline": "B\n"}
    assert (dict(first.arguments), first.is_planned) == ({"x": "1", "y": "a b"}, True)
    assert (second.files["main.pipeline"], second.is_planned) == ("C\n", False)


STAGE = 'stage build { run = "make" }\n'
WHOLE = "pipeline demo { }\n" + STAGE


def judged(tmp_path: Path, *blocks: str) -> list[str]:
    """What is found wrong with a page that holds these blocks, without the page's name."""
    text = "".join(f"```pipeline{block}```\n" for block in blocks)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    found = [finding for each in examples_of(tmp_path, "page.md") for finding in judge(each)]
    return [finding.removeprefix("page.md:") for finding in found]


def test_a_fragment_needs_no_pipeline_and_no_use(tmp_path: Path) -> None:
    """A stage alone, or a parameter alone, can be shown; a whole file has to use what it has."""
    unused = "let a = 1\n"
    assert judged(tmp_path, "\n" + STAGE, "\n" + unused) == []
    assert judged(tmp_path, "\n" + WHOLE + unused) == [
        "1: W0701 is said, not marked, line 3 of main.pipeline"
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("stage test { needs = [biuld] run = 'make test' }", "E0201"),
        ("stage test { needs = [build] run = 'x' 'y' }", "E0101"),
        ("""stage test { run = "eval {{ 'a' }}" }""", "W0703"),
    ],
)
def test_a_faulty_example_is_found_unless_it_says_so(tmp_path: Path, line: str, code: str) -> None:
    """Errors and lints alike, in whole files, fragments and files that others use."""
    for info, start, path in (
        ("\n", WHOLE, "main.pipeline"),
        ("\n", STAGE, "main.pipeline"),
        (" file=lib/a.pipeline\n", STAGE, "lib/a.pipeline"),
    ):
        number = start.count("\n") + 1
        assert judged(tmp_path, f"{info}{start}{line}\n") == [
            f"1: {code} is said, not marked, line {number} of {path}"
        ]
        assert judged(tmp_path, f"{info}{start}{line} # {code}\n") == []


def test_a_code_is_marked_on_its_own_line(tmp_path: Path) -> None:
    """A mark on another line, or for nothing, is a finding of its own."""
    assert judged(tmp_path, f"\n# W0704\n{STAGE}stage test {{ needs = [biuld] run = 'x' }}\n") == [
        "1: W0704 is marked, not said, line 1 of main.pipeline",
        "1: E0201 is said, not marked, line 3 of main.pipeline",
    ]


def test_marks_in_used_files_count(tmp_path: Path) -> None:
    """What is wrong in a used file is marked there, once."""
    broken = "\nstage test { needs = [gone] run = 'x' } # E0201\n"
    use = ' \npipeline demo { }\nuse "a.pipeline" as a { }\n'
    assert judged(tmp_path, f" file=a.pipeline{broken}", use) == []
