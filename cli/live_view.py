"""A run in a terminal: lines that stay, and below them a block that says what goes on now.

The block is erased, lines are written where it stood, and it is drawn anew. The cursor is never
hidden and no mode of the terminal is changed, so there is nothing to restore when orch is killed.

What a frame costs doesn't grow with the plan: it shows the stages that run, and of those that wait
a few of the first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from orch.cli.next_stages import awaited
from orch.cli.outcome_text import COUNTED, attempt_text, count_pieces, name_text, unready_text
from orch.cli.progress import Progress, RunningStage
from orch.cli.terminal import SPINNERS, Pieces, Terminal
from orch.cli.units import duration_text
from orch.cli.view import SELDOM_SAID, PlainView
from orch.cli.visible import cut_middle, cut_pieces, visible, visible_lines, width_of
from orch.cli.writer import Writer
from orch.dsl.type_names import TYPE_CHECKING
from orch.runtime.events import Payload, StageCompleted
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.cli.remaining import Remaining

FRAME_S = 0.1
"""The live block is drawn at most ten times a second."""

MANY_STAGES = 200
"""A plan of more: stages that simply succeed are counted, and get no line each."""

_HISTORY_AFTER_S = 1.0
_HISTORY_FOR_STAGE_S = 0.005
"""A run that is over sooner never looks at earlier ones: after a second, or so long for each of its
stages, since to read of them takes a few hundredths of that."""

_MAX_RUNNING = 10
_MAX_FAILED = 3
_MAX_NAME_CELLS = 32


class LiveView(PlainView):
    """The block is drawn when it is time to, whatever happens between two frames."""

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
        self._find_run: Callable[[str, str], str] | None = None
        self._remaining: Remaining | None = None
        self._block_cells: list[int] = []
        self._seen_from = clock()
        self._drawn_at = float("-inf")
        self._frames = 0
        self._was_stopped = False

    def look_back(self, find_run: Callable[[str, str], str]) -> None:
        """Say how much longer it will take, where earlier runs of the task tell. `find_run` gives
        the folder of this run from its task's and its own id."""
        self._find_run = find_run

    def get_ready(self) -> None:
        if self._find_run is not None:
            import orch.cli.remaining  # noqa: F401 # Used later.

    def begin_anew(self) -> None:
        """The process was stopped, and goes on: somebody else may have written below the block, so
        the next one is drawn below that. May be called at any moment, by a signal too."""
        self._was_stopped = True

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

    def _is_said(self, told: Payload) -> bool:
        if self._verbosity > 0:
            return True
        if isinstance(told, StageCompleted):
            is_success = told.status is StageStatus.SUCCEEDED
            return not is_success or self._is_success_said(told.summary)
        return not isinstance(told, SELDOM_SAID)

    def _is_success_said(self, summary: str | None) -> bool:
        # A plain success is counted.
        return self._verbosity > 0 or not self._is_large or bool(summary)

    @property
    def _is_large(self) -> bool:
        return len(self.progress.stages) > MANY_STAGES

    def _draw(self, now: float, block: list[Pieces]) -> None:
        """Erase the block, write what is to stay where it stood, and draw the new one below."""
        width = self._terminal.size()[0] - 1
        spell, ellipsis = self._terminal.spelled, self._terminal.mark("ellipsis")
        spelled = [[(spell(text), *styles) for text, *styles in pieces] for pieces in block]
        fitted = [cut_pieces(pieces, width, ellipsis) for pieces in spelled]
        drawn = [self._terminal.drawn(pieces) for pieces in fitted]
        frame = "".join((self._erased(), self._taken(), "\n".join(drawn)))
        self._writer.offer(self._terminal.encode(frame))
        self._block_cells = [sum(width_of(piece[0]) for piece in pieces) for pieces in fitted]
        self._drawn_at = now
        self._frames += 1

    def _erased(self) -> str:
        """Codes that take the block away; the cursor stands where it began."""
        if self._was_stopped:
            self._was_stopped = False
            return "\n" if self._block_cells else ""
        if not self._block_cells:
            return ""
        # A window that was made narrower has wrapped what was drawn wider.
        columns, rows = self._terminal.size()
        height = sum(max(1, -(-cells // columns)) for cells in self._block_cells)
        up = min(height, rows) - 1
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"

    def _block_lines(self, now: float) -> Iterator[Pieces]:
        """A line for each stage under way and for the next ones, as far as there is room, one that
        names what failed, and one that counts."""
        columns, rows = self._terminal.size()
        room = rows - 3 - bool(self.progress.failed)
        running = list(self.progress.running.values())
        shown = running[: max(0, min(_MAX_RUNNING, room))]
        waiting = list(self._waiting(room - len(shown)))
        names = [name_text(one.stage) for one in shown]
        names += [name for name, _ in waiting]
        names = [self._terminal.spelled(name) for name in names]
        column = min(max(map(width_of, names), default=0), _most_cells(columns))
        ellipsis = self._terminal.mark("ellipsis")
        names = [cut_middle(name, column, ellipsis) for name in names]
        names = [name + " " * (column - width_of(name)) for name in names]
        spinner = SPINNERS[0 if self._terminal.has_unicode else 1]
        turn = spinner[self._frames % len(spinner)]
        for name, one in zip(names, shown, strict=False):
            yield [(f"{turn} ", "cyan"), (name, "bold"), *_state_pieces(one, now)]
        mark = self._terminal.mark("waiting")
        for name, (_, said) in zip(names[len(shown) :], waiting, strict=True):
            yield [(f"{mark} ", "dim"), (name, "dim"), ("  ",), said]
        if self.progress.failed:
            # Its excerpt may have scrolled away long ago.
            yield self._failed_line(self.progress.failed)
        yield self._count_line(now, len(running) - len(shown), columns - 1)

    def _waiting(self, room: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Names of stages that don't run yet, and what each waits for."""
        for waiting in awaited(self.progress, room):
            others = len(waiting.stages) - 1
            verb = f"and {others} more wait" if others else "waits"
            style = "yellow" if waiting.is_held else "dim"
            yield self._name(waiting.stages[0]), (f"{verb} {visible(waiting.said)}", style)

    def _failed_line(self, failed: Sequence[str]) -> Pieces:
        """`✗ lint, test and 4 more failed`."""
        names = ", ".join(self._name(stage_id) for stage_id in failed[:_MAX_FAILED])
        more = f" and {len(failed) - _MAX_FAILED} more" if len(failed) > _MAX_FAILED else ""
        return [(f"{self._terminal.mark('failed')} {names}{more} failed", "red")]

    def _count_line(self, now: float, hidden: int, room: int) -> Pieces:
        counts = self.progress.counts()
        elapsed = duration_text(int((now - self.progress.begun_at) * 1000))
        left = self._left_text(now)
        more = [(f" ({hidden} not shown)",)] if hidden else []
        tail: Pieces = [(f"  {elapsed}", "dim"), *([(f"  {left}",)] if left else [])]
        line: Pieces = [("  ",), *count_pieces(counts), *more, *tail]
        if sum(width_of(piece[0]) for piece in line) <= room:
            return line
        return [*self._short_counts(counts), *tail]

    def _short_counts(self, counts: Mapping[str, int]) -> Pieces:
        """`✓12 ✗1 ▸2 ·30`, for a window too narrow for words."""
        shown = [status for status in COUNTED if counts.get(status)]
        mark = self._terminal.mark
        return [(f"{mark(s)}{counts[s]} ", self._terminal.style(s)) for s in shown]

    def _left_text(self, now: float) -> str:
        """How much longer it will take, where earlier runs can tell."""
        after_s = max(_HISTORY_AFTER_S, len(self.progress.stages) * _HISTORY_FOR_STAGE_S)
        if self._find_run is None or now - self._seen_from < after_s:
            return ""
        if self._remaining is None:
            from orch.cli.remaining import Remaining

            progress = self.progress
            self._remaining = Remaining(self._find_run(progress.task_id, progress.run_id))
        return self._remaining.text(self.progress, now)


def _most_cells(columns: int) -> int:
    """How wide names may be, so that the time that a stage runs has room beside them."""
    return max(1, min(_MAX_NAME_CELLS, columns // 2, columns - 12))


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
        unready = f"  {unready_text(one.stage.ready)}"
        pieces.append(("  ready", "green") if one.is_ready else (unready, "yellow"))
    if one.pause_until is None and (said := "".join(visible_lines(one.last_line)[-1:]).strip()):
        pieces.append((f"  {said}", "dim"))
    return pieces
