"""Files below the project root: which paths stay there, and reading one without ever blocking."""

import os
import stat

from orch.dsl.type_names import Mapping

_REASONS: Mapping[type[Exception], str] = {
    FileNotFoundError: "there is no such file",
    NotADirectoryError: "there is no such file",
    IsADirectoryError: "it is not a regular file",
    PermissionError: "permission is denied",
    ValueError: "no file can have that name",
}


def is_below_root(real_root: str, path: str) -> bool:
    """Whether a path, relative to a root without links, stays below it when links are followed."""
    if path == ".." or path.startswith(("../", "/")):
        return False
    real = os.path.realpath(f"{real_root}/{path}")
    return real == real_root or real.startswith(real_root.rstrip("/") + "/")


def read_regular_file(path: str, most_bytes: int) -> bytes:
    """Up to `most_bytes` of a regular file; never blocks on a pipe or a device.

    Raises `OSError`, which is `IsADirectoryError` for anything that is no regular file, and
    `ValueError` for a name that no file can have.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(path)
        return stream.read(most_bytes)


def why_unreadable(error: OSError | ValueError) -> str:
    """Why `read_regular_file` could not read a file, as the end of a sentence."""
    system = error.strerror if isinstance(error, OSError) else None
    return _REASONS.get(type(error), (system or "the system refuses").lower())
