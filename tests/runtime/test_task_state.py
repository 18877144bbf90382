"""The state of a task: nothing is lost, however many runs overlap, crash or find it damaged."""

import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from orch.compiler.plan import LockPolicy
from orch.runtime.clock import utc_text
from orch.runtime.events import SnapshotRepaired, SnapshotRetrying
from orch.runtime.files import StorageError, json_line
from orch.runtime.manifest_file import RunManifestWriter
from orch.runtime.paths import RunPaths
from orch.runtime.run_record import RunSnapshot, snapshot_of
from orch.runtime.task_lock import TaskLock
from orch.runtime.task_state import (
    MAX_RUNS,
    StateFormatError,
    TaskState,
    TaskStateStore,
    TaskStateStoreLockError,
    read_task_state,
)
from tests.runtime.samples import (
    LOCK,
    START_MS,
    exit_code_of,
    finished_manifest,
    forked,
    new_run,
    sample_plan,
)

PLAN = sample_plan("a")


class Recorded:
    """A store of a new run of the task, its reports and its waits; it never really sleeps."""

    def __init__(self, root: Path, policy: LockPolicy = LOCK, start_ms: int = START_MS) -> None:
        self.paths: RunPaths = new_run(root)
        self.snapshot: RunSnapshot = snapshot_of(finished_manifest(self.paths, PLAN, start_ms))
        self.reports: list[SnapshotRetrying | SnapshotRepaired] = []
        self.waits_s: list[float] = []
        self.store = TaskStateStore(
            self.paths, policy, self.reports.append, self.waits_s.append, lambda: START_MS
        )


def run_ids(paths: RunPaths) -> list[str]:
    state = read_task_state(paths.state)
    assert state is not None
    return [row["run_id"] for row in state.runs]


def pending(paths: RunPaths) -> list[Path]:
    return sorted(Path(paths.pending).iterdir()) if Path(paths.pending).exists() else []


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_is_recorded(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.store.record(run.snapshot)
    written = json.loads(Path(run.paths.state).read_bytes())
    assert set(written) == {"schema", "task_id", "last_run_at", "runs"}
    assert (written["schema"], written["task_id"]) == ("orch.state/1", "demo")
    assert written["last_run_at"] == run.snapshot.completed_at
    assert written["runs"] == [run.snapshot.to_json()]
    assert run.reports == []


def test_runs_stand_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    late, early = Recorded(tmp_path, start_ms=START_MS + 5000), Recorded(tmp_path)
    late.store.record(late.snapshot)
    early.store.record(early.snapshot)
    assert run_ids(early.paths) == [early.paths.run_id, late.paths.run_id]


def test_the_same_run_replaces_its_entry(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.store.record(run.snapshot)
    run.store.record(run.snapshot)
    assert run_ids(run.paths) == [run.paths.run_id]


def test_last_run_at_never_goes_back(tmp_path: Path) -> None:
    """A clock that was set back, or a run that is repaired late, changes nothing of it."""
    late, early = Recorded(tmp_path, start_ms=START_MS + 5000), Recorded(tmp_path)
    late.store.record(late.snapshot)
    early.store.record(early.snapshot)
    state = read_task_state(early.paths.state)
    assert state is not None
    assert state.last_run_at == late.snapshot.completed_at


def test_the_last_two_hundred_runs_are_kept() -> None:
    state = TaskState("demo")
    for number in range(MAX_RUNS + 50):
        state = state.with_run(
            {"run_id": f"r{number}", "completed_at": utc_text(START_MS + number)}
        )
    assert len(state.runs) == MAX_RUNS
    assert state.runs[0]["run_id"] == "r50"
    assert state.runs[-1]["run_id"] == f"r{MAX_RUNS + 49}"


def test_keys_of_later_versions_are_kept(tmp_path: Path) -> None:
    first, second = Recorded(tmp_path), Recorded(tmp_path, start_ms=START_MS + 1)
    first.store.record(first.snapshot)
    state = json.loads(Path(first.paths.state).read_bytes())
    state["runs"][0]["later"] = "kept"
    Path(first.paths.state).write_bytes(json_line(state))
    second.store.record(second.snapshot)
    assert json.loads(Path(first.paths.state).read_bytes())["runs"][0]["later"] == "kept"


def test_fifty_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each tries with its real waits; those that give up leave pending snapshots behind, which
    somebody folds in before the last of them has ended."""
    go, start = os.pipe()

    def one(number: int) -> None:
        paths = new_run(tmp_path, seed=number)
        snapshot = snapshot_of(finished_manifest(paths, PLAN, START_MS + number))
        store = TaskStateStore(paths, LockPolicy(2, (1, 1)), lambda _report: None)
        os.read(go, 1)
        try:
            store.record(snapshot)
        except TaskStateStoreLockError:
            store.put_aside(snapshot)

    children = [forked(partial(one, number)) for number in range(50)]
    os.write(start, b"x" * 50)
    assert [exit_code_of(child) for child in children] == [0] * 50
    paths = new_run(tmp_path)
    assert len(set(run_ids(paths))) == 50
    assert pending(paths) == []


def hold_lock(path: Path, held: Path) -> int:
    """The pid of a process that holds the lock by filelock, as any other program would."""

    def body() -> None:
        with FileLock(path):
            held.touch()
            time.sleep(60)

    path.parent.mkdir(parents=True, exist_ok=True)
    child = forked(body)
    wait_until(held.exists)
    return child


def test_a_lock_held_elsewhere_is_tried_five_times_within_three_seconds(tmp_path: Path) -> None:
    """Waits double from 100 ms to at most 1 s; each is reported; what is known is in the error."""
    run = Recorded(tmp_path)
    holder = hold_lock(Path(run.paths.state_lock), tmp_path / "held")
    with pytest.raises(TaskStateStoreLockError, match="state of task demo is locked") as caught:
        run.store.record(run.snapshot)
    assert run.waits_s == [0.1, 0.2, 0.4, 0.8]
    assert [report.delay_ms for report in run.reports if isinstance(report, SnapshotRetrying)] == [
        100, 200, 400, 800,
    ]  # fmt: skip
    error = caught.value
    assert (error.task_id, error.attempts, error.waited_ms) == ("demo", 5, 1500)
    assert not Path(run.paths.state).exists()
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)


def test_waits_stay_under_three_seconds_whatever_the_policy_says(tmp_path: Path) -> None:
    run = Recorded(tmp_path, LockPolicy(20, (500, 60_000)))
    holder = hold_lock(Path(run.paths.state_lock), tmp_path / "held")
    with pytest.raises(TaskStateStoreLockError):
        run.store.record(run.snapshot)
    assert run.waits_s == [0.5, 1.0]
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)


def test_the_lock_of_a_killed_holder_is_free_at_once(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    holder = hold_lock(Path(run.paths.state_lock), tmp_path / "held")
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)
    run.store.record(run.snapshot)
    assert run.waits_s == []


def test_the_error_names_the_holder_where_that_is_an_orch(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    Path(run.paths.task_out).mkdir(parents=True)
    lock = TaskLock(run.paths.state_lock, "process 7 on here (run r)")
    assert lock.try_acquire()
    with pytest.raises(TaskStateStoreLockError, match=r"locked by process 7 on here \(run r\)"):
        run.store.record(run.snapshot)
    lock.release()


def test_our_lock_and_filelock_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "state.json.lock"
    ours = TaskLock(str(path), "us")
    assert ours.try_acquire()
    with pytest.raises(Timeout):
        FileLock(path).acquire(timeout=0)
    ours.release()
    with FileLock(path):
        assert not ours.try_acquire()
    assert ours.try_acquire()
    ours.release()


def test_where_there_is_no_flock_the_substitute_of_filelock_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(_fd: int, _operation: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", without)
    first, second = (TaskLock(str(tmp_path / "state.json.lock"), who) for who in ("a", "b"))
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    second.release()


def test_a_pending_snapshot_is_folded_in_by_the_next_holder(tmp_path: Path) -> None:
    first, second = Recorded(tmp_path), Recorded(tmp_path, start_ms=START_MS + 9)
    holder = hold_lock(Path(first.paths.state_lock), tmp_path / "held")
    assert first.store.put_aside(first.snapshot) is False
    assert len(pending(first.paths)) == 1
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)
    second.store.record(second.snapshot)
    assert run_ids(second.paths) == [first.paths.run_id, second.paths.run_id]
    assert pending(second.paths) == []


def test_a_snapshot_put_aside_when_the_lock_is_free_is_folded_in_at_once(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    Path(run.paths.task_out).mkdir(parents=True)
    assert run.store.put_aside(run.snapshot) is True
    assert run_ids(run.paths) == [run.paths.run_id]


def test_a_late_snapshot_gives_way_to_a_later_end_of_the_same_run(tmp_path: Path) -> None:
    """The run failed, its snapshot stayed pending, it was resumed and succeeded."""
    run = Recorded(tmp_path, start_ms=START_MS + 5000)
    early = snapshot_of(finished_manifest(run.paths, PLAN)).to_json() | {"status": "failed"}
    Path(run.paths.pending).mkdir(parents=True)
    (Path(run.paths.pending) / "x.json").write_bytes(json_line(early))
    run.store.record(run.snapshot)
    (Path(run.paths.pending) / "y.json").write_bytes(json_line(early))
    other = Recorded(tmp_path, start_ms=START_MS + 9000)
    other.store.record(other.snapshot)
    state = read_task_state(run.paths.state)
    assert state is not None
    assert [row["status"] for row in state.runs] == ["succeeded", "succeeded"]


def test_a_damaged_pending_snapshot_is_set_aside_and_reported(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    Path(run.paths.pending).mkdir(parents=True)
    (Path(run.paths.pending) / "x.json").write_bytes(b"{broken")
    run.store.record(run.snapshot)
    assert [path.name for path in pending(run.paths)] == ["x.corrupt"]
    assert (Path(run.paths.pending) / "x.corrupt").read_bytes() == b"{broken"
    assert [type(report) for report in run.reports] == [SnapshotRepaired]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{broken", b"[]", b"null", b"\xff\xfe\x00", b'{"schema":"orch.state/1"}',
        b'{"schema":"orch.state/2","task_id":"demo","last_run_at":null,"runs":[]}',
        b'{"schema":"orch.state/1","task_id":"demo","last_run_at":3,"runs":[]}',
        b'{"schema":"orch.state/1","task_id":"demo","last_run_at":null,"runs":[{}]}',
        b'{"schema":"orch.state/1","task_id":"demo","last_run_at":null,"runs":7}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_state_is_set_aside_rebuilt_and_reported(tmp_path: Path, content: bytes) -> None:
    """Every byte of it is kept, and every finished run of the task is back."""
    earlier = Recorded(tmp_path)
    RunManifestWriter(earlier.paths).write(finished_manifest(earlier.paths, PLAN))
    broken = Recorded(tmp_path)
    Path(broken.paths.manifest).write_bytes(b"no manifest")
    run = Recorded(tmp_path, start_ms=START_MS + 9000)
    Path(run.paths.task_out).mkdir(parents=True)
    Path(run.paths.state).write_bytes(content)
    with pytest.raises(StateFormatError):
        read_task_state(run.paths.state)
    run.store.record(run.snapshot)
    assert run_ids(run.paths) == [earlier.paths.run_id, run.paths.run_id]
    aside = Path(run.paths.task_out) / "state.json.corrupt-2026-11-22T09-55-41-431Z"
    assert aside.read_bytes() == content
    (report,) = run.reports
    assert isinstance(report, SnapshotRepaired)
    assert aside.name in report.message
    assert "made anew from 1 manifest" in report.message


def test_a_missing_state_is_made_from_the_manifests(tmp_path: Path) -> None:
    earlier = Recorded(tmp_path)
    RunManifestWriter(earlier.paths).write(finished_manifest(earlier.paths, PLAN))
    run = Recorded(tmp_path, start_ms=START_MS + 9000)
    run.store.record(run.snapshot)
    assert run_ids(run.paths) == [earlier.paths.run_id, run.paths.run_id]


@pytest.mark.parametrize("name", ["state", "state_lock"])
def test_something_else_in_the_place_of_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    """A link is not followed, and what it names is not touched."""
    run = Recorded(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = Path(getattr(run.paths, name))
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    with pytest.raises(StorageError, match="symbolic link"):
        run.store.record(run.snapshot)
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError):
        run.store.record(run.snapshot)
    assert victim.read_text() == "precious"


def test_an_entry_that_comes_back_after_a_crash_is_not_added_twice() -> None:
    row = {"run_id": "r", "completed_at": utc_text(START_MS)}
    state = TaskState("demo").with_run(row).with_run(row, is_late=True)
    assert state.runs == (row,)
