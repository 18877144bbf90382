"""How far a run has come, folded from its events for whoever draws it."""

from itertools import islice

from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.type_names import Callable, Iterator, Mapping
from orch.runtime.events import (
    RunEvent,
    RunResumed,
    RunStarted,
    ServiceReady,
    ServiceStarted,
    StageCompleted,
    StageFresh,
    StageOutput,
    StageRetrying,
    StageStarted,
    StageWaiting,
)
from orch.runtime.fresh_events import FreshEvents
from orch.runtime.states import StageStatus


class RunningStage:
    """A stage under way; `since` is a reading of the progress's clock.

    `pause_until` is such a reading too, while it waits between two attempts. `is_ready` is for
    services alone.
    """

    __slots__ = ("attempt", "is_ready", "last_line", "pause_until", "since", "stage")

    def __init__(self, stage: PlannedStage, attempt: int, since: float) -> None:
        self.stage = stage
        self.attempt = attempt
        self.since = since
        self.last_line = ""
        self.pause_until: float | None = None
        self.is_ready = False


class Progress:
    """The state of a run as its listeners know it; times are seconds of `clock`, which only moves
    forward. `earlier` are the final statuses that stages of a resumed run had before."""

    def __init__(
        self,
        plan: Plan,
        clock: Callable[[], float],
        earlier: Mapping[str, StageStatus] | None = None,
    ) -> None:
        self.plan = plan
        self.stages = {stage.id: stage for stage in plan.stages}
        self.run_id = ""
        self.task_id = ""
        self.running: dict[str, RunningStage] = {}
        self.fresh: set[str] = set()
        """Stages that were not run because nothing had changed."""
        self.waiting: dict[str, StageWaiting] = {}
        """Stages that wait for another run."""
        self.ended: dict[str, StageStatus] = dict(earlier or {})
        self.failed: list[str] = []
        """Stages that failed in this life of the run, and were not allowed to."""
        ended = tuple(self.ended.values())
        self._counts = {status: ended.count(status) for status in StageStatus}
        self.most_running = 0
        """So many stages ran at once, at most, so far."""
        self.begun_at = clock()
        self._first_open = 0
        self._clock = clock

    def apply(self, event: RunEvent) -> None:
        """Fold one event in."""
        match event.payload:
            case StageCompleted(stage=stage, status=status):
                self.running.pop(stage, None)
                self.waiting.pop(stage, None)
                self.ended[stage] = status
                self._counts[status] += 1
                if status is StageStatus.FAILED and not self.stages[stage].allow_failure:
                    self.failed.append(stage)
            case StageStarted() | ServiceStarted():
                stage, attempt = event.payload.stage, event.payload.attempt
                self.waiting.pop(stage, None)
                self.running[stage] = RunningStage(self.stages[stage], attempt, self._clock())
                self.most_running = max(self.most_running, len(self.running))
            case StageFresh(stage=stage):
                self.fresh.add(stage)
            case StageOutput() | StageRetrying() | ServiceReady() as told:
                self._apply_to_running(told)
            case StageWaiting(stage=stage):
                self.waiting[stage] = event.payload
            case RunStarted(run_id=run_id, task_id=task_id):
                self.run_id, self.task_id = run_id, task_id
            case RunResumed(run_id=run_id):
                self.run_id = run_id
            case _:
                pass

    def apply_fresh(self, events: FreshEvents) -> None:
        """Fold in events of stages that are fresh, which neither ran nor waited before."""
        stages = [stage for stage, _, _ in events.ends]
        self.fresh.update(stages)
        self.ended.update(dict.fromkeys(stages, StageStatus.SUCCEEDED))
        self._counts[StageStatus.SUCCEEDED] += len(stages)

    def _apply_to_running(self, told: StageOutput | StageRetrying | ServiceReady) -> None:
        running = self.running.get(told.stage)
        if running is None:
            return
        match told:
            case StageOutput():
                running.last_line = told.text
            case StageRetrying():
                running.pause_until = self._clock() + told.delay_ms / 1000
            case ServiceReady():
                running.is_ready = True

    def counts(self) -> dict[str, int]:
        """Stages by status; those that have not begun count as `waiting`."""
        counts = {status.value: count for status, count in self._counts.items() if count}
        counts["running"] = len(self.running)
        counts["waiting"] = len(self.stages) - len(self.ended) - len(self.running)
        return counts

    def unbegun(self, limit: int) -> Iterator[PlannedStage]:
        """Stages that neither run nor have ended, in plan order, of the `limit` first that have not
        ended: what asking costs doesn't grow with the plan."""
        stages = self.plan.stages
        while self._first_open < len(stages) and stages[self._first_open].id in self.ended:
            self._first_open += 1
        for stage in islice(stages, self._first_open, self._first_open + limit):
            if stage.id not in self.ended and stage.id not in self.running:
                yield stage
