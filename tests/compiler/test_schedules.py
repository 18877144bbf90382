"""No schedule takes longer, or holds more, than the bounds say; and small ones reach them."""

import random
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from orch.compiler.bounds import add_up
from orch.compiler.crowding import chain_cover
from orch.compiler.longest_time import barriers
from orch.compiler.plan import PlannedStage
from tests.compiler.planned import run_policy
from tests.compiler.schedules import Schedule, random_stages


def hold_against_the_bounds(dice: random.Random, *, is_ordered: bool) -> None:
    timeouts_ms = (10, 1000, 0) if is_ordered else (1000,)
    stages, pools = random_stages(dice, timeouts_ms=timeouts_ms)
    concurrency = dice.randint(1, 5)
    bounds = add_up(stages, pools, run_policy(concurrency))
    for _ in range(6):
        schedule = Schedule(stages, pools, concurrency, dice, is_ordered=is_ordered)
        schedule.run()
        assert len(schedule.ended) == len(stages) - len(schedule.services)
        assert schedule.now_ms <= bounds.wall_ms
        assert schedule.most_bytes <= bounds.buffer_bytes


@pytest.mark.parametrize("seed", range(30))
def test_no_schedule_exceeds_the_bounds(seed: int) -> None:
    """Random graphs, pools, services and durations: neither time nor memory goes past the bound."""
    dice = random.Random(seed)
    for _ in range(40):
        hold_against_the_bounds(dice, is_ordered=True)


@pytest.mark.parametrize("seed", range(10))
def test_stages_of_one_length_keep_the_bounds_in_any_order(seed: int) -> None:
    """Where time-outs are alike nothing hangs on the order in which stages are started."""
    dice = random.Random(seed)
    for _ in range(40):
        hold_against_the_bounds(dice, is_ordered=False)


def without_services(stages: list[PlannedStage]) -> list[PlannedStage]:
    kept = [s for s in stages if s.kind != "service"]
    ids = {s.id for s in kept}
    return [replace(s, needs=tuple(n for n in s.needs if n in ids)) for s in kept]


def ancestors(stages: list[PlannedStage]) -> dict[str, set[str]]:
    before: dict[str, set[str]] = {}
    for s in stages:
        before[s.id] = set(s.needs).union(*(before[need] for need in s.needs))
    return before


@pytest.mark.parametrize("seed", range(10))
def test_barriers_divide_what_waits_from_what_is_waited_for(seed: int) -> None:
    """Behind each place everything needs, however far, everything before it; and none is missed."""
    dice = random.Random(seed)
    for _ in range(50):
        stages = without_services(random_stages(dice)[0])
        ids = [s.id for s in stages]
        before = ancestors(stages)
        true = [
            cut
            for cut in range(1, len(ids))
            if all(before[late] >= set(ids[:cut]) for late in ids[cut:])
        ]
        assert barriers(stages) == true


@pytest.mark.parametrize("seed", range(10))
def test_a_cover_has_as_many_chains_as_stages_can_run_together(seed: int) -> None:
    """In small graphs; each chain is one, and none is left out but what never runs."""
    dice = random.Random(seed)
    for _ in range(30):
        stages = without_services(random_stages(dice)[0])[:10]
        before = ancestors(stages)
        chains = chain_cover(stages)
        for chain in chains:
            assert all(a.id in before[b.id] for a, b in pairwise(chain))
        active = [s.id for s in stages if s.skip is None]
        assert sorted(s.id for chain in chains for s in chain) == sorted(active)
        assert len(chains) == widest(active, before)


def widest(ids: list[str], before: dict[str, set[str]]) -> int:
    """The size of the largest set of which none waits for another, tried out."""
    for size in range(len(ids), 1, -1):
        for some in combinations(ids, size):
            if all(a not in before[b] and b not in before[a] for a, b in combinations(some, 2)):
                return size
    return min(1, len(ids))
