"""Where everything of a run lies, and which runs there are (runtime.md, section 2).

ORCH_RUNS_DIR and ORCH_OUT_DIR move the places; every writer gets its paths from here.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from orch.dsl.record import record
from orch.runtime.files import StorageError, make_folder, make_new_folder
from orch.runtime.ids import (
    WORD_CHARACTERS,
    InvalidIdError,
    RandomBits,
    new_run_id,
    sanitize_run_id,
    sanitize_task_id,
    slug,
)

RUNS_VARIABLE = "ORCH_RUNS_DIR"
OUT_VARIABLE = "ORCH_OUT_DIR"

_NAME_CHARACTERS = WORD_CHARACTERS | set(".-")
_NO_NAME_BEGINS_WITH = "0123456789.-"


class PlaceError(ValueError):
    """A place is named by an empty variable, or a symbolic link leads out of it."""


class RunNotFoundError(LookupError):
    """No run, or more than one, goes by the word given."""


@record
class RunName:
    """A run on disk."""

    task_id: str
    run_id: str


@record
class RunPaths:
    """All paths of one run, absolute; nothing is promised about what is there."""

    root: Path
    task_id: str
    run_id: str
    runs: Path
    """`.runs`, or where ORCH_RUNS_DIR says."""
    out: Path
    """`out`, or where ORCH_OUT_DIR says."""

    @property
    def task_runs(self) -> Path:
        return self.runs / self.task_id

    @property
    def metrics(self) -> Path:
        return self.task_runs / "metrics.json"

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.task_runs / "cli" / self.run_id

    @property
    def plan(self) -> Path:
        return self.run / "plan.json"

    @property
    def journal(self) -> Path:
        return self.run / "journal.jsonl"

    @property
    def manifest(self) -> Path:
        return self.run / "manifest.json"

    @property
    def heartbeat(self) -> Path:
        return self.run / ".heartbeat"

    @property
    def owner(self) -> Path:
        return self.run / "owner.json"

    @property
    def own_log(self) -> Path:
        """What orch itself had to say of a run that was detached."""
        return self.run / "orch.log"

    @property
    def stages(self) -> Path:
        return self.run / "stages"

    @property
    def errors(self) -> Path:
        return self.run / "errors"

    @property
    def values(self) -> Path:
        """Folder of the files named by `$ORCH_VALUES`, there only while stages run."""
        return self.run / "values"

    @property
    def artifacts(self) -> Path:
        return self.run / "artifacts"

    @property
    def task_out(self) -> Path:
        return self.out / self.task_id

    @property
    def state(self) -> Path:
        return self.task_out / "state.json"

    @property
    def state_lock(self) -> Path:
        return self.task_out / "state.json.lock"

    @property
    def pending(self) -> Path:
        return self.task_out / "pending"

    def logs(self, index: int, stage_id: str, attempt: int) -> Path:
        """Folder of an attempt's `stdout.log` and `stderr.log`; `index` is the stage's place in the
        plan."""
        return self.run / logs_name(index, stage_id, attempt)

    def error_record(self, index: int, stage_id: str, attempt: int) -> Path:
        return self.errors / f"{slug(index, stage_id)}.{attempt}.json"

    def within_run(self, path: Path) -> str:
        """A path of this run relative to the run directory, with `/`, as events name it."""
        return path.relative_to(self.run).as_posix()

    def shown(self, path: Path) -> str:
        """A path relative to the project root where it lies below it, else absolute."""
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return path.as_posix()


def logs_name(index: int, stage_id: str, attempt: int) -> str:
    """The folder of an attempt's logs relative to the run directory, as events name it."""
    return f"stages/{slug(index, stage_id)}/{attempt}"


def artifacts_name(index: int, stage_id: str) -> str:
    """The folder of a stage's artifacts below `artifacts`: its id, where that is a name on every
    file system, else what its logs go by, which begins with a digit as no id does."""
    is_name = _NAME_CHARACTERS.issuperset(stage_id) and stage_id[:1] not in _NO_NAME_BEGINS_WITH
    return stage_id if is_name and _is_id(stage_id) else slug(index, stage_id)


def resolve_run_paths(
    root: Path, task_id: str, run_id: str, environment: Mapping[str, str]
) -> RunPaths:
    """The paths of one run. Relative ORCH_RUNS_DIR and ORCH_OUT_DIR are relative to `root`.

    `.runs` and `out` themselves may be links, which is where the user wants them; below them no
    link may lead out. Raises `InvalidIdError` and `PlaceError`.
    """
    paths = RunPaths(
        root=root,
        task_id=sanitize_task_id(task_id),
        run_id=sanitize_run_id(run_id),
        runs=place_of_runs(root, environment),
        out=_place(root, environment, OUT_VARIABLE, "out"),
    )
    refuse_ways_out(paths.runs, paths.metrics, paths.run, paths.stages, paths.errors)
    refuse_ways_out(paths.runs, paths.artifacts)
    refuse_ways_out(paths.out, paths.pending)
    return paths


def paths_to_read(root: Path, name: "RunName", environment: Mapping[str, str]) -> RunPaths:
    """The paths of a run that is listed, where nothing will be written: only its own folder is
    looked at. Raises `PlaceError`."""
    runs = place_of_runs(root, environment)
    out = _place(root, environment, OUT_VARIABLE, "out")
    paths = RunPaths(root, name.task_id, name.run_id, runs, out)
    refuse_ways_out(runs, paths.journal.parent)
    return paths


def places(root: Path, environment: Mapping[str, str]) -> tuple[Path, Path]:
    """`.runs` and `out`, or where ORCH_RUNS_DIR and ORCH_OUT_DIR say. Raises `PlaceError`."""
    return place_of_runs(root, environment), _place(root, environment, OUT_VARIABLE, "out")


def refuse_ways_out(place: Path, *paths: Path) -> None:
    """Raises `PlaceError` where a link leads out of `.runs` or `out` on the way to one of the
    paths. A command may put one there at any time, so whoever makes folders late asks again."""
    real_place = Path(os.path.realpath(place))
    for path in paths:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(real_place):
            raise PlaceError(
                f"a symbolic link leads out of {_shown(place)}: "
                f"{_shown(path)} is {_shown(real)}; remove the link"
            )


def claim_run(
    root: Path,
    task_id: str,
    environment: Mapping[str, str],
    now_ms: int,
    random: RandomBits,
) -> RunPaths:
    """Make the directory of a new run, which no other process has got; durable on return.

    Raises `InvalidIdError`, `PlaceError` and `StorageError`.
    """
    while True:
        paths = resolve_run_paths(root, task_id, new_run_id(now_ms, random), environment)
        make_folder(paths.run.parent)
        if make_new_folder(paths.run):
            return paths


def list_runs(
    root: Path, environment: Mapping[str, str], task_id: str | None = None
) -> tuple[RunName, ...]:
    """The runs that have a journal, oldest first by their ids; folders that aren't runs are passed
    over. Raises `InvalidIdError`, `PlaceError` and `StorageError`."""
    return tuple(reversed(tuple(newest_runs(root, environment, task_id))))


def newest_runs(
    root: Path, environment: Mapping[str, str], task_id: str | None = None, prefix: str = ""
) -> Iterator[RunName]:
    """The same, newest first, those whose ids begin with `prefix`; none is looked into before it is
    asked for."""
    runs = place_of_runs(root, environment)
    tasks = filter(_is_id, _names(runs)) if task_id is None else [sanitize_task_id(task_id)]
    names = [
        (run, task)
        for task in tasks
        for run in _names(runs / task / "cli")
        if run.startswith(prefix)
    ]
    for run, task in sorted(names, reverse=True):
        if _is_id(run) and _has_journal(runs / task / "cli" / run):
            yield RunName(task, run)


def find_run(
    root: Path, word: str, environment: Mapping[str, str], task_id: str | None = None
) -> RunPaths:
    """The run that a person means by `last`, a full id, or a prefix that only one run has.

    Raises `RunNotFoundError`, `InvalidIdError`, `PlaceError` and `StorageError`.
    """
    sanitize_run_id(word)
    if word == "last":
        chosen = list(islice(newest_runs(root, environment, task_id), 1))
    else:
        found = list(newest_runs(root, environment, task_id, word))
        chosen = [name for name in found if name.run_id == word] or found
    of_task = "" if task_id is None else f" of task {task_id!r}"
    if not chosen:
        _refuse_unbegun(place_of_runs(root, environment), word, task_id)
        place = _shown(place_of_runs(root, environment))
        newest = next(newest_runs(root, environment, task_id), None)
        if newest is None:
            raise RunNotFoundError(f"no run{of_task} in {place} yet")
        raise RunNotFoundError(
            f"no run{of_task} in {place} has an id that begins with {word!r}; "
            f"the last one is {newest.run_id}"
        )
    if len(chosen) > 1:
        some = ", ".join(f"{name.run_id} ({name.task_id})" for name in chosen[4::-1])
        raise RunNotFoundError(
            f"{len(chosen)} runs{of_task} go by {word!r}: give more of the id, or --task; "
            f"the newest are {some}"
        )
    return resolve_run_paths(root, chosen[0].task_id, chosen[0].run_id, environment)


def _refuse_unbegun(runs: Path, word: str, task_id: str | None) -> None:
    """A run has its folder before its journal; where orch was killed in between, that is said."""
    for task in _names(runs) if task_id is None else [task_id]:
        for run in filter(_is_id, _names(runs / task / "cli")):
            if run.startswith(word):
                folder = _shown(runs / task / "cli" / run)
                raise RunNotFoundError(
                    f"run {run} has not begun, for {folder} holds no journal; if its orch is gone, "
                    "nothing of it was ever run: remove the folder and run the pipeline again"
                )


def place_of_runs(root: Path, environment: Mapping[str, str]) -> Path:
    """`.runs`, or where ORCH_RUNS_DIR says. Raises `PlaceError`."""
    return _place(root, environment, RUNS_VARIABLE, ".runs")


def _place(root: Path, environment: Mapping[str, str], variable: str, default: str) -> Path:
    text = environment.get(variable, default)
    if not text:
        raise PlaceError(f"{variable} is set but empty; unset it, or name a folder")
    return root / text


def _names(folder: Path) -> list[str]:
    """What a folder holds; nothing where none can be reached."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return []
        raise StorageError(folder, "list", error) from error


def _has_journal(run: Path) -> bool:
    """Whatever goes by its name: what is no journal is refused by whoever reads it."""
    return os.path.lexists(run / "journal.jsonl")


def _is_id(name: str) -> bool:
    try:
        sanitize_run_id(name)
    except InvalidIdError:
        return False
    return True


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()
