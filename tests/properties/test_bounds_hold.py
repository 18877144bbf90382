"""The bounds of a plan hold in every simulated run, and simple plans reach them to the millisecond.

`test_simulation.py` holds each of its ten thousand runs against them; here it is shown that it
would see a wrong one, and that they are no larger than they must be.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from orch.compiler.plan import PlannedStage
from tests.compiler.planned import POLICY, run_policy, stage
from tests.properties.books import Disproved
from tests.properties.planted_bounds import PLANTED_BOUNDS
from tests.properties.scenarios import Judge, Life, Scenario, at_its_worst, make_plan
from tests.properties.simulator import cost_of, simulate

SEEDS = range(3000)


@pytest.mark.parametrize("wrong", PLANTED_BOUNDS, ids=lambda judge: judge.__name__)
def test_a_wrong_bound_is_seen(wrong: Judge) -> None:
    """Each way of adding up too little is disproved by one of the first random runs."""
    with pytest.raises(Disproved, match="the run took"):
        list(map(partial(simulate, judge=wrong), SEEDS))


def odd(id_: str, *needs: str, **given: Any) -> PlannedStage:
    """A stage of three attempts, with waits that have to be rounded."""
    made: PlannedStage = stage(id_, *needs, attempts=3, timeout_ms=700, **given)
    retry = replace(made.policy.retry, backoff_ms=(101, 3000), factor=1.5)
    return replace(made, policy=replace(made.policy, grace_ms=33, retry=retry))


def several(count: int, *needs: str, **given: Any) -> list[PlannedStage]:
    return [stage(f"t{n}", *needs, **given) for n in range(count)]


def with_grace(grace_ms: int, made: PlannedStage) -> PlannedStage:
    return replace(made, policy=replace(made.policy, grace_ms=grace_ms))


def service(id_: str, ready_ms: int, grace_ms: int) -> PlannedStage:
    ready = {"kind": "tcp", "timeout_ms": ready_ms}
    return with_grace(grace_ms, stage(id_, kind="service", stop="TERM", ready=ready))


DIAMOND = [odd("a"), odd("b", "a"), odd("c", "a"), odd("d", "b", "c")]
FORK = [stage("build"), *several(5, "build"), stage("report", *(f"t{n}" for n in range(5)))]

SIMPLE: dict[str, tuple[list[PlannedStage], int | None, int, int | None]] = {
    # name: (stages, concurrency, the wall to the millisecond, deadline)
    "one": ([odd("a")], None, 3 * 733 + 101 + 151, None),
    "a chain on one slot": ([odd("a"), odd("b", "a")], 1, 2 * 2451, None),
    "a chain on many": ([odd("a"), odd("b", "a"), stage("c", "b")], 8, 2 * 2451 + 1000, None),
    "independent on one": ([stage(f"s{n}") for n in range(4)], None, 4000, None),
    "independent on two": ([stage(f"s{n}") for n in range(5)], 2, 3000, None),
    "independent on enough": ([odd(f"s{n}") for n in range(5)], 5, 2451, None),
    "unequal on two": (
        [stage("a", timeout_ms=10), stage("b", timeout_ms=20), stage("c", timeout_ms=30)],
        2,
        40,
        None,
    ),
    "a diamond": (DIAMOND, 2, 3 * 2451, None),
    "a fork on two": (FORK, 2, 1000 + 3000 + 1000, None),
    "a fork on enough": (FORK, 5, 3000, None),
    "two branches": ([odd("a"), stage("b"), odd("c", "a"), stage("d", "b")], 2, 2 * 2451, None),
    "a pool of one": ([stage(f"s{n}", pool="p1") for n in range(3)], 8, 3000, None),
    "a pool of two": ([stage(f"s{n}", pool="p2") for n in range(5)], 8, 3000, None),
    "two pools": (
        [stage("a", pool="p1"), stage("b", pool="p1"), *several(5, pool="p2")],
        4,
        3000,
        None,
    ),
    "a pool behind a build": (
        [stage("build"), *several(4, "build", pool="p1"), stage("end", "t0", "t1", "t2", "t3")],
        8,
        6000,
        None,
    ),
    "a skipped stage": (
        [stage("a"), stage("b", "a", skip="when is false"), stage("c", "b")],
        4,
        2000,
        None,
    ),
    "finally": (
        [stage("a"), stage("z", kind="finally"), stage("y", kind="finally"), stage("b", "a")],
        2,
        2000 + 1000,
        None,
    ),
    "a deadline": (
        [with_grace(70, stage("a")), stage("b", "a"), with_grace(9, stage("z", kind="finally"))],
        2,
        500 + 70 + 1009,
        500,
    ),
    "a service": (
        [service("c", 300, 70), stage("a"), stage("b", "a", "c")],
        1,
        2000 + 300 + 70,
        None,
    ),
    "a service that stops beside a stage": (
        [service("c", 300, 70), stage("a", "c"), stage("b", "a")],
        2,
        300 + 2000,
        None,
    ),
    "two services at once": (
        [service("c", 300, 70), service("d", 200, 90), stage("a", "c", "d")],
        2,
        300 + 1000 + 90,
        None,
    ),
    "a deadline that is far": ([with_grace(70, stage("a"))], 2, 1070, 5000),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_simple_plans_reach_their_bounds(name: str) -> None:
    """If all goes as slowly as it may, time and attempts, log and memory are exactly the bounds.

    That is so where every attempt times out and its failure is allowed: one that isn't would spare
    the stages behind it.
    """
    stages, concurrency, wall_ms, deadline_ms = SIMPLE[name]
    policy = replace(run_policy(concurrency, deadline_ms), fail_fast=False)
    stages = [at_its_worst(s) for s in stages]
    plan = make_plan(stages, {"p1": 1, "p2": 2}, policy)
    scenario = Scenario(
        seed=0,
        plan=plan,
        concurrency=concurrency or 1,
        endings={s.id: ("lives" if s.kind == "service" else "timeout",) for s in stages},
        lives=(Life((), None),),
        is_worst=True,
    )
    cost = cost_of(scenario)
    assert plan.bounds.wall_ms == wall_ms
    assert cost.wall_ms == wall_ms
    if deadline_ms is None:
        assert (cost.attempts, cost.log_bytes) == (plan.bounds.attempts, plan.bounds.log_bytes)
    if concurrency is not None and len(stages) > 1:
        assert cost.buffer_bytes == plan.bounds.buffer_bytes


def test_retries_on_two_slots_can_cost_more_than_two_rows() -> None:
    """Four stages of two attempts on two slots: not twice the longest, for one that fails early
    sets the others out of step. So the bound counts more than the rows."""
    longest = max(_cost_of_four(seed) for seed in range(400))
    bound = make_plan(_four(), {}, run_policy(2)).bounds.wall_ms
    assert 2 * 2000 < longest <= bound


def _four() -> list[PlannedStage]:
    policy = replace(POLICY, retry=replace(POLICY.retry, backoff_ms=(0, 0)))
    retry = replace(policy.retry, attempts=2, on=("failure", "timeout"))
    return [
        replace(at_its_worst(stage(name)), policy=replace(policy, retry=retry)) for name in "abcd"
    ]


def _cost_of_four(seed: int) -> int:
    stages = _four()
    ending = ("failure" if seed % 2 else "timeout", "timeout")
    plan = make_plan(stages, {}, replace(run_policy(2), fail_fast=False))
    endings = {s.id: ending if s.id == "a" else ("timeout",) for s in stages}
    return cost_of(Scenario(seed, plan, 2, endings, (Life((), None),))).wall_ms
