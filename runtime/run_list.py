"""The runs there are, newest first, each told of by the ends of its journal.

A journal begins with what the run is, and ends with how it ended. So a run costs two small reads,
however many stages it has; only of one that has not ended all is read, to judge whether it lives.
"""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from orch.compiler.plan import PlanFormatError
from orch.dsl.record import record
from orch.runtime.events import RunCompleted, RunEvent, RunResumed, RunStarted
from orch.runtime.files import StorageError, open_file, storage_errors
from orch.runtime.journal import JournalDamagedError, any_event_of_line
from orch.runtime.liveness import observe
from orch.runtime.manifest import EventMismatchError
from orch.runtime.paths import RunPaths, newest_runs, resolve_run_paths
from orch.runtime.states import RunStatus

_END_BYTES = 16384


@record
class ListedRun:
    """A run in one line. `status` is None where its files can't be read, and `reason` says why;
    what isn't known is None. `duration_ms` is that of its last life, once that has ended."""

    run_id: str
    task_id: str
    pipeline: str | None
    status: RunStatus | None
    reason: str | None
    exit_code: int | None
    started_at: str | None
    completed_at: str | None
    duration_ms: int | None
    manifest: str


def list_newest(
    root: Path,
    environment: Mapping[str, str],
    task_id: str | None,
    limit: int,
    now_ms: int,
) -> Iterator[ListedRun]:
    """At most `limit` runs, of one task or of all.

    Raises `InvalidIdError`, `PlaceError` and `StorageError` where the places themselves can't be
    had; a run whose own files can't be read is listed too.
    """
    for name in islice(newest_runs(root, environment, task_id), limit):
        paths = resolve_run_paths(root, name.task_id, name.run_id, environment)
        try:
            yield _listed(paths, now_ms)
        except (StorageError, JournalDamagedError, PlanFormatError, EventMismatchError) as error:
            yield _unreadable(paths, str(error))


def _listed(paths: RunPaths, now_ms: int) -> ListedRun:
    first, last = _ends(paths.journal)
    completed = None if last is None else last.payload
    if last is not None and isinstance(completed, RunCompleted):
        started = None if first is None else first.payload
        return ListedRun(
            paths.run_id,
            paths.task_id,
            started.pipeline if isinstance(started, RunStarted) else None,
            completed.status,
            completed.reason,
            completed.exit_code,
            None if first is None else first.time,
            last.time,
            completed.duration_ms,
            paths.shown(paths.manifest),
        )
    view = observe(paths, now_ms)
    manifest = view.manifest
    return ListedRun(
        paths.run_id,
        paths.task_id,
        manifest.pipeline,
        view.status,
        manifest.reason,
        manifest.exit_code,
        manifest.started_at,
        manifest.completed_at,
        manifest.duration_ms,
        paths.shown(paths.manifest),
    )


def _unreadable(paths: RunPaths, why: str) -> ListedRun:
    manifest = paths.shown(paths.manifest)
    return ListedRun(paths.run_id, paths.task_id, None, None, why, None, None, None, None, manifest)


def _ends(journal: Path) -> tuple[RunEvent | None, RunEvent | None]:
    """The first event of a journal, and the last of those that begin or end a life of its run, as
    far as they stand near its ends and can be read."""
    fd = open_file(journal, os.O_RDONLY)
    try:
        with storage_errors(journal, "read"):
            head = os.pread(fd, _END_BYTES, 0)
            size_bytes = os.fstat(fd).st_size
            tail_at = max(0, size_bytes - _END_BYTES)
            tail = os.pread(fd, _END_BYTES, tail_at)
    finally:
        os.close(fd)
    first = any_event_of_line(head[: head.find(b"\n") + 1])
    for line in reversed(tail.splitlines(keepends=True)):
        event = any_event_of_line(line)
        if event and isinstance(event.payload, (RunCompleted, RunResumed, RunStarted)):
            return first, event
    return first, None
