"""The runs there are, newest first, each told of by the ends of its journal.

A journal begins with what the run is, and ends with how it ended. So a run costs two small reads,
however many stages it has; only of one that has not ended all is read, to judge whether it lives.
Beyond the first hundred the index of runs is asked before.
"""

import os
from itertools import islice

from orch.compiler.plan import PlanFormatError
from orch.dsl.record import record
from orch.dsl.type_names import Iterator, Mapping
from orch.runtime.events import RunCompleted, RunEvent, RunResumed, RunStarted
from orch.runtime.files import StorageError, open_file, storage_errors
from orch.runtime.journal import JournalDamagedError, any_event_of_line
from orch.runtime.liveness import observe
from orch.runtime.manifest import EventMismatchError
from orch.runtime.paths import RunName, RunPaths, newest_runs, paths_to_read, place_of_runs
from orch.runtime.run_index import RunIndex
from orch.runtime.states import RunStatus

_END_BYTES = 16384
_FEW = 100
"""For no more runs than this nobody reads an index of thousands."""

_ENDED = frozenset({"succeeded", "failed", "cancelled"})

# What the index keeps of a run: pipeline, status, reason, exit code, the times, the duration.
_TEXT, _NUMBER = str | None, int | None
_ROW = (_TEXT, str, _TEXT, _NUMBER, _TEXT, _TEXT, _NUMBER)


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
    root: str,
    environment: Mapping[str, str],
    task_id: str | None,
    limit: int,
    now_ms: int,
) -> Iterator[ListedRun]:
    """At most `limit` runs, of one task or of all.

    Raises `InvalidIdError`, `PlaceError` and `StorageError` where the places themselves can't be
    had; a run whose own files can't be read is listed too.
    """
    index: RunIndex | None = None
    for at, name in enumerate(islice(newest_runs(root, environment, task_id), limit)):
        if at == _FEW:
            index = RunIndex(place_of_runs(root, environment))
        yield _looked_up(name, root, environment, index) or _looked_at(
            paths_to_read(root, name, environment), now_ms, index
        )
    if index is not None:
        index.save()


def _looked_up(
    name: RunName, root: str, environment: Mapping[str, str], index: RunIndex | None
) -> ListedRun | None:
    """What the index says of a run."""
    row = None if index is None else index.row(_folder(name))
    if row is None or len(row) != len(_ROW):
        return None
    pipeline, status, reason, exit_code, started_at, completed_at, duration_ms = row
    is_whole = all(isinstance(value, wanted) for value, wanted in zip(row, _ROW, strict=True))
    if not is_whole or status not in _ENDED:
        return None
    paths = RunPaths(root, name.task_id, name.run_id, place_of_runs(root, environment), root)
    return ListedRun(
        name.run_id,
        name.task_id,
        pipeline,
        RunStatus(status),
        reason,
        exit_code,
        started_at,
        completed_at,
        duration_ms,
        paths.shown(paths.manifest),
    )


def _looked_at(paths: RunPaths, now_ms: int, index: RunIndex | None) -> ListedRun:
    """What the run itself says."""
    try:
        run = _listed(paths, now_ms)
    except (StorageError, JournalDamagedError, PlanFormatError, EventMismatchError) as error:
        return _unreadable(paths, str(error))
    if index is not None and run.status is not None and run.status.value in _ENDED:
        row = [run.pipeline, run.status.value, run.reason, run.exit_code]
        row += [run.started_at, run.completed_at, run.duration_ms]
        index.add(_folder(RunName(run.task_id, run.run_id)), row)
    return run


def _folder(name: RunName) -> str:
    return f"{name.task_id}/cli/{name.run_id}"


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


def _ends(journal: str) -> tuple[RunEvent | None, RunEvent | None]:
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
