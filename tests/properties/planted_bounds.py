"""Bounds with a bug each, planted to show that the simulator would see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orch.compiler.bounds import add_up
from orch.compiler.plan import Bounds, PlannedStage, RunPolicy

Stages = Sequence[PlannedStage]
Pools = Mapping[str, int]


def wall_one_ms_too_short(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    return replace(bounds, wall_ms=bounds.wall_ms - 1)


def one_byte_of_memory_missing(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    return replace(bounds, buffer_bytes=bounds.buffer_bytes - 1)


def one_byte_of_log_missing(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    return replace(bounds, log_bytes=bounds.log_bytes - 1)


def one_attempt_missing(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    return replace(bounds, attempts=bounds.attempts - 1)


def no_grace(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([_without_grace(s) for s in stages], pools, policy)


def _without_grace(stage: PlannedStage) -> PlannedStage:
    return replace(stage, policy=replace(stage.policy, grace_ms=0))


def no_waits(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([with_retry(s, backoff_ms=(0, 0)) for s in stages], pools, policy)


def waits_that_never_grow(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([with_retry(s, factor=1.0) for s in stages], pools, policy)


def no_retries(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([with_retry(s, attempts=1) for s in stages], pools, policy)


def no_cleaning_up(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([s for s in stages if s.kind != "finally"], pools, policy)


def no_services(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([s for s in stages if s.kind != "service"], pools, policy)


def services_that_are_ready_at_once(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([replace(s, ready=None) for s in stages], pools, policy)


def services_that_stop_at_once(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([_without_grace(s) if s.kind == "service" else s for s in stages], pools, policy)


def cleaning_up_beside_the_rest(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([replace(s, kind="stage") for s in stages], pools, policy)


def a_deadline_without_grace(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    if policy.deadline_ms is None:
        return bounds
    closing = [s for s in stages if s.kind == "finally"]
    closing_ms = add_up(closing, pools, replace(policy, deadline_ms=None)).wall_ms
    return replace(bounds, wall_ms=min(bounds.wall_ms, policy.deadline_ms + closing_ms))


def endless_pools(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up(stages, dict.fromkeys(pools, 99), policy)


def one_slot_more(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    more = None if policy.concurrency is None else policy.concurrency + 1
    wall_ms = add_up(stages, pools, replace(policy, concurrency=more)).wall_ms
    return replace(add_up(stages, pools, policy), wall_ms=wall_ms)


def one_slot_less_in_memory(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    fewer = None if policy.concurrency is None else max(1, policy.concurrency - 1)
    held = add_up(stages, pools, replace(policy, concurrency=fewer)).buffer_bytes
    return replace(add_up(stages, pools, policy), buffer_bytes=held)


def many_slots_where_none_are_named(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    known = replace(policy, concurrency=policy.concurrency or 4)
    wall_ms = add_up(stages, pools, known).wall_ms
    return replace(add_up(stages, pools, policy), wall_ms=wall_ms)


def one_slot_of_memory_where_none_are_named(
    stages: Stages, pools: Pools, policy: RunPolicy
) -> Bounds:
    return add_up(stages, pools, replace(policy, concurrency=policy.concurrency or 1))


def no_needs(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    return add_up([replace(s, needs=()) for s in stages], pools, policy)


def one_stream(stages: Stages, pools: Pools, policy: RunPolicy) -> Bounds:
    bounds = add_up(stages, pools, policy)
    return replace(bounds, buffer_bytes=bounds.buffer_bytes // 2)


PLANTED_BOUNDS: tuple[Callable[[Stages, Pools, RunPolicy], Bounds], ...] = (
    wall_one_ms_too_short,
    one_byte_of_memory_missing,
    one_byte_of_log_missing,
    one_attempt_missing,
    no_grace,
    no_waits,
    waits_that_never_grow,
    no_retries,
    no_cleaning_up,
    cleaning_up_beside_the_rest,
    a_deadline_without_grace,
    endless_pools,
    one_slot_more,
    one_slot_less_in_memory,
    many_slots_where_none_are_named,
    one_slot_of_memory_where_none_are_named,
    no_needs,
    one_stream,
    no_services,
    services_that_are_ready_at_once,
    services_that_stop_at_once,
)


def with_retry(stage: PlannedStage, **changes: Any) -> PlannedStage:
    retry = replace(stage.policy.retry, **changes)
    return replace(stage, policy=replace(stage.policy, retry=retry))
