"""The manifest is exactly the fold of the events, however many there are."""

from dataclasses import replace
from pathlib import Path

import pytest

from orch.runtime.events import (
    AttemptFigures,
    HeartbeatFailed,
    Payload,
    RunCancelling,
    RunCompleted,
    RunResumed,
    StageCompleted,
    StageFresh,
    StageReady,
    StageRetrying,
    StageStarted,
)
from orch.runtime.manifest import (
    EventMismatchError,
    ManifestFold,
    ManifestFormatError,
    fold,
    manifest_from_json,
)
from orch.runtime.manifest_file import RunManifestWriter, read_manifest
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus
from tests.runtime.samples import (
    as_events,
    finished_manifest,
    new_run,
    payloads_of_a_run,
    sample_plan,
)

PLAN = sample_plan("a", "b", "c")


def entry_after(*payloads: Payload) -> StageEntry:
    return fold(PLAN, as_events(list(payloads))).stages[0]


def test_nothing_has_happened_yet() -> None:
    manifest = fold(PLAN, [])
    assert manifest.status is RunStatus.RUNNING
    assert manifest.events == 0
    assert [entry.id for entry in manifest.stages] == ["a", "b", "c"]
    assert {entry.status for entry in manifest.stages} == {StageStatus.WAITING}


def test_every_prefix_gives_the_state_that_applying_one_by_one_gives(tmp_path: Path) -> None:
    """The prefix property: incremental and from scratch are the same at every event."""
    events = as_events(payloads_of_a_run(new_run(tmp_path), PLAN))
    state = ManifestFold(PLAN)
    for count, event in enumerate(events, 1):
        state.apply(event)
        manifest = state.manifest()
        assert manifest == fold(PLAN, events[:count])
        assert manifest.events == count
        assert manifest.updated_at == event.time
        assert manifest_from_json(manifest.to_json()) == manifest
    assert manifest.status is RunStatus.SUCCEEDED


def test_a_snapshot_does_not_change_when_the_fold_goes_on() -> None:
    events = as_events([StageReady("a"), StageStarted("a", 1, "l")])
    state = ManifestFold(PLAN)
    state.apply(events[0])
    earlier = state.manifest()
    state.apply(events[1])
    assert earlier.stages[0].status is StageStatus.READY


def test_a_finished_run_says_where_everything_is(tmp_path: Path) -> None:
    paths = new_run(tmp_path)
    manifest = finished_manifest(paths, PLAN)
    assert (manifest.run_id, manifest.task_id) == (paths.run_id, "demo")
    assert f"{tmp_path}/{manifest.manifest}" == paths.manifest
    assert f"{tmp_path}/{manifest.artifact_root}" == paths.artifacts
    assert f"{tmp_path}/{manifest.log_path}" == paths.journal
    assert manifest.plan_digest == PLAN.digest
    assert (manifest.exit_code, manifest.duration_ms) == (0, 321)
    first = manifest.stages[0]
    assert (first.attempts, first.exit_code, first.stdout_excerpt) == (2, 0, "out\n")
    assert first.logs == "stages/0000-a/2"
    assert first.error is None


def test_a_stage_whose_attempt_was_cut_off_is_running() -> None:
    entry = entry_after(StageReady("a"), StageStarted("a", 3, "logs"))
    assert entry.status is StageStatus.RUNNING
    assert (entry.attempts, entry.logs, entry.completed_at) == (3, "logs", None)


def test_between_two_attempts_the_failed_one_is_shown() -> None:
    figures = AttemptFigures(exit_code=75, duration_ms=12)
    entry = entry_after(
        StageStarted("a", 1, "l1"), StageRetrying("a", 1, 100, "failure", figures, "errors/e")
    )
    assert entry.status is StageStatus.RUNNING
    assert (entry.exit_code, entry.reason, entry.error) == (75, "failure", "errors/e")


def test_a_new_attempt_forgets_the_figures_of_the_one_before() -> None:
    figures = AttemptFigures(75, 9, True, 1, 2, 3, 4, 5)
    entry = entry_after(
        StageStarted("a", 1, "l1"),
        StageRetrying("a", 1, 100, "failure", figures, "errors/e"),
        StageStarted("a", 2, "l2"),
    )
    started = "2026-11-22T09:55:41.434Z"
    assert entry == StageEntry(
        "a", "stage", StageStatus.RUNNING, attempts=2, started_at=started, logs="l2"
    )


def test_a_skipped_stage_was_never_started() -> None:
    done = StageCompleted("a", StageStatus.SKIPPED, "fail_fast", 0, AttemptFigures())
    entry = entry_after(done)
    assert (entry.status, entry.reason) == (StageStatus.SKIPPED, "fail_fast")
    assert (entry.started_at, entry.attempts, entry.logs) == (None, 0, None)


def test_a_fresh_stage_says_why() -> None:
    done = StageCompleted("a", StageStatus.SUCCEEDED, None, 0, AttemptFigures())
    entry = entry_after(StageFresh("a", "nothing changed"), done)
    assert (entry.fresh, entry.reason) == (True, "nothing changed")


def test_a_resumed_run_is_running_again() -> None:
    manifest = fold(
        PLAN,
        as_events(
            [
                RunCancelling("SIGINT", 2),
                RunCompleted("r", RunStatus.FAILED, "x", 1, 5),
                RunResumed("r", 1, "h", "0.1.0"),
                HeartbeatFailed("p", "m", 1),
            ]
        ),
    )
    assert manifest.status is RunStatus.RUNNING
    assert (manifest.exit_code, manifest.reason, manifest.completed_at) == (None, None, None)
    assert (manifest.resumes, manifest.heartbeat_failures) == (1, 1)


def test_an_event_of_another_plan_is_refused() -> None:
    with pytest.raises(EventMismatchError, match="event 1 speaks of stage 'zzz'"):
        fold(PLAN, as_events([StageReady("zzz")]))


def test_a_written_manifest_is_read_back(tmp_path: Path) -> None:
    paths = new_run(tmp_path)
    manifest = finished_manifest(paths, PLAN)
    assert read_manifest(paths.manifest) is None
    RunManifestWriter(paths).write(manifest)
    assert read_manifest(paths.manifest) == manifest


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema":"orch.manifest/9"}', b"\xff"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ManifestFormatError, match="manifest"):
        read_manifest(str(tmp_path / "manifest.json"))


def test_later_versions_may_add_fields(tmp_path: Path) -> None:
    manifest = finished_manifest(new_run(tmp_path), PLAN)
    value = manifest.to_json()
    value["later"] = 1
    value["stages"][0]["later"] = 2
    assert manifest_from_json(value) == manifest


def test_folding_ten_thousand_stages_looks_at_each_event_once(tmp_path: Path) -> None:
    """An event touches one row: other rows are the very same objects before and after."""
    plan = sample_plan(*(f"s{n}" for n in range(10_000)))
    state = ManifestFold(plan)
    for event in as_events([StageReady(stage.id) for stage in plan.stages]):
        state.apply(event)
    manifest = state.manifest()
    assert manifest.events == 10_000
    assert all(entry.status is StageStatus.READY for entry in manifest.stages)
    RunManifestWriter(new_run(tmp_path)).write(replace(manifest, run_id="x"))
