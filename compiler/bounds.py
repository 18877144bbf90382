"""What a run can cost at most: time, memory for output, log, processes. Explained in
docs/manual/bounds.md, which gives the proof in words.

The wall time follows R. L. Graham, "Bounds for certain multiprocessing anomalies" (1966): whenever
the stage that everything waits for can't start, some resource is used to the full. The time spent
so is at most the work of that resource's users divided by its slots; the rest is spent along one
path of needs. That holds whatever order the scheduler picks and however early stages end, which a
simulated schedule would not: a stage that ends early can make a schedule longer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import ceil, lcm

from orch.compiler.plan import Bounds, PlannedStage, RetryPolicy, RunPolicy

STREAMS = 2
"""Standard output and standard error: each has its buffer and its log."""


def add_up(stages: Sequence[PlannedStage], pools: Mapping[str, int], policy: RunPolicy) -> Bounds:
    """The bounds of a plan. `stages` stand in topological order; skipped ones count nothing."""
    work = _group([s for s in stages if s.kind != "finally"], pools)
    closing = _group([s for s in stages if s.kind == "finally"], pools)
    wall_ms = _wall_ms(work, policy.concurrency or 1)
    if policy.deadline_ms is not None:
        longest_grace_ms = max((s.policy.grace_ms for s in work.active), default=0)
        wall_ms = min(wall_ms, policy.deadline_ms + longest_grace_ms)
    active = (*work.active, *closing.active)
    return Bounds(
        wall_ms=wall_ms + _wall_ms(closing, policy.concurrency or 1),
        buffer_bytes=max(
            _held_bytes(work, policy.concurrency), _held_bytes(closing, policy.concurrency)
        ),
        log_bytes=sum(_attempts(s) * STREAMS * s.policy.output.log_bytes for s in active),
        attempts=sum(map(_attempts, active)),
    )


def waits_ms(retry: RetryPolicy) -> int:
    """The longest that the waits between all attempts can last together; jitter only shortens."""
    first, longest = retry.backoff_ms
    total = 0
    for retried in range(retry.attempts - 1):
        # The small subtrahend undoes what floating point adds to a product that is whole.
        total += min(ceil(first * retry.factor**retried - 1e-6), longest)
    return total


def longest_ms(stage: PlannedStage) -> int:
    """The longest a stage that runs can take: every attempt times out and uses up its grace."""
    policy = stage.policy
    attempts = policy.retry.attempts
    return attempts * (policy.timeout_ms + policy.grace_ms) + waits_ms(policy.retry)


def _attempts(stage: PlannedStage) -> int:
    return 1 if stage.kind == "service" else stage.policy.retry.attempts


def _ready_ms(service: PlannedStage) -> int:
    """How long a service may take until it is ready; without a probe it is ready at once."""
    return int(service.ready["timeout_ms"]) if service.ready else 0


@dataclass(frozen=True, slots=True)
class _Group:
    """Stages that run in one phase. `slots` gives the capacity of each resource that is shared by
    more stages than it holds; `users` the resources of each stage, by its id."""

    order: tuple[PlannedStage, ...]
    active: tuple[PlannedStage, ...]
    slots: Mapping[str, int]
    users: Mapping[str, tuple[str, ...]]
    chains: tuple[int, ...]
    """Of each chain of a cover of the stages (services left out) the most output that a stage of
    it holds. Two stages of a chain never run at once, so the chains bound how many do."""


def _group(stages: Sequence[PlannedStage], pools: Mapping[str, int]) -> _Group:
    active = tuple(s for s in stages if s.skip is None)
    members: dict[str, list[str]] = {}
    for stage in active:
        if stage.pool is not None:
            members.setdefault(f"pool {stage.pool}", []).append(stage.id)
        if stage.exclusive is not None:
            members.setdefault(f"exclusive {stage.exclusive}", []).append(stage.id)
    slots: dict[str, int] = {}
    users: dict[str, tuple[str, ...]] = {}
    for resource, ids in members.items():
        kind, _, name = resource.partition(" ")
        capacity = pools[name] if kind == "pool" else 1
        if len(ids) > capacity:
            slots[resource] = capacity
            for stage_id in ids:
                users[stage_id] = (*users.get(stage_id, ()), resource)
    return _Group(tuple(stages), active, slots, users, _chain_cover(active))


def _chain_cover(active: Iterable[PlannedStage]) -> tuple[int, ...]:
    """Chains of stages of which each needs the one before, covering all; found greedily."""
    chain_of_end: dict[str, int] = {}
    heaviest: list[int] = []
    for stage in active:
        if stage.kind == "service":
            continue
        held = STREAMS * stage.policy.output.buffer_bytes
        end = next((need for need in reversed(stage.needs) if need in chain_of_end), None)
        if end is None:
            chain_of_end[stage.id] = len(heaviest)
            heaviest.append(held)
        else:
            chain = chain_of_end.pop(end)
            chain_of_end[stage.id] = chain
            heaviest[chain] = max(heaviest[chain], held)
    return tuple(heaviest)


def _wall_ms(group: _Group, concurrency: int) -> int:
    """The sum of d/k over all stages, plus the longest path of d - d/k, where d is the longest that
    a stage takes, and k the slots of the scarcest resource that can make it wait (infinitely many
    where none can). With one slot this is the sum, without contention the critical path."""
    is_scarce = concurrency == 1 or len(group.chains) > concurrency
    # All is counted in parts of a millisecond of which every k is a divisor, so nothing is rounded.
    unit = lcm(*group.slots.values(), concurrency)

    def share(stage_id: str) -> int:
        """1/k in units."""
        capacities = [group.slots[resource] for resource in group.users.get(stage_id, ())]
        if is_scarce:
            capacities.append(concurrency)
        return unit // min(capacities) if capacities else 0

    spread = 0
    finish: dict[str, int] = {}
    stop: dict[str, int] = {}
    longest = 0
    services = {s.id: s for s in group.active if s.kind == "service"}
    for stage in group.order:
        begin = max((finish[need] for need in stage.needs if need in finish), default=0)
        if stage.skip is not None:
            finish[stage.id] = begin
            continue
        part = share(stage.id)
        duration = _ready_ms(stage) if stage.kind == "service" else longest_ms(stage)
        spread += duration * part
        finish[stage.id] = begin + duration * (unit - part)
        longest = max(longest, finish[stage.id])
        for need in stage.needs:
            if need in services:
                stop[need] = max(stop.get(need, 0), finish[stage.id])
    for service in services.values():
        # A service is stopped when the last stage that needs it has ended.
        part, grace_ms = share(service.id), service.policy.grace_ms
        spread += grace_ms * part
        last = max(stop.get(service.id, 0), finish[service.id])
        longest = max(longest, last + grace_ms * (unit - part))
    return -(-(spread + longest) // unit)


def _held_bytes(group: _Group, concurrency: int | None) -> int:
    """The most output held at once: all services, and the stages that can run together."""
    services = sum(
        STREAMS * s.policy.output.buffer_bytes for s in group.active if s.kind == "service"
    )
    limit = len(group.chains) if concurrency is None else concurrency
    by_needs = sum(nlargest(limit, group.chains))
    free = dict(group.slots)
    by_slots = taken = 0
    stages = [s for s in group.active if s.kind != "service"]
    for stage in sorted(stages, key=lambda s: -s.policy.output.buffer_bytes):
        # Largest first is right here: one resource of each stage is looked at, and sets that
        # respect capacities of disjoint groups form a matroid.
        resource = group.users.get(stage.id, (None,))[0]
        if taken == limit:
            break
        if resource is not None:
            if free[resource] == 0:
                continue
            free[resource] -= 1
        taken += 1
        by_slots += STREAMS * stage.policy.output.buffer_bytes
    return services + min(by_needs, by_slots)
