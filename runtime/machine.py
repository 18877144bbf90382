"""What this machine can and can't guarantee, found out by trying it (`orch doctor`).

Each probe does what a run would do: it forks, locks, syncs, renames. It leaves nothing behind.
"""

import fcntl
import os
import re
import resource
from contextlib import suppress

from orch.dsl.record import record
from orch.dsl.type_names import Iterator, Literal
from orch.runtime import clock, system
from orch.runtime import system_signals as signal
from orch.runtime.processes import become_subreaper, children

Level = Literal["fine", "weaker", "missing"]

FINE: Level = "fine"
WEAKER: Level = "weaker"
MISSING: Level = "missing"

_GIB = 1 << 30
_LEAST_FREE = 1 << 28
_LITTLE_FREE = 4 * _GIB
_LEAST_FILES = 1000
_FILES_A_STAGE = 2
_LEAST_DESCRIPTORS = 64
_FEW_DESCRIPTORS = 256
_FEW_PROCESSES = 200
_SLOW_SYNC_MS = 100
_CLOCK_MS = 2000

_SHARED_TYPES = ("nfs", "cifs", "smb", "9p", "fuse", "ceph", "gfs", "ocfs", "lustre", "afs")
_MEMORY_TYPES = ("tmpfs", "ramfs")


@record
class Finding:
    """What a probe found out. `level` is `fine`, `weaker`: all promises hold, with less comfort,
    or `missing`: one of them can't be kept. `said` is a sentence for people, `mend` what to do."""

    name: str
    level: Level
    said: str
    mend: str | None = None


def probe_machine(places: tuple[str, ...]) -> Iterator[Finding]:
    """What the kernel does for orch, and the file systems of `places`: folders that runs write
    to, which need not be there yet."""
    yield _ownership()
    yield _identity()
    yield _descriptors()
    yield _processes()
    seen: set[int] = set()
    for place in places:
        folder = _nearest(place)
        device = os.stat(folder).st_dev
        if device not in seen:
            seen.add(device)
            yield from probe_folder(folder)


# -- processes ------------------------------------------------------------------------


def _ownership() -> Finding:
    """Whether an orphan lands where a warden would find it: tried with three real processes."""
    if _does_orphan_land_here():
        said = "what a stage leaves behind lands at its warden, which ends all of it"
        return Finding("ownership", FINE, said)
    return Finding(
        "ownership",
        MISSING,
        "an orphan of a stage doesn't land at its warden, so it can outlive its run",
        "use a Linux kernel with PR_SET_CHILD_SUBREAPER and /proc, in a sandbox that allows both",
    )


def _does_orphan_land_here() -> bool:
    child = system.fork()
    if child == 0:
        code = 1
        # Whatever becomes of this trial, it ends.
        signal.alarm(10)
        try:
            code = 0 if _adopts_an_orphan() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(system.wait(child, 0)[1]) == 0


def _adopts_an_orphan() -> bool:
    """In a process of its own: its child makes a child and ends."""
    become_subreaper()
    reader, writer = system.pipe()
    child = system.fork()
    if child == 0:
        orphan = system.fork()
        if orphan == 0:
            signal.alarm(10)
            signal.pause()
        system.write(writer, b"%d" % orphan)
        os._exit(0)
    system.wait(child, 0)
    orphan = int(os.read(reader, 20))
    is_ours = orphan in children(os.getpid())
    with suppress(ProcessLookupError):
        os.kill(orphan, signal.SIGKILL)
    return is_ours


def _identity() -> Finding:
    """Whether a process can be known again: pids come back, a start in a boot doesn't."""
    boot, own = "/proc/sys/kernel/random/boot_id", f"/proc/{os.getpid()}/stat"
    if os.path.exists(boot) and os.path.exists(own):
        return Finding("identity", FINE, "a process is known again by its start in this boot")
    return Finding(
        "identity",
        WEAKER,
        "/proc doesn't say when a process was started, so a run may be called stale that is lost",
        "mount /proc where orch runs",
    )


def _descriptors() -> Finding:
    limit, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    stages = max(0, limit - 32) // _FILES_A_STAGE
    said = f"{limit} open files are allowed, enough for some {stages} stages at once"
    if limit >= _FEW_DESCRIPTORS or limit == resource.RLIM_INFINITY:
        return Finding("open files", FINE, said)
    level = WEAKER if limit >= _LEAST_DESCRIPTORS else MISSING
    most = "1024" if highest in (-1, resource.RLIM_INFINITY) else str(min(1024, highest))
    return Finding("open files", level, said, f"raise the limit: ulimit -n {most}")


def _processes() -> Finding:
    """How many more processes this user may have; root has no limit but that of its container."""
    rooms = [room for room in (_room_of_user(), _room_of_container()) if room is not None]
    if not rooms:
        return Finding("processes", FINE, "there is no limit on how many processes run at once")
    said = f"{min(rooms)} more processes are allowed"
    if min(rooms) >= _FEW_PROCESSES:
        return Finding("processes", FINE, said)
    mend = "raise `ulimit -u`, or the limit of the container"
    return Finding("processes", WEAKER, f"{said}; a stage that needs more fails", mend)


def _room_of_user() -> int | None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if limit == resource.RLIM_INFINITY or os.getuid() == 0:
        return None
    own = 0
    for name in os.listdir("/proc"):
        with suppress(OSError):
            own += name.isdecimal() and os.stat(f"/proc/{name}").st_uid == os.getuid()
    return max(0, limit - own)


def _room_of_container() -> int | None:
    with suppress(OSError, ValueError):
        name = _text_of("/proc/self/cgroup").strip().rpartition(":")[2].lstrip("/")
        folder = f"/sys/fs/cgroup/{name}"
        return max(0, int(_text_of(f"{folder}/pids.max")) - int(_text_of(f"{folder}/pids.current")))
    return None


def _text_of(kernel_file: str) -> str:
    with open(kernel_file, encoding="utf-8") as file:
        return file.read()


# -- files ----------------------------------------------------------------------------


def probe_folder(folder: str) -> Iterator[Finding]:
    """What the file system of a folder does; a file is made in it, and removed."""
    name = os.path.join(folder, f".orch-doctor.{os.getpid()}")
    try:
        fd = system.open_fd(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        said = f"can't write in `{folder}`, where runs are kept: {(error.strerror or '').lower()}"
        mend = "give orch a folder that it can write to, also by ORCH_RUNS_DIR and ORCH_OUT_DIR"
        yield Finding("folder", MISSING, said, mend)
        return
    try:
        yield _locks(name, fd)
        yield _syncs(name, fd)
        yield _clock(fd)
    finally:
        os.close(fd)
        with suppress(OSError):
            system.remove(name)
    space = os.statvfs(folder)
    # Some file systems make files as they are wanted, and count none.
    files = space.f_favail if space.f_files else None
    yield judge_space(space.f_bavail * space.f_frsize, files)
    kind = file_system_of(folder, _text_of("/proc/self/mountinfo"))
    yield judge_file_system(kind)


def _locks(name: str, fd: int) -> Finding:
    """Two descriptors of one file, as two processes have them: only one may hold the lock."""
    with (
        suppress(OSError),
        os.fdopen(system.open_fd(name, os.O_RDWR | os.O_CLOEXEC), "rb") as second,
    ):
        system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            system.lock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Finding("locks", FINE, "a lock is held by one process at a time")
    return Finding(
        "locks",
        MISSING,
        "the file system has no locks, so two processes could hold one run",
        "keep runs on a local file system: ORCH_RUNS_DIR and ORCH_OUT_DIR name other places",
    )


def _syncs(name: str, fd: int) -> Finding:
    """A file written, synced, renamed, and its folder synced, as at the end of each stage."""
    began_ms = clock.monotonic_ms()
    renamed = f"{name}.renamed"
    try:
        system.write(fd, b"x" * 4096)
        system.fsync(fd)
        system.rename(name, renamed)
        system.rename(renamed, name)
        folder = system.open_fd(os.path.dirname(name), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            system.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            system.remove(renamed)
        said = f"what is written can't be made durable: {(error.strerror or '').lower()}"
        return Finding("durability", MISSING, said, "keep runs on another file system")
    took_ms = clock.monotonic_ms() - began_ms
    said = f"a file is on the disk {took_ms} ms after it was written, as far as the disk is honest"
    if took_ms <= _SLOW_SYNC_MS:
        return Finding("durability", FINE, said)
    return Finding("durability", WEAKER, f"{said}; every stage waits for that", _FASTER)


_FASTER = "keep runs on a faster disk (ORCH_RUNS_DIR), or look what else keeps this one busy"


def _clock(fd: int) -> Finding:
    """The clock of the file system beside that of this machine: a file server has its own."""
    os.utime(fd)
    return judge_clock(os.fstat(fd).st_mtime_ns // 1_000_000 - clock.wall_ms())


def judge_clock(ahead_ms: int) -> Finding:
    """`ahead_ms` is how far the clock of the file system is before ours."""
    if abs(ahead_ms) <= _CLOCK_MS:
        return Finding("clock", FINE, "the file system has the time of this machine")
    way = "ahead of" if ahead_ms > 0 else "behind"
    said = (
        f"the file system's clock is {abs(ahead_ms) // 1000} s {way} this machine's; a change of a "
        "file just after a stage has read it can go unseen"
    )
    return Finding("clock", WEAKER, said, "set both by NTP")


def judge_space(free_bytes: int, free_files: int | None) -> Finding:
    """`free_files` is None where the file system doesn't count them."""
    said = f"{free_bytes / _GIB:.1f} GiB are free"
    mend = "`orch gc --older-than 30d` removes old runs, `orch gc --cache-size 500MiB` old outputs"
    if free_files is not None and free_files < _LEAST_FILES:
        return Finding("space", MISSING, f"{free_files} more files can be made", mend)
    if free_bytes < _LEAST_FREE:
        return Finding("space", MISSING, f"{said}, too little for the logs of a run", mend)
    if free_bytes < _LITTLE_FREE:
        return Finding("space", WEAKER, f"{said}, which a few runs with long logs can fill", mend)
    return Finding("space", FINE, said)


def judge_file_system(kind: str) -> Finding:
    """`kind` as the kernel names it: `ext4`, `nfs4`, `fuse.sshfs`."""
    if kind.startswith(_SHARED_TYPES):
        said = (
            f"runs are on {kind}, which other hosts may share: a run of another host is called "
            "stale and never lost, and locks may not reach there"
        )
        mend = "let one host run the pipelines of a project, or keep its runs on a local disk"
        return Finding("file system", WEAKER, said, mend)
    if kind.startswith(_MEMORY_TYPES):
        said = f"runs are on {kind}, in memory: they are gone when the machine restarts"
        return Finding("file system", WEAKER, said, "name a place on a disk in ORCH_RUNS_DIR")
    return Finding("file system", FINE, f"runs are on {kind}, of this machine")


def file_system_of(folder: str, mounts: str) -> str:
    """The type of the file system that a folder is on, by the text of `/proc/self/mountinfo`."""
    device = os.stat(folder).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    found = "unknown"
    longest = -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        # Octal escapes stand for blanks: \040.
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        is_above = f"{folder}/".startswith(point if point == "/" else f"{point}/")
        # btrfs gives its files numbers of their own, so the place decides where no number fits.
        rank = len(point) + (1 << 20 if fields[2] == number else 0)
        if is_above and rank >= longest:
            found, longest = after.split(" ", 1)[0], rank
    return found


def _nearest(place: str) -> str:
    """The folder itself, or the one above it in which it would be made."""
    folder = os.path.realpath(place)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
