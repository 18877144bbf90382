"""From bytes to text: UTF-8 only, LF only, no byte order mark, 16 MiB at most (E0002, E0003).

And back again, for who writes a file anew.
"""

from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import MOST_BYTES, SourceFile, Span

_BYTE_ORDER_MARK = "\ufeff"


def decode_source(path: str, data: bytes) -> tuple[SourceFile, Diagnostic | None]:
    """The text of the file `path`, and what is wrong with its bytes, if anything is.

    A file with a diagnostic must not be parsed. Its `SourceFile` is there to be drawn: bytes that
    are no UTF-8 stand in it as U+FFFD, and a file that is too large has an empty text.
    """
    if len(data) > MOST_BYTES:
        return SourceFile(path, ""), Diagnostic(
            "E0003",
            "the file is larger than 16 MiB",
            path,
            None,
            help="divide it: `use` brings one pipeline file into another",
        )
    bad = data.find(b"\0")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", errors="replace")
        bad = error.start if bad < 0 else min(bad, error.start)
    source = SourceFile(path, _normalise(text))
    if bad < 0:
        return source, None
    # Up to the first bad byte all bytes are valid, as the decoder stops at the first that isn't.
    at = len(_normalise(data[:bad].decode("utf-8")))
    return source, _bad_byte(path, data, bad, Span(at, at + 1))


def _normalise(text: str) -> str:
    return text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n")


def _bad_byte(path: str, data: bytes, bad: int, span: Span) -> Diagnostic:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Diagnostic(
            "E0002", "the file is UTF-16, not UTF-8", path, span, help="save it as UTF-8"
        )
    if data[bad] == 0:
        return Diagnostic("E0002", "the file holds a NUL byte", path, span, label="NUL")
    return Diagnostic(
        "E0002",
        f"the file is not UTF-8: the byte 0x{data[bad]:02x} is out of place",
        path,
        span,
        label="not UTF-8",
        help="save the file as UTF-8",
    )


def encode_source(text: str) -> bytes:
    """The bytes of a file that `decode_source` reads as this text."""
    # A carriage return of the text before a line end would be taken for a part of the line end.
    return text.replace("\r\n", "\r\r\n").encode()
