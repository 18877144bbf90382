"""One stream of an attempt: its head and its last bytes in memory, all of it counted and logged.

The warden feeds a `StreamCapture`; what it holds crosses to orch as bytes, and `captured_stream`
makes text of it there. Both depend only on the bytes, never on how they were cut into reads. Where
secrets are masked that comes first: nothing is held or logged that was not masked.
"""

import errno
import fcntl
import os

from orch.dsl.type_names import TYPE_CHECKING
from orch.runtime import system
from orch.runtime.attempt import NOTHING_CAPTURED, CapturedStream

if TYPE_CHECKING:
    from orch.runtime.mask import Mask

_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_CHARACTER_BYTES = 4
# `stages/SLUG/ATTEMPT`, below the run directory.
_OWN_FOLDERS = 3
_SMALL_REGION_BYTES = 4096


class LogFile:
    """A log that is made with its folders when the first byte comes, and never grows past its
    limit. The first failure is remembered in `error`; nothing is written after it.

    An attempt has a folder of its own, so whatever stands under the log's name is removed, never
    followed: a link that somebody put there, or the log of an attempt that no journal knows of,
    because the power failed before its start was durable.
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
                written = system.write(self._fd, fits)
                self._room_bytes -= written
                fits = fits[written:]
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
            self.unlogged_bytes += len(fits)
            self._room_bytes = 0

    def _open(self) -> int:
        """Raises OSError, also where one of the run's own folders has been made a link."""
        folder = self._path
        for _ in range(_OWN_FOLDERS):
            folder = os.path.dirname(folder)
            if os.path.islink(folder):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
        try:
            return system.open_fd(self._path, _LOG_FLAGS, 0o666)
        except FileNotFoundError:
            system.make_folders(os.path.dirname(self._path), exist_ok=True)
        except FileExistsError:
            system.remove(self._path)
        return system.open_fd(self._path, _LOG_FLAGS, 0o666)

    def close(self) -> None:
        """Close the file; a failure that only shows now (a network disk) counts as one."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            os.close(fd)
        except OSError as error:
            self.error = self.error or f"{self._path}: {error.strerror}"


def widen_pipe(fd: int, size_bytes: int) -> None:
    """Let a pipe hold so much, where the system allows it: who floods it, and who reads it, then
    wait for each other less often."""
    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size_bytes)
    except (OSError, AttributeError):
        pass


class _Region:
    """At most `limit_bytes` of bytes, in one allocation of that size unless they are few."""

    def __init__(self, limit_bytes: int) -> None:
        self.used_bytes = 0
        self._limit_bytes = limit_bytes
        self._bytes = bytearray()

    def append(self, data: memoryview) -> memoryview:
        """Take what fits and return the rest."""
        start = self.used_bytes
        fits = data[: self._limit_bytes - start]
        end = start + len(fits)
        if end > len(self._bytes):
            is_small = end <= _SMALL_REGION_BYTES
            size = min(_SMALL_REGION_BYTES, self._limit_bytes) if is_small else self._limit_bytes
            larger = bytearray(size)
            larger[:start] = self._bytes[:start]
            self._bytes = larger
        memoryview(self._bytes)[start:end] = fits
        self.used_bytes = end
        return data[len(fits) :]

    def overwrite(self, start: int, data: memoryview) -> int:
        """Put what fits between `start` and the end in place; returns how much that was."""
        fits = data[: self.used_bytes - start]
        memoryview(self._bytes)[start : start + len(fits)] = fits
        return len(fits)

    def view(self) -> memoryview:
        return memoryview(self._bytes)[: self.used_bytes]


class StreamCapture:
    """Takes a stream and holds at most its head and a ring of its last bytes.

    The head is half of `buffer_bytes`. The ring is the other half, or `error_bytes` where that is
    more, because the end of the stream is wanted in that length whatever the buffer is.
    """

    def __init__(
        self, buffer_bytes: int, error_bytes: int, log: LogFile, mask: "Mask | None" = None
    ) -> None:
        self.total_bytes = 0
        """What the command wrote."""
        self.shown_bytes = 0
        """What is left of it where secrets are masked."""
        self._masked = None if mask is None else mask.stream()
        self._log = log
        self._head = _Region(buffer_bytes // 2)
        self._ring_limit = max(buffer_bytes - buffer_bytes // 2, error_bytes)
        self._ring = _Region(self._ring_limit)
        self._ring_start = 0

    def feed(self, data: memoryview) -> None:
        """Count, mask, log and hold `data`, which may be reused as soon as this returns."""
        self.total_bytes += len(data)
        if self._masked is not None:
            data = memoryview(self._masked.feed(data))
        self._take(data)

    def finish(self) -> None:
        """Take what was held back, because it could have been the beginning of a secret."""
        if self._masked is not None:
            self._take(memoryview(self._masked.finish()))

    def _take(self, data: memoryview) -> None:
        self.shown_bytes += len(data)
        self._log.write(data)
        rest = self._head.append(data)
        if rest:
            rest = self._ring.append(rest[-self._ring_limit :])
        while rest:
            written = self._ring.overwrite(self._ring_start, rest)
            self._ring_start = (self._ring_start + written) % self._ring_limit
            rest = rest[written:]

    @property
    def held_bytes(self) -> int:
        return self._head.used_bytes + self._ring.used_bytes

    def held(self) -> tuple[memoryview, memoryview, memoryview]:
        """What is held, in order: the head, and the ring in two pieces."""
        ring = self._ring.view()
        return self._head.view(), ring[self._ring_start :], ring[: self._ring_start]

    def last_line(self, limit_characters: int) -> str:
        """The last line with something in it, at most its last `limit_characters`."""
        head, older, newer = self.held()
        wanted = limit_characters * _LONGEST_CHARACTER_BYTES
        recent = (bytes(older[-wanted:]) + bytes(newer[-wanted:]))[-wanted:]
        is_whole = self.shown_bytes == len(head) + len(older) + len(newer)
        if is_whole and len(recent) < wanted:
            recent = bytes(head[len(recent) - wanted :]) + recent
        recent = recent.rstrip(b"\r\n")
        line = memoryview(recent)[recent.rfind(b"\n") + 1 :]
        line = line[_broken_start(line) : _broken_end(line)]
        return _text(line)[-limit_characters:]


def captured_stream(
    held: memoryview, counts: tuple[int, int, int], buffer_bytes: int, error_bytes: int
) -> CapturedStream:
    """The stream as text. `held` is what a `StreamCapture` of the same limits held, in order;
    `counts` are its bytes, those left after masking, and those that the log does not hold.

    Bytes that are not UTF-8 are shown as U+FFFD. A character that a cut would halve is left out.
    """
    total_bytes, shown_bytes, unlogged_bytes = counts
    if not total_bytes:
        return NOTHING_CAPTURED
    masked_bytes = total_bytes - shown_bytes
    tail = held[max(len(held) - error_bytes, 0) :]
    if len(tail) < shown_bytes:
        tail = tail[_broken_start(tail) :]
    if shown_bytes <= buffer_bytes:
        return CapturedStream(
            _text(held), _text(tail), total_bytes, 0, unlogged_bytes, masked_bytes
        )
    first = held[: buffer_bytes // 2]
    first = first[: _broken_end(first)]
    last = held[len(held) - (buffer_bytes - buffer_bytes // 2) :]
    last = last[_broken_start(last) :]
    missing = shown_bytes - len(first) - len(last)
    excerpt = f"{_text(first)}\n… {missing} bytes left out …\n{_text(last)}"
    return CapturedStream(excerpt, _text(tail), total_bytes, missing, unlogged_bytes, masked_bytes)


def _text(data: memoryview) -> str:
    return str(data, "utf-8", "replace")


def _broken_start(data: memoryview) -> int:
    """How many bytes at the beginning belong to a character that began before it."""
    n = 0
    while n < min(len(data), _LONGEST_CHARACTER_BYTES - 1) and data[n] & 0xC0 == 0x80:
        n += 1
    return n


def _broken_end(data: memoryview) -> int:
    """Where a character begins that is cut off by the end; the length when none is."""
    for n in range(1, min(len(data), _LONGEST_CHARACTER_BYTES - 1) + 1):
        byte = data[-n]
        if byte & 0xC0 == 0x80:
            continue
        is_lead = 0xC2 <= byte <= 0xF4
        needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        return len(data) - n if is_lead and n < needed else len(data)
    return len(data)
