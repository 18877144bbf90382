"""Folders below a place, reached step by step, so that no link that stands in the way leads out."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress

from orch.runtime import system

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
                with suppress(FileExistsError):
                    system.make_folder(part, dir_fd=folder)
            below = system.open_fd(part, _FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder
