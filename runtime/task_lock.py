"""The lock of a task's state, `out/<task>/state.json.lock`.

It is the lock that filelock takes on Unix, a `flock` on that file, and excludes and is excluded by
filelock in other programs. It is taken directly because importing filelock costs more than a small
run (ADR 7); where a file system has no `flock`, filelock's substitute is used.
"""

import errno
import fcntl
import os

from orch.dsl.json_codec import decode_json
from orch.dsl.type_names import Protocol
from orch.runtime import system
from orch.runtime.files import (
    StorageError,
    is_current,
    json_line,
    open_file,
    read_file,
    write_all,
)

_BUSY = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
_WITHOUT_FLOCK = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})


class _Substitute(Protocol):
    def release(self) -> None: ...


class TaskLock:
    """Held from a successful `try_acquire` to `release`, or to the end of this process."""

    def __init__(self, path: str, holder: str) -> None:
        """`holder` says for people who we are; it stands in the file while the lock is held."""
        self._path = path
        self._holder = holder
        self._fd: int | None = None
        self._substitute: _Substitute | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting; the folder must exist.

        Raises `StorageError`.
        """
        while True:
            fd = open_file(self._path, os.O_RDWR | os.O_CREAT)
            try:
                system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(fd)
                if error.errno in _BUSY:
                    return False
                if error.errno in _WITHOUT_FLOCK:
                    return self._try_substitute()
                raise StorageError(self._path, "lock", error) from error
            if is_current(self._path, fd):
                self._fd = fd
                self._say_who(fd)
                return True
            os.close(fd)

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        if self._substitute is not None:
            self._substitute.release()
            self._substitute = None

    def holder(self) -> str | None:
        """Who holds the lock, as far as the holder says; only worth asking while it is busy."""
        try:
            value = decode_json(read_file(self._path) or b"")
        except (StorageError, ValueError):
            return None
        held_by = value.get("held_by") if isinstance(value, dict) else None
        return held_by if isinstance(held_by, str) else None

    def _say_who(self, fd: int) -> None:
        """For people only, so that it may fail: the lock is held all the same."""
        try:
            system.cut(fd, 0)
            write_all(self._path, fd, json_line({"held_by": self._holder}))
        except (OSError, StorageError):
            return

    def _try_substitute(self) -> bool:
        """A file that exists while the lock is held, beside ours: that one is left alone, because
        it exists already."""
        from filelock import SoftFileLock, Timeout

        lock = SoftFileLock(f"{self._path}.soft")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise StorageError(self._path, "lock", error) from error
        self._substitute = lock
        return True
