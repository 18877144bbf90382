"""The only place that makes files durable: atomic replace, append, folders, and their errors.

All files opened here are orch's own: a symbolic link, a FIFO or a folder in the place of one is
refused, never followed. What wardens write below the run directory is `orch.runtime.handover`'s,
`artifacts`' and `capture`'s; every single step of all four is a function of `orch.runtime.system`.
"""

import errno
import itertools
import os
import stat
from types import TracebackType

from orch.dsl.json_text import canonical_json
from orch.dsl.type_names import Any, Iterable
from orch.runtime import system

_ADVICE = {
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "the quota is used up: free some space and try again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "check the permissions of the file and of the folders above it",
    errno.EPERM: "check the owner and the attributes of the file and of the folders above it",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "the machine has no file descriptors left",
    errno.ELOOP: "a symbolic link stands where orch keeps a file of its own: remove it",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EISDIR: "a folder stands where a file is needed: move it away",
}

_SHORTAGES = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO}
)

_BATCH_BYTES = 1 << 18

_counter = itertools.count(1)


class StorageError(Exception):
    """A file could not be read or written; the message says which, why, and what to do.

    `path` is the file, `doing` what was tried (`write`, `open`, …), `errno` the number of the
    system's error (0 if there was none), `why` its text.
    """

    def __init__(self, path: str, doing: str, cause: OSError | str) -> None:
        self.path = path
        self.doing = doing
        if isinstance(cause, OSError):
            self.errno = cause.errno or 0
            self.why = (cause.strerror or str(cause)).lower()
        else:
            self.errno = 0
            self.why = cause
        advice = _ADVICE.get(self.errno)
        shown = self.path.encode("utf-8", "backslashreplace").decode()
        super().__init__(f"can't {doing} {shown}: {self.why}" + (f"; {advice}" if advice else ""))

    @property
    def is_shortage(self) -> bool:
        """Whether the machine lacks something, whoever asks: space, descriptors, a sound disk."""
        return self.errno in _SHORTAGES


def shortage(error: OSError) -> str | None:
    """What the machine lacks, and what to do; None where it is something else that is wrong."""
    if error.errno not in _SHORTAGES:
        return None
    advice = _ADVICE.get(error.errno)
    return (error.strerror or str(error)).lower() + (f"; {advice}" if advice else "")


class storage_errors:  # noqa: N801 # It is read as a verb: `with storage_errors(path, "write"):`.
    """Turns an OSError of the body into a `StorageError` about `path`."""

    def __init__(self, path: str, doing: str) -> None:
        self._path = path
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError):
            raise StorageError(self._path, self._doing, error) from error


def json_line(value: Any) -> bytes:
    """A JSON value as one canonical line: `canonical_json` as `utf8`, and a line end."""
    return utf8(canonical_json(value)) + b"\n"


def utf8(text: str) -> bytes:
    """Text as UTF-8. A lone surrogate, which UTF-8 can't hold, becomes U+FFFD, so that no text
    crashes a writer."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()


def make_folder(path: str) -> None:
    """Make a folder and those above it that are missing; each new entry is durable on return.

    Raises `StorageError`.
    """
    try:
        _make_in_parent(path)
    except StorageError as error:
        if error.errno != errno.ENOENT:
            raise
        make_folder(os.path.dirname(path))
        # Where the parent is there and this is refused again, the file system makes no folders
        # there, as in /proc. Somebody else may have made the parent meanwhile, so only a second
        # attempt tells.
        _make_in_parent(path)


def _make_in_parent(path: str) -> None:
    """Make a folder, unless it is there; its new entry is durable on return."""
    try:
        system.make_folder(path)
    except FileExistsError as error:
        if not os.path.isdir(path):
            raise StorageError(path, "make the folder", error) from error
        return
    except OSError as error:
        raise StorageError(path, "make the folder", error) from error
    sync_folder(os.path.dirname(path))


def make_new_folder(path: str) -> bool:
    """Make a folder that must not exist yet; False if anything has its name already.

    Its parent must exist. Raises `StorageError`.
    """
    try:
        system.make_folder(path)
    except FileExistsError:
        return False
    except OSError as error:
        raise StorageError(path, "make the folder", error) from error
    sync_folder(os.path.dirname(path))
    return True


def open_file(path: str, flags: int, mode: int = 0o666) -> int:
    """A descriptor of a regular file, close-on-exec; nothing else in its place is accepted.

    Raises `StorageError`, whose `errno` is ENOENT where the file is missing.
    """
    doing = "read" if flags & (os.O_WRONLY | os.O_RDWR) == 0 else "open"
    with storage_errors(path, doing):
        # O_NONBLOCK keeps a FIFO that somebody put there from blocking us before it is refused.
        fd = system.open_fd(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, mode)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise StorageError(path, doing, "it isn't a regular file; move it away")
    return fd


def create_file(path: str, flags: int = os.O_WRONLY) -> int:
    """A descriptor of a new, empty, durable file. Raises `StorageError` (EEXIST if it is there)."""
    fd = open_file(path, flags | os.O_CREAT | os.O_EXCL)
    sync_folder(os.path.dirname(path))
    return fd


def write_all(path: str, fd: int, data: bytes) -> None:
    """Write every byte. Raises `StorageError`; then a part may have been written."""
    view = memoryview(data)
    with storage_errors(path, "write"):
        while view:
            view = view[system.write(fd, view) :]


def _write_parts(path: str, fd: int, parts: Iterable[bytes]) -> None:
    """Write all parts in few writes, of which little is held. Raises `StorageError`."""
    held: list[bytes] = []
    held_bytes = 0
    for part in parts:
        held.append(part)
        held_bytes += len(part)
        if held_bytes >= _BATCH_BYTES:
            write_all(path, fd, b"".join(held))
            held, held_bytes = [], 0
    write_all(path, fd, b"".join(held))


def sync_data(path: str, fd: int) -> None:
    """Make the content of an open file durable. Raises `StorageError`.

    After a failure the content is in an unknown state: the system may drop what it could not
    write, so a second try that succeeds proves nothing.
    """
    with storage_errors(path, "make durable"):
        system.sync_content(fd)


def sync_folder(path: str) -> None:
    """Make the names in a folder durable. Raises `StorageError`."""
    with storage_errors(path, "make durable"):
        fd = system.open_fd(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            system.fsync(fd)
        except OSError as error:
            # Some network file systems can't sync a folder and say so with EINVAL.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(fd)


def cut_file(path: str, fd: int, size_bytes: int) -> None:
    """Cut an open file to `size_bytes`. Raises `StorageError`."""
    with storage_errors(path, "cut"):
        system.cut(fd, size_bytes)


def temporary_path(path: str) -> str:
    """A name beside `path` that no living process uses: it holds pid and a counter."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}.{next(_counter)}.tmp")


def is_temporary(name: str) -> bool:
    """Whether a file name is one that `temporary_path` makes."""
    pid, _, count = name.removesuffix(".tmp").rpartition(".")
    is_numbered = count.isdecimal() and pid.rpartition(".")[2].isdecimal()
    return name.startswith(".") and name.endswith(".tmp") and is_numbered


def remove_temporaries(folder: str, prefix: str = ".") -> None:
    """Remove what killed writers left in a folder that only this process may write to now, as far
    as that can be done. `prefix` narrows it to the temporary files of one file."""
    try:
        with os.scandir(folder) as entries:
            left = [e.name for e in entries if e.name.startswith(prefix) and is_temporary(e.name)]
    except OSError:
        return
    for name in left:
        remove_file(f"{folder}/{name}")


def create_temporary(
    path: str, parts: Iterable[bytes], *, is_durable: bool = True
) -> tuple[str, int]:
    """A new file beside `path` that holds all `parts`, and its descriptor, open for reading and
    writing.

    The mode is that of the file at `path`, where there is one. Raises `StorageError`, and what
    making the parts does, and leaves nothing behind then.
    """
    while True:
        temporary = temporary_path(path)
        try:
            fd = open_file(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            break
        except StorageError as error:
            # Left by a crashed process of the same pid, or owned by one in another container.
            if error.errno != errno.EEXIST:
                raise StorageError(path, "write", OSError(error.errno, error.why)) from error
    try:
        _keep_mode(path, fd)
        _write_parts(path, fd, parts)
        if is_durable:
            sync_data(path, fd)
    except BaseException:
        os.close(fd)
        remove_file(temporary)
        raise
    return temporary, fd


def rename_over(temporary: str, path: str, *, is_durable: bool = True) -> None:
    """Give a temporary file its name; readers see the old content or the new, nothing between.

    Raises `StorageError`, and leaves no temporary file behind then.
    """
    try:
        with storage_errors(path, "replace"):
            system.rename(temporary, path)
    except BaseException:
        remove_file(temporary)
        raise
    if is_durable:
        sync_folder(os.path.dirname(path))


def replace_file(path: str, data: bytes, *, is_durable: bool = True) -> None:
    """Replace the content of a file at once, keeping its mode; the folder must exist.

    Durable on return, unless `is_durable` is false: then a power loss may bring back old content.
    Raises `StorageError`; then the old content is still there.
    """
    replace_file_by_parts(path, (data,), is_durable=is_durable)


def replace_file_by_parts(path: str, parts: Iterable[bytes], *, is_durable: bool = True) -> None:
    """`replace_file`, for content that is made while it is written."""
    temporary, fd = create_temporary(path, parts, is_durable=is_durable)
    os.close(fd)
    rename_over(temporary, path, is_durable=is_durable)


def remove_file(path: str) -> None:
    """Remove a file if it is there; that it can't be removed hurts nobody."""
    try:
        system.remove(path)
    except OSError:
        return


def read_file(path: str) -> bytes | None:
    """The content of a file, None where there is none. Raises `StorageError`."""
    try:
        fd = open_file(path, os.O_RDONLY)
    except StorageError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    with storage_errors(path, "read"), os.fdopen(fd, "rb") as file:
        return file.read()


def is_current(path: str, fd: int) -> bool:
    """Whether an open file is the one that the path names now: it may have been replaced, and
    then its lock guards nothing."""
    ours = os.fstat(fd)
    try:
        named = os.lstat(path)
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _keep_mode(path: str, fd: int) -> None:
    with storage_errors(path, "keep the mode of"):
        try:
            known = os.lstat(path)
        except FileNotFoundError:
            return
        if stat.S_ISREG(known.st_mode):
            os.fchmod(fd, stat.S_IMODE(known.st_mode))
