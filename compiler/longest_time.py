"""The longest time that a plan can take, whatever ends when.

docs/manual/bounds.md gives the proof in words. It follows R. L. Graham, "Bounds for certain
multiprocessing anomalies" (1966): whenever the stage that everything waits for can't start, some
resource is used to the full. The time spent so is at most the work of that resource's users divided
by its slots; the rest is spent along one path of needs. That holds whatever order the scheduler
picks and however early stages end, which a simulated schedule would not: a stage that ends early
can make a schedule longer. Where all that follows waits for all that came before, the bounds of
both are added.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapreplace
from itertools import chain, combinations, pairwise
from math import lcm

from orch.compiler.crowding import chain_cover, scarce, with_slots
from orch.compiler.plan import PlannedStage, RetryPolicy, longest_wait_ms
from orch.dsl.record import record


@record
class Phase:
    """The stages of one phase in topological order, those of them that aren't skipped, and those
    between barriers."""

    order: tuple[PlannedStage, ...]
    active: tuple[PlannedStage, ...]
    parts: Sequence[Sequence[PlannedStage]]
    pools: Mapping[str, int]


def phase_of(stages: Sequence[PlannedStage], pools: Mapping[str, int]) -> Phase:
    active = tuple(s for s in stages if s.skip is None)
    return Phase(tuple(stages), active, _parts(stages), pools)


def phase_ms(phase: Phase, concurrency: int) -> int:
    """The longest time of a phase: of its parts between barriers, one after the other."""
    if concurrency == 1:
        # Nothing runs beside anything else, whatever order they are in.
        services = [s for s in phase.active if s.kind == "service"]
        stages_ms = sum(longest_ms(s) for s in phase.active if s.kind != "service")
        return stages_ms + sum(_ready_ms(s) + s.policy.grace_ms for s in services)
    wall_ms = sum(_part_ms(phase, part, concurrency) for part in phase.parts)
    if len(phase.parts) > 1 and any(stage.kind == "service" for stage in phase.active):
        # A service may still be ending while the next part is at work.
        return min(wall_ms, _part_ms(phase, phase.order, concurrency))
    return wall_ms


def waits_ms(retry: RetryPolicy) -> int:
    """The longest that the waits between all attempts can last together; jitter only shortens."""
    return sum(longest_wait_ms(retry, failures) for failures in range(1, retry.attempts))


def longest_ms(stage: PlannedStage) -> int:
    """The longest a stage that runs can take: every attempt times out and uses up its grace."""
    policy = stage.policy
    attempts = policy.retry.attempts
    return attempts * (policy.timeout_ms + policy.grace_ms) + waits_ms(policy.retry)


def _ready_ms(service: PlannedStage) -> int:
    """How long a service may take until it is ready; without a probe it is ready at once."""
    return int(service.ready["timeout_ms"]) if service.ready else 0


def _parts(order: Sequence[PlannedStage]) -> list[list[PlannedStage]]:
    """The stages between barriers; a service stands with those that need it, and no barrier
    divides them."""
    users: dict[str, list[int]] = {s.id: [] for s in order if s.kind == "service"}
    stages = [stage for stage in order if stage.kind != "service"]
    for place, stage in enumerate(stages):
        for need in stage.needs:
            if need in users and stage.skip is None:
                users[need].append(place)
    spans = sorted((min(places), max(places)) for places in users.values() if places)
    cuts: list[int] = []
    reach, at = 0, 0
    for cut in barriers(stages):
        while at < len(spans) and spans[at][0] < cut:
            reach = max(reach, spans[at][1])
            at += 1
        if reach < cut:
            cuts.append(cut)
    parts = [list(stages[begin:end]) for begin, end in pairwise((0, *cuts, len(stages)))]
    for service in order:
        if service.kind == "service":
            first = min(users[service.id], default=0)
            parts[bisect_right(cuts, first)].insert(0, service)
    return parts


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


def _part_ms(phase: Phase, part: Sequence[PlannedStage], concurrency: int) -> int:
    """The longest time of some stages that nothing else runs beside.

    Waiting for a pool only counts on paths that hold a stage of it, so every set of pools that a
    path may meet is looked at, and the longest time is that of the worst.
    """
    active = [stage for stage in part if stage.skip is None]
    slots, users = scarce(active, phase.pools)
    everywhere = [concurrency] if _most_at_once(part, phase) > concurrency else []
    flat_ms = _flat_ms(part, _Limits(concurrency, bool(everywhere), slots, users))
    if flat_ms is not None and not any(s.kind == "service" for s in active):
        return flat_ms
    are_few = len(part) * 4 ** len(slots) <= _MOST_STEPS
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
    return longest if flat_ms is None else min(longest, flat_ms)


def _most_at_once(part: Sequence[PlannedStage], phase: Phase) -> int:
    """No more stages than this ever want to run at the same time."""
    return min(
        len(chain_cover(part)), len(with_slots(part, phase.pools, len(part), lambda _stage: 1))
    )


@record
class _Limits:
    """What makes the stages of a part wait: `slots` of each scarce resource, and who `uses` it."""

    concurrency: int
    is_scarce: bool
    slots: Mapping[str, int]
    uses: Mapping[str, tuple[str, ...]]


def _flat_ms(part: Sequence[PlannedStage], limits: _Limits) -> int | None:
    """The longest time of stages of one attempt each, of which none needs another and each waits
    for one resource at most; None for others.

    They start in the order of the plan, each when a slot is free, and with no needs among them an
    earlier end never makes a later one later. So the schedule in which all last their longest is
    the worst, and it is found by seating them. What declares `inputs` is looked at first, so others
    may be at work before it; that is all the same where all last as long.
    """
    stages = [stage for stage in part if stage.kind != "service"]
    ids = {stage.id for stage in stages}
    if not all(s.policy.retry.attempts == 1 and ids.isdisjoint(s.needs) for s in stages):
        return None
    if (limits.is_scarce and limits.slots) or any(len(uses) > 1 for uses in limits.uses.values()):
        return None
    everybody = limits.concurrency if limits.is_scarce else len(stages)
    rows: dict[str, list[int]] = {}
    disordered: set[str] = set()
    for stage in stages:
        if stage.skip is None:
            (resource,) = limits.uses.get(stage.id, ("",))
            rows.setdefault(resource, []).append(longest_ms(stage))
            if stage.inputs:
                disordered.add(resource)
    if any(len(set(rows[resource])) > 1 for resource in disordered):
        return None
    seats = {resource: limits.slots.get(resource, everybody) for resource in rows}
    services = [s for s in part if s.kind == "service" and s.skip is None]
    if not services:
        return max((_seated_ms(row, seats[r]) for r, row in rows.items()), default=0)
    # Some may be at work before a service is ready, so the order is not that of the plan. In any
    # order the last of n to start finds no more than n - 1 before it, divided among the seats.
    seated_ms = max((-(-len(row) // seats[r]) * max(row) for r, row in rows.items()), default=0)
    return max(map(_ready_ms, services)) + seated_ms + max(s.policy.grace_ms for s in services)


def _seated_ms(durations_ms: Sequence[int], seats: int) -> int:
    """When the last of a row has ended, each having taken the seat that was free first."""
    free_at = [0] * min(seats, len(durations_ms))
    for duration_ms in durations_ms:
        heapreplace(free_at, free_at[0] + duration_ms)
    return max(free_at)


def _marks(users: Mapping[str, tuple[str, ...]], met: Sequence[str]) -> dict[str, int | None]:
    """The bits of the resources of each stage; None for a stage with another one than those met."""
    bits = {resource: 1 << place for place, resource in enumerate(met)}
    return {
        stage_id: sum(bits[r] for r in uses) if bits.keys() >= set(uses) else None
        for stage_id, uses in users.items()
    }


_MOST_STEPS = 500_000
"""Looking at sets of pools takes four times as long with each pool. Where that is too much a path
is taken to meet them all, which only makes the bound larger."""


def _longest_ms(
    part: Sequence[PlannedStage],
    capacities: Mapping[str, Sequence[int]],
    marks: Mapping[str, int | None],
    wanted: int,
) -> int:
    """The sum of d/k, plus the longest path of d - d/k that meets all wanted marks and no stage
    marked None; d is the longest that a stage takes, and k the smallest of the capacities that can
    make it wait (infinitely many where none can). Without contention this is the critical path. 0
    where there is no such path."""
    # All is counted in parts of a millisecond of which every k is a divisor, so nothing is rounded.
    unit = lcm(*(min(given) for given in capacities.values() if given))
    shares = {id_: unit // min(given) if given else 0 for id_, given in capacities.items()}
    services = _Services(part)
    spread = 0
    finish: dict[str, dict[int, int]] = {}
    for stage in part:
        is_counted = stage.kind != "service" and stage.skip is None
        duration = longest_ms(stage) if is_counted else 0
        share = shares.get(stage.id, 0)
        spread += duration * share
        mark = marks.get(stage.id, 0)
        if mark is None:
            continue
        before = _latest([finish[need] for need in stage.needs if need in finish])
        delays = [_ready_ms(s) * (unit - shares[s.id]) for s in services.begun_for(stage)]
        delay = max(delays, default=0)
        ends: dict[int, int] = {}
        for met, begin in before.items():
            end = begin + delay + duration * (unit - share)
            ends[met | mark] = max(ends.get(met | mark, 0), end)
        finish[stage.id] = ends
    for service, users in services.users.items():
        # It is stopped when the last stage that needs it has ended.
        share, grace_ms = shares[service], services.of[service].policy.grace_ms
        spread += (_ready_ms(services.of[service]) + grace_ms) * share
        before = _latest([finish[service], *(finish[user] for user in users if user in finish)])
        name = f"{service} stopped"
        finish[name] = {met: end + grace_ms * (unit - share) for met, end in before.items()}
    paths = [ends[wanted] for ends in finish.values() if wanted in ends]
    return -(-(spread + max(paths)) // unit) if paths else 0


class _Services:
    """The services of a part, and the stages that need each of them."""

    def __init__(self, part: Sequence[PlannedStage]) -> None:
        self.of = {s.id: s for s in part if s.kind == "service" and s.skip is None}
        self.users: dict[str, list[str]] = {service: [] for service in self.of}
        self._bit = {service: 1 << at for at, service in enumerate(self.of)}
        self._begun: dict[str, int] = {}
        for stage in part:
            for need in stage.needs:
                if need in self.of and stage.skip is None:
                    self.users[need].append(stage.id)

    def begun_for(self, stage: PlannedStage) -> list[PlannedStage]:
        """The services that may have to become ready for this stage: no stage that it waits for
        needs them. Asked of every stage, in topological order."""
        if not self.of:
            return []
        begun = wanted = 0
        for need in stage.needs:
            begun |= self._begun.get(need, 0)
            if stage.skip is None:
                wanted |= self._bit.get(need, 0)
        self._begun[stage.id] = begun | wanted
        missing = wanted & ~begun
        return [self.of[need] for need in stage.needs if self._bit.get(need, 0) & missing]


def _latest(ends: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """For each set of marks the latest end of a path that met it; with none, a path begins."""
    latest = {0: 0}
    for one in ends:
        for met, end in one.items():
            latest[met] = max(latest.get(met, 0), end)
    return latest
