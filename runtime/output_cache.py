"""`.orch/cache/objects`: what stages wrote, by the digest of its content.

A file of the cache is written under another name and then renamed, so it is whole or not there;
what it holds is digested again when it is asked for. One that is damaged, or no plain file, is as
if it weren't there. Runs share the cache: they add to it and never change what is there. Nothing of
it needs to outlive a power loss, so nothing waits for the disk.
"""

import os
import stat

from orch.dsl.record import record
from orch.dsl.type_names import Callable, Iterator, Mapping
from orch.runtime import system
from orch.runtime.files import temporary_path
from orch.runtime.folders import find_folder_below, open_folder_below
from orch.runtime.listings import InterruptedLookError, Row, file_row

FOLDER = ".orch/cache/objects"

CACHE_BYTES = 2 * 2**30
"""What the cache may hold, unless somebody says otherwise."""

SIZE_VARIABLE = "ORCH_CACHE_BYTES"

_HALF_WRITTEN_MS = 86_400_000
_CHUNK_BYTES = 1 << 20
_DIGEST_CHARACTERS = 64
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Asked = Callable[[], bool]
"""Asked again and again whether there is no time left."""


class _OtherContentError(Exception):
    """What was read is not what was promised."""


class OutputCache:
    """The cache of the project below `root`, which has no links in it."""

    def __init__(self, root: str) -> None:
        self._root = root

    def keep(self, path: str, content: str, is_interrupted: Asked) -> int:
        """Put a file (its path below the root, the digest of its content) in, and say how many
        bytes that took. What is no plain file, or holds something else by now, is left out. Raises
        OSError where the cache can't be written, and `InterruptedLookError`."""
        try:
            if stat.S_ISREG(os.lstat(self._object(content)).st_mode):
                # The oldest are forgotten first, and this one is of use now.
                os.utime(self._object(content))
                return 0
        except OSError:
            pass
        try:
            reader = os.open(f"{self._root}/{path}", _READ_FLAGS)
        except OSError:
            return 0
        try:
            if not stat.S_ISREG(os.fstat(reader).st_mode):
                return 0
            folder = open_folder_below(self._root, _parts(content)[:-1], is_made=True)
            try:
                return _copy(reader, _Place(folder, content, 0o444), content, is_interrupted)
            finally:
                os.close(folder)
        except _OtherContentError:
            return 0
        finally:
            os.close(reader)

    def restore(self, known: Row, is_interrupted: Asked) -> Row | None:
        """Let a file of the project be again what its row says, at once or not at all; its row now,
        None where that can't be. Raises `InterruptedLookError`."""
        path, content, is_executable = known[:3]
        *above, name = path.split("/")
        try:
            reader = self.open(content)
            try:
                folder = open_folder_below(self._root, above, is_made=True)
                try:
                    place = _Place(folder, name, 0o777 if is_executable else 0o666)
                    _copy(reader, place, content, is_interrupted)
                finally:
                    os.close(folder)
            finally:
                os.close(reader)
        except (OSError, _OtherContentError):
            return None
        return file_row(self._root, known, is_interrupted)

    def open(self, content: str) -> int:
        """A descriptor of what has this digest, which is to be judged again by whoever reads it.
        Raises OSError."""
        folder = open_folder_below(self._root, _parts(content)[:-1], is_made=False)
        try:
            fd = system.open_fd(content, _READ_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise FileNotFoundError(content)
        try:
            os.utime(fd)
        except OSError:
            pass
        return fd

    def _object(self, content: str) -> str:
        return "/".join((self._root, *_parts(content)))


def cache_limit(environment: Mapping[str, str]) -> int:
    """What the cache may hold in bytes. Raises ValueError, with a sentence for people."""
    text = environment.get(SIZE_VARIABLE)
    if text is None:
        return CACHE_BYTES
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{SIZE_VARIABLE} is {text!r}; it takes a number of bytes, as 2147483648")
    return int(text[:20])


def prune_cache(
    root: str, limit_bytes: int | None, now_ms: int, *, is_dry: bool = False
) -> tuple[int, int]:
    """Remove of the cache what was of no use for the longest time, until it is within its limit,
    and what killed writers left; how many files that were, and bytes."""
    count = removed_bytes = held_bytes = 0
    folder = find_folder_below(root, FOLDER)
    if folder is None:
        return 0, 0
    try:
        for used_ns, size_bytes, path in _objects_in(folder):
            is_half = path.partition("/")[2].startswith(".")
            if is_half and now_ms - used_ns // 1_000_000 < _HALF_WRITTEN_MS:
                continue
            held_bytes += 0 if is_half else size_bytes
            if not is_half and (limit_bytes is None or held_bytes <= limit_bytes):
                continue
            if is_dry or _is_removed(folder, path):
                count += 1
                removed_bytes += size_bytes
    finally:
        os.close(folder)
    return count, removed_bytes


def _objects_in(folder: int) -> list[tuple[int, int, str]]:
    """All files of the cache, those half written included, the one of use last first: when that
    was in nanoseconds, the size, the path in the folder of all."""
    found: list[tuple[int, int, str]] = []
    for shard in os.listdir(folder):
        try:
            found.extend(_objects_in_shard(folder, shard))
        except OSError:
            pass
    return sorted(found, reverse=True)


def _objects_in_shard(folder: int, shard: str) -> Iterator[tuple[int, int, str]]:
    """Raises OSError, for a link too."""
    inside = system.open_fd(shard, _FOLDER_FLAGS, dir_fd=folder)
    try:
        with os.scandir(inside) as files:
            for file in files:
                try:
                    status = file.stat(follow_symlinks=False)
                except OSError:
                    continue
                yield status.st_mtime_ns, status.st_size, f"{shard}/{file.name}"
    finally:
        os.close(inside)


def _is_removed(folder: int, path: str) -> bool:
    shard, _, name = path.partition("/")
    try:
        inside = system.open_fd(shard, _FOLDER_FLAGS, dir_fd=folder)
        try:
            system.remove(name, dir_fd=inside)
        finally:
            os.close(inside)
    except OSError:
        return False
    return True


def _parts(content: str) -> list[str]:
    if len(content) != _DIGEST_CHARACTERS or not content.isalnum():
        # A record that is no record must not lead anywhere.
        raise FileNotFoundError(content)
    return [*FOLDER.split("/"), content[:2], content]


@record
class _Place:
    """A name in an open folder, and the mode that a file gets there (less the umask)."""

    folder: int
    name: str
    mode: int


def _copy(reader: int, place: _Place, content: str, is_interrupted: Asked) -> int:
    """Give a place to a copy of what is read, if that is the content promised; its size. Raises
    OSError, `_OtherContentError` and `InterruptedLookError`, and leaves nothing behind then."""
    temporary = temporary_path("restored")
    mode = place.mode | stat.S_IWUSR
    writer = system.open_fd(temporary, _WRITE_FLAGS, mode, dir_fd=place.folder)
    try:
        try:
            size_bytes = _copy_content(reader, writer, content, is_interrupted)
        finally:
            os.close(writer)
        system.rename(temporary, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        try:
            system.remove(temporary, dir_fd=place.folder)
        except OSError:
            pass
        raise
    return size_bytes


def _copy_content(reader: int, writer: int, content: str, is_interrupted: Asked) -> int:
    from hashlib import sha256

    digest, size_bytes = sha256(), 0
    while part := os.read(reader, _CHUNK_BYTES):
        if is_interrupted():
            raise InterruptedLookError
        digest.update(part)
        size_bytes += len(part)
        view = memoryview(part)
        while view:
            view = view[system.write(writer, view) :]
    if digest.hexdigest() != content:
        raise _OtherContentError
    return size_bytes
