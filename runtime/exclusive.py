"""Names that one stage at a time holds, across all runs of a project: `exclusive = "production"`.

Each name has a file in `.orch/locks/` below the project root, locked by the kernel (`flock`) for as
long as an attempt holds the name, and never removed. The lock belongs to the open file, which orch
shares with the warden of the attempt: so it is free when both have let go of it, and that is when
nothing of the attempt is left, whichever of the two was killed. What stands in the file says who
holds it, for those who wait; it proves nothing.

Where both were killed, the lock is free while something of the attempt may live. Then the holder is
still named in the file, and whoever gets the lock ends first what is marked as of that attempt.
"""

import errno
import fcntl
import os

from orch.compiler.plan import PlannedStage
from orch.dsl.json_codec import decode_json
from orch.dsl.record import as_dictionary, field_names
from orch.dsl.type_names import TYPE_CHECKING, Any, Callable
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
from orch.runtime.ids import WORD_CHARACTERS, dashed
from orch.runtime.paths import RunPaths

if TYPE_CHECKING:
    from orch.runtime.leftovers import Mark

FOLDER = ".orch/locks"

_LONGEST_KILL_MS = 200
_MOST_READABLE = 40
_MOST_RECORD_BYTES = 65536
_IS_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


class ExclusiveNames:
    """The names that this run holds, at most one for each stage.

    A process that is merely forked shares what is held; a program that is started does not.
    """

    def __init__(self, paths: RunPaths, now: Callable[[], str]) -> None:
        self._paths = paths
        self._now = now
        self._held: dict[str, tuple[str, int]] = {}

    def claim(self, stage: PlannedStage) -> Claimed | Busy:
        """Take the name that a stage is exclusive about, if nobody has it. Never waits, but
        a moment for what a killed holder has left to be gone.

        Raises `StorageError`.
        """
        path = self._path(stage.exclusive or "")
        while True:
            fd = open_file(path, os.O_RDWR | os.O_CREAT)
            try:
                answer = self._take(path, fd, stage)
            except BaseException:
                os.close(fd)
                raise
            if isinstance(answer, Claimed):
                self._held[stage.id] = (path, fd)
                return answer
            os.close(fd)
            if answer is not None:
                return answer

    def share(self, stage_id: str, attempt: int) -> int | None:
        """The open file by which a stage holds its name, for the warden of this attempt to share;
        None where it holds none. Raises `StorageError`."""
        held = self._held.get(stage_id)
        if held is None:
            return None
        path, fd = held
        mark = {"run": self._paths.run, "attempt": attempt, "file": _identity(fd)}
        write_all(path, fd, json_line(mark))
        return fd

    def release(self, stage_id: str, *, is_signed: bool = False) -> None:
        """Let go of the name of a stage, whoever shares it; nothing where it holds none. Where the
        end of its attempt is not proved it stays `is_signed`, so that the next holder looks."""
        if stage_id not in self._held:
            return
        path, fd = self._held.pop(stage_id)
        if not is_signed:
            try:
                cut_file(path, fd, 0)
            except StorageError:
                pass
        try:
            system.lock(fd, fcntl.LOCK_UN)
        except OSError:
            pass
        os.close(fd)

    def close(self) -> None:
        """Let go of all names."""
        for stage_id in tuple(self._held):
            self.release(stage_id, is_signed=True)

    def _path(self, name: str) -> str:
        """The file of a name; the folder is there on return. Raises `StorageError`."""
        from orch.runtime.folders import make_folder_below

        return f"{make_folder_below(self._paths.root, FOLDER)}/{_file_name(name)}"

    def _take(self, path: str, fd: int, stage: PlannedStage) -> Claimed | Busy | None:
        """None where the file has been replaced. What the one before has left is ended before it is
        forgotten who that was."""
        try:
            with storage_errors(path, "lock"):
                system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except StorageError as error:
            if error.errno in _IS_BUSY:
                return Busy(stage.id, _read_holder(fd)[0])
            raise
        if not is_current(path, fd):
            return None
        before, mark = _read_holder(fd)
        if mark is not None and _end_leftovers(mark):
            return Busy(stage.id, before)
        holder = Holder(self._paths.run_id, stage.id, os.getpid(), os.uname().nodename, self._now())
        cut_file(path, fd, 0)
        write_all(path, fd, json_line(as_dictionary(holder)))
        return Claimed(stage.id)


def _file_name(name: str) -> str:
    """A file name for any text: something to read, and the digest, which no two names share."""
    import hashlib

    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    readable = dashed(name[:_MOST_READABLE], WORD_CHARACTERS).strip("-")
    return f"{readable or 'name'}-{digest}.lock"


def _read_holder(fd: int) -> "tuple[Holder | None, Mark | None]":
    """Who holds the file, and the mark of the attempt that it has begun here, as far as it says so:
    a line for each."""
    first, _, second = os.pread(fd, _MOST_RECORD_BYTES, 0).partition(b"\n")
    holder = _holder(_fields(first))
    if holder is None or holder.host != os.uname().nodename:
        return holder, None
    fields = _fields(second)
    # In a copy of the project, nothing is said of who holds the name there.
    return holder, _mark(holder, fields) if fields.get("file") == _identity(fd) else None


def _identity(fd: int) -> str:
    file = os.fstat(fd)
    return f"{file.st_dev}.{file.st_ino}"


def _fields(line: bytes) -> dict[str, Any]:
    try:
        value = decode_json(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _holder(fields: dict[str, Any]) -> Holder | None:
    texts = (fields.get(name) for name in field_names(Holder) if name != "pid")
    is_sound = type(fields.get("pid")) is int and all(isinstance(text, str) for text in texts)
    return Holder(**{name: fields[name] for name in field_names(Holder)}) if is_sound else None


def _mark(holder: Holder, fields: dict[str, Any]) -> "Mark | None":
    from orch.runtime.leftovers import Mark

    run, attempt = fields.get("run"), fields.get("attempt")
    if not isinstance(run, str) or type(attempt) is not int:
        return None
    return Mark(holder.run_id, run, holder.stage, attempt)


def _end_leftovers(mark: "Mark") -> bool:
    """Whether anything of an attempt was alive, of which all is gone now that may be killed.

    Nobody who holds the name runs it; and where its run is resumed, what was left has been ended
    before, and attempts have other numbers.
    """
    from orch.runtime.leftovers import kill_marked

    return kill_marked(mark, _LONGEST_KILL_MS) > 0
