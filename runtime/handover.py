"""What an attempt hands over beside what it prints: values in a private file, outputs, artifacts.

The command may do with the name of the private file whatever it likes: put a link, a folder or a
FIFO in its place, or write without end. So it is read only when nothing of the attempt is alive,
by a name in a folder that is held open, never through a link, never waiting, and never more than
the limit.
"""

import errno
import os
import stat

from orch.dsl.type_names import TYPE_CHECKING, Any, Callable
from orch.runtime import system
from orch.runtime.attempt import AttemptSpec

if TYPE_CHECKING:
    from orch.runtime.artifacts import ArtifactStager

MOST_VALUES_BYTES = 65536
"""Limit of language.md, section 7."""

_MOST_SHOWN = 5
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAKE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ValuesFile:
    """The file named by `$ORCH_VALUES`, for one attempt: made empty before it, gone after it."""

    def __init__(self, path: str) -> None:
        self._path = path
        folder, _, self._name = path.rpartition("/")
        try:
            system.make_folders(folder, 0o700)
        except FileExistsError:
            pass
        self._folder = system.open_fd(folder, _FOLDER_FLAGS)
        try:
            self._remove()
            os.close(system.open_fd(self._name, _MAKE_FLAGS, 0o600, dir_fd=self._folder))
        except OSError:
            os.close(self._folder)
            raise

    def take(self) -> bytes:
        """Its content. Raises ValueError, with a sentence for people, where it can't be had."""
        try:
            fd = system.open_fd(self._name, _READ_FLAGS, dir_fd=self._folder)
        except OSError as error:
            raise ValueError(_why_closed(error)) from None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("the command put something that is no file in place of it")
            return _read(fd)
        except OSError as error:
            raise ValueError(f"what was written can't be read: {error.strerror}") from None
        finally:
            os.close(fd)

    def close(self) -> None:
        """Remove it, so that nothing that was written to it stays on the disk."""
        self._remove()
        os.close(self._folder)

    def _remove(self) -> None:
        try:
            system.remove(self._name, dir_fd=self._folder)
        except FileNotFoundError:
            pass
        except OSError:
            try:
                system.remove_folder(self._name, dir_fd=self._folder)
            except OSError:
                pass


def remove_values_files(folder: str) -> None:
    """Remove the folder of the values files and what killed wardens left in it, as far as that can
    be done."""
    try:
        held = system.open_fd(folder, _FOLDER_FLAGS)
    except OSError:
        return
    try:
        for name in os.listdir(held):
            try:
                system.remove(name, dir_fd=held)
            except OSError:
                pass
    finally:
        os.close(held)
    try:
        system.remove_folder(folder)
    except OSError:
        pass


class Handover:
    """One attempt's handover. Raises OSError where the file for its values can't be made, or what
    an earlier attempt kept can't be removed."""

    def __init__(self, spec: AttemptSpec) -> None:
        self.values = b""
        """What was read of the file, once `collect` has been called."""
        self.artifacts: list[dict[str, Any]] = []
        """What was kept by `collect`, as `ArtifactStager.stage` tells it."""
        self._spec = spec
        self._stager = (
            None if spec.artifacts_folder is None else _stager(spec, spec.artifacts_folder)
        )
        self._file = None if spec.values_file is None else ValuesFile(spec.values_file)

    def collect(
        self, *, is_success: bool, is_interrupted: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """After a success, what is missing or can't be taken, the fields of a `Shortcoming`; None
        where all is there, or where it was interrupted. Nothing of the values file is left on the
        disk."""
        if self._file is not None:
            try:
                if is_success:
                    self.values = self._file.take()
            except ValueError as error:
                return {"reason": "values", "message": str(error)}
            finally:
                self._file.close()
                self._file = None
        if is_success and self._spec.outputs:
            problem = _what_is_missing(self._spec)
            if problem is not None:
                return {"reason": "outputs", "message": problem}
        if is_success and self._stager is not None:
            return self._keep(self._stager, is_interrupted)
        return None

    def _keep(
        self, stager: "ArtifactStager", is_interrupted: Callable[[], bool]
    ) -> dict[str, Any] | None:
        from orch.runtime.artifacts import ArtifactError, InterruptedStagingError, NoRoomError

        problem: dict[str, Any] | None = None
        try:
            self.artifacts = stager.stage(self._spec.artifacts, is_interrupted)
        except ArtifactError as error:
            reason = "storage" if isinstance(error, NoRoomError) else "artifacts"
            problem = {"reason": reason, "message": str(error)}
        except InterruptedStagingError:
            pass
        else:
            return None
        try:
            stager.clear()
        except OSError:
            pass
        return problem


def _stager(spec: AttemptSpec, folder: str) -> "ArtifactStager":
    # Whoever runs such a plan has imported this before the warden was forked.
    from orch.runtime.artifacts import ArtifactStager

    stager = ArtifactStager(folder, spec.root, _cwd(spec))
    stager.clear()
    return stager


def _cwd(spec: AttemptSpec) -> str:
    """The working directory, relative to the root."""
    return spec.cwd.removeprefix(spec.root).strip("/") or "."


def _what_is_missing(spec: AttemptSpec) -> str | None:
    # Whoever runs such a plan has imported this before the warden was forked.
    from orch.compiler.globs import GlobError, missing_files

    cwd = _cwd(spec)
    try:
        missing = missing_files(spec.root, cwd, spec.outputs)
    except GlobError as error:
        return str(error)
    if not missing:
        return None
    shown = ", ".join(f"`{pattern}`" for pattern in missing[:_MOST_SHOWN])
    more = f" and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
    where = "the project root" if cwd == "." else f"`{cwd}`"
    folder = next((p for p in missing if os.path.isdir(f"{spec.cwd}/{p}")), None)
    hint = f"; `{folder}` is a folder: `{folder.rstrip('/')}/**` means its files" if folder else ""
    return f"the command succeeded, and in {where} no file matches {shown}{more}{hint}"


def _read(fd: int) -> bytes:
    data = bytearray()
    while len(data) <= MOST_VALUES_BYTES:
        part = os.read(fd, MOST_VALUES_BYTES + 1 - len(data))
        if not part:
            return bytes(data)
        data += part
    raise ValueError(f"the command wrote more than {MOST_VALUES_BYTES} bytes of them")


def _why_closed(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return 'the command removed the file "$ORCH_VALUES"'
        case errno.ELOOP:
            return "the command put a symbolic link in place of the file; links are not followed"
        case _:
            return f"what was written can't be read: {error.strerror}"
