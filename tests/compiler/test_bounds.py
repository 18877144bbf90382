"""The bounds of a plan: exact where that is simple, and never exceeded by any schedule."""

from dataclasses import replace

from orch.compiler.bounds import add_up
from orch.compiler.longest_time import barriers, waits_ms
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


def test_what_is_looked_at_first_may_start_out_of_turn() -> None:
    """While the first one is looked at the others take both slots, and it is the longest."""
    seated = [stage("a", timeout_ms=500), *(stage(n, timeout_ms=300) for n in "bc")]
    looked_at = [replace(seated[0], inputs=("src/*",)), *seated[1:]]
    assert wall_ms(seated, 2) == 600
    assert wall_ms(looked_at, 2) == 800
    alike = [replace(stage(name), inputs=("src/*",)) for name in "abc"]
    assert wall_ms(alike, 2) == 2000


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


def test_bounds_are_linear_in_the_graph() -> None:
    """Ten thousand stages in layers are no work: the judgement of barriers gives up in time."""
    layers = [[stage(f"{row}-{n}") for n in range(100)] for row in range(100)]
    stages = [s for row in layers for s in row]
    assert add_up(stages, {}, run_policy(7)).wall_ms == -(-10_000 // 7) * 1000
