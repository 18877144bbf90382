"""The floor of a no-op stage: bare loops of Python with the system calls of orch and its wardens.

`bare_loop JOBS TIMES` is one process that spawns, reads two pipes, reaps, and writes a line of
journal for each end: what every tool in this language costs at least. `owned JOBS TIMES` does the
same through JOBS processes that own the commands and are told of each over a pipe, as wardens are:
what the two processes of every promise about ownership cost at least. None of orch's own code is
in either: no plan, no limits, no retries, no bounds, no manifest.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

_COMMAND = ("/bin/sh", "-c", "true")
_TOLD = b"x" * 300
_EVENTS = b"x" * 490
_NOTHING = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def main(kind: str, jobs: int, times: int) -> None:
    """Run `times` commands, `jobs` at once."""
    journal = os.open("floor.journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    (_bare_loop if kind == "bare_loop" else _owned)(jobs, times, journal)
    os.fdatasync(journal)
    Path("floor.journal").unlink()


def _spawn(poller: select.poll, of: dict[int, int]) -> int:
    """Start the command with two pipes that the poller watches; `of` is told whose they are."""
    pipes = [os.pipe(), os.pipe()]
    actions = [(os.POSIX_SPAWN_DUP2, pipes[at][1], at + 1) for at in range(2)]
    pid = os.posix_spawn(
        _COMMAND[0], _COMMAND, os.environ, file_actions=actions, setsid=True,
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
        _spawn(poller, of)
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
                    _spawn(poller, of)


def _owned(jobs: int, times: int, journal: int) -> None:
    poller = select.poll()
    tell_at: dict[int, int] = {}
    for _ in range(jobs):
        commands, reports = os.pipe(), os.pipe()
        if os.fork() == 0:
            with suppress(BaseException):
                os.close(commands[1])
                _own(commands[0], reports[1])
            os._exit(0)
        os.close(commands[0])
        os.close(reports[1])
        tell_at[reports[0]] = commands[1]
        poller.register(reports[0], select.POLLIN)
    started = ended = 0
    for tell in tell_at.values():
        started += 1
        os.write(tell, _TOLD)
    while ended < times:
        for fd, _ in poller.poll():
            os.read(fd, 65536)
            os.write(journal, _EVENTS)
            ended += 1
            if started < times:
                started += 1
                os.write(tell_at[fd], _TOLD)
    for tell in tell_at.values():
        os.close(tell)
    for _ in tell_at:
        os.wait()


def _own(commands: int, reports: int) -> None:
    """A process that is told of one command at a time, and reports its end when it has no child."""
    wake, waker = os.pipe()
    for end in (wake, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    poller, of = select.poll(), dict[int, int]()
    poller.register(commands, select.POLLIN)
    poller.register(wake, select.POLLIN)
    is_busy = False
    while True:
        for fd, _ in poller.poll():
            if fd == commands:
                if not os.read(commands, 65536):
                    return
                os.chdir(".")
                _spawn(poller, of)
                is_busy = True
            elif fd == wake:
                os.read(wake, 65536)
            else:
                _drain(poller, of, fd)
        while is_busy and not of:
            try:
                if os.wait4(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                is_busy = False
                os.write(reports, _TOLD)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
