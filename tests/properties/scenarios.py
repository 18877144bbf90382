"""Random runs from a seed: a plan, how each attempt will end, and what happens from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from orch.compiler.bounds import add_up
from orch.compiler.plan import (
    Bounds,
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    PipelineInfo,
    Plan,
    PlannedStage,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
)

ENDINGS = (
    "success", "failure", "exit(75)", "timeout", "signal", "spawn", "warden", "raise", "values",
    "fresh",
)  # fmt: skip
"""How an attempt can end by itself; `raise`: the executor did; `values`: well, but for what it was
to hand on; `fresh`: its warden found that no command is needed."""
WEIGHTS = (24, 3, 1, 2, 1, 1, 1, 1, 1, 2)
SERVICE_ENDINGS = ("lives", "never ready", "dies early", "dies late", "spawn", "warden", "raise")
"""What becomes of a service if nobody stops it; `lives`: it gets ready, and nothing more."""
SERVICE_WEIGHTS = (16, 1, 1, 3, 1, 1, 1)
EXCLUSIVE = ("production", "../x")
RETRY_WORDS = ("failure", "timeout", "signal", "spawn", "exit(75)", "exit(1)")


Judge = Callable[[Sequence[PlannedStage], Mapping[str, int], RunPolicy], Bounds]


@dataclass(frozen=True, slots=True)
class Life:
    """What befalls one process that owns the run: requests to cancel, by time and signal, and how
    many inputs it sees before it dies (None: it lives to the end)."""

    cancels: tuple[tuple[int, int | None], ...]
    inputs_until_crash: int | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """`endings[id]` says how each attempt of a stage ends, if nobody stops it: attempt n as item
    n - 1, over and over. `fresh` are stages that a first look finds so. `is_worst`: whatever takes
    time takes the longest that it may. `foreign[name]` says from when until when other
    runs hold a name."""

    seed: int
    plan: Plan
    concurrency: int
    endings: Mapping[str, tuple[str, ...]]
    lives: tuple[Life, ...]
    fresh: frozenset[str] = frozenset()
    is_worst: bool = False
    foreign: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


def random_scenario(seed: int, judge: Judge = add_up) -> Scenario:
    """The scenario of a seed; `judge` gives the bounds of its plan."""
    random = Random(seed)
    pools = {name: random.randint(1, 3) for name in ("db", "gpu")[: random.randrange(3)]}
    size = random.choice((1, 2, 3, 4, 5, 6, 8, 10, 12, random.randint(13, 40)))
    stages: list[PlannedStage] = []
    for number in range(size):
        stages.append(_random_stage(random, f"s{number}", [s.id for s in stages], pools))
    # Of their own, so that all else of a seed is as it is without services.
    chance = Random(f"services of {seed}")
    if chance.random() < 0.3:
        stages = _with_services(chance, stages)
    for number in range(random.choice((0, 0, 1, 1, 2, 4))):
        # A `finally` needs nothing, so it may stand anywhere in a topological order.
        stage = _random_stage(random, f"f{number}", [], pools)
        when = random.choice(
            (None, None, None, 'run.status == "failed"', 'run.status != "succeeded"')
        )
        stages.insert(random.randrange(len(stages) + 1), replace(stage, kind="finally", when=when))
    calm = random.random() < 0.4
    policy = RunPolicy(
        concurrency=random.choice((None, 1, 1, 2, 3, 4, 8)),
        fail_fast=random.random() < 0.4,
        deadline_ms=None
        if calm or random.random() < 0.7
        else random.randint(0, random.choice((50, 1000))),
        heartbeat=HeartbeatPolicy(5000, 30_000, 30_000),
        lock=LockPolicy(5, (100, 1000)),
    )
    is_worst = random.random() < 0.15
    if is_worst:
        stages = [at_its_worst(stage) for stage in stages]
        policy = replace(policy, fail_fast=False)
    weights = (1, *[0] * (len(ENDINGS) - 1)) if random.random() < 0.1 else WEIGHTS
    return Scenario(
        seed=seed,
        plan=make_plan(stages, pools, policy, judge),
        concurrency=policy.concurrency or random.randint(1, 6),
        endings={
            s.id: _random_endings(chance if s.kind == "service" else random, s, weights, is_worst)
            for s in stages
        },
        lives=(Life((), None),) if is_worst else _random_lives(random, calm=calm),
        fresh=frozenset(
            s.id for s in stages if s.inputs and not is_worst and random.random() < 0.5
        ),
        is_worst=is_worst,
        foreign={} if is_worst or random.random() < 0.6 else _random_holds(random),
    )


def _random_holds(random: Random) -> dict[str, tuple[tuple[int, int], ...]]:
    """Times at which other runs hold a name, some of them from the beginning."""
    holds = {}
    for name in EXCLUSIVE[: random.randint(1, len(EXCLUSIVE))]:
        count = random.choice((1, 2, 5))
        begins_ms = [random.choice((0, random.randint(0, 1000))) for _ in range(count)]
        longest_ms = random.choice((30, 900))
        holds[name] = tuple((b, b + random.randint(1, longest_ms)) for b in begins_ms)
    return holds


def make_plan(
    stages: Sequence[PlannedStage],
    pools: Mapping[str, int],
    policy: RunPolicy,
    judge: Judge = add_up,
) -> Plan:
    return Plan(
        pipeline=PipelineInfo("simulated", None, None, (), None),
        params={},
        secrets=(),
        pools=pools,
        policy=policy,
        stages=tuple(stages),
        bounds=judge(stages, pools, policy),
    )


def at_its_worst(stage: PlannedStage) -> PlannedStage:
    """The stage, run in any case, tried again as often as it may be, and needed by others all the
    same."""
    if stage.kind == "service":
        return replace(stage, when=None)
    retry = replace(stage.policy.retry, jitter="none", on=("timeout",))
    policy = replace(stage.policy, retry=retry)
    return replace(stage, policy=policy, when=None, allow_failure=True)


def _random_endings(
    random: Random, stage: PlannedStage, weights: Sequence[int], is_worst: bool
) -> tuple[str, ...]:
    if stage.kind == "service":
        calm = is_worst or not any(weights[1:]) or random.random() < 0.5
        return ("lives",) if calm else tuple(random.choices(SERVICE_ENDINGS, SERVICE_WEIGHTS, k=7))
    return ("timeout",) if is_worst else tuple(random.choices(ENDINGS, weights, k=7))


def _with_services(random: Random, stages: Sequence[PlannedStage]) -> list[PlannedStage]:
    """The stages with some services, each before all that need it."""
    made = list(stages)
    for number in range(random.choice((1, 1, 2, 3))):
        service = _random_service(random, f"c{number}")
        likely = random.choice((0.1, 0.3, 0.9))
        for place, stage in enumerate(made):
            if stage.kind == "stage" and random.random() < likely:
                needs = random.sample((*stage.needs, service.id), len(stage.needs) + 1)
                made[place] = replace(stage, needs=tuple(needs))
        places = [at for at, stage in enumerate(made) if service.id in stage.needs]
        made.insert(random.randint(0, min(places, default=len(made))), service)
    return made


def _random_service(random: Random, service_id: str) -> PlannedStage:
    plain = _random_stage(random, service_id, [], {})
    timeout_ms = random.choice((1, 30, 200))
    return replace(
        plain,
        kind="service",
        exclusive=None,
        when=random.choice((None,) * 12 + ("true", "false", "broken")),
        allow_failure=False,
        stop="TERM",
        ready=random.choice((None, {"kind": "tcp", "timeout_ms": timeout_ms})),
    )


def _random_lives(random: Random, *, calm: bool) -> tuple[Life, ...]:
    crashes = 0 if calm or random.random() < 0.5 else random.randint(1, 3)
    lives = []
    for number in range(crashes + 1):
        count = 0 if calm or random.random() < 0.4 else random.choice((1, 1, 2, 3, 4))
        latest_ms = random.choice((50, 300, 2000))
        times = sorted(random.randint(0, latest_ms) for _ in range(count))
        cancels = tuple((time, random.choice((2, 15, None))) for time in times)
        until = random.randrange(random.choice((3, 30))) if number < crashes else None
        lives.append(Life(cancels, until))
    return tuple(lives)


def _random_stage(
    random: Random, stage_id: str, earlier: list[str], pools: Mapping[str, int]
) -> PlannedStage:
    count = random.choice((0, 1, 1, 2, 4))
    needs = tuple(random.sample(earlier, min(count, len(earlier))))
    first_ms = random.choice((0, 1, 50))
    retry = RetryPolicy(
        attempts=random.choice((1, 1, 1, 2, 3, 5)),
        backoff_ms=(first_ms, random.randint(first_ms, 300)),
        factor=random.choice((1.0, 1.5, 2.0, 10.0)),
        jitter=random.choice(("none", "full", "equal")),
        on=tuple(word for word in RETRY_WORDS if random.random() < 0.6),
    )
    return PlannedStage(
        id=stage_id,
        kind="stage",
        title=None,
        needs=needs,
        matrix={},
        argv=("true",),
        shell=None,
        env={},
        cwd=".",
        stdin=None,
        tty=False,
        skip="when is false" if random.random() < 0.06 else None,
        when=_random_when(random, needs),
        bindings={},
        policy=StagePolicy(
            timeout_ms=random.choice((1, 10, 300)),
            grace_ms=random.choice((0, 20, 200)),
            retry=retry,
            output=OutputPolicy(1024, 256, 1024),
        ),
        secrets=(),
        values={},
        inputs=("src/*.c",) if random.random() < 0.3 else (),
        outputs=(),
        artifacts=(),
        pool=random.choice((*pools, None)) if random.random() < 0.5 else None,
        exclusive=random.choice(EXCLUSIVE) if random.random() < 0.15 else None,
        allow_failure=random.random() < 0.15,
        summary=None,
        ready=None,
    )


def _random_when(random: Random, needs: tuple[str, ...]) -> str | None:
    if random.random() < 0.85:
        return None
    if needs and random.random() < 0.8:
        operator = random.choice(("==", "!="))
        status = random.choice(("failed", "succeeded", "skipped"))
        return f'stages.{random.choice(needs)}.status {operator} "{status}"'
    return random.choice(("true", "false", "broken"))
