"""Listings: the files that patterns match, what each of them holds, and whether that is still so.

Content is the judge, the times of a file only a first look. A row of a listing is `[path, sha256,
is_executable, size, mtime_ns, ctime_ns, inode]`; as long as the last four are what the system says,
the file isn't read again. A file that was written so shortly before it was read that a later change
could get the same times has zeros there, and is read again next time (git calls such files racy).
Folders that were searched are held by their times in the same way.

Listings are JSON values, since they cross from a warden to orch and are kept on the disk.
"""

import os
import stat
import time

from orch.dsl.record import record
from orch.dsl.type_names import Any, Callable, Iterator, Sequence

Row = list[Any]
Listing = dict[str, Any]
"""`files` and `folders` are rows, those of folders `[path, mtime_ns, ctime_ns, inode]`; `absent`
are paths at which nothing was; with `is_open` the search must be made anew in any case."""

NOTHING: Listing = {"files": [], "folders": [], "absent": [], "is_open": False}

MOST_QUICKLY = 512
"""Files and folders of one listing that a first look judges: some milliseconds at most."""

_SMALL_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20
_MOST_SHOWN = 5
_FINE_GRANULE_NS = 50_000_000
_COARSE_GRANULE_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
_READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class InterruptedLookError(Exception):
    """Whoever asked has no time left; nothing of the look is to be used."""


class UnreadableError(Exception):
    """A file can't be read, or the patterns mean too much; the message is for people."""


@record
class Places:
    """The project root, absolute and without links, and below it, relative, the folders that orch
    itself writes to while a stage is looked at; files there are nobody's inputs."""

    root: str
    runs: str
    out: str

    def are_orchs(self, path: str) -> bool:
        """Whether a file is one that orch writes for itself."""
        if path.startswith((".orch/", f"{self.runs}/")):
            return True
        if not path.startswith(f"{self.out}/"):
            return False
        _task, _, name = path.removeprefix(f"{self.out}/").partition("/")
        return name.startswith(("state.json", ".state.json", "pending/"))


def take_listing(
    places: Places,
    cwd: str,
    patterns: Sequence[str],
    known: Listing,
    is_interrupted: Callable[[], bool],
) -> Listing:
    """What the patterns, seen from `cwd`, match now. Files that look as they are `known` are not
    read. Raises `UnreadableError` and `InterruptedLookError`."""
    # Whoever looks at files has imported this before its process was forked.
    from orch.compiler.globs import GlobError, search_files

    began_ns = time.time_ns()
    try:
        search = search_files(places.root, cwd, patterns)
    except GlobError as error:
        raise UnreadableError(str(error)) from None
    if search.passed_over:
        # Whoever named it meant what is in it, and would take for unchanged what nobody looked at.
        raise UnreadableError(search.passed_over[0])
    rows = {row[0]: row for row in known["files"]}
    files = [
        _row(places.root, path, rows.get(path), is_interrupted)
        for path in search.files
        if not places.are_orchs(path)
    ]
    folders = [_folder_row(places.root, path, began_ns) for path in search.folders]
    return {
        "files": files,
        "folders": folders,
        "absent": list(search.absent),
        "is_open": search.is_open,
    }


def first_look(root: str, listing: Listing) -> Listing | None:
    """The listing as a new one would be, as far as a quick look can tell: where the times of files
    and folders are as they were, and small files that were too young to tell hold what they held.
    None where it can't."""
    size = len(listing["files"]) + len(listing["folders"]) + len(listing["absent"])
    if listing["is_open"] or size > MOST_QUICKLY:
        return None
    try:
        for path, *known in listing["folders"]:
            found = os.stat(f"{root}/{path}")
            if known != [found.st_mtime_ns, found.st_ctime_ns, found.st_ino]:
                return None
    except OSError:
        return None
    files = [_quick_row(root, row) for row in listing["files"]]
    if None in files or any(os.path.lexists(f"{root}/{path}") for path in listing["absent"]):
        return None
    return listing if files == listing["files"] else {**listing, "files": files}


def _quick_row(root: str, row: Row) -> Row | None:
    if _looks_unchanged(root, row):
        return row
    if row[6] or row[3] > _SMALL_BYTES:
        return None
    now = file_row(root, row, lambda: False)
    return now if now is not None and is_same_content(now, row) else None


def _looks_unchanged(root: str, row: Row) -> bool:
    """Whether the system tells of a file what it told when it was read."""
    path, _sha256, is_executable, size, mtime_ns, ctime_ns, inode = row
    try:
        found = os.stat(f"{root}/{path}")
    except OSError:
        return False
    return (
        found.st_ino == inode
        and found.st_ctime_ns == ctime_ns
        and found.st_mtime_ns == mtime_ns
        and found.st_size == size
        and _is_executable(found) is is_executable
    )


def file_row(root: str, known: Row, is_interrupted: Callable[[], bool]) -> Row | None:
    """The row that a file which is known has now; None where there is no such file any more."""
    try:
        return _row(root, known[0], known, is_interrupted)
    except UnreadableError:
        return None


def is_same_content(one: Row, other: Row) -> bool:
    """Whether two rows are of files that hold the same and may be executed alike."""
    return bool(one[:3] == other[:3])


def digest_of(listing: Listing) -> str:
    """The digest of all names and contents; times don't count."""
    from hashlib import sha256

    lines = (f"{path}\0{content}\0{x}" for path, content, x, *_ in listing["files"])
    return sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:32]


def differences(old: Listing, new: Listing) -> tuple[str, ...]:
    """What is other in `new`, a sentence for each of the first files."""
    found = list(_differences(old, new))
    if len(found) > _MOST_SHOWN:
        found[_MOST_SHOWN:] = [f"{len(found) - _MOST_SHOWN} more files are other than they were"]
    return tuple(found)


def _differences(old: Listing, new: Listing) -> Iterator[str]:
    before = {row[0]: row for row in old["files"]}
    after = {row[0]: row for row in new["files"]}
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            yield f"`{path}` is gone"
        elif path not in before:
            yield f"`{path}` is new"
        elif before[path][1] != after[path][1]:
            yield f"`{path}` changed"
        elif before[path][2] != after[path][2]:
            yield f"`{path}` can be executed {'now' if after[path][2] else 'no more'}"


def _row(root: str, path: str, known: Row | None, is_interrupted: Callable[[], bool]) -> Row:
    """Raises `UnreadableError` and `InterruptedLookError`."""
    if known is not None and _looks_unchanged(root, known):
        return known
    began_ns = time.time_ns()
    try:
        fd = os.open(f"{root}/{path}", _READ_FLAGS)
    except OSError as error:
        raise UnreadableError(f"`{path}` can't be read: {error.strerror}") from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError(f"`{path}` is no file any more")
        content = _content_digest(fd, is_interrupted)
    except OSError as error:
        raise UnreadableError(f"`{path}` can't be read: {error.strerror}") from None
    finally:
        os.close(fd)
    row = [path, content, _is_executable(found), found.st_size]
    return [*row, *_settled(found, began_ns)]


def _content_digest(fd: int, is_interrupted: Callable[[], bool]) -> str:
    from hashlib import sha256

    digest = sha256()
    while part := os.read(fd, _CHUNK_BYTES):
        digest.update(part)
        if is_interrupted():
            raise InterruptedLookError
    return digest.hexdigest()


def _folder_row(root: str, path: str, began_ns: int) -> Row:
    """Its times count only if they are older than the search: then no entry came meanwhile."""
    try:
        return [path, *_settled(os.stat(f"{root}/{path}"), began_ns)]
    except OSError:
        return [path, 0, 0, 0]


def _settled(found: os.stat_result, began_ns: int) -> tuple[int, int, int]:
    """Times and inode, if whatever happens from `began_ns` on changes the times; else zeros. A time
    of whole seconds may be of a file system that knows no others, or only every second one."""
    newest_ns = max(found.st_mtime_ns, found.st_ctime_ns)
    is_coarse = newest_ns % _SECOND_NS == 0
    if newest_ns + (_COARSE_GRANULE_NS if is_coarse else _FINE_GRANULE_NS) >= began_ns:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _is_executable(found: os.stat_result) -> bool:
    return bool(found.st_mode & stat.S_IXUSR)
