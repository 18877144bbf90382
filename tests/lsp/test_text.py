"""What is told of a whole text: outline, folds, canonical form, words by their meaning, places."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.cli.lsp.completion import complete
from orch.cli.lsp.documents import Document, Edit
from orch.cli.lsp.hover import hover
from orch.cli.lsp.mentions import Names
from orch.cli.lsp.positions import UTF_8, UTF_16, UTF_32, Area, Place, Positions
from orch.cli.lsp.reformatting import formatted
from orch.cli.lsp.renaming import edited
from orch.cli.lsp.symbols import folds, outline, search
from orch.cli.lsp.tokens import TYPES, changed_part, coded
from orch.dsl.formatter import format_source
from orch.dsl.pieces import in_pieces
from orch.dsl.source import SourceFile
from tests.lsp.marked import MAIN, opened, project_of

ROOT = Path(__file__).parents[2]
TEXT = """# Two lines
# of comment.
pipeline p {
  title = "T"
}
param level: list<string> = [
  "a",
]
use "x.pipeline" as x { }
stage test {
  matrix { os = [1, 2] }
  run = \"\"\"
    echo {{ level | first }}
  \"\"\"
  values { version: string }
}
"""


def test_the_outline_has_blocks_with_their_axes_and_values() -> None:
    """In written order, with a word about each."""
    entries = outline(in_pieces(MAIN, TEXT))
    told = [(e.kind, e.name, e.detail, [i.name for i in e.entries]) for e in entries]
    assert told == [
        ("pipeline", "p", "", []),
        ("param", "level", "list<string>", []),
        ("use", "x", "x.pipeline", []),
        ("stage", "test", "", ["os", "version"]),
    ]
    assert TEXT[entries[3].name_span.start : entries[3].name_span.end] == "test"


def test_what_spans_lines_can_be_folded() -> None:
    """Blocks, lists, block strings, comments in a row."""
    told = [(fold.first, fold.last, fold.is_comment) for fold in folds(in_pieces(MAIN, TEXT))]
    assert told == [
        (0, 1, True), (2, 4, False), (5, 7, False), (9, 15, False), (11, 13, False)
    ]  # fmt: skip


def test_declarations_are_found_in_all_files(tmp_path: Path) -> None:
    """By a part of their name in any case, open or not."""
    project = project_of(tmp_path, part='stage Tester { run = "x" }\n', bad="stage {{{\n")
    opened(project, TEXT)
    found = [(place.path, place.name) for place in search(project, "TEST")]
    assert found == [(MAIN, "test"), ("part.pipeline", "Tester")]


def test_the_edit_of_the_formatter_leads_to_the_canonical_form() -> None:
    """It replaces no more than what differs; a broken text and a canonical one have none."""
    text = TEXT.replace("  title = ", "    title   =  ").replace("{ os = [1, 2] }", "{os=[1,2]}")
    change = formatted(in_pieces(MAIN, text))
    assert change is not None
    assert edited(text, [change]) == format_source(SourceFile(MAIN, text))[0]
    assert change[0].start > text.index("title") - 6
    assert change[0].end < text.index("values")
    assert formatted(in_pieces(MAIN, text + "stage {")) is None
    assert formatted(in_pieces(MAIN, edited(text, [change]))) is None


def test_each_word_is_coloured_by_what_it_means() -> None:
    """Names as what they stand for, wherever they stand."""
    found = {(word, kind) for _, word, kind in words(TEXT, UTF_16)}
    assert {
        ("stage", "keyword"), ("matrix", "keyword"), ("test", "function"), ("level", "variable"),
        ("list", "type"), ("os", "parameter"), ("run", "property"), ("first", "macro"),
        ("1", "number"), ('"T"', "string"), ("# Two lines", "comment"), ("version", "property"),
        ("    echo ", "string"), ("p", "namespace"),
    } <= found  # fmt: skip


def files() -> list[Path]:
    folders = ("pipelines", "tests/ui/cases", "docs")
    return sorted(path for each in folders for path in (ROOT / each).rglob("*.pipeline"))


def test_words_lie_apart_and_within_their_lines() -> None:
    """In every pipeline file of this repository."""
    assert len(files()) > 100
    for file in files():
        text = file.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        at = 0
        for start, word, _ in words(text, UTF_8):
            assert at <= start
            assert word
            assert "\n" not in word
            at = start + len(word)


def test_what_changed_of_the_words_is_told_alone() -> None:
    """A word more in one block: five numbers come, those of the word behind it go and come."""
    pieced = in_pieces(MAIN, TEXT)
    after, _ = pieced.edited(TEXT.replace("run =", "cwd = 'a'\n  run ="))
    old, new = coded(pieced, UTF_16), coded(after, UTF_16)
    start, gone, made = changed_part(old, new)
    assert [*old[:start], *made, *old[start + gone :]] == new
    assert len(made) - gone == 10
    assert gone < 5


def words(text: str, encoding: str) -> list[tuple[int, str, str]]:
    """The words as an editor reads them from the numbers: offset, text, kind."""
    positions = Positions(text, encoding)
    numbers = coded(in_pieces(MAIN, text), encoding)
    found: list[tuple[int, str, str]] = []
    line = unit = 0
    for at in range(0, len(numbers), 5):
        down, right, length, kind, _ = numbers[at : at + 5]
        line, unit = line + down, right if down else unit + right
        span = positions.span(Area(Place(line, unit), Place(line, unit + length)))
        found.append((span.start, text[span.start : span.end], TYPES[kind]))
    return found


def test_any_question_about_any_text_has_an_answer(tmp_path: Path) -> None:
    """At places of chance in texts that break off there, each by a choice of the dice."""
    dice = random.Random(6)
    project = project_of(tmp_path)
    asks: list[Callable[[int], object]] = [
        lambda at: hover(project, MAIN, at),
        lambda at: complete(project, MAIN, at),
        lambda at: Names(project).at(MAIN, at),
        lambda _: (folds(project.documents[MAIN].pieced), outline(project.documents[MAIN].pieced)),
        lambda _: coded(project.documents[MAIN].pieced, UTF_16),
    ]
    for file in dice.sample(files(), 40):
        text = file.read_bytes().decode("utf-8", "replace")
        at = dice.randrange(len(text) + 1)
        rest = dice.choice(["", "", text[at + dice.randrange(9) :]])
        project.open(MAIN, text[:at] + rest)
        for ask in asks:
            ask(at)


# -- places -------------------------------------------------------------------------


@given(
    st.text(st.sampled_from("ab\n\u00e9\U0001f600\u2028\t"), max_size=30),
    st.sampled_from([UTF_8, UTF_16, UTF_32]),
)
def test_a_place_and_its_offset_are_the_same(text: str, encoding: str) -> None:
    """There and back; and places count what the encoding counts."""
    positions = Positions(text, encoding)
    for offset in range(len(text) + 1):
        place = positions.place(offset)
        assert positions.offset(place) == offset
        line = text[:offset].rpartition("\n")[2]
        unit = {UTF_8: 1, UTF_16: 2, UTF_32: 4}[encoding]
        name = encoding if encoding == UTF_8 else f"{encoding}-le"
        assert place == Place(text.count("\n", 0, offset), len(line.encode(name)) // unit)


@pytest.mark.parametrize("place", [Place(0, 99), Place(7, 0), Place(7, 7)])
def test_a_place_beyond_the_text_is_its_end(place: Place) -> None:
    """Of the line, or of the text."""
    assert Positions("ab", UTF_16).offset(place) == 2


def test_an_edit_of_a_large_file_parses_one_block() -> None:
    """Of 1,000; line breaks of Windows are read as ours, and places stay what the editor counts."""
    text = "pipeline p { }\r\n" + "".join(
        f'stage s{n} {{\r\n  run = "echo {n}"\r\n}}\r\n' for n in range(1000)
    )
    document = Document(MAIN, text)
    assert "\r" not in document.text
    for typed in ("x", "\r\n", " = ", '"'):
        area = Area(Place(1505, 2), Place(1505, 2))
        assert document.apply([Edit(area, typed)]) == 1
    assert [diagnostic.code for diagnostic in document.shown] == ["E0103", "E0205"]
