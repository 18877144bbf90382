"""One attempt in the hands of its warden, from its start to the proof that nothing of it is left.

The proof is the kernel's: the warden is a subreaper, so when `wait` says that it has no child,
nothing that the command started is alive.
"""

import os
import resource  # noqa: F401  os.wait4 imports it when first called; that may be too late, see below.
import select
import time

from orch.dsl.type_names import TYPE_CHECKING, Any, Callable, Iterator
from orch.runtime import system
from orch.runtime import system_signals as signal
from orch.runtime.attempt import AttemptSpec
from orch.runtime.capture import LogFile, StreamCapture, widen_pipe
from orch.runtime.handover import Handover
from orch.runtime.phases import Phase
from orch.runtime.processes import IS_LINUX, kill_children, signal_descendants
from orch.runtime.spawn import SpawnError, lacking, spawn_captured

if TYPE_CHECKING:
    from orch.runtime.fresh_look import FreshLook
    from orch.runtime.mask import Mask
    from orch.runtime.probe import Probe

# A command may remake the very installation that orch runs from, so a warden imports nothing once
# it is forked.

DRAIN_S = 0.5
ORPHANED_GRACE_S = 2.0
UNKILLABLE_S = 10.0

_LARGEST_PIPE_BYTES = 1 << 20
_LONGEST_WAIT_S = 3600.0
_NEVER = float("inf")
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05
_RSS_UNIT_BYTES = 1024 if IS_LINUX else 1


class OwnedAttempt:
    """The loop calls `read` for a readable pipe, `reap` after SIGCHLD, and `proceed` each time
    round, and sleeps at most `wait_s`. All times are monotonic seconds of the warden's own clock.
    """

    def __init__(
        self,
        spec: AttemptSpec,
        poller: select.poll,
        buffer: memoryview,
        mask: "Mask | None" = None,
    ) -> None:
        self.has_new_line = False
        self.ready_after_ms: int | None = None
        """How long a service took to get ready; None until then, and for all else."""
        self._probe: Probe | None = None
        self._spec = spec
        self._poller = poller
        self._buffer = buffer
        self._logs = [LogFile(path, spec.log_bytes) for path in (spec.stdout_log, spec.stderr_log)]
        self._captures = [
            StreamCapture(spec.buffer_bytes, spec.error_bytes, log, mask) for log in self._logs
        ]
        self._handover: Handover | None = None
        self._open: dict[int, int] = {}
        self._fresh: set[int] = set()
        self._widened: set[int] = set()
        self._phase = Phase.LOOKING
        self._look = _look_of(spec)
        self._pid = 0
        self._status: int | None = None
        self._has_children = True
        self._started_s = self._deadline_s = self._ended_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._is_timed_out = self._is_stopped = self._is_counting = False
        self._is_handing_over = self._is_hurried = False
        self._shortcoming: dict[str, Any] | None = None
        self._survivors = self._peak_rss_bytes = 0
        self._killing_until_s = self._cpu_s = 0.0

    @property
    def has_leftovers(self) -> bool:
        """Something could not be killed: it is not this user's, or the kernel holds it."""
        return self.is_over and self._has_children and self._pid != 0

    @property
    def is_over(self) -> bool:
        return self._phase is Phase.OVER

    def look(self, hear: Callable[[], None]) -> None:
        """Look whether the command is needed at all, which may last; it is over then if it is not,
        or if it has to end. `hear` lets orch speak meanwhile."""
        self._started_s = self._ended_s = time.monotonic()
        if self._look is None:
            return
        is_interrupted = self._interruption(hear)
        self._look.before(is_interrupted)
        if self._look.is_fresh or is_interrupted():
            self._has_children = False
            self._finish()

    def start(self) -> int:
        """Spawn the command and return its pid. Raises SpawnError."""
        self._phase = Phase.RUNNING
        try:
            self._handover = Handover(self._spec)
        except OSError as error:
            where = f" in {error.filename}" if error.filename else ""
            raise lacking(f"no place{where} for what it hands over", error) from None
        if self._spec.ready is not None:
            # Whoever runs a service has imported this before the warden was forked.
            from orch.runtime.probe import make_probe

            self._probe = make_probe(self._spec, self._poller)
        self._pid, readers = spawn_captured(self._spec)
        self._deadline_s = self._timeout_at_s()
        if self._probe is not None:
            self._probe.begin(self._started_s)
        for index, reader in enumerate(readers):
            os.set_blocking(reader, False)
            self._open[reader] = index
            self._poller.register(reader, select.POLLIN)
        return self._pid

    def _timeout_at_s(self) -> float:
        timeout_ms = self._spec.timeout_ms
        return _NEVER if timeout_ms is None else self._started_s + timeout_ms / 1000

    def wait_s(self, now_s: float) -> float:
        """How long nothing needs to be done unless something happens."""
        due_s = self._deadline_s
        if self._probe is not None and self._phase is Phase.RUNNING:
            due_s = min(due_s, self._probe.due_s)
        return min(max(due_s - now_s, 0), _LONGEST_WAIT_S)

    def read(self, fd: int) -> bool:
        """Read once; False when there is nothing to read now or ever."""
        if self._probe is not None and self._probe.hear(fd):
            return True
        if fd not in self._open:
            # Of the probe, which was closed after the loop had heard of the descriptor.
            return False
        index = self._open[fd]
        try:
            size = os.readv(fd, (self._buffer,))
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if not size:
            self._close(fd)
            return False
        if self._probe is not None:
            self._probe.see(index, self._buffer[:size])
        if size == len(self._buffer) and fd not in self._widened:
            self._widened.add(fd)
            widen_pipe(fd, _LARGEST_PIPE_BYTES)
        self._captures[index].feed(self._buffer[:size])
        if self._spec.is_streamed:
            self._fresh.add(index)
            self.has_new_line = True
        return True

    def _close(self, fd: int) -> None:
        """Whoever closes its last stream has mostly ended too, so that is asked at once."""
        self._poller.unregister(fd)
        os.close(fd)
        del self._open[fd]
        if not self._open:
            self.reap()

    def new_lines(self, limit_characters: int) -> Iterator[tuple[str, str]]:
        """The last line of each stream that has written since this was last asked."""
        fresh, self._fresh = self._fresh, set()
        self.has_new_line = False
        for index in sorted(fresh):
            text = self._captures[index].last_line(limit_characters)
            if text:
                yield ("stdout", "stderr")[index], text

    def reap(self) -> None:
        """Collect every child that has ended: the command, and orphans that landed here."""
        while self._has_children:
            try:
                pid, status, usage = system.wait_with_usage(-1, os.WNOHANG)
            except ChildProcessError:
                self._has_children = False
                return
            if not pid:
                return
            if self._probe is not None and self._probe.reap(pid, status):
                continue
            self._cpu_s += usage.ru_utime + usage.ru_stime
            self._peak_rss_bytes = max(self._peak_rss_bytes, usage.ru_maxrss * _RSS_UNIT_BYTES)
            if pid == self._pid:
                self._status = status
            elif self._is_counting and os.WIFSIGNALED(status):
                self._survivors += os.WTERMSIG(status) == signal.SIGKILL
            if self._phase is Phase.KILLING:
                self._deadline_s = 0
                self._pause_s = _FIRST_PAUSE_S

    def stop(self, *, is_grace_skipped: bool) -> None:
        """orch wants it ended. A second call may skip what is left of the grace."""
        self._hurry()
        if self._phase is Phase.RUNNING:
            self._is_stopped = True
            self._end(self._spec.grace_ms / 1000)
        if self._phase is Phase.ENDING and is_grace_skipped:
            self._kill()

    def abandon(self) -> None:
        """orch is dead: nobody waits for a long grace, and a resume must be able to begin."""
        self._hurry()
        grace_s = min(self._spec.grace_ms / 1000, ORPHANED_GRACE_S)
        if self._phase is Phase.RUNNING:
            self._is_stopped = True
            self._end(grace_s)
        elif self._phase is Phase.ENDING:
            self._deadline_s = min(self._deadline_s, time.monotonic() + grace_s)

    def _hurry(self) -> None:
        is_at_files = self._is_handing_over or self._phase is Phase.LOOKING
        self._is_hurried = True
        self._is_stopped = self._is_stopped or is_at_files

    def _end(self, grace_s: float) -> None:
        self._phase = Phase.ENDING
        self._deadline_s = time.monotonic() + grace_s
        self._close_probe()
        signal_descendants(self._pid, self._spec.stop_signal)

    def _kill(self) -> None:
        self._is_counting = self._status is not None
        self._phase = Phase.KILLING
        self._killing_until_s = time.monotonic() + UNKILLABLE_S
        self._deadline_s = 0

    def proceed(self, now_s: float) -> None:
        """Move to the phase that facts and deadlines ask for."""
        if not self._has_children:
            self._finish()
            return
        self._get_ready(now_s)
        is_late = now_s >= self._deadline_s
        match self._phase:
            case Phase.RUNNING:
                if self._status is not None:
                    self._close_probe()
                    self._phase = Phase.DRAINING
                    self._deadline_s = now_s + DRAIN_S
                    self.proceed(now_s)
                elif is_late:
                    self._is_timed_out = True
                    self._end(self._spec.grace_ms / 1000)
            case Phase.DRAINING:
                if is_late or not self._open:
                    self._kill()
                    self.proceed(now_s)
            case Phase.ENDING:
                if is_late:
                    self._kill()
                    self.proceed(now_s)
            case Phase.KILLING if is_late:
                self._kill_pass(now_s)

    def _get_ready(self, now_s: float) -> None:
        """Ask whether a service is ready, where that is due; once it is, only a stop ends it."""
        probe = self._probe
        if probe is None or self._phase is not Phase.RUNNING or self._status is not None:
            return
        probe.proceed(now_s)
        if probe.is_ready and self.ready_after_ms is None:
            self.ready_after_ms = round((now_s - self._started_s) * 1000)
            self._deadline_s = probe.due_s = _NEVER
            probe.close()

    def _close_probe(self) -> None:
        """What the probe still owns is reaped with the rest."""
        if self._probe is not None:
            self._probe.close()

    def _kill_pass(self, now_s: float) -> None:
        kill_children(self._pid)
        if now_s > self._killing_until_s:
            self._finish()
            return
        self._deadline_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _finish(self) -> None:
        """Read what the pipes still hold. Whoever else has them open does not keep us."""
        self._close_probe()
        for fd in tuple(self._open):
            left_bytes = _LARGEST_PIPE_BYTES
            while left_bytes > 0 and self.read(fd):
                left_bytes -= len(self._buffer)
            if fd in self._open:
                self._close(fd)
        if not IS_LINUX and self._pid:
            kill_children(self._pid)
        for capture, log in zip(self._captures, self._logs, strict=True):
            capture.finish()
            log.close()
        self._ended_s = time.monotonic()
        self._phase = Phase.OVER

    def hand_over(self, hear: Callable[[], None]) -> None:
        """Take what a success hands over, which may last; called once, when it is over. `hear` lets
        orch speak meanwhile. What is left of the time-out must do."""
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        is_success = code == 0 and not self._is_timed_out and not self._is_stopped
        if self._handover is not None:
            self._is_handing_over = True
            self._shortcoming = self._handover.collect(
                is_success=is_success, is_interrupted=self._interruption(hear)
            )
            self._is_handing_over = False
            self._ended_s = time.monotonic()
            if is_success and self._shortcoming is None and self._look is not None:
                self._take_outputs(self._look, self._handover.artifacts, hear)

    def _interruption(self, hear: Callable[[], None]) -> Callable[[], bool]:
        """What is asked again and again by whoever is at work on files: whether to stop that."""
        timeout_at_s = self._timeout_at_s()

        def is_interrupted() -> bool:
            hear()
            self._is_timed_out = time.monotonic() > timeout_at_s
            return self._is_stopped or self._is_timed_out

        return is_interrupted

    def _take_outputs(
        self, look: "FreshLook", artifacts: list[dict[str, Any]], hear: Callable[[], None]
    ) -> None:
        """Let what the success wrote be known next time, as far as its time-out allows; whatever
        becomes of that, the attempt has ended as it has."""
        timeout_at_s = self._timeout_at_s()

        def is_interrupted() -> bool:
            hear()
            return self._is_hurried or time.monotonic() > timeout_at_s

        if not (self._is_stopped or self._is_timed_out or is_interrupted()):
            look.after(artifacts, is_interrupted)

    def outcome(self, error: SpawnError | None) -> dict[str, Any]:
        """The fields of the attempt's outcome, and of each stream what is counted and held."""
        if error is not None and error.is_shortage:
            self._shortcoming = {"reason": "storage", "message": str(error)}
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        if self._look is not None and self._look.is_fresh:
            code = 0
        return {
            "exit_code": code if code is not None and code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "spawn_error": None if error is None else str(error),
            "is_timed_out": self._is_timed_out,
            "is_stopped": self._is_stopped,
            "duration_ms": round((self._ended_s - self._started_s) * 1000),
            "cpu_ms": round(self._cpu_s * 1000),
            "peak_rss_bytes": self._peak_rss_bytes,
            "survivors": self._survivors,
            "has_leftovers": self.has_leftovers,
            "shortcoming": self._shortcoming,
            "artifacts": self._artifacts(),
            "found": None if self._look is None else self._look.found(),
            "complaint": "" if self._probe is None else self._probe.complaint,
            "log_error": next((log.error for log in self._logs if log.error), None),
            "streams": [
                (
                    (capture.total_bytes, capture.shown_bytes, log.unlogged_bytes),
                    capture.held_bytes,
                )
                for capture, log in zip(self._captures, self._logs, strict=True)
            ],
        }

    def _artifacts(self) -> list[dict[str, Any]]:
        if self._handover is not None:
            return self._handover.artifacts
        return [] if self._look is None else self._look.artifacts

    def held(self) -> list[memoryview]:
        """What is held of stdout, then of stderr, and what the command handed on."""
        held = [part for capture in self._captures for part in capture.held()]
        return held if self._handover is None else [*held, memoryview(self._handover.values)]


def _look_of(spec: AttemptSpec) -> "FreshLook | None":
    if spec.freshness is None:
        return None
    # Whoever gives such an order has imported this before the warden was forked.
    from orch.runtime.fresh_look import FreshLook

    return FreshLook(spec, spec.freshness)
