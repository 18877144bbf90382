"""The floor of a no-op stage: bare loops of Python with the system calls of orch and its wardens.

`bare_loop JOBS TIMES` is one process that spawns, reads two pipes, reaps, and writes a line of
journal for each end: what every tool in this language costs at least. `owned JOBS TIMES` does the
same through JOBS processes that own the commands and are told of each over a pipe, as wardens are:
what the two processes of every promise about ownership cost at least. `told JOBS TIMES` has them
say to each other what must be said, as JSON: the command with its environment and bounds, and how
it ended; the journal gets three events for each command, and a manifest is folded and written.
None of orch's own code is in any: no plan, no limits, no retries, no services, no selection, no
way in which anything could fail.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_COMMAND = ("/bin/sh", "-c", "true")
_ENVIRONMENT = dict(os.environ)
_TOLD = b"x" * 300
_EVENTS = b"x" * 490
_BOUNDS = {
    "timeout_ms": 600_000, "grace_ms": 10_000, "buffer_bytes": 65536, "error_bytes": 8192,
    "log_bytes": 1 << 28, "stdin": None, "is_streamed": False, "stop_signal": 15,
}  # fmt: skip
_FIGURES: dict[str, Any] = {
    "signal": None, "timed_out": False, "stdout_bytes": 0, "stderr_bytes": 0,
    "stdout_excerpt": "", "stderr_excerpt": "", "truncated_bytes": 0, "artifacts": [],
}  # fmt: skip
_NOTHING = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def main(kind: str, jobs: int, times: int, free: int | None = None) -> None:
    """Run `times` commands, `jobs` at once."""
    journal = os.open("floor.journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    if kind == "told":
        _told(jobs, times, journal, times if free is None else free)
    else:
        {"bare_loop": _bare_loop, "owned": _owned}[kind](jobs, times, journal)
    os.fdatasync(journal)
    Path("floor.journal").unlink()


def _spawn(poller: select.poll, of: dict[int, int], environment: Mapping[str, str]) -> int:
    """Start the command with two pipes that the poller watches; `of` is told whose they are."""
    pipes = [os.pipe(), os.pipe()]
    actions = [(os.POSIX_SPAWN_DUP2, pipes[at][1], at + 1) for at in range(2)]
    pid = os.posix_spawn(
        _COMMAND[0], _COMMAND, environment, file_actions=actions, setsid=True,
        setsigmask=(), setsigdef=_NOTHING,
    )  # fmt: skip
    for reader, writer in pipes:
        os.close(writer)
        os.set_blocking(reader, False)
        poller.register(reader, select.POLLIN)
        of[reader] = pid
    return pid


def _drain(poller: select.poll, of: dict[int, int], fd: int) -> int | None:
    """Read a pipe; the command whose last one has ended by it."""
    if os.read(fd, 65536):
        return None
    poller.unregister(fd)
    os.close(fd)
    pid = of.pop(fd)
    return None if pid in of.values() else pid


def _bare_loop(jobs: int, times: int, journal: int) -> None:
    poller, of = select.poll(), dict[int, int]()
    for _ in range(min(jobs, times)):
        _spawn(poller, of, _ENVIRONMENT)
    started, ended = min(jobs, times), 0
    while ended < times:
        for fd, _ in poller.poll():
            pid = _drain(poller, of, fd)
            if pid is not None:
                os.wait4(pid, 0)
                os.write(journal, _EVENTS)
                ended += 1
                if started < times:
                    started += 1
                    _spawn(poller, of, _ENVIRONMENT)


def _owned(jobs: int, times: int, journal: int) -> None:
    owners = _Owners(jobs, is_telling=False)
    for fd in owners.all():
        owners.tell(fd, _TOLD)
    started, ended = jobs, 0
    while ended < times:
        for fd, _report in owners.reports():
            os.write(journal, _EVENTS)
            ended += 1
            if started < times:
                started += 1
                owners.tell(fd, _TOLD)
    owners.end()


def _told(jobs: int, times: int, journal: int, free: int) -> None:
    """What is written of a command before it starts is in the file by then, as in orch. The disk is
    waited for before each command but the first `free`, and at the end."""
    owners = _Owners(jobs, is_telling=True)
    cwd = str(Path.cwd())
    environment = {**_ENVIRONMENT, "ORCH_RUN_ID": "r", "ORCH_RUN_DIR": "/r", "ORCH_ROOT": cwd}
    rows: dict[str, dict[str, Any]] = {}
    events = 0

    def line(kind: str, stage: str, **fields: Any) -> str:
        nonlocal events
        events += 1
        now = time.time()
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000}Z"
        row = rows.setdefault(stage, {"id": stage, "status": "waiting"})
        row.update(fields, status=kind)
        event = {"seq": events, "time": text, "type": f"stage:{kind}", "stage": stage, **fields}
        return json.dumps(event, sort_keys=True) + "\n"

    def start(fd: int, number: int, said: str) -> None:
        stage = f"s{number}"
        said += line("ready", stage) + line("started", stage, attempt=1, logs=f"stages/{stage}/1")
        os.write(journal, said.encode())
        if number >= free:
            os.fdatasync(journal)
        owners.stage_at[fd] = stage
        order = {
            **_BOUNDS, "argv": _COMMAND, "cwd": cwd, "attempt": number,
            "env": {**environment, "ORCH_STAGE": stage},
        }  # fmt: skip
        owners.tell(fd, json.dumps(order).encode())

    started, ended = 0, 0
    for fd in owners.all():
        start(fd, started, "")
        started += 1
    while ended < times:
        for fd, report in owners.reports():
            said = line("completed", owners.stage_at[fd], attempt=1, **json.loads(report))
            ended += 1
            if started < times:
                start(fd, started, said)
                started += 1
            else:
                os.write(journal, said.encode())
    owners.end()
    manifest = Path("floor.manifest")
    manifest.write_text(json.dumps({"stages": list(rows.values())}))
    manifest.unlink()


class _Owners:
    """So many processes that own commands, by the descriptors on which they report."""

    def __init__(self, jobs: int, *, is_telling: bool) -> None:
        self._tell_at: dict[int, int] = {}
        self._poller = select.poll()
        self.stage_at: dict[int, str] = {}
        for _ in range(jobs):
            commands, reports = os.pipe(), os.pipe()
            if os.fork() == 0:
                with suppress(BaseException):
                    os.close(commands[1])
                    _own(commands[0], reports[1], is_telling=is_telling)
                os._exit(0)
            os.close(commands[0])
            os.close(reports[1])
            self._tell_at[reports[0]] = commands[1]
            self._poller.register(reports[0], select.POLLIN)

    def all(self) -> tuple[int, ...]:
        return tuple(self._tell_at)

    def tell(self, fd: int, text: bytes) -> None:
        os.write(self._tell_at[fd], text)

    def reports(self) -> Iterator[tuple[int, bytes]]:
        """Wait for reports: who says what."""
        for fd, _ in self._poller.poll():
            yield fd, os.read(fd, 65536)

    def end(self) -> None:
        for tell in self._tell_at.values():
            os.close(tell)
        for _ in self._tell_at:
            os.wait()


def _own(commands: int, reports: int, *, is_telling: bool) -> None:
    """A process that is told of one command at a time, and reports its end when it has no child."""
    wake, waker = os.pipe()
    for end in (wake, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    poller, of = select.poll(), dict[int, int]()
    poller.register(commands, select.POLLIN)
    poller.register(wake, select.POLLIN)
    order: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    began_s = 0.0
    is_busy = False
    while True:
        for fd, _ in poller.poll():
            if fd == commands:
                told = os.read(commands, 65536)
                if not told:
                    return
                if is_telling:
                    order = json.loads(told)
                began_s = time.monotonic()
                os.chdir(order.get("cwd", "."))
                _spawn(poller, of, order.get("env", _ENVIRONMENT))
                is_busy = True
            elif fd == wake:
                os.read(wake, 65536)
            else:
                _drain(poller, of, fd)
        if is_busy and not of:
            is_over, figures = _reap(figures)
            if is_over:
                is_busy = False
                figures["duration_ms"] = round((time.monotonic() - began_s) * 1000)
                os.write(reports, json.dumps(figures).encode() if is_telling else _TOLD)


def _reap(figures: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Collect children that have ended: whether none is left, and what is known of the command."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return True, figures
        if pid == 0:
            return False, figures
        figures = {
            **_FIGURES,
            "exit_code": os.waitstatus_to_exitcode(status),
            "cpu_ms": round((usage.ru_utime + usage.ru_stime) * 1000),
            "peak_rss_bytes": usage.ru_maxrss * 1024,
        }


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
