"""What a report shows of a run: its view, its history, and which stages it has room for."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import nsmallest
from itertools import islice

from orch.cli.closing import blamed_failures
from orch.cli.report.critical_path import Link, critical_path
from orch.cli.report.history import History, Span, SpanKind, history_of
from orch.cli.report.origins import Origins, origins_of
from orch.compiler.plan import PlannedStage
from orch.dsl.record import record
from orch.runtime.journal import JournalReader
from orch.runtime.liveness import RunView
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus

MOST_FAILURES = 20
"""Failed stages shown at the top with what they wrote."""

MOST_BARS = 250
"""Stages drawn in the timeline."""

MOST_DETAILED = 400
"""Stages of which everything is shown."""

MOST_ROWS = 10_000
"""Stages in the table."""

_IMPORTANCE = {
    StageStatus.FAILED: 0,
    StageStatus.CANCELLED: 1,
    StageStatus.RUNNING: 1,
}


@record
class Report:
    """`at_ms` is when it was made; `entries` are without excerpts, in the order of the plan, and
    `failures` those of them that made the run fail, as far as there is room."""

    view: RunView
    history: History
    path: tuple[Link, ...]
    at_ms: int
    planned: Mapping[str, PlannedStage]
    failures: tuple[StageEntry, ...]
    failure_count: int
    bars: tuple[str, ...]
    """The stages of the timeline, as they began."""
    numbers: Mapping[str, int]
    """Of the stages that are shown in detail, their places in the plan."""
    origins: Origins
    """Where the policies came from, as far as that is known."""

    @property
    def entries(self) -> tuple[StageEntry, ...]:
        return self.view.manifest.stages

    def spans(self, stage_id: str) -> tuple[Span, ...]:
        return self.history.spans.get(stage_id, ())

    def whole(self, entries: Iterable[StageEntry]) -> Iterator[StageEntry]:
        """Entries with what was kept of their output, one in memory at a time."""
        return self.view.excerpts.whole(entries)


def gather(view: RunView, now_ms: int) -> Report:
    """Reads the journal once more, as far as `view` did. Raises what reading it does."""
    events = islice(JournalReader(view.paths.journal), view.manifest.events)
    is_under_way = view.status in (RunStatus.RUNNING, RunStatus.STALE)
    until_ms = now_ms if is_under_way else None
    if view.status is RunStatus.LOST and view.beat is not None:
        until_ms = view.beat.time_ms
    history = history_of(view.plan, events, until_ms, is_under_way=is_under_way)
    path = critical_path(view.plan, history)
    failures = blamed_failures(view.manifest, view.plan)
    ranks = _ranks(view.manifest.stages, history, path)
    with_bars = [stage_id for stage_id in ranks if history.spans[stage_id]]
    bars = nsmallest(MOST_BARS, with_bars, key=ranks.__getitem__)
    detailed = set(nsmallest(MOST_DETAILED, ranks, key=ranks.__getitem__))
    detailed.update(entry.id for entry in failures[:MOST_FAILURES])
    return Report(
        view,
        history,
        path,
        now_ms,
        {stage.id: stage for stage in view.plan.stages},
        tuple(failures[:MOST_FAILURES]),
        len(failures),
        tuple(sorted(bars, key=lambda stage_id: _begin(history.spans[stage_id]))),
        {entry.id: n for n, entry in enumerate(view.manifest.stages) if entry.id in detailed},
        origins_of(view),
    )


def ran_ms(spans: Iterable[Span]) -> int:
    """How long all attempts of a stage took together."""
    return sum(span.length_ms for span in spans if span.kind is SpanKind.ATTEMPT)


def _ranks(
    entries: Iterable[StageEntry], history: History, path: Iterable[Link]
) -> dict[str, tuple[int, int, int]]:
    """Which stages matter most, lowest first: what failed, what was critical or tried again, what
    took long; else the order of the plan."""
    critical = {link.stage for link in path}
    ranks: dict[str, tuple[int, int, int]] = {}
    for number, entry in enumerate(entries):
        rank = _IMPORTANCE.get(entry.status, 4)
        if entry.id in critical:
            rank = min(rank, 2)
        if entry.attempts > 1:
            rank = min(rank, 3)
        ranks[entry.id] = (rank, -ran_ms(history.spans[entry.id]), number)
    return ranks


def _begin(spans: tuple[Span, ...]) -> tuple[int, int]:
    """When a stage was first at work, and when it ended."""
    first = next((span for span in spans if span.kind is SpanKind.ATTEMPT), spans[-1])
    return first.begin_ms, spans[-1].end_ms
