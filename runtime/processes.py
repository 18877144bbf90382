"""Processes as the kernel sees them: who descends from whom, ending them all, knowing one again.

On Linux a subreaper inherits every orphan below it, so its own children, taken again and again
until there are none, are all that is left of what it started. Elsewhere there are only process
groups, which a process can leave (docs/promises.md says what that costs).
"""

import os
import sys
import time

from orch.dsl.record import record
from orch.dsl.type_names import Any, Callable, Collection
from orch.runtime import system_signals as signal

IS_LINUX = sys.platform == "linux"
WARDEN_NAME = "orch-warden"

_PR_SET_CHILD_SUBREAPER = 36
_PASS_PAUSE_S = 0.005


def become_subreaper() -> bool:
    """Let orphans below this process land here; False where the kernel can't."""
    if not IS_LINUX:
        return False
    return _prctl()(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def _prctl() -> Callable[..., int]:
    """That of the C library, called by the module below `ctypes`: that package takes a fifth of
    the interpreter's own start (ADR 33). Either is imported before the first warden is forked, and
    never by a run that needs none."""
    try:
        from _ctypes import call_function, dlopen, dlsym
    except ImportError:  # Not every Python has them.
        import ctypes

        prctl: Callable[..., int] = ctypes.CDLL(None).prctl
        return prctl
    this_process: Any = None
    address = dlsym(dlopen(this_process, os.RTLD_NOW), "prctl")
    return lambda *arguments: call_function(address, arguments)


def name_this_process(name: str) -> None:
    """Set the name that `ps` shows (15 bytes); does nothing where that can't be done."""
    try:
        with open("/proc/self/comm", "w", encoding="utf-8") as comm:
            comm.write(name)
    except OSError:
        pass


def mark_this_process(run_id: str, run: str) -> int | None:
    """Mark this warden as one of the run in the folder `run`, for `leftovers.py`; the mark lasts as
    long as the descriptor that is returned is open. None where that can't be done."""
    try:
        return os.memfd_create(_mark(run_id, run))
    except (AttributeError, OSError, ValueError):
        return None


def warden_marks(run_id: str, run: str) -> tuple[str, ...]:
    """How the link of a warden's mark may begin, in `/proc/<pid>/fd`; the second is that of one
    that did not see the folder of its run."""
    return f"/memfd:{_mark(run_id, run)} ", f"/memfd:{_mark(run_id, '')} "


def _mark(run_id: str, run: str) -> str:
    """Names the folder by its number: it may be moved, and lie behind links."""
    try:
        folder = os.stat(run)
        place = f"{folder.st_dev}.{folder.st_ino}"
    except (OSError, ValueError):
        place = ""
    return f"orch-run:{run_id}:{place}"


def children(pid: int) -> list[int]:
    """The children of a process, zombies included; none of one that is gone.

    Exact for the calling process while it has one thread; for others a child may be missed when
    its older sibling ends meanwhile, so whoever must find all looks again.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
        except OSError:
            if not _has_children_files():
                return [child for child, parent in _parents().items() if parent == pid]
    return found


def _has_children_files() -> bool:
    pid = os.getpid()
    return os.path.exists(f"/proc/{pid}/task/{pid}/children")


def _parents() -> dict[int, int]:
    """The parent of every process that can be seen."""
    parents: dict[int, int] = {}
    for pid in all_pids():
        stat = read_stat(pid)
        if stat is not None:
            parents[pid] = int(stat[1])
    return parents


def all_pids() -> list[int]:
    """The processes that can be seen; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def read_stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/<pid>/stat from the state on; the name before it may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, parents before their children; without `pid`."""
    found: list[int] = []
    level = children(pid)
    while level:
        found += level
        level = [grandchild for child in level for grandchild in children(child)]
    return found


def signal_descendants(command: int, signum: int) -> None:
    """The signal, once each, to everything below this process, and wake what is stopped.

    `command` is the child that leads the attempt's process group, for systems without /proc.
    """
    below = descendants(os.getpid()) if IS_LINUX else []
    if not below:
        try:
            os.killpg(command, signum)
            os.killpg(command, signal.SIGCONT)
        except (ProcessLookupError, PermissionError):
            pass
        return
    for pid in below:
        try:
            os.kill(pid, signum)
            os.kill(pid, signal.SIGCONT)
        except (ProcessLookupError, PermissionError):
            pass


def kill_children(command: int | None = None, spared: Collection[int] = ()) -> None:
    """One pass of SIGKILL over the children of this process and the groups they are in.

    Only children are aimed at: until they are reaped neither their pids nor their groups can be
    given to a stranger. What they leave lands here and is met by the next pass. A whole group is
    killed at once, so a storm of forks does not outrun the passes. Without /proc the group that
    `command` leads is all that can be met.
    """
    if not IS_LINUX and command is not None:
        kill_group(command)
    own_group = os.getpgrp()
    for pid in children(os.getpid()):
        if pid in spared:
            continue
        try:
            group = os.getpgid(pid)
            if group != own_group:
                kill_group(group)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def kill_group(group: int) -> None:
    """SIGKILL to a process group, if there is one of that number that may be killed."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def kill_orphans(strangers: Collection[int], wardens: Collection[int], wait_ms: int) -> int:
    """End what a dead warden left to this process; returns how many were ended.

    Spared are the living `wardens` and `strangers`: children that this process had before it
    started any warden, and whatever stands in its own session, where no attempt can be.
    """
    ended = 0
    until = time.monotonic() + wait_ms / 1000
    session = os.getsid(0)
    while True:
        orphans = [pid for pid in children(os.getpid()) if pid not in wardens]
        orphans = [pid for pid in orphans if pid not in strangers and _is_ours(pid, session)]
        if not orphans:
            return ended
        kill_children(spared=set(children(os.getpid())).difference(orphans))
        for pid in orphans:
            try:
                ended += os.waitpid(pid, os.WNOHANG)[0] == pid
            except ChildProcessError:
                pass
        if time.monotonic() > until:
            return ended
        time.sleep(_PASS_PAUSE_S)


def _is_ours(orphan: int, own_session: int) -> bool:
    """Whether an orphan may be killed and comes from a session that is not this process's."""
    try:
        os.kill(orphan, 0)
        return os.getsid(orphan) != own_session
    except OSError:
        return False


@record
class ProcessIdentity:
    """A process, told apart from every later one with the same pid.

    `start_time_ticks` counts from boot; 0 and an empty `boot_id` where the system does not say.
    """

    pid: int
    start_time_ticks: int
    boot_id: str


def read_identity(pid: int) -> ProcessIdentity | None:
    """The identity of a process; None when there is none with that pid."""
    stat = read_stat(pid)
    if stat is not None:
        return ProcessIdentity(pid, int(stat[19]), _boot_id())
    return None if IS_LINUX or _is_absent(pid) else ProcessIdentity(pid, 0, "")


def is_same_process_alive(identity: ProcessIdentity) -> bool | None:
    """Whether the process of this machine that `identity` was read from is alive.

    None when it can't be proven either way. A zombie is not alive.
    """
    if identity.pid <= 0:
        return None
    boot_id = _boot_id()
    if boot_id and identity.boot_id and boot_id != identity.boot_id:
        return False
    if _is_absent(identity.pid):
        return False
    stat = read_stat(identity.pid)
    if stat is None or not identity.start_time_ticks:
        return None
    return int(stat[19]) == identity.start_time_ticks and stat[0] not in {b"Z", b"X"}


def _is_absent(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OverflowError:
        return True
    except PermissionError:
        return False
    return False


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""
