"""A log file of an attempt, read while it grows."""

import os

from orch.runtime.files import StorageError, open_file

READ_BYTES = 65536


class LogTail:
    """Gives the bytes of a log as they come; one that isn't there yet has none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None
        self.read_bytes = 0

    def read(self) -> bytes:
        """Some of the bytes that follow those read before; none at the end for now.

        Never waits. What can't be opened or read, because the command put something else in its
        place, has none.
        """
        try:
            if self._fd is None:
                self._fd = open_file(self._path, os.O_RDONLY)
            data = os.read(self._fd, READ_BYTES)
        except (StorageError, OSError):
            return b""
        self.read_bytes += len(data)
        return data

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
