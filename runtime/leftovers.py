"""What is left alive of a run whose orch and wardens are gone: found by its marks, and ended.

A command has them in its environment, a warden in the name of a file that is open in it. Only
Linux shows either; elsewhere nothing is found.
"""

import os
import time
from contextlib import suppress

from orch.dsl.record import record
from orch.dsl.type_names import Callable, Iterable, Iterator
from orch.runtime import system_signals as signal
from orch.runtime.processes import (
    WARDEN_NAME,
    all_pids,
    descendants,
    read_stat,
    warden_marks,
)

_PASS_PAUSE_S = 0.005
_EXEC_PAUSE_S = 0.001
# Places in what `read_stat` gives, see proc(5).
_VIRTUAL_SIZE = 20
_ENVIRONMENT = slice(47, 49)


@record
class Mark:
    """All that belongs to a run, which lies in the folder `run` (absolute); or to one attempt of
    one of its stages. A copy of the run in another folder is another run."""

    run_id: str
    run: str
    stage: str | None = None
    attempt: int | None = None


def kill_marked(mark: Mark, wait_ms: int = 2000) -> int:
    """End what is marked so, and everything below it; of a whole run also its wardens and what is
    below them. The caller knows that nobody owns it any more.

    Never this process, what is above it, or what it started itself. Returns how many processes
    were met; gives up after `wait_ms`, which only happens to processes that may not be killed.
    """
    met: set[int] = set()
    until = time.monotonic() + wait_ms / 1000
    while True:
        found = _stop_all(lambda: _marked(mark, until), until)
        if not found:
            return len(met)
        met |= found
        _send(found, signal.SIGKILL)
        if time.monotonic() > until:
            return len(met)
        time.sleep(_PASS_PAUSE_S)


def _stop_all(find: Callable[[], set[int]], until: float) -> set[int]:
    """SIGSTOP what `find` finds until it finds nothing new: what is stopped starts nothing."""
    stopped: set[int] = set()
    while time.monotonic() <= until:
        new = find() - stopped
        if not new:
            break
        _send(new, signal.SIGSTOP)
        stopped |= new
    return stopped


def _send(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def _marked(mark: Mark, until: float) -> set[int]:
    """The processes of a mark that are alive, as `kill_marked` means it."""
    spared = set(_lineage(os.getpid())) | set(descendants(os.getpid()))
    entries = {
        f"{name}={value}".encode("utf-8", "surrogateescape")
        for name, value in (
            ("ORCH_RUN_ID", mark.run_id),
            ("ORCH_STAGE", mark.stage),
            ("ORCH_ATTEMPT", mark.attempt),
        )
        if value is not None
    }
    wardens = warden_marks(mark.run_id, mark.run) if mark.stage is None else ()
    found: set[int] = set()
    for pid in all_pids():
        if pid not in spared and (
            _has_entries(pid, entries, mark.run, until) or _is_warden(pid, wardens)
        ):
            found.add(pid)
            found.update(descendants(pid))
    return {pid for pid in found - spared if _is_running(pid)}


def _lineage(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        stat = read_stat(pid)
        pid = int(stat[1]) if stat is not None else 0


def _is_running(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat[0] not in {b"Z", b"X"}


def _has_entries(pid: int, entries: set[bytes], run: str, until: float) -> bool:
    variables = _variables(pid, until)
    if not entries.issubset(variables):
        return False
    folder = next((v for v in variables if v.startswith(b"ORCH_RUN_DIR=")), None)
    return folder is None or not _is_elsewhere(folder.partition(b"=")[2], run)


def _variables(pid: int, until: float) -> list[bytes]:
    """The environment that a process was started with; empty where it can't be read.

    Between two programs, in `exec`, a process shows none for a moment, so it is asked again.
    """
    while True:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                data = file.read()
        except OSError:
            return []
        if data or _has_none(pid) or time.monotonic() > until:
            return data.split(b"\0")
        time.sleep(_EXEC_PAUSE_S)


def _has_none(pid: int) -> bool:
    """Whether a process is gone, has no memory, as threads of the kernel, or was given nothing."""
    stat = read_stat(pid)
    if stat is None or stat[_VIRTUAL_SIZE] == b"0":
        return True
    begin, end = stat[_ENVIRONMENT]
    return begin == end != b"0"


def _is_elsewhere(folder: bytes, run: str) -> bool:
    """Whether both folders are there, and are not the same; one that is gone was moved here."""
    try:
        return not os.path.samefile(folder, run)
    except (OSError, ValueError):
        return False


def _is_warden(pid: int, marks: tuple[str, ...]) -> bool:
    """Whether a process is a warden that has one of these marks."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            if not marks or file.read().strip() != WARDEN_NAME:
                return False
        folder = f"/proc/{pid}/fd"
        names = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
    except OSError:
        return False
    return any(name.startswith(marks) for name in names)
