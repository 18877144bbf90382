"""Folders below a place, reached step by step, so that no link that stands in the way leads out."""

import errno
import os

from orch.dsl.type_names import Sequence
from orch.runtime import system
from orch.runtime.files import StorageError, make_folder

_TOP_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FLAGS = _TOP_FLAGS | os.O_NOFOLLOW


def open_folder_below(top: str, parts: Sequence[str], *, is_made: bool) -> int:
    """A descriptor of a folder below `top`; with `is_made` those that are missing are made. Raises
    OSError, for a link in the way too, and for a part that leads elsewhere than down."""
    if not {"", ".", ".."}.isdisjoint(parts):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "/".join(parts))
    folder = system.open_fd(top, _TOP_FLAGS)
    for part in parts:
        try:
            if is_made:
                try:
                    system.make_folder(part, dir_fd=folder)
                except FileExistsError:
                    pass
            below = system.open_fd(part, _FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder


def find_folder_below(top: str, path: str) -> int | None:
    """A descriptor of a folder below `top`, for the caller to close; None where it isn't there, or
    where a link stands in the way."""
    try:
        return open_folder_below(top, path.split("/"), is_made=False)
    except OSError:
        return None


def make_folder_below(top: str, path: str) -> str:
    """Make a folder of orch's own below `top`, with those above it. A link in the way is refused,
    and nothing is made where it leads. Raises `StorageError`."""
    folder = top
    for part in path.split("/"):
        folder = os.path.join(folder, part)
        make_folder(folder)
        if os.path.islink(folder):
            raise StorageError(folder, "use", OSError(errno.ELOOP, os.strerror(errno.ELOOP)))
    return folder
