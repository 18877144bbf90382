"""The state of a task, `out/<task>/state.json`: its last runs, and when it last ran.

All runs of a task write it, one at a time under its lock. A run that can't get the lock in time
leaves its snapshot in `pending/`, and whoever holds the lock next folds it in; so nothing is lost,
however many runs overlap. The file says nothing that the manifests don't: one that is missing or
damaged is made anew from them.
"""

import os
import time

from orch.compiler.plan import LockPolicy
from orch.dsl.json_codec import decode_json
from orch.dsl.record import record
from orch.dsl.type_names import Any, Callable
from orch.runtime.clock import utc_text, wall_ms
from orch.runtime.events import SnapshotRepaired, SnapshotRetrying
from orch.runtime.files import (
    StorageError,
    is_temporary,
    json_line,
    make_folder,
    read_file,
    remove_file,
    remove_temporaries,
    rename_over,
    replace_file,
    storage_errors,
    temporary_path,
)
from orch.runtime.manifest import ManifestFormatError
from orch.runtime.manifest_file import read_manifest
from orch.runtime.paths import RunPaths
from orch.runtime.run_record import RunSnapshot, is_snapshot, snapshot_of
from orch.runtime.states import RunStatus
from orch.runtime.task_lock import TaskLock

SCHEMA = "orch.state/1"
MAX_RUNS = 200
MAX_WAIT_MS = 3000

_Row = dict[str, Any]


class TaskStateStoreLockError(Exception):
    """The lock of a task's state stayed busy. `waited_ms` is the time spent waiting, `owner` who
    holds it, if that is known."""

    def __init__(self, task_id: str, attempts: int, waited_ms: int, owner: str | None) -> None:
        self.task_id = task_id
        self.attempts = attempts
        self.waited_ms = waited_ms
        self.owner = owner
        by = "another process" if owner is None else owner
        super().__init__(
            f"the state of task {task_id} is locked by {by}; "
            f"gave up after {attempts} attempts and {waited_ms} ms"
        )


class StateFormatError(ValueError):
    """A file is not a task state of this schema."""


@record
class TaskState:
    """What `state.json` holds. `runs` stand in the order in which they ended, the newest last, at
    most `MAX_RUNS`; each is a `RunSnapshot` as JSON, and may hold keys of later versions.
    `last_run_at` is the latest end of a run that was ever recorded; it never goes back."""

    task_id: str
    last_run_at: str | None = None
    runs: tuple[_Row, ...] = ()
    schema: str = SCHEMA

    def with_run(self, row: _Row, *, is_late: bool = False) -> "TaskState":
        """With a run in the place of an entry of the same id; a late one gives way to that if it
        ended later."""
        ended = row["completed_at"]
        same = [old for old in self.runs if old["run_id"] == row["run_id"]]
        if is_late and any(old["completed_at"] > ended for old in same):
            return self
        runs = [old for old in self.runs if old["run_id"] != row["run_id"]] + [row]
        runs.sort(key=lambda run: (run["completed_at"], run["run_id"]))
        last_run_at = ended if self.last_run_at is None else max(self.last_run_at, ended)
        return TaskState(self.task_id, last_run_at, tuple(runs[-MAX_RUNS:]))

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "task_id": self.task_id,
            "last_run_at": self.last_run_at,
            "runs": list(self.runs),
        }


class TaskStateStore:
    """The one writer of `state.json` and `pending/`.

    `report` takes an event for each retry and for a repair; `sleep` takes seconds.
    """

    def __init__(
        self,
        paths: RunPaths,
        policy: LockPolicy,
        report: Callable[[SnapshotRetrying | SnapshotRepaired], object],
        sleep: Callable[[float], None] = time.sleep,
        wall_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._paths = paths
        self._policy = policy
        self._report = report
        self._sleep = sleep
        self._wall_ms = wall_ms
        holder = f"process {os.getpid()} on {os.uname().nodename} (run {paths.run_id})"
        self._lock = TaskLock(paths.state_lock, holder)

    def record(self, snapshot: RunSnapshot) -> None:
        """Add a run, and whatever is pending, durably.

        Tries `lock.attempts` times, with doubling waits, which stay under 3 s in all. Raises
        `TaskStateStoreLockError` and `StorageError`; the state is as it was then.
        """
        make_folder(self._paths.task_out)
        # Nobody but the owner of a run puts it aside, so these are of one that was killed.
        remove_temporaries(self._paths.pending, f".{self._paths.run_id}.")
        waited_ms = 0
        delay_ms, longest_ms = self._policy.backoff_ms
        for attempt in range(1, self._policy.attempts + 1):
            if self._lock.try_acquire():
                self._write_and_release(snapshot)
                self._fold_pending()
                return
            delay_ms = min(delay_ms, longest_ms)
            if attempt == self._policy.attempts or waited_ms + delay_ms >= MAX_WAIT_MS:
                break
            busy = f"locked by {self._lock.holder() or 'another process'}"
            self._report(SnapshotRetrying("state", attempt, delay_ms, busy))
            self._sleep(delay_ms / 1000)
            waited_ms += delay_ms
            delay_ms *= 2
        raise TaskStateStoreLockError(self._paths.task_id, attempt, waited_ms, self._lock.holder())

    def put_aside(self, snapshot: RunSnapshot) -> bool:
        """Leave a run in `pending/`, durably; whether it was folded in after all.

        A holder looks into `pending/` once more after it has let go. So either it finds this
        snapshot, or the lock is free now and we fold it in. Raises `StorageError`.
        """
        make_folder(self._paths.pending)
        name = temporary_path(self._paths.run_id).strip(".")
        path = f"{self._paths.pending}/{name.removesuffix('.tmp')}.json"
        replace_file(path, json_line(snapshot.to_json()))
        self._fold_pending()
        return path not in _pending(self._paths.pending)

    def _fold_pending(self) -> None:
        """Fold in what others left, until nothing is left or another process has the lock; what
        fails is left to the next holder."""
        known: set[str] = set()
        try:
            while (found := set(_pending(self._paths.pending))) - known:
                if not self._lock.try_acquire():
                    return
                # What is still there after this look can't be removed, and isn't tried again.
                known = found
                self._write_and_release(None)
        except StorageError:
            pass

    def _write_and_release(self, snapshot: RunSnapshot | None) -> None:
        try:
            # Only who has the lock writes the state, so these are of holders that were killed.
            remove_temporaries(self._paths.task_out, ".state.json.")
            state = self._load()
            pending = self._read_pending()
            for row in pending.values():
                state = state.with_run(row, is_late=True)
            if snapshot is not None:
                state = state.with_run(snapshot.to_json())
            replace_file(self._paths.state, json_line(state.to_json()))
            for path in pending:
                remove_file(path)
        finally:
            self._lock.release()

    def _read_pending(self) -> dict[str, _Row]:
        """The pending snapshots. What isn't one is set aside under another name."""
        rows = {}
        for path in _pending(self._paths.pending):
            data = read_file(path) or b""
            try:
                row = decode_json(data)
            except (ValueError, RecursionError):
                row = None
            if not is_snapshot(row):
                aside = f"{os.path.splitext(path)[0]}.corrupt"
                rename_over(path, aside)
                now = f"{path} is no snapshot; now {os.path.basename(aside)}"
                self._report(SnapshotRepaired("state", now))
            else:
                rows[path] = row
        return rows

    def _load(self) -> TaskState:
        try:
            state = read_task_state(self._paths.state)
        except StateFormatError as error:
            aside = self._set_aside()
            rebuilt = self._rebuild()
            message = (
                f"{error}; its bytes are kept in {os.path.basename(aside)}, and it was made anew "
                f"from {len(rebuilt.runs)} manifest{'' if len(rebuilt.runs) == 1 else 's'}"
            )
            self._report(SnapshotRepaired("state", message))
            return rebuilt
        return self._rebuild() if state is None else state

    def _set_aside(self) -> str:
        """Copy the bytes: until the new state is durable the old one stays where it is, so that a
        crash in between is found and mended by the next holder."""
        stamp = utc_text(self._wall_ms()).replace(":", "-").replace(".", "-")
        aside = f"{self._paths.state}.corrupt-{stamp}"
        replace_file(aside, read_file(self._paths.state) or b"")
        return aside

    def _rebuild(self) -> TaskState:
        state = TaskState(self._paths.task_id)
        for run in _newest_runs(os.path.dirname(self._paths.run)):
            if run == self._paths.run:
                # Its snapshot is at hand, and its manifest may be large.
                continue
            try:
                manifest = read_manifest(f"{run}/manifest.json")
            except (StorageError, ManifestFormatError):
                continue
            if manifest is None or manifest.completed_at is None:
                continue
            if manifest.status is not RunStatus.RUNNING:
                state = state.with_run(snapshot_of(manifest).to_json())
        return state


def read_task_state(path: str) -> TaskState | None:
    """The state in a file, None where there is none. Raises `StorageError`, `StateFormatError`."""
    data = read_file(path)
    if data is None:
        return None
    try:
        return _state_from_json(decode_json(data))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StateFormatError(f"{path} is not a task state of {SCHEMA}") from None


def _state_from_json(value: Any) -> TaskState:
    """Raises ValueError, KeyError or TypeError for what isn't a state."""
    runs, last_run_at = tuple(value["runs"]), value["last_run_at"]
    if value["schema"] != SCHEMA or not isinstance(last_run_at, str | None):
        raise ValueError("another schema, or a time that is none")
    if not all(map(is_snapshot, runs)):
        raise ValueError("an entry that is no finished run")
    return TaskState(str(value["task_id"]), last_run_at, runs)


def _pending(folder: str) -> list[str]:
    return [path for path in _entries(folder) if os.path.splitext(path)[1] == ".json"]


def _newest_runs(folder: str) -> list[str]:
    """The folders of the last `MAX_RUNS` runs, by their ids."""
    return _entries(folder)[-MAX_RUNS:]


def _entries(folder: str) -> list[str]:
    """What is in a folder, sorted; nothing where there is none."""
    with storage_errors(folder, "list"):
        try:
            names = sorted(name for name in os.listdir(folder) if not is_temporary(name))
        except FileNotFoundError:
            return []
    return [f"{folder}/{name}" for name in names]
