"""Bytes on their way to stdout and stderr, past readers that are slow, gone, or never were there.

orch writes to the descriptors themselves, so nothing is left in a buffer when Python exits.
"""

import errno
import os
import select
import stat
import time

from orch.dsl.type_names import deque

_CHUNK_BYTES = 4096
"""A pipe that polls as writable takes this much at once without waiting (PIPE_BUF on Linux)."""

BACKLOG_BYTES = 1 << 20
"""What may lie unread before a writer counts as congested."""

PATIENCE_S = 60.0
"""So long a run that has ended waits for a reader that takes nothing."""

_READER_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF, errno.ENXIO})
"""A closed pipe, a terminal that hung up, a stream that was closed before orch began."""


class Writer:
    """One descriptor. A reader that has gone away is never an error; a full disk is one.

    `write` waits until everything is written. `offer` and `pump` never wait: what can't be written
    yet is kept, in order, until the next call. `error` is the first failure other than a reader's
    going away; after it, as after that, everything is dropped. So it is where a reader took nothing
    for longer than `wait_at_most` says (`has_given_up`).
    """

    __slots__ = (
        "_is_socket",
        "_kept",
        "_kept_bytes",
        "_patience_s",
        "_target",
        "error",
        "fd",
        "has_given_up",
        "is_gone",
    )  # fmt: skip

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._target = fd
        self._is_socket = False
        self._patience_s: float | None = None
        self.is_gone = False
        self.has_given_up = False
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

    @property
    def is_pipe(self) -> bool:
        """Whether another program reads it, and may show it."""
        try:
            mode = os.fstat(self.fd).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    def never_wait(self) -> None:
        """Keep `offer` and `pump` from waiting in every case.

        A terminal may poll as writable and have less room than a chunk takes, and of a pipe another
        program may take the room between the look and the write. So both are opened anew,
        non-blocking, under a descriptor of our own: the one we were given is shared with the shell
        and with other programs, whose writes must go on waiting. A socket has a flag for each
        write. Where a terminal can't be opened, as after `su`, polling is all there is.
        """
        if self._target != self.fd:
            return
        try:
            mode = os.fstat(self.fd).st_mode
            flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
            if stat.S_ISFIFO(mode):
                self._target = os.open(f"/proc/self/fd/{self.fd}", flags)
            elif stat.S_ISSOCK(mode):
                self._is_socket = True
            elif stat.S_ISCHR(mode):
                self._target = os.open(os.ttyname(self.fd), flags)
        except OSError:
            # A file, no terminal, or a place without these names: it is polled.
            return

    def give_back(self) -> None:
        """Close the descriptor that `never_wait` opened: whoever reads until the end of a pipe
        waits for all descriptors of it. What is written later may wait."""
        if self._target != self.fd:
            os.close(self._target)
            self._target = self.fd

    def wait_at_most(self, seconds: float) -> None:
        """Let `write` wait no longer than this for a reader that takes nothing at all. A person
        who has stopped a terminal is waited for."""
        if not os.isatty(self.fd):
            self._patience_s = seconds

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
        taken_at_s = time.monotonic()
        while self._kept:
            kept_bytes = self._kept_bytes
            if self._is_ready(self._wait_ms(taken_at_s)) and not self._write_first():
                # It polls as ready, and takes nothing all the same.
                select.select([], [], [], 0.01)
            if self._kept_bytes < kept_bytes:
                taken_at_s = time.monotonic()
            elif self._wait_ms(taken_at_s) == 0:
                self._drop()
                self.has_given_up = True

    def _wait_ms(self, taken_at_s: float) -> int | None:
        """How much longer to wait for a reader that took something then; None: for ever."""
        if self._patience_s is None:
            return None
        return max(0, round((taken_at_s + self._patience_s - time.monotonic()) * 1000))

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
            written = self._written(chunk)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _READER_GONE:
                self.error = error
            self._drop()
            return True
        self._kept_bytes -= written
        if written == len(chunk):
            self._kept.popleft()
        else:
            self._kept[0] = chunk[written:]
        return True

    def _written(self, chunk: bytes) -> int:
        if not self._is_socket:
            return os.write(self._target, chunk)
        from socket import MSG_DONTWAIT, socket

        borrowed = socket(fileno=self._target)
        try:
            return borrowed.send(chunk, MSG_DONTWAIT)
        finally:
            borrowed.detach()

    def _drop(self) -> None:
        """Whoever read this is gone: forget what is kept, take nothing more."""
        self.is_gone = True
        self._kept.clear()
        self._kept_bytes = 0


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
