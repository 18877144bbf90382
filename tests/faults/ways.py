"""Ways to escape from an attempt that take a program: `ways.py NAME`, which ends as soon as the
processes that escape are at large. It runs as part of a stage, so it imports nothing of orch."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PTRACE_TRACEME = 0
SYS_EXIT = {"x86_64": 60, "aarch64": 93}
NOBODY = 65534


def system_library() -> Any:
    import ctypes  # Half of the time that a way takes, and few need it.

    return ctypes.CDLL(None)


def prctl(option: int, value: int | bytes) -> None:
    system_library().prctl(option, value, 0, 0, 0)


def stay() -> NoReturn:
    while True:
        time.sleep(3600)


def ignore_signals() -> None:
    """Ignore all that can be ignored."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)


def release(body: Callable[[], object]) -> None:
    """Let `body` go on in a child in a session of its own, and return when that child is there."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.write(writer, b"x")
        os.close(writer)
        body()
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)


def double_fork() -> None:
    """A daemon as the books have it: no descriptor, no environment, no folder left."""

    def leave() -> None:
        if os.fork() == 0:
            os.closerange(0, 256)
            os.chdir("/")
            os.execve("/bin/sleep", ["sleep", "3600"], {})

    release(leave)


def hold_lock() -> None:
    """A mark for processes that no look at the process table may catch: `held/NAME` is locked as
    long as one of them is alive, whoever it has become."""
    fcntl.flock(os.open(f"held/{sys.argv[1]}", os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)


def rabbit() -> None:
    """Never the same process for longer than a moment. It gives up by itself where a test that was
    killed has left it: nobody could catch it."""

    def run() -> None:
        ignore_signals()
        os.closerange(0, 256)
        hold_lock()
        tired_s = time.monotonic() + 120
        while time.monotonic() < tired_s:
            if os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.003)

    release(run)


def respawn_on(number: int) -> None:
    """Stay until the signal comes; then go on in a child in a new session."""

    def again(_number: int, _frame: object) -> None:
        if os.fork():
            os._exit(0)
        os.setsid()

    signal.signal(number, again)


def phoenix() -> None:
    """Answers every SIGTERM by a new process."""

    def live() -> None:
        hold_lock()
        respawn_on(signal.SIGTERM)
        stay()

    release(live)


def heir() -> None:
    """Goes on in a new process whenever its parent dies."""

    def live() -> None:
        hold_lock()
        ignore_signals()
        respawn_on(signal.SIGUSR1)
        prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
        if os.fork():
            stay()
        prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
        stay()

    release(live)


def twins() -> None:
    """Two that watch each other: when one dies, the other makes it anew."""
    import socket

    def live() -> None:
        hold_lock()
        ignore_signals()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ours, theirs = socket.socketpair()
            if os.fork() == 0:
                os.setsid()
                ours.close()
                ours = theirs
            else:
                theirs.close()
            ours.recv(1)
            ours.close()

    release(live)


def renamed() -> None:
    """Goes by the name of a warden."""

    def live() -> None:
        ignore_signals()
        prctl(PR_SET_NAME, b"orch-warden")
        stay()

    release(live)
    release(lambda: os.execv("/bin/sleep", ["orch-warden", "3600"]))


def subreaper() -> None:
    """Collects orphans of its own, so that they never land with the warden."""

    def live() -> None:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        ignore_signals()
        for _ in range(3):
            release(stay)
        stay()

    release(live)


def traced() -> None:
    """One that hangs in its tracer's hands."""

    def live() -> None:
        ignore_signals()
        child = os.fork()
        if child == 0:
            system_library().ptrace(PTRACE_TRACEME, 0, 0, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            stay()
        os.waitpid(child, 0)
        stay()

    release(live)


def blocked() -> None:
    """Two that the kernel holds: opening a FIFO that nobody reads, writing to a pipe that is
    full."""

    def open_fifo() -> None:
        ignore_signals()
        name = f"fifo {os.getpid()}"
        os.mkfifo(name)
        os.open(name, os.O_WRONLY)

    def write() -> None:
        ignore_signals()
        _reader, writer = os.pipe()
        while True:
            os.write(writer, bytes(1 << 20))

    release(open_fifo)
    release(write)


def vforked() -> None:
    """A parent that waits, deaf to signals, for a child that never gets to its program."""

    def live() -> None:
        name = f"gate {os.getpid()}"
        os.mkfifo(name)
        actions = [(os.POSIX_SPAWN_OPEN, 3, name, os.O_RDONLY, 0)]
        os.posix_spawn("/bin/true", ["true"], {}, file_actions=actions)

    release(live)


def headless() -> None:
    """A process whose first thread has ended: it looks like a zombie and is none."""
    import threading

    number = SYS_EXIT.get(os.uname().machine)

    def live() -> None:
        ignore_signals()
        threading.Thread(target=stay).start()
        if number is not None:
            system_library().syscall(number, 0)
        stay()

    release(live)


def forked_by_a_thread() -> None:
    """Children of a thread that is not the first of its process."""
    import threading

    def live() -> None:
        ignore_signals()
        thread = threading.Thread(target=lambda: (os.fork(), stay()))
        thread.start()
        thread.join()

    release(live)


def terminal() -> None:
    """A session on a terminal of its own, as terminal multiplexers hold it."""

    def live() -> None:
        pid, _master = os.forkpty()
        ignore_signals()
        if pid == 0 and os.fork():
            os._exit(0)
        stay()

    release(live)


def another_user() -> None:
    """Where that is allowed, it gives up the rights of orch's user."""

    def live() -> None:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        ignore_signals()
        stay()

    release(live)


WAYS = (
    double_fork, rabbit, phoenix, heir, twins, renamed, subreaper, traced, blocked, vforked,
    headless, forked_by_a_thread, terminal, another_user,
)  # fmt: skip

if __name__ == "__main__":
    next(way for way in WAYS if way.__name__ == sys.argv[1])()
