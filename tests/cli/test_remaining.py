"""How much longer a run is said to take: honest, or nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from orch.cli.next_stages import awaited
from orch.cli.progress import Progress
from orch.cli.remaining import Estimate, Remaining, rounded_text
from orch.compiler.plan import NOT_SELECTED, Plan
from orch.dsl.record import changed
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunEvent,
    ServiceReady,
    ServiceStarted,
    StageCompleted,
    StageStarted,
)
from orch.runtime.past_durations import past_durations
from orch.runtime.states import StageStatus
from tests.cli.made_plans import make_plan, make_stage

PLAN = make_plan(
    make_stage("build"),
    make_stage("lint"),
    make_stage("test", needs=("build",)),
    make_stage("clean", kind="finally"),
)
KNOWN = {"build": 60_000, "lint": 20_000, "test": 120_000, "clean": 10_000}


def progress_of(plan: Plan, *payloads: Payload) -> Progress:
    """At time 0, after these events."""
    progress = Progress(plan, lambda: 0.0)
    for payload in payloads:
        progress.apply(RunEvent(1, "", payload))
    return progress


def ended(stage_id: str, status: StageStatus = StageStatus.SUCCEEDED) -> StageCompleted:
    return StageCompleted(stage_id, status, None, 1, AttemptFigures())


def test_the_longest_chain_counts() -> None:
    """build, test, clean: 190 s, less what has passed, never less than what comes after."""
    begun = (StageStarted("build", 1, ""), StageStarted("lint", 1, ""))
    progress = progress_of(PLAN, *begun)
    estimate = Estimate(progress, [KNOWN])
    told = [estimate.text(now) for now in (0.0, 30.0, 1000.0)]
    assert told == ["about 3m 30s left", "about 3m left", "about 2m 30s left"]
    for event in (ended("build"), ended("lint"), ended("test", StageStatus.SKIPPED)):
        progress.apply(RunEvent(1, "", event))
    assert estimate.text(1000.0) == "about 10s left"


def test_work_is_shared_by_as_many_as_ran_at_once() -> None:
    """Eight stages of 30 s, of which two run at once: 2 minutes."""
    ids = [f"s{number}" for number in range(8)]
    plan = make_plan(*map(make_stage, ids))
    begun = (StageStarted(stage_id, 1, "") for stage_id in ids[:2])
    progress = progress_of(plan, *begun)
    assert Estimate(progress, [dict.fromkeys(ids, 30_000)]).text(0.0) == "about 2m left"


def test_what_is_unknown_is_said_to_be() -> None:
    """Stages without history make it `at least`; nothing known of what is left is nothing said;
    and a run that outlasts all that is known says that."""
    progress = progress_of(PLAN, StageStarted("build", 1, ""))
    assert Estimate(progress, [{"build": 60_000}]).text(0.0) == "at least 1m left"
    assert Estimate(progress, [{"lint": 0}]).text(0.0) == ""
    assert Estimate(progress, [dict.fromkeys(KNOWN, 0)]).text(5.0) == "longer than before"


def test_what_the_plan_skips_takes_no_time() -> None:
    """Neither what it took once, nor that it has no history: one stage of many is run again."""
    once = make_stage("once", needs=("build",), skip=NOT_SELECTED)
    plan = make_plan(make_stage("build"), once, make_stage("new", skip=NOT_SELECTED))
    progress = progress_of(plan, StageStarted("build", 1, ""))
    known = [{"build": 60_000, "once": 600_000}]
    assert Estimate(progress, known).text(0.0) == "about 1m left"


def test_of_several_runs_the_median_counts() -> None:
    """One strange run changes nothing."""
    plan = make_plan(make_stage("one"))
    progress = progress_of(plan, StageStarted("one", 1, ""))
    known = [{"one": 20_000}, {"one": 900_000}, {"one": 25_000}]
    assert Estimate(progress, known).text(0.0) == "about 25s left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "5s"), (41, "45s"), (60, "1m"), (61, "1m 30s"), (601, "11m"), (4000, "1h 10m")],
)
def test_the_longer_the_coarser(seconds: float, text: str) -> None:
    """A guess of an hour isn't one of seconds, and none is rounded down."""
    assert rounded_text(seconds * 1000) == text


def row(stage_id: str, **fields: Any) -> dict[str, Any]:
    plain = {"kind": "stage", "status": "succeeded", "fresh": False, "duration_ms": 1000}
    return {"id": stage_id, **plain, "ready_after_ms": None, **fields}


def test_durations_come_from_earlier_runs_that_can_be_read(tmp_path: Path) -> None:
    """The newest first; of what was run and succeeded; what isn't whole is passed over."""
    rows = [
        row("ran"),
        row("fresh", fresh=True),
        row("failed", status="failed"),
        row("db", kind="service", ready_after_ms=300),
        row("odd", duration_ms="long"),
    ]
    texts = {
        "2026-1": json.dumps({"stages": [row("ran", duration_ms=7)]}),
        "2026-2": json.dumps({"stages": rows}),
        "2026-3": '{"stages": [',
        "2026-4": '{"stages": 5}',
        "2026-5": json.dumps({"stages": [row("own")]}),
        "2026-6": json.dumps({"stages": [row("later")]}),
        ".odd": json.dumps({"stages": [row("hidden")]}),
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    known = list(past_durations(str(tmp_path / "2026-5")))
    assert known == [{"ran": 1000, "db": 300}, {"ran": 7}]
    assert list(past_durations(str(tmp_path / "none" / "2026-5"))) == []


@pytest.mark.parametrize(("stages", "told"), [(10, "about 10s left"), (3000, "about 5s left")])
def test_of_large_runs_the_newest_alone_is_read(tmp_path: Path, stages: int, told: str) -> None:
    """To read three of them would take a part of the run; of small ones the median counts. The
    stage that runs now took 3 s in the newest run, 10 s in those before."""
    others = [row(f"s{number}", duration_ms=0) for number in range(stages)]
    for number, taken_ms in enumerate((10_000, 10_000, 3_000)):
        folder = tmp_path / f"2026-11-22T09-55-41-43{number}Z-0000000{number}"
        folder.mkdir()
        rows = [row("now", duration_ms=taken_ms), *others]
        (folder / "manifest.json").write_text(json.dumps({"stages": rows}))
    remaining = Remaining(str(tmp_path / "2026-11-22T09-55-41-439Z-00000009"))
    progress = progress_of(make_plan(make_stage("now")), StageStarted("now", 1, ""))
    assert [remaining.text(progress, now) for now in (0.0, 0.5, 1.0)][-1] == told


def test_what_waits_is_told_with_its_reason() -> None:
    """A pool, a name, a service, several needs; not what waits for what waits, nor for a slot, nor
    what the plan skips."""
    plan = make_plan(
        make_stage("db", kind="service"),
        make_stage("a", pool="small", exclusive="port"),
        make_stage("b", pool="small"),
        make_stage("c", exclusive="port"),
        make_stage("d", needs=("a", "db")),
        make_stage("e", needs=("db",)),
        make_stage("f", needs=("e",)),
        make_stage("g"),
        make_stage("h", kind="finally"),
        make_stage("i", needs=("a",), skip=NOT_SELECTED),
    )
    small = {"small": 1}
    progress = progress_of(
        changed(plan, pools=small), ServiceStarted("db", 1, ""), StageStarted("a", 1, "")
    )
    told = {waiting.stages: waiting.said for waiting in awaited(progress, 20)}
    assert told == {
        ("b",): "for a slot of pool `small`",
        ("c",): "for `port`, held by `a`",
        ("d",): "for `a`, `db`",
        ("e",): "until `db` is ready",
    }
    assert [waiting.stages for waiting in awaited(progress, 2)] == [("b",), ("c",)]
    assert list(awaited(progress, -1)) == []
    progress.apply(RunEvent(1, "", ServiceReady("db", 1, 5)))
    assert {waiting.stages: waiting.said for waiting in awaited(progress, 20)}[("d",)] == "for `a`"
