"""What an editor sends, read no further than is sound, and what it is sent, while it listens.

pygls knows `Content-Length` in this spelling alone, and makes room for whatever it announces. The
names of headers are those of HTTP (LSP 3.17, "Header Part"), where case says nothing.
"""

import re
from typing import BinaryIO

MOST_BYTES = 128 * 2**20
"""Longest message: a file of 16 MiB, most of whose characters JSON writes in several."""

_LONGEST_LINE_BYTES = 8192
_LONGEST_HEADER_BYTES = 65_536
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(.*?)[ \t]*\r?\n", re.IGNORECASE)


class Framing:
    """Standard input as pygls reads it. `refusal` says why nothing more is read, if so; the input
    ends there then, as the end of a message that can't be told hides the next one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._header_bytes = 0
        self._length: bytes | None = None
        """Of the header that is being read."""
        self.refusal: str | None = None

    def readline(self, _limit: int = -1) -> bytes:
        """A line of a header, a length in the one spelling that is known."""
        if self.refusal is not None:
            return b""
        line = self._stream.readline(_LONGEST_LINE_BYTES)
        self._header_bytes += len(line)
        if line.strip():
            line = self._header_line(line)
        elif line and self._length is None and self._header_bytes > len(line):
            self.refusal = "a message has no length"
        else:
            self._header_bytes, self._length = 0, None
        return b"" if self.refusal else line

    def read(self, size: int = -1) -> bytes:
        """A message."""
        return self._stream.read(size)

    def _header_line(self, line: bytes) -> bytes:
        found = _LENGTH.fullmatch(line)
        if len(line) == _LONGEST_LINE_BYTES and not line.endswith(b"\n"):
            self.refusal = f"a line of a header is longer than {_LONGEST_LINE_BYTES:,} bytes"
        elif self._header_bytes > _LONGEST_HEADER_BYTES:
            self.refusal = f"a header is longer than {_LONGEST_HEADER_BYTES // 1024} KiB"
        if found is None or self.refusal:
            return line
        digits = found[1].lstrip(b"0") or found[1][-1:]
        if not digits.isdigit():
            self.refusal = "the length of a message is no number"
        elif len(digits) > len(str(MOST_BYTES)) or int(digits) > MOST_BYTES:
            self.refusal = f"a message is longer than {MOST_BYTES // 2**20} MiB"
        elif self._length not in (None, digits):
            self.refusal = "a message has two lengths"
        self._length = digits
        return b"Content-Length: %b\r\n" % digits


class Answers:
    """Standard output as pygls writes to it: where an editor is gone, nothing is said any more."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._is_gone = False

    def write(self, data: bytes) -> int:
        """Write all of it, and at once."""
        if not self._is_gone:
            try:
                self._stream.write(data)
                self._stream.flush()
            except OSError:
                self._is_gone = True
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """The program ends with it."""
