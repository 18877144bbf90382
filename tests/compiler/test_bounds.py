"""The bounds of a plan: exact where that is simple, and never exceeded by any schedule."""

import heapq
import random
from dataclasses import replace
from typing import Any

import pytest

from orch.compiler.bounds import add_up, barriers, waits_ms
from orch.compiler.plan import PlannedStage, RetryPolicy
from tests.compiler.planned import POLICY, run_policy, stage


def wall_ms(stages: list[PlannedStage], concurrency: int | None = None, **pools: int) -> int:
    return add_up(stages, pools, run_policy(concurrency)).wall_ms


def test_one_slot_adds_all_up() -> None:
    """With one slot the wall is the sum, whatever the needs are."""
    stages = [stage("a"), stage("b", timeout_ms=500), stage("c", "a", timeout_ms=70)]
    assert wall_ms(stages, 1) == 1570
    assert wall_ms(stages, None) == 1570, "no concurrency counts as one"


def test_without_contention_the_wall_is_the_longest_path() -> None:
    """Stages that never wait for a slot cost what the longest chain of them costs."""
    stages = [stage("a"), stage("b", timeout_ms=500), stage("c", "a", timeout_ms=70)]
    assert wall_ms(stages, 2) == 1070
    assert wall_ms(stages, 100) == 1070


def test_layers_between_barriers_are_added() -> None:
    """A fork, its four branches on two slots, and the join."""
    tests = [stage(f"t{n}", "build") for n in range(4)]
    stages = [stage("build"), *tests, stage("report", *(t.id for t in tests))]
    assert barriers(stages) == [1, 5]
    assert wall_ms(stages, 2) == 1000 + 2000 + 1000


def test_a_pool_of_one_slot_is_a_queue() -> None:
    """Stages of a full pool wait for each other, the others don't wait for them."""
    stages = [stage("a", pool="disk"), stage("b", pool="disk"), stage("c", timeout_ms=1500)]
    assert wall_ms(stages, 8, disk=1) == 2000
    assert wall_ms(stages, 8, disk=2) == 1500
    assert wall_ms([stage("a", exclusive="x"), stage("b", exclusive="x")], 8) == 2000


def test_waits_double_up_to_the_longest() -> None:
    """100 + 200 + 400 + 500 + 500: the first wait, growing by the factor, capped."""
    assert waits_ms(RetryPolicy(6, (100, 500), 2.0, "full", ())) == 1700
    assert waits_ms(RetryPolicy(3, (100, 3000), 1.1, "none", ())) == 210
    assert waits_ms(RetryPolicy(1, (100, 500), 2.0, "full", ())) == 0
    assert waits_ms(RetryPolicy(100, (1, 3000), 10.0, "full", ())) == 1111 + 95 * 3000


def test_every_attempt_counts_its_timeout_and_its_grace() -> None:
    """Three attempts, their graces and the two waits between them."""
    policy = replace(POLICY, grace_ms=50, retry=replace(POLICY.retry, attempts=3))
    only = replace(stage("a"), policy=policy)
    assert wall_ms([only], 1) == 3 * 1050 + 300
    assert add_up([only], {}, run_policy(1)).attempts == 3
    assert add_up([only], {}, run_policy(1)).log_bytes == 3 * 2 * 2048


def test_what_is_skipped_counts_nothing() -> None:
    """A stage skipped when the plan was made takes no time, memory or log."""
    stages = [stage("a"), stage("b", "a", skip="when is false"), stage("c", "b")]
    bounds = add_up(stages, {}, run_policy(1))
    assert (bounds.wall_ms, bounds.attempts, bounds.log_bytes) == (2000, 2, 8192)
    assert add_up([], {}, run_policy(1)).wall_ms == 0


def test_a_deadline_caps_the_wall() -> None:
    """At itself, the longest grace, and the finally stages, which run beyond it."""
    slow = replace(stage("a", timeout_ms=9000), policy=replace(POLICY, timeout_ms=9000, grace_ms=7))
    stages = [slow, stage("b", kind="finally", timeout_ms=300)]
    assert add_up(stages, {}, run_policy(1, deadline_ms=500)).wall_ms == 500 + 7 + 300
    assert add_up(stages, {}, run_policy(1, deadline_ms=60_000)).wall_ms == 9007 + 300


def test_a_service_counts_until_ready_and_its_grace() -> None:
    """One process and its buffers, held beside every stage; time to be ready, and to end."""
    policy = replace(POLICY, grace_ms=20, retry=replace(POLICY.retry, attempts=5))
    ready = {"kind": "tcp", "port": 1, "every_ms": 1, "timeout_ms": 300}
    service = stage("db", kind="service", policy=policy, ready=ready)
    bounds = add_up([service, stage("a", "db")], {}, run_policy(1))
    assert (bounds.wall_ms, bounds.attempts) == (300 + 1000 + 20, 2)
    assert bounds.buffer_bytes == 2 * 2048
    assert bounds.log_bytes == 2 * 2 * 2048


def test_two_services_end_one_after_the_other_at_worst() -> None:
    """The slowest to start and the slowest to end need not be the same."""
    graces = {"x": 5, "y": 500}
    ready = {"x": 400, "y": 4}
    services = [
        stage(
            name,
            kind="service",
            policy=replace(POLICY, grace_ms=graces[name]),
            ready={"timeout_ms": ready[name]},
        )
        for name in graces
    ]
    assert wall_ms([*services, stage("a", "x", "y")], 8) == 400 + 1000 + 500


def test_memory_is_that_of_the_largest_that_run_together() -> None:
    """As many as there are slots, of a pool no more than its own, of a chain one."""
    small, large = replace(POLICY.output, buffer_bytes=10), replace(POLICY.output, buffer_bytes=70)
    one = replace(POLICY, output=small)
    two = replace(POLICY, output=large)
    free = [replace(stage(name), policy=one) for name in "abc"]
    pooled = [replace(stage(name, pool="p"), policy=two) for name in "de"]
    chain = [replace(stage("f"), policy=two), replace(stage("g", "f"), policy=two)]

    def held(stages: list[PlannedStage], concurrency: int | None) -> int:
        return add_up(stages, {"p": 1}, run_policy(concurrency)).buffer_bytes

    assert held(free, 2) == 40
    assert held(free, None) == 60
    assert held([*free, *pooled], 3) == 2 * (70 + 10 + 10)
    assert held(chain, None) == 140
    assert held([*free, stage("z", kind="finally", policy=two)], 1) == 140


def random_stages(dice: random.Random) -> tuple[list[PlannedStage], dict[str, int]]:
    pools = {"p": dice.randint(1, 3), "q": 1}
    if dice.random() < 0.2:
        pools |= {f"p{n}": dice.randint(1, 2) for n in range(6)}
    stages: list[PlannedStage] = []
    layered = dice.random() < 0.5
    for n in range(dice.randint(1, 14)):
        before = [s.id for s in stages]
        needs = dice.sample(before, dice.randint(0, min(3, len(before))))
        if layered and n % 4 == 3:
            needs = before
        given: dict[str, Any] = {
            "pool": dice.choice([None, None, None, *pools]),
            "exclusive": dice.choice([None, None, None, None, "x"]),
            "skip": "no" if dice.random() < 0.1 else None,
        }
        timeout_ms = dice.choice([10, 1000, dice.randint(1, 3000)])
        attempts = dice.choice([1, 1, 1, 3])
        stages.append(stage(f"s{n}", *needs, timeout_ms=timeout_ms, attempts=attempts, **given))
    return stages, pools


class Simulation:
    """One schedule that never leaves a slot free which a stage could use. Durations, retries and
    the order among ready stages are random, and a stage that waits for a retry holds no slot."""

    def __init__(
        self,
        stages: list[PlannedStage],
        pools: dict[str, int],
        concurrency: int,
        dice: random.Random,
    ) -> None:
        self.dice = dice
        self.by_id = {s.id: s for s in stages}
        self.waiting = dict(self.by_id)
        self.free = {"slots": concurrency, **pools, "x": 1}
        self.ended: set[str] = set()
        self.ready: list[str] = []
        self.running: set[str] = set()
        self.tries = dict.fromkeys(self.by_id, 0)
        self.events: list[tuple[int, int, str, str]] = []
        self.now_ms = 0
        self.most_bytes = 0

    def run(self) -> None:
        self.follow_needs()
        while self.ready or self.events:
            self.launch()
            self.now_ms, _, what, name = heapq.heappop(self.events)
            if what == "wake":
                self.ready.append(name)
            else:
                self.land(name)
            self.follow_needs()

    def resources(self, name: str) -> list[str]:
        s = self.by_id[name]
        return ["slots", *filter(None, (s.pool, s.exclusive))]

    def follow_needs(self) -> None:
        moved = True
        while moved:
            free = [s for s in self.waiting.values() if set(s.needs) <= self.ended]
            moved = bool(free)
            for s in free:
                del self.waiting[s.id]
                if s.skip is not None:
                    self.ended.add(s.id)
                else:
                    self.ready.append(s.id)

    def launch(self) -> None:
        self.dice.shuffle(self.ready)
        for name in list(self.ready):
            if not all(self.free[r] for r in self.resources(name)):
                continue
            for r in self.resources(name):
                self.free[r] -= 1
            self.ready.remove(name)
            self.running.add(name)
            policy = self.by_id[name].policy
            longest = policy.timeout_ms + policy.grace_ms
            self.later(
                self.dice.choice([longest, longest, self.dice.randint(0, longest)]), "end", name
            )
        held = sum(2 * self.by_id[n].policy.output.buffer_bytes for n in self.running)
        self.most_bytes = max(self.most_bytes, held)

    def later(self, delay_ms: int, what: str, name: str) -> None:
        at = self.now_ms + delay_ms
        heapq.heappush(self.events, (at, self.dice.randint(0, 9), what, name))

    def land(self, name: str) -> None:
        self.running.discard(name)
        for r in self.resources(name):
            self.free[r] += 1
        self.tries[name] += 1
        retry = self.by_id[name].policy.retry
        if self.tries[name] < retry.attempts and self.dice.random() < 0.9:
            wait = min(retry.backoff_ms[0] * 2 ** (self.tries[name] - 1), retry.backoff_ms[1])
            self.later(self.dice.choice([wait, self.dice.randint(0, wait)]), "wake", name)
        else:
            self.ended.add(name)


@pytest.mark.parametrize("seed", range(40))
def test_no_schedule_exceeds_the_bounds(seed: int) -> None:
    """Random graphs, pools, durations and orders: neither time nor memory goes past the bound."""
    dice = random.Random(seed)
    for _ in range(40):
        stages, pools = random_stages(dice)
        concurrency = dice.randint(1, 5)
        bounds = add_up(stages, pools, run_policy(concurrency))
        for _ in range(6):
            simulation = Simulation(stages, pools, concurrency, dice)
            simulation.run()
            assert len(simulation.ended) == len(stages)
            assert simulation.now_ms <= bounds.wall_ms
            assert simulation.most_bytes <= bounds.buffer_bytes


@pytest.mark.parametrize("seed", range(10))
def test_barriers_divide_what_waits_from_what_is_waited_for(seed: int) -> None:
    """Behind each place everything needs, however far, everything before it; and none is missed."""
    dice = random.Random(seed)
    for _ in range(50):
        stages, _ = random_stages(dice)
        before: dict[str, set[str]] = {}
        for s in stages:
            before[s.id] = set(s.needs).union(*(before[need] for need in s.needs))
        ids = [s.id for s in stages]
        true = [
            cut
            for cut in range(1, len(ids))
            if all(before[late] >= set(ids[:cut]) for late in ids[cut:])
        ]
        assert barriers(stages) == true


def test_bounds_are_linear_in_the_graph() -> None:
    """Ten thousand stages in layers are no work: the judgement of barriers gives up in time."""
    layers = [[stage(f"{row}-{n}") for n in range(100)] for row in range(100)]
    stages = [s for row in layers for s in row]
    assert add_up(stages, {}, run_policy(7)).wall_ms == -(-10_000 // 7) * 1000
