"""Schedulers with a bug each, planted to show that the simulator would see it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.record import changed
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.decisions import (
    Action,
    Busy,
    CancelRequested,
    Emit,
    Finish,
    Launch,
    Outside,
    SchedulerInput,
    ServiceIsReady,
    StageHistory,
    Stop,
    WakeLater,
)
from orch.runtime.events import ServiceReady, ServiceStopped, StageCompleted
from orch.runtime.scheduler import Scheduler
from orch.runtime.states import StageStatus
from tests.properties.scenarios import EXCLUSIVE

History = Mapping[str, StageHistory] | None


class IgnoresNeeds(Scheduler):
    """Believes that no stage needs another."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        stages = tuple(replace(stage, needs=()) for stage in plan.stages)
        super().__init__(replace(plan, stages=stages), slots, outside, history)


class ForgivesFailures(Scheduler):
    """Takes every failure for an allowed one."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        stages = tuple(replace(stage, allow_failure=True) for stage in plan.stages)
        super().__init__(replace(plan, stages=stages), slots, outside, history)


class HasOneSlotTooMany(Scheduler):
    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        super().__init__(plan, slots + 1, outside, history)


class HasOneSlotTooFew(Scheduler):
    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        super().__init__(plan, max(1, slots - 1), outside, history)


class IgnoresPools(Scheduler):
    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        super().__init__(
            replace(plan, pools=dict.fromkeys(plan.pools, 99)), slots, outside, history
        )


class IgnoresWhatIsExclusive(Scheduler):
    """Two stages hold a name at once."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        super().__init__(plan, slots, outside, history)
        self._row._slots._free_of.update({("exclusive", name): 99 for name in EXCLUSIVE})


class ForgetsToClaimAgain(Scheduler):
    """Claims once, and never again what another run held."""

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        actions = super().step(event)
        is_forgotten = isinstance(event, Busy)
        return tuple(a for a in actions if not (is_forgotten and isinstance(a, WakeLater)))


class HoldsItsSlotWhileItWaits(Scheduler):
    """A stage that waits for another run keeps its slot of `concurrency`."""

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        if isinstance(event, Busy):
            self._row._slots._free -= 1
        return super().step(event)


class SaysAtEachClaimThatItWaits(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        if isinstance(event, Busy):
            self._row._has_turn.discard(self._index[event.stage])
        return super().step(event)


class TriesOnceMore(Scheduler):
    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        stages = tuple(_with_attempts(stage, 1) for stage in plan.stages)
        super().__init__(replace(plan, stages=stages), slots, outside, history)


class GoesOnAfterAFailure(Scheduler):
    """Forgets `fail_fast`."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        policy = replace(plan.policy, fail_fast=False)
        super().__init__(replace(plan, policy=policy), slots, outside, history)


class RunsEverythingAgain(Scheduler):
    """Knows after a crash which attempts there were, and not that some ended well."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        past = {k: replace(v, status=StageStatus.WAITING) for k, v in (history or {}).items()}
        super().__init__(plan, slots, outside, past)


class CleansUpAtOnce(Scheduler):
    """Takes `finally` stages for stages like others."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        stages = tuple(replace(stage, kind="stage") for stage in plan.stages)
        super().__init__(replace(plan, stages=stages), slots, outside, history)


class HearsNoSecondRequest(Scheduler):
    _requests = 0

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        self._requests += isinstance(event, CancelRequested)
        is_deaf = isinstance(event, CancelRequested) and self._requests > 1
        return () if is_deaf else super().step(event)


class AlwaysSucceeds(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        return _edited(super().step(event), Finish, exit_code=0)


class WaitsTooLong(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        return _edited(super().step(event), WakeLater, delay_ms=60_000)


class LosesAStage(Scheduler):
    """Never says how a skipped stage ended."""

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        return tuple(action for action in super().step(event) if not _is_skip(action))


class EndsAStageTwice(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        actions = super().step(event)
        ends = [a for a in actions if isinstance(a, Emit) and isinstance(a.payload, StageCompleted)]
        return (*ends, *actions)


class LaunchesBeforeItIsWritten(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        return tuple(sorted(super().step(event), key=lambda a: not isinstance(a, Launch)))


class IgnoresServices(Scheduler):
    """Lets no stage wait for a service."""

    def __init__(self, plan: Plan, slots: int, outside: Outside, history: History) -> None:
        services = {stage.id for stage in plan.stages if stage.kind == "service"}
        stages = tuple(
            replace(stage, needs=tuple(need for need in stage.needs if need not in services))
            for stage in plan.stages
        )
        super().__init__(replace(plan, stages=stages), slots, outside, history)


class NeverStopsServices(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        services = {stage.id for stage in self._stages if stage.kind == "service"}
        actions = super().step(event)
        return tuple(a for a in actions if not (isinstance(a, Stop) and a.stage in services))


class StopsServicesAtOnce(Scheduler):
    """Dismisses a service as soon as it is ready."""

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        actions = super().step(event)
        ready = [
            a.payload.stage
            for a in actions
            if isinstance(a, Emit) and isinstance(a.payload, ServiceReady)
        ]
        return (*actions, *(Stop(service, skip_grace=False) for service in ready))


class TakesEveryEndOfAServiceForGood(Scheduler):
    def judged(self, stage_id: str, outcome: AttemptOutcome) -> AttemptOutcome:
        is_service = self._stages[self._index[stage_id]].kind == "service"
        judged = super().judged(stage_id, outcome)
        return changed(judged, is_dismissed=True) if is_service else judged


class TakesADismissalForAFailure(Scheduler):
    def judged(self, stage_id: str, outcome: AttemptOutcome) -> AttemptOutcome:
        return changed(super().judged(stage_id, outcome), is_dismissed=False)


class GoesOnWithoutItsService(Scheduler):
    """Leaves the stages at work whose service has failed."""

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        actions = super().step(event)
        failed = any(isinstance(a, Emit) and isinstance(a.payload, ServiceStopped) for a in actions)
        return tuple(a for a in actions if not (failed and isinstance(a, Stop)))


class SaysNothingOfAReadyService(Scheduler):
    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        return () if isinstance(event, ServiceIsReady) else super().step(event)


PLANTED = (
    IgnoresNeeds,
    ForgivesFailures,
    HasOneSlotTooMany,
    HasOneSlotTooFew,
    IgnoresPools,
    IgnoresWhatIsExclusive,
    ForgetsToClaimAgain,
    HoldsItsSlotWhileItWaits,
    SaysAtEachClaimThatItWaits,
    TriesOnceMore,
    GoesOnAfterAFailure,
    RunsEverythingAgain,
    CleansUpAtOnce,
    HearsNoSecondRequest,
    AlwaysSucceeds,
    WaitsTooLong,
    LosesAStage,
    EndsAStageTwice,
    LaunchesBeforeItIsWritten,
    IgnoresServices,
    NeverStopsServices,
    StopsServicesAtOnce,
    TakesEveryEndOfAServiceForGood,
    TakesADismissalForAFailure,
    GoesOnWithoutItsService,
    SaysNothingOfAReadyService,
)


def _with_attempts(stage: PlannedStage, more: int) -> PlannedStage:
    retry = replace(stage.policy.retry, attempts=stage.policy.retry.attempts + more)
    return replace(stage, policy=replace(stage.policy, retry=retry))


def _edited(actions: tuple[Action, ...], kind: type[Any], **changes: Any) -> tuple[Action, ...]:
    return tuple(replace(a, **changes) if isinstance(a, kind) else a for a in actions)


def _is_skip(action: Action) -> bool:
    return (
        isinstance(action, Emit)
        and isinstance(action.payload, StageCompleted)
        and action.payload.status is StageStatus.SKIPPED
    )
