"""The warden's own loop: one small process that takes one attempt at a time and owns it whole.

A warden is forked from orch and never returns into its code. It is a subreaper in a session of its
own. Its two pipes are all that ties it to orch: commands come in, reports go out, and the end of
the first means that orch is dead.
"""

import gc
import os
import select
import time

from orch.dsl.type_names import TYPE_CHECKING, NoReturn
from orch.runtime import system_signals as signal
from orch.runtime.attempt import AttemptSpec
from orch.runtime.ownership import OwnedAttempt
from orch.runtime.processes import (
    WARDEN_NAME,
    become_subreaper,
    kill_children,
    mark_this_process,
    name_this_process,
)
from orch.runtime.signals import ALL_SIGNALS
from orch.runtime.spawn import SpawnError
from orch.runtime.wire import FrameReader, FrameWriter, decode_spec, encode_outcome

if TYPE_CHECKING:
    from orch.runtime.mask import Mask

READ_BYTES = 65536
STREAMING_PAUSE_S = 0.1
STREAMED_CHARACTERS = 400
STARTED_PAUSE_S = 0.02
"""The start of an attempt is reported this late, and not at all where its end comes sooner: so a
short attempt wakes orch once instead of twice."""

_LOWEST_FREE_FD = 3
_CRASHED = 70


def run_warden(
    commands: int, reports: int, shared: tuple[int, ...], mask: "Mask | None"
) -> NoReturn:
    """Turn this freshly forked process into a warden, which lets nothing out that `mask` hides, and
    keeps the descriptors `shared` with orch open. Never returns, whatever happens."""
    status = _CRASHED
    try:
        _isolate(commands, reports, *shared)
        warden = Warden(commands, reports, mask)
        try:
            warden.serve()
            status = 0
        except BaseException as error:  # noqa: BLE001  A crash is reported, then the process ends.
            warden.report_crash(error)
    finally:
        os._exit(status)


def _isolate(commands: int, reports: int, *shared: int) -> None:
    """Drop everything inherited from orch but the two pipes and what is shared with it."""
    gc.freeze()
    os.setsid()
    _reset_signals()
    devnull = os.open(os.devnull, os.O_RDWR)
    for fd in range(_LOWEST_FREE_FD):
        if devnull != fd:
            os.dup2(devnull, fd)
    lowest = _LOWEST_FREE_FD
    for kept in sorted((commands, reports, *shared)):
        os.closerange(lowest, kept)
        lowest = kept + 1
    os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))
    os.set_blocking(commands, False)
    os.set_blocking(reports, False)
    os.chdir("/")
    become_subreaper()
    name_this_process(WARDEN_NAME)


def _reset_signals() -> None:
    """Forget orch's handlers; ignore what a terminal or an eager `kill` may send, since an attempt
    must not lose its warden to that. Commands start with the default actions all the same."""
    signal.set_wakeup_fd(-1)
    for signum in ALL_SIGNALS - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(signum)):
            signal.signal(signum, signal.SIG_DFL)
    for signum in (
        signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE,
        signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
        signal.SIGXFSZ,
    ):  # fmt: skip
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class Warden:
    """Waits for an attempt, owns it until nothing of it is left, reports, and waits again."""

    def __init__(self, commands: int, reports: int, mask: "Mask | None") -> None:
        self._mask_of_secrets = mask
        self._commands = FrameReader(commands)
        self._reports = FrameWriter(reports)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._is_retired = False
        self._spec: AttemptSpec | None = None
        self._run_id: str | None = None
        self._run_mark: int | None = None
        self._poller = select.poll()
        self._poller.register(commands, select.POLLIN)
        self._wake, wake = os.pipe()
        for fd in (self._wake, wake):
            os.set_blocking(fd, False)
        self._poller.register(self._wake, select.POLLIN)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)

    def serve(self) -> None:
        """Take attempts until orch is gone, or until something can't be killed: then this warden
        ends and leaves it to orch, so that the next attempt is not mistaken for its owner."""
        while not self._commands.is_at_end and not self._is_retired:
            for fd, _ in self._poller.poll():
                if fd == self._wake:
                    self._drain_wake()
            for header, _ in self._commands.read():
                if header["type"] == "start":
                    self._spec = decode_spec(header["spec"], self._spec)
                    self._own(header["attempt"], self._spec)

    def report_crash(self, error: BaseException) -> None:
        """Tell orch that this warden is broken; orch ends what it leaves."""
        try:
            from traceback import format_exception

            text = "".join(format_exception(error))
        except Exception:  # noqa: BLE001  A warden without memory or files can still say this much.
            text = repr(error)
        kill_children()
        self._reports.put({"type": "crashed", "text": text})
        self._flush_all()

    def _own(self, number: int, spec: AttemptSpec) -> None:
        self._mark(spec.env.get("ORCH_RUN_ID"), spec.env.get("ORCH_RUN_DIR", ""))
        attempt = OwnedAttempt(spec, self._poller, self._buffer, self._mask_of_secrets)
        try:
            attempt.look(lambda: self._hear_if_anybody(number, attempt))
            if attempt.is_over:
                self._report_end(number, attempt)
                return
            pid = attempt.start()
        except SpawnError as error:
            attempt.hand_over(lambda: None)
            self._report_end(number, attempt, error)
            return
        finally:
            os.chdir("/")
        self._watch(number, attempt, pid)
        attempt.hand_over(lambda: self._hear_if_anybody(number, attempt))
        self._report_end(number, attempt)
        self._is_retired = attempt.has_leftovers

    def _mark(self, run_id: str | None, run: str) -> None:
        """Make this warden findable for the run whose attempts it owns."""
        if run_id is None or run_id == self._run_id:
            return
        if self._run_mark is not None:
            os.close(self._run_mark)
        self._run_id = run_id
        self._run_mark = mark_this_process(run_id, run)

    def _watch(self, number: int, attempt: OwnedAttempt, pid: int) -> None:
        """The loop while an attempt is under way."""
        next_line_s = 0.0
        is_told_started = is_told_ready = False
        now_s = time.monotonic()
        started_due_s = now_s + STARTED_PAUSE_S
        while not attempt.is_over:
            self._reports.flush()
            wait_s = attempt.wait_s(now_s)
            if not is_told_started:
                wait_s = min(wait_s, started_due_s - now_s)
            if attempt.has_new_line and now_s < next_line_s:
                wait_s = min(wait_s, next_line_s - now_s)
            for fd, _ in self._poller.poll(wait_s * 1000 + 1):
                if fd == self._wake:
                    self._drain_wake()
                    attempt.reap()
                elif fd == self._commands.fd:
                    self._hear(number, attempt)
                else:
                    attempt.read(fd)
            now_s = time.monotonic()
            attempt.proceed(now_s)
            is_ready = attempt.ready_after_ms is not None and not is_told_ready
            is_line_due = attempt.has_new_line and now_s >= next_line_s
            if not is_told_started and (now_s >= started_due_s or is_ready or is_line_due):
                is_told_started = True
                self._reports.put({"type": "started", "attempt": number, "pid": pid})
            if is_ready:
                is_told_ready = True
                after_ms = attempt.ready_after_ms
                self._reports.put({"type": "ready", "attempt": number, "after_ms": after_ms})
            if is_line_due:
                next_line_s = now_s + STREAMING_PAUSE_S
                self._stream(number, attempt)

    def _hear_if_anybody(self, number: int, attempt: OwnedAttempt) -> None:
        if not self._commands.is_at_end:
            self._hear(number, attempt)

    def _hear(self, number: int, attempt: OwnedAttempt) -> None:
        for header, _ in self._commands.read():
            if header["type"] == "stop" and header["attempt"] == number:
                attempt.stop(is_grace_skipped=header["is_grace_skipped"])
        if self._commands.is_at_end:
            self._poller.unregister(self._commands.fd)
            attempt.abandon()

    def _stream(self, number: int, attempt: OwnedAttempt) -> None:
        """Report new lines, or drop them while orch does not read."""
        self._reports.flush()
        for stream, text in attempt.new_lines(STREAMED_CHARACTERS):
            if self._reports.is_empty:
                header = {"type": "output", "attempt": number, "stream": stream, "text": text}
                self._reports.put(header)
                self._reports.flush()

    def _report_end(
        self, number: int, attempt: OwnedAttempt, error: SpawnError | None = None
    ) -> None:
        told = encode_outcome(attempt.outcome(error))
        self._reports.put({"type": "ended", "attempt": number, **told}, *attempt.held())
        self._flush_all()

    def _flush_all(self) -> None:
        """Write all that waits, however long orch takes to read it, unless it is gone."""
        while not self._reports.flush():
            poller = select.poll()
            poller.register(self._reports.fd, select.POLLOUT)
            poller.poll()

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake, READ_BYTES)
        except BlockingIOError:
            pass
