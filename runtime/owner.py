"""Who holds a run: `owner.json`, locked by the kernel for as long as its owner lives.

The lock is a `flock` on the very file that the name `owner.json` stands for; the kernel frees it
when the last descriptor of its owner is closed, so also after SIGKILL. Whoever takes a run over
first gets the lock of the file that is there, then puts a file of its own, already locked, in its
place. So the file under that name is never locked by two processes, and of several that try at
once exactly one wins.
"""

import errno
import fcntl
import os
import time

from orch.dsl.json_codec import decode_json
from orch.dsl.record import as_dictionary, field_names, record
from orch.dsl.type_names import Callable
from orch.runtime import system
from orch.runtime.files import (
    StorageError,
    create_temporary,
    is_current,
    json_line,
    open_file,
    read_file,
    remove_file,
    remove_temporaries,
    rename_over,
    storage_errors,
)
from orch.runtime.processes import ProcessIdentity, is_same_process_alive, read_identity

# Whoever asks whether the lock is free, or takes a run over, holds it for a moment: a busy lock is
# believed at once only when its owner is seen alive.
_TRIES = 50
_WAIT_S = 0.01


@record
class Owner:
    """What a process says of itself in `owner.json`. Zero and empty where the system is silent."""

    pid: int
    start_time_ticks: int
    boot_id: str
    host: str
    user: str
    orch_version: str

    @property
    def identity(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.start_time_ticks, self.boot_id)

    @property
    def is_of_this_host(self) -> bool:
        """The same kernel, or a machine of the same name: a host may be renamed while it runs."""
        identity = read_identity(os.getpid())
        is_same_boot = bool(self.boot_id and identity and identity.boot_id == self.boot_id)
        return is_same_boot or self.host == os.uname().nodename


class RunIsOwnedError(Exception):
    """A living process holds the run; `owner` is what it says of itself, if that is known."""

    def __init__(self, owner: Owner | None) -> None:
        self.owner = owner
        by = "another process" if owner is None else f"process {owner.pid} on {owner.host}"
        super().__init__(f"the run is held by {by}; wait until it ends, or cancel it")


class OwnerLock:
    """The hold on a run; it lasts until `release` or the end of this process.

    The descriptor is closed in every program that is started; a process that is merely forked
    must close it, or it holds the run too.
    """

    def __init__(self, path: str, fd: int, owner: Owner) -> None:
        self.owner = owner
        self._path = path
        self._fd = fd

    @classmethod
    def acquire(
        cls, path: str, orch_version: str, sleep: Callable[[float], None] = time.sleep
    ) -> "OwnerLock":
        """Hold the run whose owner file is `path`, new or left by a process that is gone; what
        that one left half written in the run directory is removed.

        Raises `RunIsOwnedError`, after at most half a second, and `StorageError`.
        """
        owner = this_process(orch_version)
        for _ in range(_TRIES):
            held = _lock_current(path)
            if held is not None:
                try:
                    lock = cls(path, _replace_locked(path, owner), owner)
                finally:
                    os.close(held)
                run = os.path.dirname(path)
                remove_temporaries(run)
                remove_temporaries(f"{run}/errors")
                return lock
            # Readers share the lock for a moment, an owner shares it with nobody.
            other = read_owner(path) if is_lock_held(path) else None
            if other is not None and is_same_process_alive(other.identity):
                break
            sleep(_WAIT_S)
        raise RunIsOwnedError(read_owner(path))

    def release(self) -> None:
        """Let go of the run; the file stays and says who held it last."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def this_process(orch_version: str) -> Owner:
    """This process as an owner."""
    identity = read_identity(os.getpid()) or ProcessIdentity(os.getpid(), 0, "")
    return Owner(
        pid=identity.pid,
        start_time_ticks=identity.start_time_ticks,
        boot_id=identity.boot_id,
        host=os.uname().nodename,
        user=_user(),
        orch_version=orch_version,
    )


def read_owner(path: str) -> Owner | None:
    """The owner in a file; None where there is no file, or none that says who.

    Raises `StorageError`.
    """
    try:
        value = decode_json(read_file(path) or b"")
        owner = Owner(**{name: value[name] for name in field_names(Owner)})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_sound = type(owner.pid) is int and type(owner.start_time_ticks) is int
    return owner if is_sound and isinstance(owner.boot_id, str) else None


def is_lock_held(path: str) -> bool | None:
    """Whether a living process holds the lock of an owner file.

    None when that can't be known: there is no file, or it can't be opened or locked here.
    """
    for _ in range(_TRIES):
        try:
            fd = open_file(path, os.O_RDONLY)
        except StorageError:
            return None
        try:
            system.lock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if is_current(path, fd):
                return False
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(fd)
    return None


def _lock_current(path: str) -> int | None:
    """A locked descriptor of the file that `path` names; None when another process holds it.

    A missing file is made first, empty: so whoever holds a run has locked the file under its name
    before it wrote its own.
    """
    while True:
        try:
            fd = open_file(path, os.O_RDWR)
        except StorageError as error:
            if error.errno != errno.ENOENT:
                raise
            _create_empty(path)
            continue
        try:
            with storage_errors(path, "lock"):
                system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_current(path, fd):
                return fd
        except StorageError as error:
            os.close(fd)
            if error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}:
                raise
            return None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _create_empty(path: str) -> None:
    try:
        os.close(open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    except StorageError as error:
        if error.errno != errno.EEXIST:
            raise


def _replace_locked(path: str, owner: Owner) -> int:
    """Put a file that says `owner`, and is locked, in the place of the one that is locked by us."""
    temporary, fd = create_temporary(path, (json_line(as_dictionary(owner)),))
    try:
        with storage_errors(path, "lock"):
            system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its name is durable with that of the plan, before which there is no run; of one that is
        # resumed a power loss may bring back the owner before, who is gone as well.
        rename_over(temporary, path, is_durable=False)
    except BaseException:
        os.close(fd)
        remove_file(temporary)
        raise
    return fd


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container may run with an id that no one gave a name.
        return str(os.getuid())
