"""Schedulers with a bug each, planted to show that the simulator would see it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orch.compiler.plan import Plan, PlannedStage
from orch.runtime.decisions import (
    Action,
    CancelRequested,
    Emit,
    Finish,
    Launch,
    Outside,
    SchedulerInput,
    StageHistory,
    WakeLater,
)
from orch.runtime.events import StageCompleted
from orch.runtime.scheduler import Scheduler
from orch.runtime.states import StageStatus

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


PLANTED = (
    IgnoresNeeds,
    ForgivesFailures,
    HasOneSlotTooMany,
    HasOneSlotTooFew,
    IgnoresPools,
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
