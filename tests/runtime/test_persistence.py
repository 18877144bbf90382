"""What a finished run leaves: three files, none at the cost of another."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from filelock import FileLock

from orch.runtime.events import SnapshotRetrying, SnapshotSkipped
from orch.runtime.manifest_file import read_manifest
from orch.runtime.metrics import read_metrics
from orch.runtime.paths import RunPaths
from orch.runtime.persistence import PersistenceCoordinator
from orch.runtime.task_state import read_task_state
from tests.runtime.samples import (
    LOCK,
    exit_code_of,
    finished_manifest,
    forked,
    new_run,
    sample_plan,
)

PLAN = sample_plan("a")


class Finished:
    """A run that has just ended, and what is reported of its writing."""

    def __init__(self, root: Path) -> None:
        self.paths: RunPaths = new_run(root)
        self.manifest = finished_manifest(self.paths, PLAN)
        self.reports: list[object] = []
        self.coordinator = PersistenceCoordinator(
            self.paths, LOCK, self.reports.append, lambda _seconds: None
        )

    def complete(self) -> None:
        self.coordinator.handle_run_completed(self.manifest)

    @property
    def skipped(self) -> list[str]:
        return [report.what for report in self.reports if isinstance(report, SnapshotSkipped)]

    @property
    def written(self) -> set[str]:
        """Which of the three say this run."""
        found = set()
        if (
            Path(self.paths.manifest).is_file()
            and read_manifest(self.paths.manifest) == self.manifest
        ):
            found.add("manifest")
        if Path(self.paths.metrics).is_file() and any(
            row["run_id"] == self.paths.run_id for row in read_metrics(self.paths.metrics)
        ):
            found.add("metrics")
        state = read_task_state(self.paths.state) if Path(self.paths.state).is_file() else None
        if state and any(row["run_id"] == self.paths.run_id for row in state.runs):
            found.add("state")
        return found


@pytest.fixture
def run(tmp_path: Path) -> Finished:
    return Finished(tmp_path)


def test_all_three_are_written_and_nothing_is_said(run: Finished) -> None:
    run.complete()
    assert run.written == {"manifest", "metrics", "state"}
    assert run.reports == []


@pytest.mark.parametrize("what", ["manifest", "metrics", "state"])
def test_one_that_cannot_be_written_stops_no_other(run: Finished, what: str) -> None:
    """A folder stands in its place."""
    path = Path(getattr(run.paths, what))
    (path / "inside").mkdir(parents=True)
    run.complete()
    assert run.written == {"manifest", "metrics", "state"} - {what}
    assert run.skipped == [what]
    (report,) = run.reports
    assert isinstance(report, SnapshotSkipped)
    assert str(path) in report.message


def test_a_file_in_the_place_of_out_hurts_only_the_state(tmp_path: Path) -> None:
    run = Finished(tmp_path)
    (tmp_path / "out").write_text("in the way")
    run.complete()
    assert run.written == {"manifest", "metrics"}
    assert run.skipped == ["state"]


def test_nothing_at_all_can_be_written_and_nothing_is_raised(tmp_path: Path) -> None:
    run = Finished(tmp_path)
    for path in (run.paths.manifest, run.paths.metrics, run.paths.state):
        (Path(path) / "inside").mkdir(parents=True)
    run.complete()
    assert run.written == set()
    assert run.skipped == ["manifest", "metrics", "state"]


def test_a_lock_held_elsewhere_leaves_a_pending_snapshot(run: Finished, tmp_path: Path) -> None:
    """Manifest and metrics are written all the same, each retry is reported, and the next run
    enters both."""

    def hold() -> None:
        with FileLock(run.paths.state_lock):
            (tmp_path / "held").touch()
            time.sleep(60)

    Path(run.paths.task_out).mkdir(parents=True)
    holder = forked(hold)
    deadline = time.monotonic() + 30
    while not (tmp_path / "held").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    run.complete()
    assert run.written == {"manifest", "metrics"}
    retries = [report for report in run.reports if isinstance(report, SnapshotRetrying)]
    assert [retry.attempt for retry in retries] == [1, 2, 3, 4]
    assert run.skipped == ["state"]
    (snapshot,) = Path(run.paths.pending).iterdir()
    assert json.loads(snapshot.read_bytes())["run_id"] == run.paths.run_id
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)
    following = Finished(tmp_path)
    following.complete()
    assert following.written == {"manifest", "metrics", "state"}
    assert run.written == {"manifest", "metrics", "state"}


def test_a_state_that_cannot_be_written_is_owed_until_it_can(tmp_path: Path) -> None:
    run = Finished(tmp_path)
    (Path(run.paths.state) / "inside").mkdir(parents=True)
    run.complete()
    (Path(run.paths.state) / "inside").rmdir()
    Path(run.paths.state).rmdir()
    following = Finished(tmp_path)
    following.complete()
    assert run.written == {"manifest", "metrics", "state"}


def test_completing_once_more_says_each_thing_once(run: Finished) -> None:
    run.complete()
    before = [Path(path).read_bytes() for path in (run.paths.manifest, run.paths.metrics)]
    run.complete()
    assert [Path(path).read_bytes() for path in (run.paths.manifest, run.paths.metrics)] == before
    state = read_task_state(run.paths.state)
    assert state is not None
    assert len(state.runs) == 1


def test_a_run_killed_while_it_writes_leaves_old_or_new_and_can_be_repaired(
    tmp_path: Path,
) -> None:
    """At 40 random moments: whatever is there can be read, and completing the run again enters it
    without losing any other, and without rubbish."""
    chance = random.Random(20261122)
    runs = []
    for _ in range(40):
        run = Finished(tmp_path)
        runs.append(run)
        child = forked(run.complete)
        time.sleep(chance.uniform(0, 0.008))
        os.kill(child, signal.SIGKILL)
        exit_code_of(child)
        assert run.written <= {"manifest", "metrics", "state"}
        run.complete()
        assert run.reports == []
    state = read_task_state(run.paths.state)
    assert state is not None
    assert [row["run_id"] for row in state.runs] == sorted(run.paths.run_id for run in runs)
    lines = Path(run.paths.metrics).read_bytes().splitlines()
    assert sorted(json.loads(line)["run_id"] for line in lines) == sorted(
        run.paths.run_id for run in runs
    )
    assert {path.name for path in Path(run.paths.task_out).iterdir()} <= {
        "state.json",
        "state.json.lock",
        "pending",
    }


def test_a_report_that_raises_stops_nothing(tmp_path: Path) -> None:
    """The journal may be what is broken."""
    run = Finished(tmp_path)

    def broken(_report: object) -> None:
        raise OSError("no space left on device")

    (Path(run.paths.manifest) / "inside").mkdir(parents=True)
    PersistenceCoordinator(run.paths, LOCK, broken).handle_run_completed(run.manifest)
    assert run.written == {"metrics", "state"}
