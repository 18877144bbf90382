"""A run while it goes on: plain lines for logs and pipes, a live block in a terminal.

Both views are listeners of `RunEvent`s. Neither waits for whoever reads: what can't be written at
once is written at the next `tick`, which the driver gives some ten times a second.

The live block is drawn below all lines that stay: it is erased, lines are written where it stood,
and it is drawn anew. The cursor is never hidden and no mode of the terminal is changed, so there is
nothing to restore when orch is killed.
"""

from collections.abc import Callable, Iterator

from orch.cli.outcome_text import attempt_text, count_pieces, excerpt_lines, reason_text, why_text
from orch.cli.progress import Progress, RunningStage
from orch.cli.terminal import SPINNERS, Pieces, Terminal
from orch.cli.units import count_text, duration_text
from orch.cli.visible import cut_middle, cut_pieces, visible, visible_lines, width_of
from orch.cli.writer import Writer
from orch.runtime.events import (
    HeartbeatFailed,
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
from orch.runtime.states import StageStatus

FRAME_S = 0.1
"""The live block is drawn at most ten times a second."""

EXCERPT_LINES = 10
"""Lines of output that are shown at once when a stage has failed."""

_MOST_PENDING = 1 << 20
"""Characters of lines that wait for a slow reader; what comes after them is left out."""

_MAX_RUNNING = 10
_MAX_NAME_CELLS = 32


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
        # Of a thousand stages most events are of these; the quick way past them counts.
        if not isinstance(event.payload, (StageReady, StageOutput, StageFresh)):
            self._keep(self._lines(event))
        self.progress.apply(event)
        if self._pending and _is_urgent(event):
            self.tick()

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
        return text

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
                yield f"resuming {visible(run_id)}; {done} had ended"
            case RunCancelling(reason=reason):
                hint = "; once more skips the grace" if reason == "cancelled" else ""
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
        elif self._verbosity > 0:
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
        """What a stage is called on the screen: its title, where it has one."""
        return visible(self.progress.stages[stage_id].title or stage_id)

    def _duration(self, duration_ms: int | None) -> str:
        if duration_ms is None:
            return ""
        return " " + self._terminal.paint(duration_text(duration_ms), "dim")


class LiveView(PlainView):
    """Lines that stay, and below them a block that says what goes on now."""

    is_streaming = True

    def __init__(
        self,
        progress: Progress,
        terminal: Terminal,
        writer: Writer,
        verbosity: int,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(progress, terminal, writer, verbosity)
        self._clock = clock
        self._block_cells: list[int] = []
        self._drawn_at = float("-inf")
        self._frames = 0

    def tick(self) -> None:
        """Draw, where the last frame is old enough and has been read."""
        self._writer.pump()
        now = self._clock()
        if now - self._drawn_at >= FRAME_S and not self._writer.is_waiting:
            self._draw(now, list(self._block_lines(now)))

    def close(self) -> None:
        """Erase the block; the lines stay."""
        self._draw(self._clock(), [])
        self._writer.write()
        self._writer.give_back()

    def _draw(self, now: float, block: list[Pieces]) -> None:
        """Erase the block, write what is to stay where it stood, and draw the new one below."""
        width = self._terminal.size()[0] - 1
        fitted = [cut_pieces(pieces, width, self._terminal.mark("ellipsis")) for pieces in block]
        drawn = [self._terminal.drawn(pieces) for pieces in fitted]
        frame = "".join((self._erased(), self._taken(), "\n".join(drawn)))
        self._writer.offer(self._terminal.encode(frame))
        self._block_cells = [sum(width_of(piece[0]) for piece in pieces) for pieces in fitted]
        self._drawn_at = now
        self._frames += 1

    def _erased(self) -> str:
        """Codes that take the block away; the cursor stands where it began."""
        if not self._block_cells:
            return ""
        # A window that was made narrower has wrapped what was drawn wider.
        columns, rows = self._terminal.size()
        height = sum(max(1, -(-cells // columns)) for cells in self._block_cells)
        up = min(height, rows) - 1
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"

    def _block_lines(self, now: float) -> Iterator[Pieces]:
        """A line for each stage under way, as far as there is room, and a line that counts."""
        columns, rows = self._terminal.size()
        running = list(self.progress.running.values())
        shown = running[: max(0, min(_MAX_RUNNING, rows - 3))]
        names = [visible(one.stage.title or one.stage.id) for one in shown]
        column = min(_MAX_NAME_CELLS, max(map(width_of, names), default=0), columns // 2)
        spinner = SPINNERS[0 if self._terminal.has_unicode else 1]
        turn = spinner[self._frames % len(spinner)]
        for name, one in zip(names, shown, strict=True):
            short = cut_middle(name, column, self._terminal.mark("ellipsis"))
            padded = short + " " * (column - width_of(short))
            yield [(f"{turn} ", "cyan"), (padded, "bold"), *_state_pieces(one, now)]
        for waiting in list(self.progress.waiting.values())[: max(0, rows - 3 - len(shown))]:
            said = f"  {visible(waiting.explanation)}"
            yield [("  ",), (self._name(waiting.stage), "bold"), (said, "yellow")]
        elapsed = duration_text(int((now - self.progress.begun_at) * 1000))
        counts = count_pieces(self.progress.counts())
        hidden = len(running) - len(shown)
        more = [(f" ({hidden} not shown)",)] if hidden else []
        yield [("  ",), *counts, *more, (f"  {elapsed}", "dim")]


def _is_urgent(event: RunEvent) -> bool:
    """What a person must not wait for, not even until the next tick."""
    match event.payload:
        case RunStarted() | RunResumed() | RunCancelling() | StageWaiting():
            return True
        case StageCompleted(status=StageStatus.FAILED):
            return True
        case _:
            return False


def _state_pieces(one: RunningStage, now: float) -> Pieces:
    """How long a stage runs, which attempt it is, and what it said last."""
    elapsed = duration_text(int((now - one.since) * 1000))
    pieces: Pieces = [(f" {elapsed:>7}",)]
    if one.attempt > 1:
        pieces.append((f"  {attempt_text(one.stage, one.attempt)}", "yellow"))
    if one.pause_until is not None:
        wait_ms = max(0, int((one.pause_until - now) * 1000))
        pieces.append((f"  failed, again in {duration_text(wait_ms)}", "yellow"))
    elif one.stage.kind == "service":
        pieces.append(("  ready", "green") if one.is_ready else ("  not ready yet", "yellow"))
    if one.pause_until is None and (said := "".join(visible_lines(one.last_line)[-1:]).strip()):
        pieces.append((f"  {said}", "dim"))
    return pieces
