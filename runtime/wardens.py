"""orch's side of the wardens: fork them, hand out attempts, hear of them, replace the dead.

Single-threaded and driven from outside: whoever owns the `Wardens` polls `descriptors()` and calls
`receive` for each that is readable.
"""

import fcntl
import os
import select
import time

from orch.dsl.record import record
from orch.dsl.type_names import TYPE_CHECKING, Any, Callable, Mapping
from orch.runtime import system
from orch.runtime import system_signals as signal
from orch.runtime.attempt import (
    AttemptOutcome,
    AttemptSpec,
    lost_outcome,
)
from orch.runtime.descriptors import expect_descriptors, no_warden
from orch.runtime.processes import (
    IS_LINUX,
    become_subreaper,
    children,
    kill_group,
    kill_orphans,
)
from orch.runtime.signals import ALL_SIGNALS
from orch.runtime.warden import run_warden
from orch.runtime.wire import Frame, FrameReader, FrameWriter, decode_outcome, encode_spec

if TYPE_CHECKING:
    from orch.runtime.mask import Mask

ORPHANS_MS = 2000
SEND_MS = 10_000
_LOWEST_FREE_FD = 3
_READ_BYTES = 65536


@record
class Started:
    """The command of an attempt runs. Of one that is over at once only the end is said."""

    key: str
    pid: int


@record
class Ready:
    """A service is ready, so long after its start."""

    key: str
    after_ms: int


@record
class Output:
    """The last line that an attempt has written to `stream` (`stdout` or `stderr`); raw."""

    key: str
    stream: str
    text: str


@record
class Ended:
    """An attempt is over and nothing that it started is alive.

    `fault` says what went wrong in the warden itself, for a log; the outcome is `lost_outcome`
    then.
    """

    key: str
    outcome: AttemptOutcome
    fault: str | None = None


Report = Started | Ready | Output | Ended


class _Warden:
    """What orch knows of a warden; `command` is the pid of the command that runs. One that
    `is_retired` takes no further attempt: something of its last one could not be killed."""

    def __init__(self, pid: int, reader: FrameReader, writer: FrameWriter) -> None:
        self.pid = pid
        self.reader = reader
        self.writer = writer
        self.number = 0
        self.key: str | None = None
        self.spec: AttemptSpec | None = None
        """That of its last attempt, when none runs: the next is told by what is different."""
        self.started_s = 0.0
        self.fault: str | None = None
        self.command: int | None = None
        self.is_retired = False


class Wardens:
    """A pool of at most `limit` wardens, forked when they are needed. What `mask` hides, none of
    them lets out. `get_ready` is called before the first is forked, to import what they use.

    A process that forks one becomes a subreaper. It must have no threads then.
    """

    def __init__(
        self,
        limit: int,
        mask: "Mask | None" = None,
        get_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = limit
        self._mask = mask
        self._get_ready = get_ready
        self._wardens: dict[int, _Warden] = {}
        self._retired: dict[int, int] = {}
        self._number = 0
        self._strangers: frozenset[int] | None = None
        """The children that this process had before its first warden; None before that."""

    def prefork(self, count: int) -> None:
        """Have at least `count` wardens (never more than the limit) ready before work comes.

        Raises `NoWardenError` where one can't be forked, or would run out of descriptors."""
        expect_descriptors(min(count, self._limit) - len(self._wardens))
        while len(self._wardens) < min(count, self._limit):
            self._fork()

    def descriptors(self) -> tuple[int, ...]:
        """What to poll for reading; changes when a warden is forked (`start`) or has died
        (`receive`)."""
        return tuple(self._wardens)

    def has_free(self) -> bool:
        """Whether `start` may be called."""
        return len(self._wardens) < self._limit or self._idle() is not None

    def running(self) -> tuple[str, ...]:
        """The keys of the attempts under way."""
        return tuple(w.key for w in self._wardens.values() if w.key is not None)

    def start(self, key: str, spec: AttemptSpec, shared: int | None = None) -> None:
        """Give an attempt to a free warden. `key` names it in every report and must not be
        running. A descriptor that is `shared` is open in the warden too until that ends, which
        takes one that is forked for it. Failures of the command are reported, not raised. Raises
        `NoWardenError`."""
        assert key not in self.running(), f"{key} runs already"
        assert self.has_free(), "every warden has an attempt"
        self._number += 1
        warden = self._free(shared)
        while not _start(warden, self._number, spec):
            self._bury(warden)
            warden = self._free(shared)
        warden.number, warden.key, warden.spec = self._number, key, spec
        warden.started_s = time.monotonic()

    def stop(self, key: str, *, skip_grace: bool = False) -> None:
        """End an attempt: SIGTERM, its grace, SIGKILL; with `skip_grace` SIGKILL now, also when it
        is being ended already. Does nothing when no attempt of that key runs."""
        for warden in self._wardens.values():
            if warden.key == key:
                _stop(warden, skip_grace=skip_grace)

    def receive(self, fd: int) -> list[Report]:
        """Read what a warden says, without waiting. Of a warden that died, what it left is ended
        before its attempt is reported."""
        warden = self._wardens.get(fd)
        if warden is None:
            return []
        reports: list[Report] = []
        for frame in warden.reader.read():
            report = _report(warden, frame)
            if report is not None:
                reports.append(report)
        if warden.reader.is_at_end or warden.is_retired:
            self._bury(warden)
            if warden.key is not None:
                lost_ms = round((time.monotonic() - warden.started_s) * 1000)
                reports.append(Ended(warden.key, lost_outcome(lost_ms), warden.fault))
        return reports

    def retire(self) -> None:
        """Tell all wardens to end, with SIGKILL to what they still own; `close` waits for them.
        Meant for an idle pool, which takes no more attempts then."""
        while self._wardens:
            _, warden = self._wardens.popitem()
            if warden.key is not None:
                _stop(warden, skip_grace=True)
            os.close(warden.writer.fd)
            self._retired[warden.reader.fd] = warden.pid

    def close(self, wait_ms: int = 1000) -> None:
        """Return when all wardens are gone; one that has not ended after `wait_ms` is killed."""
        self.retire()
        until = time.monotonic() + wait_ms / 1000
        poller = select.poll()
        living = set(self._retired)
        for fd in living:
            poller.register(fd, select.POLLIN)
        # The end of its reports is the end of a warden.
        while living and (ready := poller.poll(max(until - time.monotonic(), 0) * 1000)):
            for fd, _ in ready:
                if not os.read(fd, _READ_BYTES):
                    poller.unregister(fd)
                    living.remove(fd)
        for fd, pid in self._retired.items():
            if fd in living:
                _signal(pid, signal.SIGKILL)
            os.close(fd)
            _wait(pid)
        self._retired.clear()
        if self._strangers is not None:
            kill_orphans(self._strangers, (), ORPHANS_MS)

    def _idle(self) -> _Warden | None:
        return next((w for w in self._wardens.values() if w.key is None), None)

    def _free(self, shared: int | None) -> _Warden:
        """A warden that has no attempt, and shares this descriptor if there is one."""
        idle = self._idle()
        if shared is None:
            return idle or self._fork()
        if idle is not None and len(self._wardens) >= self._limit:
            self._bury(idle)
        return self._fork(shared)

    def _fork(self, *shared: int) -> _Warden:
        if self._strangers is None:
            become_subreaper()
            self._get_ready()
            self._strangers = frozenset(children(os.getpid()))
        ends: list[int] = []
        try:
            ends += _pipe()
            ends += _pipe()
        except OSError as error:
            for fd in ends:
                os.close(fd)
            raise no_warden(error) from None
        command_reader, command_writer, report_reader, report_writer = ends
        pid = _fork_warden(command_reader, report_writer, shared, self._mask)
        os.close(command_reader)
        os.close(report_writer)
        if isinstance(pid, OSError):
            os.close(command_writer)
            os.close(report_reader)
            raise no_warden(pid)
        os.set_blocking(command_writer, False)
        os.set_blocking(report_reader, False)
        warden = _Warden(pid, FrameReader(report_reader), FrameWriter(command_writer))
        self._wardens[report_reader] = warden
        return warden

    def _bury(self, warden: _Warden) -> None:
        """Take a dead warden out of the pool and end what it left to this process.

        Its pipes close before its children move here, so its end is awaited first.
        """
        del self._wardens[warden.reader.fd]
        _drop(warden)
        _signal(warden.pid, signal.SIGKILL)
        _wait(warden.pid)
        living = {other.pid for other in self._wardens.values()}
        kill_orphans(self._strangers or (), living, ORPHANS_MS)
        if not IS_LINUX and warden.command is not None:
            kill_group(warden.command)


def _fork_warden(
    commands: int, reports: int, shared: tuple[int, ...], secrets: "Mask | None"
) -> int | OSError:
    """The pid of a new warden, or why there is none.

    No signal is handled between the fork and the warden's own settings: one that was sent to the
    whole group would be told to orch twice, since both share its wake-up pipe.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ALL_SIGNALS)
    try:
        pid = system.fork()
        if pid == 0:
            run_warden(commands, reports, shared, secrets)
    except OSError as error:
        return error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _report(warden: _Warden, frame: Frame) -> Report | None:
    header, blob = frame
    if header["type"] == "crashed":
        warden.fault = header["text"]
        return None
    key, spec = warden.key, warden.spec
    if key is None or spec is None or header["attempt"] != warden.number:
        return None
    match header["type"]:
        case "started":
            warden.command = header["pid"]
            return Started(key, header["pid"])
        case "ready":
            return Ready(key, header["after_ms"])
        case "output":
            return Output(key, header["stream"], header["text"])
        case _:
            warden.key = warden.command = None
            warden.is_retired = header.get("has_leftovers", False)
            return Ended(key, decode_outcome(header, blob, spec))


def _start(warden: _Warden, number: int, spec: AttemptSpec) -> bool:
    told = encode_spec(spec, warden.spec)
    return _send(warden, {"type": "start", "attempt": number, "spec": told})


def _send(warden: _Warden, command: Mapping[str, Any]) -> bool:
    """Hand a command over; False when the warden is dead or does not listen."""
    warden.writer.put(command)
    until = time.monotonic() + SEND_MS / 1000
    while not warden.writer.flush():
        poller = select.poll()
        poller.register(warden.writer.fd, select.POLLOUT)
        if not poller.poll(max(until - time.monotonic(), 0) * 1000):
            return False
    return not warden.writer.is_broken


def _stop(warden: _Warden, *, skip_grace: bool) -> None:
    command = {"type": "stop", "attempt": warden.number, "is_grace_skipped": skip_grace}
    if not _send(warden, command):
        _signal(warden.pid, signal.SIGKILL)


def _pipe() -> tuple[int, int]:
    """A pipe clear of 0, 1 and 2, which are free when orch was started without them."""
    ends = system.pipe()
    if min(ends) >= _LOWEST_FREE_FD:
        return ends
    lifted = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FREE_FD) for fd in ends]
    for fd in ends:
        os.close(fd)
    return lifted[0], lifted[1]


def _drop(warden: _Warden) -> None:
    os.close(warden.reader.fd)
    os.close(warden.writer.fd)


def _signal(pid: int, signum: int) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass


def _wait(pid: int) -> None:
    try:
        system.wait(pid, 0)
    except ChildProcessError:
        pass
