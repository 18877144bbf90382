"""Names that one stage at a time holds, across all runs of a project: `exclusive = "production"`.

Each name has a file in `.orch/locks/` below the project root, locked by the kernel (`flock`) for as
long as an attempt holds the name, and never removed. The lock belongs to the open file, which orch
shares with the warden of the attempt: so it is free when both have let go of it, and that is when
nothing of the attempt is left, whichever of the two was killed. What stands in the file says who
holds it, for those who wait; it proves nothing.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orch.compiler.plan import PlannedStage
from orch.dsl.record import as_dictionary, field_names
from orch.runtime import system
from orch.runtime.decisions import Busy, Claimed
from orch.runtime.events import Holder
from orch.runtime.files import (
    StorageError,
    cut_file,
    is_current,
    json_line,
    open_file,
    storage_errors,
    write_all,
)
from orch.runtime.folders import make_folder_below

FOLDER = ".orch/locks"

_MOST_READABLE = 40
_MOST_RECORD_BYTES = 65536
_IS_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


class ExclusiveNames:
    """The names that this run holds, at most one for each stage.

    A process that is merely forked shares what is held; a program that is started does not.
    """

    def __init__(self, root: Path, run_id: str, now: Callable[[], str]) -> None:
        self._root = root
        self._run_id = run_id
        self._now = now
        self._held: dict[str, tuple[Path, int]] = {}

    def claim(self, stage: PlannedStage) -> Claimed | Busy:
        """Take the name that a stage is exclusive about, if nobody has it. Never waits.

        Raises `StorageError`.
        """
        path = self._path(stage.exclusive or "")
        while True:
            fd = open_file(path, os.O_RDWR | os.O_CREAT)
            try:
                with storage_errors(path, "lock"):
                    system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_current(path, fd):
                    self._sign(path, fd, stage)
                    self._held[stage.id] = (path, fd)
                    return Claimed(stage.id)
            except StorageError as error:
                if error.errno not in _IS_BUSY:
                    os.close(fd)
                    raise
                holder = _read_holder(fd)
                os.close(fd)
                return Busy(stage.id, holder)
            os.close(fd)

    def descriptor(self, stage_id: str) -> int | None:
        """The open file by which a stage holds its name, for its warden to share."""
        held = self._held.get(stage_id)
        return None if held is None else held[1]

    def release(self, stage_id: str) -> None:
        """Let go of the name of a stage, whoever shares it; nothing where it holds none."""
        if stage_id not in self._held:
            return
        path, fd = self._held.pop(stage_id)
        with suppress(StorageError):
            cut_file(path, fd, 0)
        with suppress(OSError):
            system.lock(fd, fcntl.LOCK_UN)
        os.close(fd)

    def close(self) -> None:
        """Let go of all names."""
        for stage_id in tuple(self._held):
            self.release(stage_id)

    def _path(self, name: str) -> Path:
        """The file of a name; the folder is there on return. Raises `StorageError`."""
        return make_folder_below(self._root, FOLDER) / _file_name(name)

    def _sign(self, path: Path, fd: int, stage: PlannedStage) -> None:
        """Say who holds the file. That it can't be said, on a full disk, hurts nobody."""
        holder = Holder(self._run_id, stage.id, os.getpid(), os.uname().nodename, self._now())
        with suppress(StorageError):
            cut_file(path, fd, 0)
            write_all(path, fd, json_line(as_dictionary(holder)))


def _file_name(name: str) -> str:
    """A file name for any text: something to read, and the digest, which no two names share."""
    import hashlib

    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", name[:_MOST_READABLE]).strip("-")
    return f"{readable or 'name'}-{digest}.lock"


def _read_holder(fd: int) -> Holder | None:
    """Who holds the file, as far as it says so."""
    try:
        value = json.loads(os.pread(fd, _MOST_RECORD_BYTES, 0))
        holder = Holder(**{name: value[name] for name in field_names(Holder)})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = (holder.run_id, holder.stage, holder.host, holder.since)
    is_sound = type(holder.pid) is int and all(isinstance(text, str) for text in texts)
    return holder if is_sound else None
