"""Whether a service is ready, asked by the warden that owns it, in between all else that it does.

Nothing here waits: a port is tried by a connection that doesn't block, a text is looked for in what
the service writes as it comes, and what may block, a command or an HTTP exchange, is a child of the
warden that is killed when it takes too long.
"""

import errno
import os
import select
import socket
from contextlib import suppress

from orch.dsl.record import changed
from orch.dsl.type_names import Any, Mapping
from orch.runtime import system_signals as signal
from orch.runtime.attempt import AttemptSpec
from orch.runtime.http_question import ask_and_exit
from orch.runtime.processes import kill_group
from orch.runtime.spawn import SpawnError, spawn

LONGEST_ANSWER_S = 5.0
"""A probe that has not answered by then is given up, and the next one asks again."""

_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_NEVER = float("inf")
_MOST_TOLD_BYTES = 512
_MOST_SHOWN = 60
_SCRIPT_WORDS = ("-eu", "-c")
_AT_ONCE_S = 0.1


class Probe:
    """One way to ask. The loop calls `proceed` each time round, and sleeps no longer than to
    `due_s`, an instant of the same monotonic clock."""

    def __init__(self, complaint: str = "") -> None:
        self.is_ready = False
        self.due_s = _NEVER
        self.complaint = complaint
        """What was answered last, for people; empty where nothing was."""

    def begin(self, now_s: float) -> None:
        """The service has been started."""
        self.due_s = now_s

    def see(self, stream: int, data: memoryview) -> None:
        """The service has written `data`, which may be reused as soon as this returns."""

    def hear(self, fd: int) -> bool:
        """A descriptor is ready; whether it is the probe's."""
        del fd
        return False

    def reap(self, pid: int, status: int) -> bool:
        """A child has ended; whether it was the probe's."""
        del pid, status
        return False

    def proceed(self, now_s: float) -> None:
        """Ask, where that is due."""

    def close(self) -> None:
        """Nothing is asked any more; a child that still asks is killed, and reaped by the loop."""


def make_probe(spec: AttemptSpec, poller: select.poll) -> Probe:
    """The probe of a service, `spec.ready`. Raises SpawnError where somebody else answers already
    at the place where the service is to answer: the probe would take that for the service."""
    assert spec.ready is not None
    ready = spec.ready
    every_s = ready.get("every_ms", 0) / 1000
    match ready["kind"]:
        case "tcp":
            _refuse_taken_port(ready["port"])
            return _TcpProbe(ready["port"], every_s, poller)
        case "http":
            if ready["host"] in ("localhost", "127.0.0.1", "::1"):
                _refuse_taken_port(ready["port"])
            return _HttpProbe(ready, every_s)
        case "exec":
            return _ExecProbe(spec, ready["argv"], every_s)
        case "log":
            return _LogProbe(ready["text"])
        case _:
            return _NoProbe()


class _NoProbe(Probe):
    """Without a probe a service is ready once it has started."""

    def begin(self, now_s: float) -> None:
        super().begin(now_s)
        self.is_ready = True


class _LogProbe(Probe):
    """A text in what the service writes to one of its streams, also where a read cuts it."""

    def __init__(self, text: str) -> None:
        super().__init__("its output doesn't hold the text")
        self._wanted = text.encode("utf-8", "surrogateescape")
        self._ends = [b"", b""]

    def begin(self, now_s: float) -> None:
        """It is asked by what the service writes, and never due."""

    def see(self, stream: int, data: memoryview) -> None:
        if self.is_ready:
            return
        seen = self._ends[stream] + bytes(data)
        self.is_ready = self._wanted in seen
        # What is kept is one byte short of the text, so nothing is found twice.
        kept = len(self._wanted) - 1
        self._ends[stream] = seen[-kept:] if kept else b""


class _TcpProbe(Probe):
    """A connection to the port on this machine, by IPv4 or IPv6; it is closed at once."""

    def __init__(self, port: int, every_s: float, poller: select.poll) -> None:
        super().__init__()
        self._port = port
        self._every_s = every_s
        self._poller = poller
        self._trying: dict[int, socket.socket] = {}
        self._asked_s = 0.0

    def hear(self, fd: int) -> bool:
        if fd not in self._trying:
            return False
        tried = self._trying[fd]
        self._note(tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), tried)
        self._drop(fd)
        return True

    def proceed(self, now_s: float) -> None:
        if self.is_ready or now_s < self.due_s:
            return
        self.due_s = now_s + self._every_s
        if self._trying and now_s < self._asked_s + LONGEST_ANSWER_S:
            return
        self.close()
        self._asked_s = now_s
        for family, address in _LOOPBACKS:
            self._try(family, address)

    def _try(self, family: int, address: str) -> None:
        try:
            tried = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            # A machine without IPv6 has nothing to say of the port.
            if error.errno != errno.EAFNOSUPPORT:
                self.complaint = f"port {self._port} can't be tried: {error.strerror}"
            return
        tried.setblocking(False)
        code = tried.connect_ex((address, self._port))
        if code == errno.EINPROGRESS:
            self._trying[tried.fileno()] = tried
            self._poller.register(tried.fileno(), select.POLLOUT)
            return
        self._note(code, tried)
        tried.close()

    def _note(self, code: int, tried: socket.socket) -> None:
        if code == 0 and not _is_to_itself(tried):
            self.is_ready = True
        elif code not in (errno.EADDRNOTAVAIL, errno.ENETUNREACH):
            self.complaint = f"port {self._port}: {os.strerror(code or errno.ECONNREFUSED)}"

    def _drop(self, fd: int) -> None:
        self._poller.unregister(fd)
        self._trying.pop(fd).close()

    def close(self) -> None:
        for fd in tuple(self._trying):
            self._drop(fd)


class _ChildProbe(Probe):
    """What asks is a child of the warden; one at a time, killed when it takes too long."""

    def __init__(self, asked: str, every_s: float) -> None:
        super().__init__()
        self._asked = asked
        self._every_s = every_s
        self._child: int | None = None
        self._next_s = 0.0
        self._is_given_up = False

    def reap(self, pid: int, status: int) -> bool:
        if pid != self._child:
            return False
        self._child = None
        self.due_s = self._next_s
        answer = self._answer(os.waitstatus_to_exitcode(status))
        if not self._is_given_up:
            self.is_ready = status == 0
            self.complaint = answer
        return True

    def proceed(self, now_s: float) -> None:
        if self.is_ready or now_s < self.due_s:
            return
        if self._child is not None:
            self.due_s = now_s + LONGEST_ANSWER_S
            self.complaint = ""  # What it was answered earlier is over.
            self._give_up(self._child)
            return
        self._is_given_up = False
        self._next_s = now_s + self._every_s
        self._child = self._ask()
        self.due_s = self._next_s if self._child is None else now_s + LONGEST_ANSWER_S

    def close(self) -> None:
        if self._child is not None:
            self._give_up(self._child)

    def _give_up(self, child: int) -> None:
        """Kill the child, which is not reaped yet, so its number is no stranger's."""
        self._is_given_up = True
        self.complaint = self.complaint or f"{self._asked} doesn't answer"
        kill_group(child)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def _ask(self) -> int | None:
        """Start a child that asks; None, with a complaint, where there is none."""
        raise NotImplementedError

    def _answer(self, code: int) -> str:
        """What the end of the child means, for people."""
        raise NotImplementedError


class _ExecProbe(_ChildProbe):
    """A command with the environment and the working directory of the service."""

    def __init__(self, spec: AttemptSpec, argv: tuple[str, ...], every_s: float) -> None:
        super().__init__(f"its probe `{_shown(argv)}`", every_s)
        self._spec = changed(spec, argv=tuple(argv), stdin=None, has_terminal=False)

    def _ask(self) -> int | None:
        try:
            devnull = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            try:
                return spawn(self._spec, devnull, devnull)
            finally:
                os.close(devnull)
                os.chdir("/")
        except (SpawnError, OSError) as error:
            self.complaint = str(error)
            return None

    def _answer(self, code: int) -> str:
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return f"{self._asked} ended with {how}"


def _shown(argv: tuple[str, ...]) -> str:
    """The program of a command, or how a script begins."""
    if tuple(argv[1:-1]) != _SCRIPT_WORDS:
        return argv[0]
    line, _, rest = argv[-1].strip().partition("\n")
    return f"{line[:_MOST_SHOWN]} …" if rest or len(line) > _MOST_SHOWN else line


class _HttpProbe(_ChildProbe):
    """A GET request, whose status is below 400."""

    def __init__(self, ready: Mapping[str, Any], every_s: float) -> None:
        super().__init__(ready["url"], every_s)
        self._ready = ready
        self._told: int | None = None

    def _ask(self) -> int | None:
        try:
            told, tell = os.pipe()
        except OSError as error:
            self.complaint = f"no pipe for the answer: {error.strerror}"
            return None
        os.set_blocking(told, False)
        try:
            child = os.fork()
        except OSError as error:
            os.close(told)
            os.close(tell)
            self.complaint = f"no process to ask with: {error.strerror}"
            return None
        if not child:
            ask_and_exit(self._ready, tell, LONGEST_ANSWER_S)
        os.close(tell)
        self._told = told
        return child

    def _answer(self, code: int) -> str:
        assert self._told is not None
        del code
        try:
            return os.read(self._told, _MOST_TOLD_BYTES).decode("utf-8", "replace")
        except BlockingIOError:
            return ""
        finally:
            os.close(self._told)
            self._told = None


def _refuse_taken_port(port: int) -> None:
    """Raises SpawnError where somebody accepts connections on a port of this machine."""
    for family, address in _LOOPBACKS:
        with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setblocking(False)
            # On this machine a connection is made or refused at once; one that isn't is no proof.
            if tried.connect_ex((address, port)) == errno.EINPROGRESS:
                select.select((), (tried,), (), _AT_ONCE_S)
            # Raises for a connection that is not made.
            tried.getpeername()
            if not _is_to_itself(tried):
                raise SpawnError(
                    f"port {port} is taken: another process accepts connections there already; "
                    f"end it (`ss -ltnp 'sport = :{port}'` shows which it is), or use another port"
                )


def _is_to_itself(connected: socket.socket) -> bool:
    """A connection can meet itself, where nobody listens and the kernel gives it that very port."""
    return bool(connected.getsockname() == connected.getpeername())
