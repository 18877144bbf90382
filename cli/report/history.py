"""What happened to each stage and when: waits and attempts, and who was waited for, from a journal.

Times are milliseconds of the run's own clock: it begins with the run, stands still between the
end of one life and the `resume` that begins the next, and never goes back.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from orch.cli.outcome_text import reason_text, why_text
from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.record import record
from orch.runtime.clock import instant_ms
from orch.runtime.events import (
    AttemptFigures,
    RunEvent,
    RunResumed,
    RunStarted,
    ServiceReady,
    ServiceStarted,
    ServiceStopped,
    StageCompleted,
    StageReady,
    StageRetrying,
    StageStarted,
    StageWaiting,
)
from orch.runtime.states import StageStatus


class SpanKind(Enum):
    """What a stage did for a while; the values are names for style sheets too."""

    NEEDS = "needs"
    """What it needs had not ended, or was not ready."""
    SLOT = "slot"
    """As many stages ran as may at once, in the run, its pool or under its exclusive name."""
    EXCLUSIVE = "exclusive"
    """Another run held its exclusive name."""
    BACKOFF = "backoff"
    """The wait between two attempts."""
    ATTEMPT = "attempt"
    """Its command ran."""


@record
class Span:
    """One wait, or one attempt, of a stage. `why` is which slot it waited for, who held its
    exclusive name, or how the attempt ended, in words; `blocker` the stage that was waited for
    last, where that is known."""

    kind: SpanKind
    begin_ms: int
    end_ms: int
    why: str
    blocker: str | None = None
    attempt: int = 0
    is_failed: bool = False
    figures: AttemptFigures | None = None

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.begin_ms


@record
class History:
    """`spans` of each stage in order, of its last `begins` from when; `breaks` are the moments at
    which the run was resumed; `ends` when each stage ended for the last time, or, a service, was
    ready."""

    spans: Mapping[str, tuple[Span, ...]]
    ends: Mapping[str, int]
    order: tuple[str, ...]
    """The stages that had an attempt, as their last ones ended; those under way come last."""
    breaks: tuple[int, ...]
    total_ms: int


def history_of(
    plan: Plan, events: Iterable[RunEvent], until_ms: int | None, *, is_under_way: bool = False
) -> History:
    """Reads the events of a run once. `until_ms` is its last sign of life by the wall clock, where
    that may be later than the last event."""
    fold = _Fold(plan)
    for event in events:
        fold.apply(event)
    return fold.history(until_ms, "under way" if is_under_way else "cut off")


class _Fold:
    """Events, one at a time. What a stage does now is its open span: `(kind, begin, why)`."""

    def __init__(self, plan: Plan) -> None:
        self._stages = {stage.id: stage for stage in plan.stages}
        self._free = _Freed(plan)
        self._spans: dict[str, list[Span]] = {stage.id: [] for stage in plan.stages}
        self._open: dict[str, tuple[SpanKind, int, str]] = {}
        self._attempt: dict[str, int] = {}
        self._delay_ms: dict[str, int] = {}
        self._ready_seq: dict[str, int] = {}
        self._done_seq: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._last_done: str | None = None
        """The last stage to end that had been at work; and whom those that ended without stand
        for: who waited for one of these waited for him."""
        self._stands_for: dict[str, str | None] = {}
        self._order: dict[str, None] = {}
        self._breaks: list[int] = []
        self._life = (0, 0)
        """When this life began, by the wall clock and by the run's."""
        self._life_seq = 0
        self._now_ms = 0

    def apply(self, event: RunEvent) -> None:
        said: Any = event.payload
        self._tick(event)
        if isinstance(said, RunResumed):
            self._resume()
        elif getattr(said, "stage", None) in self._stages:
            self._apply_to_stage(event.seq, said)

    def history(self, until_ms: int | None, outcome: str) -> History:
        if until_ms is not None and self._life[0]:
            self._now_ms = max(self._now_ms, until_ms - self._life[0] + self._life[1])
        for stage_id in list(self._open):
            self._close(stage_id, outcome)
        return History(
            {stage_id: tuple(spans) for stage_id, spans in self._spans.items()},
            self._ends,
            tuple(self._order),
            tuple(self._breaks),
            self._now_ms,
        )

    def _tick(self, event: RunEvent) -> None:
        try:
            at_ms = instant_ms(event.time)
        except (ValueError, TypeError):
            # Nobody vouches for a journal; an event without a time happened when the last one did.
            return
        if isinstance(event.payload, RunStarted):
            self._life, self._life_seq = (at_ms, 0), event.seq
        elif isinstance(event.payload, RunResumed):
            self._life, self._life_seq = (at_ms, self._now_ms), event.seq
        else:
            self._now_ms = max(self._now_ms, at_ms - self._life[0] + self._life[1])

    def _resume(self) -> None:
        for stage_id in list(self._open):
            self._close(stage_id, "cut off")
        self._free.forget()
        self._breaks.append(self._now_ms)

    def _apply_to_stage(self, seq: int, said: Any) -> None:
        stage = self._stages[said.stage]
        match said:
            case StageReady():
                self._wait_for_needs(stage, seq)
            case StageWaiting():
                self._close(stage.id, "")
                self._begin(stage.id, SpanKind.EXCLUSIVE, said.explanation)
            case ServiceStarted():
                self._start_service(stage, said.attempt)
            case StageStarted():
                self._start(stage, seq, said.attempt)
            case StageRetrying():
                why = why_text(said.reason, said.figures)
                self._end_attempt(stage, seq, why, said.figures, is_failed=True)
                self._begin(stage.id, SpanKind.BACKOFF, why)
                self._delay_ms[stage.id] = said.delay_ms
            case ServiceReady():
                self._done(stage.id, seq)
            case ServiceStopped():
                self._end_attempt(stage, seq, reason_text(said.reason), said.figures)
            case StageCompleted():
                self._complete(stage, seq, said)

    # -- what each event comes to --------------------------------------------------

    def _begin(self, stage_id: str, kind: SpanKind, why: str) -> None:
        self._open[stage_id] = (kind, self._now_ms, why)
        if kind is SpanKind.ATTEMPT:
            self._order.pop(stage_id, None)
            self._order[stage_id] = None

    def _close(self, stage_id: str, outcome: str, **more: Any) -> None:
        """End what a stage does now; waits of no length leave no trace."""
        if stage_id not in self._open:
            return
        kind, begin_ms, why = self._open.pop(stage_id)
        if kind is SpanKind.ATTEMPT:
            more.setdefault("attempt", self._attempt.get(stage_id, 0))
            why = outcome
        if kind is SpanKind.ATTEMPT or self._now_ms > begin_ms:
            self._spans[stage_id].append(Span(kind, begin_ms, self._now_ms, why, **more))

    def _wait_for_needs(self, stage: PlannedStage, seq: int) -> None:
        needs = stage.needs
        last = max(needs, key=lambda need: self._done_seq.get(need, 0), default=None)
        if stage.kind == "finally":
            last = self._last_done
        last = self._stands_for.get(last or "", last)
        if last is not None and self._done_seq.get(last, 0) > self._life_seq:
            self._open[stage.id] = (SpanKind.NEEDS, self._life[1], "")
            self._close(stage.id, "", blocker=last)
        self._ready_seq[stage.id] = seq
        self._begin(stage.id, SpanKind.SLOT, "")

    def _start_service(self, stage: PlannedStage, attempt: int) -> None:
        """It is started when all else has ended that the first stage needs that needs it."""
        if self._done_seq.get(self._last_done or "", 0) > self._life_seq:
            self._open[stage.id] = (SpanKind.NEEDS, self._life[1], "")
            self._close(stage.id, "", blocker=self._last_done)
        self._begin(stage.id, SpanKind.ATTEMPT, "")
        self._attempt[stage.id] = attempt

    def _start(self, stage: PlannedStage, seq: int, attempt: int) -> None:
        kind, begin_ms, why = self._open.get(stage.id, (SpanKind.SLOT, self._now_ms, ""))
        if kind is SpanKind.BACKOFF:
            self._split_backoff(stage, begin_ms)
            kind, begin_ms, why = self._open.get(stage.id, (kind, begin_ms, why))
        if kind is SpanKind.SLOT:
            limit, blocker = self._free.who(stage, self._ready_seq.get(stage.id, 0))
            self._open[stage.id] = (SpanKind.SLOT, begin_ms, limit)
            self._close(stage.id, "", blocker=blocker)
        else:
            self._close(stage.id, "")
        self._begin(stage.id, SpanKind.ATTEMPT, "")
        self._attempt[stage.id] = attempt
        self._free.take(stage)
        self._ready_seq[stage.id] = seq

    def _split_backoff(self, stage: PlannedStage, begin_ms: int) -> None:
        """What goes beyond the delay, where slots were freed meanwhile, was a wait for one."""
        due_ms = begin_ms + self._delay_ms.pop(stage.id, 0)
        _, blocker = self._free.who(stage, self._ready_seq.get(stage.id, 0))
        if blocker is not None and due_ms < self._now_ms:
            kind, _, why = self._open[stage.id]
            self._spans[stage.id].append(Span(kind, begin_ms, due_ms, why))
            self._open[stage.id] = (SpanKind.SLOT, due_ms, "")

    def _end_attempt(
        self,
        stage: PlannedStage,
        seq: int,
        outcome: str,
        figures: AttemptFigures,
        *,
        is_failed: bool = False,
    ) -> None:
        if self._open.get(stage.id, (None,))[0] is not SpanKind.ATTEMPT:
            return
        self._close(stage.id, outcome, figures=figures, is_failed=is_failed)
        self._order.pop(stage.id, None)
        self._order[stage.id] = None
        if stage.kind != "service":
            self._free.give_back(stage, seq)
        self._ready_seq[stage.id] = seq

    def _complete(self, stage: PlannedStage, seq: int, said: StageCompleted) -> None:
        is_failed = said.status is not StageStatus.SUCCEEDED
        outcome = why_text(said.reason, said.figures) if is_failed else said.status.value
        if said.status is StageStatus.CANCELLED:
            outcome = "cancelled"
        self._end_attempt(stage, seq, outcome, said.figures, is_failed=is_failed)
        self._close(stage.id, "")
        if stage.kind == "service":
            return
        self._done(stage.id, seq)
        if said.attempts == 0 and said.status is not StageStatus.SUCCEEDED:
            self._stands_for[stage.id] = self._last_done
        else:
            self._stands_for.pop(stage.id, None)
            if stage.kind == "stage":
                self._last_done = stage.id

    def _done(self, stage_id: str, seq: int) -> None:
        self._done_seq[stage_id] = seq
        self._ends[stage_id] = self._now_ms


class _Freed:
    """Whose end freed the slot that a stage took: of its exclusive name, its pool, or the run."""

    def __init__(self, plan: Plan) -> None:
        self._slots = {("pool", name): slots for name, slots in plan.pools.items()}
        self._running: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], tuple[int, str]] = {}

    def forget(self) -> None:
        """Another life has begun: nothing runs."""
        self._running.clear()
        self._last.clear()

    def take(self, stage: PlannedStage) -> None:
        for limit in _limits(stage):
            self._running[limit] = self._running.get(limit, 0) + 1

    def give_back(self, stage: PlannedStage, seq: int) -> None:
        for limit in _limits(stage):
            running = self._running.get(limit, 0)
            if running >= self._slots.get(limit, 1) or limit == _RUN:
                self._last[limit] = (seq, stage.id)
            self._running[limit] = max(0, running - 1)

    def who(self, stage: PlannedStage, since_seq: int) -> tuple[str, str | None]:
        """What a stage that was ready since then waited for, in words, and the stage that freed it
        last; nothing and nobody where no slot came free meanwhile."""
        freed = [(*self._last.get(limit, (0, "")), limit) for limit in _limits(stage)]
        seq, blocker, (kind, name) = max(freed, key=lambda each: each[0])
        if seq <= since_seq:
            return "", None
        words = {"run": "a slot", "pool": f"a slot of pool `{name}`"}
        return words.get(kind, f"the exclusive name `{name}`"), blocker


_RUN = ("run", "")


def _limits(stage: PlannedStage) -> list[tuple[str, str]]:
    """The limits that concern a stage, the narrowest first: of equals that one is named."""
    limits = [] if stage.exclusive is None else [("exclusive", stage.exclusive)]
    if stage.pool is not None:
        limits.append(("pool", stage.pool))
    return [*limits, _RUN]
