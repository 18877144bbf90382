"""Artifacts: files of the project that are kept with a run, copied to `artifacts/STAGE/`.

That folder belongs to its stage; every attempt begins with an empty one. It is reached from the
run directory by descriptors, so no link that somebody puts in the way leads out, and a file is
copied only if what was opened lies in the project. Copies are durable when they are reported.
"""

import errno
import os
import stat

from orch.dsl.type_names import Any, Callable, Mapping, Sequence
from orch.runtime import system
from orch.runtime.files import shortage
from orch.runtime.folders import open_folder_below

MOST_FILES = 10_000
"""Files that one stage may keep; more are a mistake, such as a pattern that means the world."""

_CHUNK_BYTES = 1 << 20
_SOURCE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_COPY_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ArtifactError(ValueError):
    """Something can't be kept; the message is for people."""


class NoRoomError(ArtifactError):
    """The machine lacks what keeping takes, whatever is to be kept: space, descriptors."""


class InterruptedStagingError(Exception):
    """The attempt is over before all was copied: its time is up, or orch wants it to end."""


class ArtifactStager:
    """Keeps files of the project below `root`, seen from the folder `cwd` (relative to it), in
    `folder`, which lies two levels below the run directory: `<run>/artifacts/<stage>`.

    Whoever makes one has imported `hashlib`, `shutil` and the globs before its process was forked.
    """

    def __init__(self, folder: str, root: str, cwd: str) -> None:
        self._run, self._parts = folder.rsplit("/", 2)[0], folder.rsplit("/", 2)[1:]
        self._root = os.path.realpath(root)
        self._cwd = os.path.relpath(os.path.realpath(f"{root}/{cwd}"), self._root)
        self._real_run = os.path.realpath(self._run)

    def clear(self) -> None:
        """Remove what an earlier attempt left. Raises OSError."""
        try:
            above = self._open_folder(self._parts[:1], is_made=False)
        except FileNotFoundError:
            return
        try:
            # It refuses a link, and follows none below.
            system.remove_tree(self._parts[1], dir_fd=above)
        except FileNotFoundError:
            pass
        finally:
            os.close(above)

    def stage(
        self, patterns: tuple[str, ...], is_interrupted: Callable[[], bool]
    ) -> list[dict[str, Any]]:
        """Copy the files that the patterns match; of each `path` in the run directory, `source` in
        the project, `size_bytes` and `sha256`. `is_interrupted` is asked again and again.

        Raises `ArtifactError`, `NoRoomError` among them, and `InterruptedStagingError`; then
        nothing of it is to be used.
        """
        from orch.compiler.globs import GlobError, search_files

        try:
            search = search_files(self._root, self._cwd, patterns)
        except GlobError as error:
            raise ArtifactError(str(error)) from None
        if search.passed_over:
            raise ArtifactError(search.passed_over[0])
        sources = search.files
        if len(sources) > MOST_FILES:
            raise ArtifactError(f"{len(sources)} files match, and {MOST_FILES} can be kept at most")
        kept: dict[str, dict[str, Any]] = {}
        for source in sources:
            name = self._name(source)
            if name in kept:
                raise ArtifactError(
                    f"`{kept[name]['source']}` and `{source}` would both be kept as `{name}`"
                )
            try:
                copied = self._copy(source, name, is_interrupted)
            except OSError as error:
                raise self._failure(f"`{source}` can't be kept", error) from None
            if copied is not None:
                kept[name] = copied
        try:
            self._make_durable(kept)
        except OSError as error:
            raise self._failure("what was kept can't be made durable", error) from None
        return list(kept.values())

    def _failure(self, what: str, error: OSError) -> ArtifactError:
        lacking = shortage(error)
        if lacking is None:
            return ArtifactError(f"{what}: {_why(error)}")
        return NoRoomError(f"{what} in {'/'.join((self._run, *self._parts))}: {lacking}")

    def stage_again(
        self,
        kept: Sequence[Mapping[str, Any]],
        open_content: Callable[[str], int],
        is_interrupted: Callable[[], bool],
    ) -> list[dict[str, Any]]:
        """Keep once more what an earlier run kept of the stage, as `stage` told it: what
        `open_content(sha256)` opens, or the same file of the project where that raises OSError.

        Raises OSError, `ArtifactError` and `InterruptedStagingError`; then nothing of it is to be
        used.
        """
        again: dict[str, dict[str, Any]] = {}
        for row in kept:
            source, name = row["source"], self._name(row["source"])
            try:
                reader = open_content(row["sha256"])
            except OSError:
                copied = self._copy(source, name, is_interrupted)
            else:
                try:
                    mode = 0o777 if row["is_executable"] else 0o666
                    copied = self._copy_open(reader, mode, source, name, is_interrupted)
                finally:
                    os.close(reader)
            if copied is None or copied["sha256"] != row["sha256"]:
                raise ArtifactError(f"`{source}` is not what it was")
            again[name] = copied
        self._make_durable(again)
        return list(again.values())

    def _name(self, source: str) -> str:
        """What a file is called in the stage's folder: seen from `cwd` if it lies there, else from
        the root."""
        return source if self._cwd == "." else source.removeprefix(f"{self._cwd}/")

    def _copy(
        self, source: str, name: str, is_interrupted: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """None for a file of the run itself, which a pattern may mean by accident."""
        reader = system.open_fd(f"{self._root}/{source}", _SOURCE_FLAGS)
        try:
            real = os.readlink(f"/proc/self/fd/{reader}")
            if real.startswith(f"{self._real_run}/"):
                return None
            info = os.fstat(reader)
            if not stat.S_ISREG(info.st_mode) or not real.startswith(f"{self._root}/"):
                raise ArtifactError(f"`{source}` is no file of the project any more")
            mode = stat.S_IMODE(info.st_mode) & 0o777
            return self._copy_open(reader, mode, source, name, is_interrupted)
        finally:
            os.close(reader)

    def _copy_open(
        self, reader: int, mode: int, source: str, name: str, is_interrupted: Callable[[], bool]
    ) -> dict[str, Any]:
        *folders, last = (*self._parts, *name.split("/"))
        folder = self._open_folder(folders, is_made=True)
        try:
            writer = system.open_fd(last, _COPY_FLAGS, mode, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            figures = _copy_content(reader, writer, is_interrupted)
        finally:
            os.close(writer)
        return {"path": "/".join((*self._parts, name)), "source": source, **figures}

    def _open_folder(self, parts: list[str], *, is_made: bool) -> int:
        """A descriptor of a folder below the run directory, reached without following any link."""
        return open_folder_below(self._run, parts, is_made=is_made)

    def _make_durable(self, names: dict[str, Any]) -> None:
        """Make the names durable, those of the folders too."""
        folders: set[tuple[str, ...]] = {()}
        for name in names:
            parts = (*self._parts, *name.split("/")[:-1])
            folders.update(parts[:n] for n in range(1, len(parts) + 1))
        for parts in folders if names else ():
            folder = self._open_folder(list(parts), is_made=False)
            try:
                system.fsync(folder)
            finally:
                os.close(folder)


def _copy_content(reader: int, writer: int, is_interrupted: Callable[[], bool]) -> dict[str, Any]:
    """Copy to the end and onto the disk; how much it was, and its digest."""
    from hashlib import sha256

    digest, size_bytes = sha256(), 0
    while part := os.read(reader, _CHUNK_BYTES):
        if is_interrupted():
            raise InterruptedStagingError
        digest.update(part)
        size_bytes += len(part)
        _write(writer, part)
    system.fsync(writer)
    return {"size_bytes": size_bytes, "sha256": digest.hexdigest()}


def _write(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[system.write(writer, view) :]


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EEXIST:
            return "another file has its name in the folder of the artifacts already"
        case errno.ENOTDIR | errno.ELOOP:
            return "something that is no folder stands in the way in the folder of the artifacts"
        case _:
            return str(error.strerror)
