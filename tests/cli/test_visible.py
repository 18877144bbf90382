"""No text that went through `visible` can do anything to a terminal but stand in it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.cli.visible import (
    cells,
    cut,
    cut_middle,
    cut_pieces,
    visible,
    visible_line,
    visible_lines,
    width_of,
)

ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_nothing_visible_acts(text: str) -> None:
    """Whatever the text, what is shown holds no control, format or surrogate character."""
    for shown in (visible(text), visible_line(text), *visible_lines(text)):
        assert not [char for char in shown if unicodedata.category(char) in ACTING]


@given(st.text("\x1b[0;:9m\x1bA "))
def test_colours_are_dropped_and_nothing_else(text: str) -> None:
    """By the expression that says what sets them; what it doesn't take is shown, spelled out."""
    (shown,) = visible_lines(f"{text}.")
    assert shown == visible(re.sub(r"\x1b\[[0-9;:]*m", "", text)) + "."


@given(st.text())
def test_visible_is_idempotent(text: str) -> None:
    """What was made visible once stays as it is."""
    assert visible(visible(text)) == visible(text)


@given(st.text(), st.integers(0, 40))
def test_cut_never_takes_more_cells(text: str, width: int) -> None:
    """A cut text fits, wide characters counted as two cells."""
    assert width_of(cut(visible(text), width)) <= width


@given(st.lists(st.text()), st.integers(0, 40))
def test_cut_pieces_never_take_more_cells(texts: list[str], width: int) -> None:
    """A line of pieces fits as a whole."""
    pieces = [(visible(text), "bold") for text in texts]
    assert sum(width_of(piece[0]) for piece in cut_pieces(pieces, width)) <= width


@given(st.text())
def test_cells_are_as_wide_as_they_say(text: str) -> None:
    """The width told of every character is that of what is drawn for it."""
    for drawn, width in cells(text):
        assert width_of(drawn) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 世界", "plain äöü 世界"),
        ("\x1b[2Jgone", "^[[2Jgone"),
        ("a\x00\x7f\x9b", "a^@^?\\x9b"),
        ("a\u202eb\u2066c", "a\\u{202e}b\\u{2066}c"),
        ("line\u2028end", "line\\u{2028}end"),
        ("half \udc80", "half \\u{dc80}"),
        ("a\tb\nc", "a^Ib^Jc"),
    ],
)
def test_acting_characters_are_spelled_out(text: str, shown: str) -> None:
    """A reader sees that something was there, and what."""
    assert visible(text) == shown


def test_output_loses_colours_and_keeps_its_last_overwriting() -> None:
    """Colours vanish; of a progress bar the last state stays; CRLF ends a line."""
    output = "\x1b[1;31mred\x1b[0m\r\n10%\r50%\r100%\nlast\r\n"
    assert visible_lines(output) == ["red", "100%", "last"]


def test_tabs_stand_in_columns() -> None:
    """A tab reaches to the next multiple of four cells, wide characters counted."""
    assert visible_line("\ta\tb世\tc") == "    a   b世 c"


@given(st.text(max_size=40).filter(lambda text: "…" not in text), st.integers(0, 30))
def test_a_text_cut_in_the_middle_fits_and_keeps_its_ends(text: str, width: int) -> None:
    """However wide its characters are; what fits is left alone."""
    shown = visible(text)
    kept = cut_middle(shown, width)
    assert width_of(kept) <= width
    head, _, tail = kept.partition("…")
    assert kept == shown or not kept or (shown.startswith(head) and shown.endswith(tail))


def test_the_name_of_a_deep_stage_outlives_its_prefix() -> None:
    """Of a long id the end says which stage it is."""
    assert cut_middle("services.accounts.database.migrate", 20) == "servic…abase.migrate"
    assert cut_middle("build", 20) == "build"
