"""A run while it goes on, as plain lines for logs and pipes; `live_view` draws more in a terminal.

Views are listeners of `RunEvent`s. None waits for whoever reads: what can't be written at once is
written at the next `tick`, which the driver gives some ten times a second.
"""

from orch.cli.outcome_text import attempt_text, excerpt_lines, name_text, reason_text, why_text
from orch.cli.progress import Progress
from orch.cli.terminal import Terminal
from orch.cli.units import count_text, duration_text
from orch.cli.visible import visible
from orch.cli.writer import Writer
from orch.dsl.type_names import Iterator
from orch.runtime.events import (
    HeartbeatFailed,
    Payload,
    RunCancelling,
    RunEvent,
    RunResumed,
    RunStarted,
    ServiceReady,
    ServiceStarted,
    SnapshotRepaired,
    SnapshotRetrying,
    SnapshotSkipped,
    StageCompleted,
    StageFresh,
    StageOutput,
    StageReady,
    StageRetrying,
    StageStarted,
    StageWaiting,
)
from orch.runtime.fresh_events import FreshEvents
from orch.runtime.states import StageStatus

EXCERPT_LINES = 10
"""Lines of output that are shown at once when a stage has failed."""

_MOST_PENDING = 1 << 20
"""Characters of lines that wait for a slow reader; what comes after them is left out."""

SELDOM_SAID = (StageOutput, StageFresh, StageStarted, ServiceStarted)
"""Kinds of events of which only somebody who wants to know more is told, if at all."""


class PlainView:
    """One line for every event that matters; no control codes but colours.

    Lines are written at the next tick, failures at once.

    `verbosity` -1 shows failures only, 1 also starts, skipped stages and paths.
    """

    is_streaming = False
    """Whether it has a use for the stages' output as it comes."""

    def __init__(
        self, progress: Progress, terminal: Terminal, writer: Writer, verbosity: int
    ) -> None:
        self.progress = progress
        self._terminal = terminal
        self._writer = writer
        self._verbosity = verbosity
        self._pending: list[str] = []
        self._pending_size = 0
        self._left_out = 0
        writer.never_wait()

    def __call__(self, event: RunEvent) -> None:
        """Hear of an event."""
        told = event.payload
        if isinstance(told, StageReady):
            # Nothing is said of it, nor counted: of a thousand stages a third of all events.
            return
        if self._is_said(told):
            self._keep(self._lines(event))
        self.progress.apply(event)
        if self._pending and _is_urgent(event):
            self.tick()

    def hear_fresh(self, events: FreshEvents) -> None:
        """Hear of events of stages that are fresh; where nothing is said of them they count."""
        if any(self._is_success_said(fresh.summary) for _, _, fresh in events.ends):
            for event in events:
                self(event)
        else:
            self.progress.apply_fresh(events)

    def get_ready(self) -> None:
        """Import what is needed late: once commands run, it may be gone."""

    def tick(self) -> None:
        """Some time has passed: write what there is to say, if what came before was read."""
        self._writer.pump()
        if self._pending and not self._writer.is_waiting:
            self._write_pending()

    def close(self) -> None:
        """No event comes any more; everything is on the screen on return."""
        self._write_pending()
        self._writer.write()
        self._writer.give_back()

    def _write_pending(self) -> None:
        self._writer.offer(self._terminal.encode(self._taken()))

    def _keep(self, lines: Iterator[str]) -> None:
        """Have lines written later, as many as are kept for a reader that is slow."""
        for line in lines:
            if self._pending_size > _MOST_PENDING:
                self._left_out += 1
            else:
                self._pending.append(line)
                self._pending_size += len(line) + 1

    def _taken(self) -> str:
        """The lines that were kept, which are kept no longer."""
        if self._left_out:
            left_out = count_text(self._left_out, "line")
            self._pending.append(
                self._warning(f"{left_out} left out: nobody read them; `orch status` knows all")
            )
        text = "".join(f"{line}\n" for line in self._pending)
        self._pending, self._pending_size, self._left_out = [], 0, 0
        return self._terminal.harmless(text)

    def _is_said(self, told: Payload) -> bool:
        """Whether such an event may have lines; the quick way past the others counts."""
        if isinstance(told, StageCompleted):
            return self._verbosity >= 0 or told.status is StageStatus.FAILED
        return self._verbosity > 0 or not isinstance(told, SELDOM_SAID)

    def _is_success_said(self, summary: str | None) -> bool:  # noqa: ARG002 # Others ask it.
        """Whether a success with this summary may have lines."""
        return self._verbosity >= 0

    def _lines(self, event: RunEvent) -> Iterator[str]:
        """What is said of an event, before it is folded into the progress."""
        is_quiet = self._verbosity < 0
        match event.payload:
            case StageCompleted() as completed:
                yield from self._completed(completed)
            case StageRetrying() as retrying if not is_quiet:
                yield self._retrying(retrying)
            case StageStarted() | ServiceStarted() | ServiceReady() as begun:
                yield from self._begun(begun)
            case StageWaiting(stage=stage) as waiting if not is_quiet:
                mark = self._terminal.status_mark("waiting")
                yield f"{mark} {self._name(stage)} {visible(waiting.explanation)}"
            case RunStarted() as started if not is_quiet:
                yield from self._started(started)
            case RunResumed(run_id=run_id) if not is_quiet:
                done = count_text(len(self.progress.ended), "stage")
                yield f"resuming {visible(run_id)}; {done} done already"
            case RunCancelling(reason=reason):
                hint = "; once more ends it at once" if reason == "cancelled" else ""
                yield self._warning(f"the run is being ended: {reason_text(reason)}{hint}")
            case HeartbeatFailed(path=path, message=message):
                yield self._warning(f"heartbeat: {message} ({path})")
            case SnapshotRetrying() | SnapshotSkipped() | SnapshotRepaired() as told:
                yield from self._about_snapshot(told)
            case _:
                pass

    def _about_snapshot(
        self, told: SnapshotRetrying | SnapshotSkipped | SnapshotRepaired
    ) -> Iterator[str]:
        match told:
            case SnapshotRetrying():
                if self._verbosity > 0:
                    yield self._warning(f"{told.what}: {told.message}; trying again")
            case SnapshotSkipped():
                yield self._warning(f"{told.what} was not written: {told.message}")
            case SnapshotRepaired():
                yield self._warning(f"{told.what} was repaired: {told.message}")

    def _started(self, started: RunStarted) -> Iterator[str]:
        paint = self._terminal.paint
        stages = count_text(len(self.progress.stages), "stage")
        yield (
            f"{paint(visible(started.pipeline), 'bold')}  {stages}  "
            f"{paint('run ' + visible(started.run_id), 'dim')}"
        )
        if self._verbosity > 0:
            yield f"manifest {visible(started.manifest)}"

    def _begun(self, begun: StageStarted | ServiceStarted | ServiceReady) -> Iterator[str]:
        lead = f"{self._terminal.status_mark('running')} {self._name(begun.stage)}"
        if isinstance(begun, ServiceReady):
            if self._verbosity >= 0:
                yield f"{lead} is ready{self._duration(begun.after_ms)}"
        else:
            yield lead + (f" (attempt {begun.attempt})" if begun.attempt > 1 else "")

    def _completed(self, completed: StageCompleted) -> Iterator[str]:
        name = self._name(completed.stage)
        duration = self._duration(completed.figures.duration_ms)
        match completed.status:
            case StageStatus.SUCCEEDED if self._verbosity >= 0:
                summary = f"  {visible(completed.summary)}" if completed.summary else ""
                if completed.stage in self.progress.fresh:
                    duration = " " + self._terminal.paint("fresh", "dim")
                is_service = self.progress.stages[completed.stage].kind == "service"
                how = " stopped" if is_service else ""
                yield f"{self._terminal.status_mark('succeeded')} {name}{how}{duration}{summary}"
            case StageStatus.FAILED:
                yield from self._failed(completed, f"{name} ", duration)
            case StageStatus.CANCELLED if completed.attempts and self._verbosity >= 0:
                mark = self._terminal.status_mark("cancelled")
                yield f"{mark} {name} {reason_text(completed.reason or 'cancelled')}{duration}"
            case StageStatus.SKIPPED if self._verbosity > 0:
                mark = self._terminal.status_mark("skipped")
                yield f"{mark} {name} skipped: {reason_text(completed.reason or '')}"
            case _:
                pass

    def _failed(self, completed: StageCompleted, lead: str, duration: str) -> Iterator[str]:
        why = why_text(completed.reason, completed.figures)
        stage = self.progress.stages[completed.stage]
        is_once = stage.policy.retry.attempts == 1 and completed.attempts <= 1
        tries = "" if is_once else f" ({attempt_text(stage, completed.attempts)})"
        allowed = ", which is allowed" if stage.allow_failure else ""
        mark = self._terminal.status_mark("failed")
        yield f"{mark} {lead}{self._terminal.paint(why, 'red')}{tries}{allowed}{duration}"
        yield from excerpt_lines(completed, self._terminal, EXCERPT_LINES)

    def _retrying(self, retrying: StageRetrying) -> str:
        why = why_text(retrying.reason, retrying.figures)
        attempt = attempt_text(self.progress.stages[retrying.stage], retrying.attempt)
        return (
            f"{self._terminal.status_mark('retrying')} {self._name(retrying.stage)} {why} "
            f"({attempt}), "
            f"again in {duration_text(retrying.delay_ms)}"
        )

    def _warning(self, text: str) -> str:
        return self._terminal.paint(f"{self._terminal.mark('warning')} {visible(text)}", "yellow")

    def _name(self, stage_id: str) -> str:
        return name_text(self.progress.stages[stage_id])

    def _duration(self, duration_ms: int | None) -> str:
        if duration_ms is None:
            return ""
        return " " + self._terminal.paint(duration_text(duration_ms), "dim")


def _is_urgent(event: RunEvent) -> bool:
    """What a person must not wait for, not even until the next tick."""
    match event.payload:
        case RunStarted() | RunResumed() | RunCancelling() | StageWaiting():
            return True
        case StageCompleted(status=StageStatus.FAILED):
            return True
        case _:
            return False
