"""What is removed when somebody tidies up: old runs, and what is kept of stages for being fresh.

A run goes only if it has ended, or its owner is provably gone; one that is silent, or of another
host, stays. It is locked, then renamed, then removed, so nobody resumes or lists half of one. No
link is followed, and the task's state, which lists runs, is left as it is.
"""

import fcntl
import os
from contextlib import suppress

from orch.compiler.plan import PlanFormatError
from orch.dsl.record import record
from orch.dsl.type_names import Iterator, Mapping
from orch.runtime import system
from orch.runtime.files import StorageError, is_current, open_file
from orch.runtime.folders import find_folder_below
from orch.runtime.fresh_records import FOLDER as RECORDS_FOLDER
from orch.runtime.journal import JournalDamagedError
from orch.runtime.liveness import observe
from orch.runtime.manifest import EventMismatchError
from orch.runtime.output_cache import CACHE_BYTES, prune_cache
from orch.runtime.paths import PlaceError, RunName, RunPaths, list_runs, resolve_run_paths
from orch.runtime.states import RunStatus

_REMOVED = ".removed-"
_MAY_GO = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST})


@record
class Limits:
    """What may stay; None: as much as there is. Of the runs of each task the newest `runs`, those
    that ended after `oldest_ms`, and of all runs together the newest `run_bytes`; of the cache what
    was of use last, `cache_bytes` of it."""

    runs: int | None = None
    oldest_ms: int | None = None
    run_bytes: int | None = None
    cache_bytes: int | None = CACHE_BYTES


@record
class Removed:
    """What was removed, or would be. `runs` are those of which nothing is left, `kept` is why some
    runs stay that would have had to go, a sentence each."""

    runs: tuple[RunName, ...] = ()
    run_bytes: int = 0
    objects: int = 0
    object_bytes: int = 0
    records: int = 0
    kept: tuple[str, ...] = ()


def collect_garbage(
    root: str, environment: Mapping[str, str], limits: Limits, now_ms: int, *, is_dry: bool
) -> Removed:
    """Remove what goes beyond the limits; with `is_dry` only say what that is. Raises
    `StorageError` and `PlaceError` where the runs can't be listed."""
    runs: list[RunName] = []
    kept: list[str] = []
    run_bytes = 0
    for paths in _surplus(root, environment, limits):
        size_bytes = _size_of(paths.run)
        problem = _why_it_stays(paths, now_ms)
        if problem is None and not is_dry:
            problem = _remove_run(paths)
        if problem is not None:
            kept.append(f"run {paths.run_id} stays: {problem}")
            continue
        runs.append(RunName(paths.task_id, paths.run_id))
        run_bytes += size_bytes
    objects, object_bytes = prune_cache(root, limits.cache_bytes, now_ms, is_dry=is_dry)
    records = _remove_records(root, limits.oldest_ms, is_dry=is_dry)
    return Removed(tuple(runs), run_bytes, objects, object_bytes, records, tuple(kept))


def _surplus(root: str, environment: Mapping[str, str], limits: Limits) -> Iterator[RunPaths]:
    """The runs beyond the limits, the newest first."""
    of_task: dict[str, int] = {}
    held_bytes = 0
    for name in reversed(list_runs(root, environment)):
        try:
            paths = resolve_run_paths(root, name.task_id, name.run_id, environment)
        except PlaceError:
            # A link leads out of the place of runs: what is there isn't ours to remove.
            continue
        of_task[name.task_id] = of_task.get(name.task_id, 0) + 1
        is_surplus = limits.runs is not None and of_task[name.task_id] > limits.runs
        if not is_surplus and limits.oldest_ms is not None:
            is_surplus = _last_event_ms(paths) < limits.oldest_ms
        if not is_surplus and limits.run_bytes is not None:
            held_bytes += _size_of(paths.run)
            is_surplus = held_bytes > limits.run_bytes
        if is_surplus:
            yield paths


def _why_it_stays(paths: RunPaths, now_ms: int) -> str | None:
    try:
        view = observe(paths, now_ms)
    except (StorageError, PlanFormatError, JournalDamagedError, EventMismatchError) as error:
        return f"nobody can tell whether it has ended: {error}"
    is_open = view.status in (RunStatus.RUNNING, RunStatus.STALE)
    if is_open and view.owner is not None and not view.owner.is_of_this_host:
        return f"it may be under way on {view.owner.host}"
    if view.status in _MAY_GO:
        return None
    return f"it is {view.status.value}"


def _remove_run(paths: RunPaths) -> str | None:
    """Remove a run that has ended, unless somebody holds it; why it is still there."""
    try:
        lock = open_file(paths.owner, os.O_RDONLY)
    except StorageError as error:
        return str(error)
    try:
        system.lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_current(paths.owner, lock):
            return "somebody goes on with it"
        folder = os.open(os.path.dirname(paths.run), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            aside = f"{_REMOVED}{paths.run_id}"
            system.rename(paths.run_id, aside, src_dir_fd=folder, dst_dir_fd=folder)
            _remove_all(folder)
        finally:
            os.close(folder)
    except BlockingIOError:
        return "somebody holds it"
    except OSError as error:
        return f"it can't be removed: {error.strerror}"
    finally:
        os.close(lock)
    return None


def _remove_all(folder: int) -> None:
    """Remove what was put aside in a folder of runs, now or by somebody who was killed at it."""
    for name in os.listdir(folder):
        if name.startswith(_REMOVED):
            system.remove_tree(name, dir_fd=folder)


def _last_event_ms(paths: RunPaths) -> int:
    with suppress(OSError):
        return os.lstat(paths.journal).st_mtime_ns // 1_000_000
    return 0


def _size_of(folder: str) -> int:
    """The bytes of all files in a folder; links count as themselves."""
    size_bytes = 0
    pending = [folder]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        size_bytes += entry.stat(follow_symlinks=False).st_size
    return size_bytes


def _remove_records(root: str, oldest_ms: int | None, *, is_dry: bool) -> int:
    """Remove files of records that no run has used since, and say how many; a run that has one open
    goes on with it."""
    if oldest_ms is None:
        return 0
    count = 0
    folder = find_folder_below(root, RECORDS_FOLDER)
    if folder is None:
        return 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_mtime_ns // 1_000_000 < oldest_ms:
                        if not is_dry:
                            system.remove(entry.name, dir_fd=folder)
                        count += 1
    finally:
        os.close(folder)
    return count
