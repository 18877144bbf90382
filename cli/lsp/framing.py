"""What an editor sends, a header and a message at a time, read no further than is sound.

pygls knows `Content-Length` in this spelling alone, and makes room for whatever it announces. The
names of headers are those of HTTP (LSP 3.17, "Header Part"), where case says nothing.
"""

import re
from typing import BinaryIO

MOST_BYTES = 128 * 2**20
"""Longest message: a file of 16 MiB, most of whose characters JSON writes in several."""

_LONGEST_LINE_BYTES = 8192
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(.*?)[ \t]*\r?\n", re.IGNORECASE)


class Framing:
    """Standard input as pygls reads it. `refusal` says why nothing more is read, if so; the input
    ends there then, as the end of a message that can't be told hides the next one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.refusal: str | None = None

    def readline(self, _limit: int = -1) -> bytes:
        """A line of a header, a length in the one spelling that is known."""
        if self.refusal is not None:
            return b""
        line = self._stream.readline(_LONGEST_LINE_BYTES)
        if len(line) == _LONGEST_LINE_BYTES and not line.endswith(b"\n"):
            self.refusal = f"a line of a header is longer than {_LONGEST_LINE_BYTES:,} bytes"
            return b""
        found = _LENGTH.fullmatch(line)
        if found is None:
            return line
        digits = found[1].lstrip(b"0") or b"0"
        if not digits.isdigit():
            self.refusal = "the length of a message is no number"
        elif len(digits) > len(str(MOST_BYTES)) or int(digits) > MOST_BYTES:
            self.refusal = f"a message is longer than {MOST_BYTES // 2**20} MiB"
        return b"" if self.refusal else b"Content-Length: %b\r\n" % digits

    def read(self, size: int = -1) -> bytes:
        """A message."""
        return self._stream.read(size)
