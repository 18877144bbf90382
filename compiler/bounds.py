"""What a run can cost at most: time, memory for output, log, processes. Explained in
docs/manual/bounds.md, which gives the proof in words.

The wall time follows R. L. Graham, "Bounds for certain multiprocessing anomalies" (1966): whenever
the stage that everything waits for can't start, some resource is used to the full. The time spent
so is at most the work of that resource's users divided by its slots; the rest is spent along one
path of needs. That holds whatever order the scheduler picks and however early stages end, which a
simulated schedule would not: a stage that ends early can make a schedule longer. Where all that
follows waits for all that came before, the bounds of both are added.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import chain, combinations, pairwise
from math import ceil, lcm

from orch.compiler.plan import Bounds, PlannedStage, RetryPolicy, RunPolicy
from orch.dsl.record import record

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


@record
class _Group:
    """The stages of one phase in topological order, and those of them that aren't skipped."""

    order: tuple[PlannedStage, ...]
    active: tuple[PlannedStage, ...]
    pools: Mapping[str, int]


def _group(stages: Sequence[PlannedStage], pools: Mapping[str, int]) -> _Group:
    return _Group(tuple(stages), tuple(s for s in stages if s.skip is None), pools)


def _scarce(
    active: Iterable[PlannedStage], pools: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """The slots of each resource that more stages share than it has slots, and the resources of
    each stage, by its id."""
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
    return slots, users


def _chain_cover(active: Iterable[PlannedStage]) -> tuple[int, ...]:
    """Chains of stages of which each needs the one before, covering all but services; found
    greedily. Two stages of a chain never run at once, so the chains bound how many do. Of each
    chain it gives the most output that a stage of it holds."""
    chain_of_end: dict[str, int] = {}
    heaviest: list[int] = []
    for stage in active:
        if stage.kind == "service":
            continue
        held = _buffers_bytes(stage)
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
    """The longest time of a phase: of its parts between barriers, one after the other."""
    if any(stage.kind == "service" for stage in group.active):
        # A service lasts across barriers.
        return _part_ms(group, group.order, concurrency)
    cuts = barriers(group.order)
    parts = (group.order[begin:end] for begin, end in pairwise((0, *cuts, len(group.order))))
    return sum(_part_ms(group, part, concurrency) for part in parts)


def barriers(order: Sequence[PlannedStage]) -> list[int]:
    """Places in a topological order where all that stands behind waits for all that stands before.

    Such a place is found by what the stages behind it need directly. A graph for which that takes
    long to judge is said to have none, which only makes the bound larger.
    """
    places: dict[str, int] = {stage.id: place for place, stage in enumerate(order)}
    last_need = [max((places[n] for n in s.needs if n in places), default=-1) for s in order]
    sinks: dict[str, None] = {}
    candidates: dict[int, frozenset[str]] = {}
    patience = _PATIENCE
    for place, stage in enumerate(order):
        needs = set(stage.needs)
        # The stage was free to start when its last need had ended: it belies every candidate
        # between there and here, unless it needs all that the candidate waits for.
        for cut in [cut for cut in candidates if cut > last_need[place]]:
            patience -= len(candidates[cut])
            if not candidates[cut] <= needs:
                del candidates[cut]
        patience -= len(candidates) + len(needs)
        if patience < 0:
            return []
        if sinks and len(sinks) <= len(needs) and needs >= sinks.keys():
            candidates[place] = frozenset(sinks)
        for need in needs:
            sinks.pop(need, None)
        sinks[stage.id] = None
    return list(candidates)


_PATIENCE = 2_000_000


def _part_ms(group: _Group, part: Sequence[PlannedStage], concurrency: int) -> int:
    """The longest time of some stages that nothing else runs beside.

    Waiting for a pool only counts on paths that hold a stage of it, so every set of pools that a
    path may meet is looked at, and the longest time is that of the worst.
    """
    active = [stage for stage in part if stage.skip is None]
    slots, users = _scarce(active, group.pools)
    everywhere = (
        [concurrency] if concurrency == 1 or len(_chain_cover(active)) > concurrency else []
    )
    are_few = len(slots) <= _MOST_SETS_OF
    sizes = range(len(slots) + 1) if are_few else (len(slots),)
    longest = 0
    for met in chain.from_iterable(combinations(slots, size) for size in sizes):
        capacities = {
            s.id: [*everywhere, *(slots[r] for r in users.get(s.id, ()) if r in met)]
            for s in active
        }
        marks = _marks(users, met) if are_few else {}
        wanted = (1 << len(met)) - 1 if are_few else 0
        longest = max(longest, _longest_ms(part, capacities, marks, wanted))
    ids = {stage.id for stage in part}
    is_flat = not slots and all(ids.isdisjoint(stage.needs) for stage in part)
    if active and is_flat and all(_is_one_attempt(stage) for stage in active):
        # Of n independent stages the last one starts behind (n - 1) // c others on its slot.
        rows = -(-len(active) // concurrency)
        return min(longest, rows * max(map(longest_ms, active)))
    return longest


def _marks(users: Mapping[str, tuple[str, ...]], met: Sequence[str]) -> dict[str, int | None]:
    """The bits of the resources of each stage; None for a stage with another one than those met."""
    bits = {resource: 1 << place for place, resource in enumerate(met)}
    return {
        stage_id: sum(bits[r] for r in uses) if bits.keys() >= set(uses) else None
        for stage_id, uses in users.items()
    }


_MOST_SETS_OF = 4
"""With more pools than this a path is taken to meet them all, which only makes the bound larger."""


def _is_one_attempt(stage: PlannedStage) -> bool:
    return stage.kind != "service" and stage.policy.retry.attempts == 1


def _longest_ms(
    part: Sequence[PlannedStage],
    capacities: Mapping[str, Sequence[int]],
    marks: Mapping[str, int | None],
    wanted: int,
) -> int:
    """The sum of d/k, plus the longest path of d - d/k that meets all wanted marks and no stage
    marked None; d is the longest that a stage takes, and k the smallest of the capacities that can
    make it wait (infinitely many where none can). With one slot this is the sum, without contention
    the critical path. 0 where there is no such path."""
    # All is counted in parts of a millisecond of which every k is a divisor, so nothing is rounded.
    unit = lcm(*(min(given) for given in capacities.values() if given))
    shares = {id_: unit // min(given) if given else 0 for id_, given in capacities.items()}
    spread = 0
    finish: dict[str, dict[int, int]] = {}
    for stage in part:
        duration = _duration_ms(stage)
        share = shares.get(stage.id, 0)
        spread += duration * share
        mark = marks.get(stage.id, 0)
        if mark is None:
            continue
        before = _latest([finish[need] for need in stage.needs if need in finish])
        ends: dict[int, int] = {}
        for met, begin in before.items():
            end = begin + duration * (unit - share)
            ends[met | mark] = max(ends.get(met | mark, 0), end)
        finish[stage.id] = ends
    for service in [s for s in part if s.kind == "service" and s.skip is None]:
        # A service is stopped when the last stage that needs it has ended.
        share, grace_ms = shares[service.id], service.policy.grace_ms
        spread += grace_ms * share
        users = [finish[s.id] for s in part if service.id in s.needs and s.id in finish]
        before = _latest([finish[service.id], *users])
        name = f"{service.id} stopped"
        finish[name] = {met: end + grace_ms * (unit - share) for met, end in before.items()}
    paths = [ends[wanted] for ends in finish.values() if wanted in ends]
    return -(-(spread + max(paths)) // unit) if paths else 0


def _latest(ends: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """For each set of marks the latest end of a path that met it; with none, a path begins."""
    latest = {0: 0}
    for one in ends:
        for met, end in one.items():
            latest[met] = max(latest.get(met, 0), end)
    return latest


def _duration_ms(stage: PlannedStage) -> int:
    if stage.skip is not None:
        return 0
    return _ready_ms(stage) if stage.kind == "service" else longest_ms(stage)


def _held_bytes(group: _Group, concurrency: int | None) -> int:
    """The most output held at once: all services, and the stages that can run together."""
    services = sum(map(_buffers_bytes, (s for s in group.active if s.kind == "service")))
    chains = _chain_cover(group.active)
    limit = len(chains) if concurrency is None else concurrency
    return services + min(sum(nlargest(limit, chains)), _held_by_slots(group, limit))


def _held_by_slots(group: _Group, limit: int) -> int:
    """The most that `limit` stages hold, of which a resource's users are at most its slots.

    Taking the largest first is right: one resource of each stage is looked at, and sets that
    respect the capacities of disjoint groups form a matroid.
    """
    slots, users = _scarce(group.active, group.pools)
    held = taken = 0
    stages = [s for s in group.active if s.kind != "service"]
    for stage in sorted(stages, key=_buffers_bytes, reverse=True):
        if taken == limit:
            break
        resource = users[stage.id][0] if stage.id in users else None
        if resource is not None:
            if slots[resource] == 0:
                continue
            slots[resource] -= 1
        taken += 1
        held += _buffers_bytes(stage)
    return held


def _buffers_bytes(stage: PlannedStage) -> int:
    return STREAMS * stage.policy.output.buffer_bytes
