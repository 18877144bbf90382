"""Texts in messages: one line, nothing invisible, no endless values."""

import pytest

from orch.dsl.shown import shown
from orch.dsl.suggest import did_you_mean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a b", "a b"),
        ("zoë 漢 😀", "zoë 漢 😀"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m\x07\x00\x7f\x9b", "\\u{1B}[31m\\u{7}\\u{0}\\u{7F}\\u{9B}"),
        ("a\u2028b\u202ec\udcff\ufeff", "a\\u{2028}b\\u{202E}c\\u{DCFF}\\u{FEFF}"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("\n" * 10_000_000, "\\n" * 59 + "…"),
    ],
)
def test_a_text_is_shown_on_one_line(text: str, expected: str) -> None:
    """Escapes are those of strings in a file."""
    assert shown(text) == expected


def test_what_no_line_can_show_is_not_proposed() -> None:
    assert did_you_mean("a\nb") is None
    assert did_you_mean("ab") == "did you mean `ab`?"
