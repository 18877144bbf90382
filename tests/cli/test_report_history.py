"""Who waited for whom and for how long, from journals: by hand, and of random runs."""

from itertools import pairwise
from pathlib import Path

from orch.cli.report.critical_path import critical_path
from orch.cli.report.history import History, SpanKind, history_of
from orch.compiler.plan import Plan
from orch.dsl.record import changed
from orch.runtime.clock import utc_text
from orch.runtime.events import (
    Holder,
    RunEvent,
    RunResumed,
    ServiceReady,
    ServiceStarted,
    StageWaiting,
)
from orch.runtime.manifest import fold
from orch.runtime.states import StageStatus
from tests.cli.made_plans import make_plan, make_stage
from tests.cli.written_runs import (
    Story,
    completed,
    ended,
    events_of,
    ready,
    retrying,
    started,
)
from tests.properties.scenarios import random_scenario
from tests.properties.simulator import simulate
from tests.runtime.samples import START_MS, new_run

Told = list[tuple[str, int, int, str | None]]
RUNS = 120


def told(history: History, stage: str) -> Told:
    return [(s.kind.value, s.begin_ms, s.end_ms, s.blocker) for s in history.spans[stage]]


def history(tmp_path: Path, plan: Plan, story: Story) -> History:
    return history_of(plan, events_of(new_run(tmp_path), plan, story), None)


def test_needs_slots_and_pauses_are_told_apart(tmp_path: Path) -> None:
    """`b` waits for `a`, then for the slot that `c` frees, fails, pauses, and waits for `d`'s."""
    plan = make_plan(make_stage("a"), make_stage("c"), make_stage("d"), make_stage("b"))
    plan = changed(plan, stages=(*plan.stages[:3], make_stage("b", needs=("a",))))
    found = history(tmp_path, plan, [
        (0, ready("a")), (0, ready("c")), (0, ready("d")), (0, started("a")), (0, started("c")),
        (100, completed("a")), (100, ready("b")), (100, started("d")),
        (150, completed("c")), (150, started("b")), (200, retrying("b", 30)),
        (260, completed("d")), (260, started("b", 2)), (300, completed("b", attempts=2)),
        (300, ended()),
    ])  # fmt: skip
    assert told(found, "b") == [
        ("needs", 0, 100, "a"),
        ("slot", 100, 150, "c"),
        ("attempt", 150, 200, None),
        ("backoff", 200, 230, None),
        ("slot", 230, 260, "d"),
        ("attempt", 260, 300, None),
    ]
    links = critical_path(plan, found)
    assert [(link.stage, link.begin_ms, link.end_ms) for link in links] == [
        ("c", 0, 150),
        ("b", 150, 300),
    ]
    assert found.total_ms == 300


def test_a_pool_an_exclusive_name_and_another_run_are_named(tmp_path: Path) -> None:
    """The narrowest limit that was full is the one that is said."""
    stages = (
        make_stage("a", pool="db"),
        make_stage("b", pool="db"),
        make_stage("c", exclusive="site"),
        make_stage("d", exclusive="site"),
        make_stage("e", pool="db", needs=("a", "b")),
    )
    plan = changed(make_plan(*stages), pools={"db": 1})
    holder = Holder("other", "deploy", 7, "host", "then")
    found = history(tmp_path, plan, [
        *((0, ready(stage.id)) for stage in stages[:4]),
        (0, started("a")), (0, StageWaiting("c", "site", holder)), (40, started("c")),
        (50, completed("a")), (50, started("b")), (60, completed("c")), (60, started("d")),
        (70, completed("d")), (80, completed("b")), (90, ready("e")),
        (95, started("e")), (99, completed("e")),
    ])  # fmt: skip
    assert [s.why for s in found.spans["b"]] == ["a slot of pool `db`", "succeeded"]
    assert [s.why for s in found.spans["d"]] == ["the exclusive name `site`", "succeeded"]
    assert found.spans["d"][0].blocker == "c"
    # Slots that came free before it was ready are nobody's fault.
    assert told(found, "e")[:2] == [("needs", 0, 90, "b"), ("slot", 90, 95, None)]
    wait = found.spans["c"][0]
    assert (wait.kind, wait.end_ms) == (SpanKind.EXCLUSIVE, 40)
    assert "held by stage deploy of run other" in wait.why


def test_what_a_life_left_running_holds_no_slot_in_the_next(tmp_path: Path) -> None:
    """Of a pool of two `a` takes one again, so `b` waits for nothing but a slot of the run."""
    plan = make_plan(make_stage("a", pool="db"), make_stage("b", pool="db"))
    plan = changed(plan, pools={"db": 2})
    found = history(tmp_path, plan, [
        (0, ready("a")), (0, started("a")), (10, RunResumed("r", 1, "h", "0.1.0")),
        (10, ready("a")), (10, ready("b")), (10, started("a", 2)),
        (30, completed("a", attempts=2)), (30, started("b")), (40, completed("b")),
    ])  # fmt: skip
    assert found.breaks == (0,)
    wait = found.spans["b"][0]
    assert (wait.why, wait.blocker) == ("a slot", "a")


def test_a_skipped_stage_stands_for_the_one_it_waited_for(tmp_path: Path) -> None:
    """Nothing is blamed on a stage that was never at work, nor on a service but until it is up."""
    plan = make_plan(
        make_stage("db", kind="service"),
        make_stage("a"),
        make_stage("skipped", needs=("a",)),
        make_stage("b", needs=("skipped", "db")),
        make_stage("c", needs=("skipped",)),
        make_stage("last", kind="finally"),
    )
    found = history(tmp_path, plan, [
        (0, ready("a")), (0, started("a")), (100, completed("a")),
        (100, completed("skipped", StageStatus.SKIPPED, attempts=0, reason="when is false")),
        (100, ready("c")), (100, started("c")), (110, completed("c")),
        (110, ServiceStarted("db", 1, "")), (130, ServiceReady("db", 1, 30)), (130, ready("b")),
        (130, started("b")), (150, completed("b")), (160, completed("db")),
        (160, ready("last")), (160, started("last")), (170, completed("last")),
    ])  # fmt: skip
    assert told(found, "c")[0] == ("needs", 0, 100, "a")
    links = critical_path(plan, found)
    assert [(link.stage, link.begin_ms, link.end_ms) for link in links] == [
        ("a", 0, 100),
        ("c", 100, 110),
        ("db", 110, 130),
        ("b", 130, 160),
        ("last", 160, 170),
    ]


def test_random_runs_have_sound_histories() -> None:
    """Whatever happened, cancels, crashes and resumes too: the spans of a stage follow each other,
    each attempt is one, whoever is blamed had ended by then, and the critical path has no gap."""
    paths = 0
    for seed in range(RUNS):
        plan = random_scenario(seed).plan
        # The clock of a simulation begins anew with each life, and so it may in the world.
        events = [
            RunEvent(event.seq, utc_text(START_MS + int(event.time)), event.payload)
            for event in simulate(seed)
        ]
        found = history_of(plan, events, None)
        entries = {entry.id: entry for entry in fold(plan, events).stages}
        for stage_id, spans in found.spans.items():
            at_ms = 0
            for span in spans:
                assert at_ms <= span.begin_ms <= span.end_ms <= found.total_ms, (seed, stage_id)
                at_ms = span.end_ms
                if span.blocker is not None:
                    assert span.blocker != stage_id, seed
                    blocked = found.spans[span.blocker]
                    # A service that was awaited ends later, and a fresh stage has no attempt.
                    assert all(s.begin_ms <= span.end_ms for s in blocked[:1]), (seed, stage_id)
            attempts = sum(span.kind is SpanKind.ATTEMPT for span in spans)
            assert attempts == entries[stage_id].attempts, (seed, stage_id)
        links = critical_path(plan, found)
        paths += len(links) > 2
        for before, after in pairwise(links):
            assert before.end_ms == after.begin_ms, seed
            assert before.begin_ms <= before.end_ms, seed
        # A run cut off anywhere has a history too.
        history_of(plan, events[: len(events) // 2], None)
    assert paths > RUNS // 10, "the random runs have paths worth looking at"
