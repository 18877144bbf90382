"""Bytes become text: UTF-8, LF, no byte order mark, 16 MiB."""

import pytest

from orch.dsl.decode import decode_source
from orch.dsl.source import MOST_BYTES


def test_line_ends_and_byte_order_marks_leave_no_trace() -> None:
    """CRLF is LF; a lone CR and a mark further on stay for the lexer to judge."""
    source, found = decode_source("a", b"\xef\xbb\xbfa\r\nb\rc\xef\xbb\xbf\n")
    assert (source.path, source.text, found) == ("a", "a\nb\rc\ufeff\n", None)


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"ab\0c", 2),
        (b"\xff", 0),
        ("é\r\n€".encode() + b"\x80x", 3),
        (b"\xef\xbb\xbfa\xc3(", 1),
        (b"a\0\xff", 1),
        (b"a\xff\0", 1),
        (b"a\xed\xa0\x80", 1),
        (b"a\xe2\x82", 1),
    ],
)
def test_the_first_bad_byte_is_marked_as_a_character(data: bytes, at: int) -> None:
    """The span counts characters of the text as it is drawn."""
    source, found = decode_source("a", data)
    assert found is not None
    assert found.span is not None
    assert (found.code, found.span.start, found.span.end) == ("E0002", at, at + 1)
    assert found.span.end <= len(source.text)


def test_utf_16_is_named() -> None:
    """Editors of some systems write it."""
    _, found = decode_source("a", "let x = 1".encode("utf-16"))
    assert found is not None
    assert "UTF-16" in found.message


def test_files_up_to_16_mib_are_decoded() -> None:
    """One byte more has no place, and is not even decoded."""
    source, found = decode_source("a", b" " * MOST_BYTES)
    assert (len(source.text), found) == (MOST_BYTES, None)
    source, found = decode_source("a", b"\xff" * (MOST_BYTES + 1))
    assert found is not None
    assert (found.code, found.span, source.text) == ("E0003", None, "")
