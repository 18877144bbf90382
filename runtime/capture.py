"""One stream of an attempt: its head and its last bytes in memory, all of it counted and logged.

The warden feeds a `StreamCapture`; what it holds crosses to orch as bytes, and `captured_stream`
makes text of it there. Both depend only on the bytes, never on how they were cut into reads.
"""

import os
from collections.abc import Sequence

from orch.runtime.attempt import CapturedStream

_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_CHARACTER_BYTES = 4


class LogFile:
    """A log that is made with its folders when the first byte comes, and never grows past its
    limit. The first failure is remembered in `error`; nothing is written after it.

    The file must not exist: an attempt has a folder of its own, so whatever is there, a link for
    one, was put there by somebody else.
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self.error: str | None = None
        self.unlogged_bytes = 0
        self._path = path
        self._room_bytes = limit_bytes
        self._fd: int | None = None

    def write(self, data: memoryview) -> None:
        fits = data[: self._room_bytes]
        self.unlogged_bytes += len(data) - len(fits)
        try:
            while fits:
                if self._fd is None:
                    self._fd = self._open()
                written = os.write(self._fd, fits)
                self._room_bytes -= written
                fits = fits[written:]
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
            self.unlogged_bytes += len(fits)
            self._room_bytes = 0

    def _open(self) -> int:
        try:
            return os.open(self._path, _LOG_FLAGS, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            return os.open(self._path, _LOG_FLAGS, 0o666)

    def close(self) -> None:
        """Close the file; a failure that only shows now (a network disk) counts as one."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            os.close(fd)
        except OSError as error:
            self.error = self.error or f"{self._path}: {error.strerror}"


class StreamCapture:
    """Takes a stream and holds at most its head and a ring of its last bytes.

    The head is half of `buffer_bytes`. The ring is the other half, or `error_bytes` where that is
    more, because the end of the stream is wanted in that length whatever the buffer is.
    """

    def __init__(self, buffer_bytes: int, error_bytes: int, log: LogFile) -> None:
        self.total_bytes = 0
        self._log = log
        self._head = bytearray()
        self._head_limit = buffer_bytes // 2
        self._ring = bytearray()
        self._ring_limit = max(buffer_bytes - self._head_limit, error_bytes)
        self._ring_start = 0

    def feed(self, data: memoryview) -> None:
        """Count, log and hold `data`, which may be reused as soon as this returns."""
        self.total_bytes += len(data)
        self._log.write(data)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._feed_ring(data[-self._ring_limit :])

    def _feed_ring(self, data: memoryview) -> None:
        """The ring grows to its limit; from then on its oldest byte is at `_ring_start`."""
        ring = self._ring
        room = self._ring_limit - len(ring)
        if room:
            ring += data[:room]
            data = data[room:]
        while data:
            start = self._ring_start
            piece = data[: len(ring) - start]
            ring[start : start + len(piece)] = piece
            self._ring_start = (start + len(piece)) % len(ring)
            data = data[len(piece) :]

    def held(self) -> tuple[memoryview, memoryview, memoryview]:
        """What is held, in order: the head, and the ring in two pieces."""
        ring = memoryview(self._ring)
        return memoryview(self._head), ring[self._ring_start :], ring[: self._ring_start]

    def last_line(self, limit_characters: int) -> str:
        """The last line with something in it, at most its last `limit_characters`."""
        head, older, newer = self.held()
        wanted = limit_characters * _LONGEST_CHARACTER_BYTES
        recent = (bytes(older[-wanted:]) + bytes(newer[-wanted:]))[-wanted:]
        if len(recent) < wanted and self.total_bytes == len(head) + len(older) + len(newer):
            recent = bytes(head[len(recent) - wanted :]) + recent
        recent = recent.rstrip(b"\r\n")
        line = recent[recent.rfind(b"\n") + 1 :]
        if len(line) == wanted:
            line = line[_broken_start(line) :]
        return line[: _broken_end(line)].decode("utf-8", "replace")[-limit_characters:]


def captured_stream(
    held: bytes, total_bytes: int, unlogged_bytes: int, buffer_bytes: int, error_bytes: int
) -> CapturedStream:
    """The stream as text. `held` is what a `StreamCapture` of the same limits held, in order.

    Bytes that are not UTF-8 are shown as U+FFFD. A character that a cut would halve is left out.
    """
    tail = held[max(len(held) - error_bytes, 0) :]
    if len(tail) < total_bytes:
        tail = tail[_broken_start(tail) :]
    if total_bytes <= buffer_bytes:
        return CapturedStream(
            held.decode("utf-8", "replace"),
            tail.decode("utf-8", "replace"),
            total_bytes,
            0,
            unlogged_bytes,
        )
    first = held[: buffer_bytes // 2]
    first = first[: _broken_end(first)]
    last = held[len(held) - (buffer_bytes - buffer_bytes // 2) :]
    last = last[_broken_start(last) :]
    missing = total_bytes - len(first) - len(last)
    marker = f"\n… {missing} bytes left out …\n"
    texts: Sequence[str] = [part.decode("utf-8", "replace") for part in (first, last)]
    return CapturedStream(
        marker.join(texts), tail.decode("utf-8", "replace"), total_bytes, missing, unlogged_bytes
    )


def _broken_start(data: bytes) -> int:
    """How many bytes at the beginning belong to a character that began before it."""
    n = 0
    while n < min(len(data), _LONGEST_CHARACTER_BYTES - 1) and data[n] & 0xC0 == 0x80:
        n += 1
    return n


def _broken_end(data: bytes) -> int:
    """Where a character begins that is cut off by the end; the length when none is."""
    for n in range(1, min(len(data), _LONGEST_CHARACTER_BYTES - 1) + 1):
        byte = data[-n]
        if byte & 0xC0 == 0x80:
            continue
        needed = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4
        is_lead = 0xC2 <= byte <= 0xF4
        return len(data) - n if is_lead and n < needed else len(data)
    return len(data)
