"""Bytes on their way to stdout and stderr, past readers that are slow, gone, or never were there.

orch writes to the descriptors themselves, so nothing is left in a buffer when Python exits.
"""

import errno
import os
import select
from collections import deque

_CHUNK_BYTES = 4096
"""A pipe that polls as writable takes this much at once without waiting (PIPE_BUF on Linux)."""

BACKLOG_BYTES = 1 << 20
"""What may lie unread before a writer counts as congested."""

_READER_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF, errno.ENXIO})
"""A closed pipe, a terminal that hung up, a stream that was closed before orch began."""


class Writer:
    """One descriptor. A reader that has gone away is never an error; a full disk is one.

    `write` waits until everything is written. `offer` and `pump` never wait: what can't be written
    yet is kept, in order, until the next call. `error` is the first failure other than a reader's
    going away; after it, as after that, everything is dropped.
    """

    __slots__ = ("_kept", "_kept_bytes", "_target", "error", "fd", "is_gone")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._target = fd
        self.is_gone = False
        self.error: OSError | None = None
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0

    @property
    def is_congested(self) -> bool:
        return self._kept_bytes > BACKLOG_BYTES

    @property
    def is_waiting(self) -> bool:
        """Whether something is kept that could not be written yet."""
        return bool(self._kept)

    def never_wait(self) -> None:
        """Keep `offer` and `pump` from waiting for a terminal, too.

        A terminal may poll as writable and have less room than a chunk takes. So it is opened
        anew, non-blocking, under a descriptor of our own: the one we were given is shared with the
        shell and with every other program in that window.
        """
        try:
            self._target = os.open(os.ttyname(self.fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            # No terminal, or one that has no name here: pipes and files need nothing.
            return

    def offer(self, data: bytes) -> None:
        """Write what can be written now, keep the rest."""
        if self.is_gone or not data:
            return
        self._kept.extend(data[at : at + _CHUNK_BYTES] for at in range(0, len(data), _CHUNK_BYTES))
        self._kept_bytes += len(data)
        self.pump()

    def pump(self) -> None:
        """Write as much of what was kept as the reader takes without waiting."""
        while self._kept and self._is_ready(0) and self._write_first():
            pass

    def write(self, data: bytes = b"") -> None:
        """Write this and everything kept before it, waiting for the reader."""
        self.offer(data)
        while self._kept:
            if self._is_ready(None) and not self._write_first():
                # It polls as ready, and takes nothing all the same.
                select.select([], [], [], 0.01)

    def _is_ready(self, timeout_ms: int | None) -> bool:
        # Where a descriptor can't be polled (/dev/null, files elsewhere than on Linux), a write
        # doesn't wait either, or it fails and says why.
        try:
            poll = select.poll()
            poll.register(self._target, select.POLLOUT)
            return bool(poll.poll(timeout_ms))
        except OSError:
            return True

    def _write_first(self) -> bool:
        """Write some of the first chunk; False if the reader took nothing for now."""
        chunk = self._kept[0]
        try:
            written = os.write(self._target, chunk)
        except BlockingIOError:
            return False
        except OSError as error:
            self.is_gone = True
            if error.errno not in _READER_GONE:
                self.error = error
            self._kept.clear()
            self._kept_bytes = 0
            return True
        self._kept_bytes -= written
        if written == len(chunk):
            self._kept.popleft()
        else:
            self._kept[0] = chunk[written:]
        return True


STDOUT = Writer(1)
STDERR = Writer(2)


def keep_standard_descriptors() -> None:
    """Put /dev/null where stdin, stdout or stderr were closed.

    Else the next file orch opens, its journal for instance, would be taken for stdout.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free descriptor is this one.
            os.open(os.devnull, os.O_RDWR)
