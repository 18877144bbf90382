"""What is written when a run has completed: manifest, metrics and task state.

The three are independent: none stops another, and none changes the exit code of the run.
"""

import time

from orch.compiler.plan import LockPolicy
from orch.dsl.type_names import Callable
from orch.runtime.events import SnapshotRepaired, SnapshotRetrying, SnapshotSkipped
from orch.runtime.excerpts import Excerpts, ExcerptsLostError
from orch.runtime.files import StorageError
from orch.runtime.manifest import Manifest
from orch.runtime.manifest_file import RunManifestWriter
from orch.runtime.metrics import append_metrics
from orch.runtime.paths import PlaceError, RunPaths, refuse_ways_out
from orch.runtime.run_record import RunSnapshot, metrics_of, snapshot_of
from orch.runtime.task_state import TaskStateStore, TaskStateStoreLockError

Report = Callable[[SnapshotRetrying | SnapshotSkipped | SnapshotRepaired], object]


class PersistenceCoordinator:
    """Writes what remains of a run. `report` takes what could not be written, or only with
    trouble; what it raises is dropped, because there is nobody left to tell. `excerpts` is where
    those of the manifest's stages are, if not in it."""

    def __init__(
        self,
        paths: RunPaths,
        lock_policy: LockPolicy,
        report: Report,
        sleep: Callable[[float], None] = time.sleep,
        excerpts: Excerpts | None = None,
    ) -> None:
        self._paths = paths
        self._excerpts = excerpts or Excerpts(paths.journal)
        self._report = report
        self._sleep = sleep
        self._store = TaskStateStore(paths, lock_policy, self._tell, sleep)

    def handle_run_completed(self, manifest: Manifest) -> None:
        """Write all that remains of a run whose last event is `run:completed`. May be called again
        for the same run, after a crash or a resume: each file then says it once.

        Raises nothing.
        """
        self.write_manifest(manifest)
        self._attempt("metrics", lambda: self._append_metrics(manifest))
        self._attempt("state", lambda: self._record_state(snapshot_of(manifest)))

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest alone, for instance once more after events about the writing itself.

        Raises nothing.
        """
        self._attempt("manifest", lambda: self._write_manifest(manifest))

    def _write_manifest(self, manifest: Manifest) -> None:
        writer = RunManifestWriter(self._paths)
        try:
            writer.write(manifest, self._excerpts.whole)
        except ExcerptsLostError as error:
            # How each stage ended is worth more than the last lines that it wrote.
            self._tell(SnapshotSkipped("excerpts", str(error)))
            writer.write(manifest)

    def _append_metrics(self, manifest: Manifest) -> None:
        refuse_ways_out(self._paths.runs, self._paths.task_runs)
        append_metrics(self._paths.metrics, metrics_of(manifest), self._sleep)

    def _record_state(self, snapshot: RunSnapshot) -> None:
        refuse_ways_out(self._paths.out, self._paths.pending)
        try:
            self._store.record(snapshot)
        except (TaskStateStoreLockError, StorageError) as error:
            if not self._store.put_aside(snapshot):
                self._tell(
                    SnapshotSkipped(
                        "state",
                        f"{error}; the run is kept in {self._paths.shown(self._paths.pending)} "
                        "and is entered by the next run of this task",
                    )
                )

    def _attempt(self, what: str, write: Callable[[], None]) -> None:
        try:
            write()
        except (StorageError, PlaceError) as error:
            self._tell(SnapshotSkipped(what, str(error)))
        except Exception as error:  # noqa: BLE001  A defect in one must not stop the others.
            self._tell(SnapshotSkipped(what, f"{type(error).__name__}: {error}"))

    def _tell(self, event: SnapshotRetrying | SnapshotSkipped | SnapshotRepaired) -> None:
        try:
            self._report(event)
        except Exception:  # noqa: BLE001  Telling is the last thing that can be tried.
            return
