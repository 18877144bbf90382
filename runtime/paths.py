"""Where everything of a run lies, and which runs there are (runtime.md, section 2).

ORCH_RUNS_DIR and ORCH_OUT_DIR move the places; every writer gets its paths from here. They are
texts: importing `pathlib` would cost a small run a tenth of its time.
"""

import errno
import os
from itertools import islice

from orch.dsl.record import record
from orch.dsl.type_names import Iterator, Mapping
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
    """All paths of one run, as absolute texts; nothing is promised about what is there."""

    root: str
    task_id: str
    run_id: str
    runs: str
    """`.runs`, or where ORCH_RUNS_DIR says."""
    out: str
    """`out`, or where ORCH_OUT_DIR says."""

    @property
    def task_runs(self) -> str:
        return os.path.join(self.runs, self.task_id)

    @property
    def metrics(self) -> str:
        return f"{self.task_runs}/metrics.json"

    @property
    def run(self) -> str:
        """The run directory."""
        return f"{self.task_runs}/cli/{self.run_id}"

    @property
    def plan(self) -> str:
        return f"{self.run}/plan.json"

    @property
    def journal(self) -> str:
        return f"{self.run}/journal.jsonl"

    @property
    def manifest(self) -> str:
        return f"{self.run}/manifest.json"

    @property
    def heartbeat(self) -> str:
        return f"{self.run}/.heartbeat"

    @property
    def owner(self) -> str:
        return f"{self.run}/owner.json"

    @property
    def own_log(self) -> str:
        """What orch itself had to say of a run that was detached."""
        return f"{self.run}/orch.log"

    @property
    def stages(self) -> str:
        return f"{self.run}/stages"

    @property
    def errors(self) -> str:
        return f"{self.run}/errors"

    @property
    def values(self) -> str:
        """Folder of the files named by `$ORCH_VALUES`, there only while stages run."""
        return f"{self.run}/values"

    @property
    def artifacts(self) -> str:
        return f"{self.run}/artifacts"

    @property
    def task_out(self) -> str:
        return os.path.join(self.out, self.task_id)

    @property
    def state(self) -> str:
        return f"{self.task_out}/state.json"

    @property
    def state_lock(self) -> str:
        return f"{self.task_out}/state.json.lock"

    @property
    def pending(self) -> str:
        return f"{self.task_out}/pending"

    def logs(self, index: int, stage_id: str, attempt: int) -> str:
        """Folder of an attempt's `stdout.log` and `stderr.log`; `index` is the stage's place in the
        plan."""
        return f"{self.run}/{logs_name(index, stage_id, attempt)}"

    def error_record(self, index: int, stage_id: str, attempt: int) -> str:
        return f"{self.errors}/{slug(index, stage_id)}.{attempt}.json"

    def within_run(self, path: str) -> str:
        """A path of this run relative to the run directory, as events name it. Raises ValueError
        for one that lies elsewhere."""
        name = _below(self.run, path)
        if name is None:
            raise ValueError(f"{path} doesn't lie in {self.run}")
        return name

    def shown(self, path: str) -> str:
        """A path relative to the project root where it lies below it, else absolute."""
        name = _below(self.root, path)
        return path if name is None else name


def logs_name(index: int, stage_id: str, attempt: int) -> str:
    """The folder of an attempt's logs relative to the run directory, as events name it."""
    return f"stages/{slug(index, stage_id)}/{attempt}"


def artifacts_name(index: int, stage_id: str) -> str:
    """The folder of a stage's artifacts below `artifacts`: its id, where that is a name on every
    file system, else what its logs go by, which begins with a digit as no id does."""
    is_name = _NAME_CHARACTERS.issuperset(stage_id) and stage_id[:1] not in _NO_NAME_BEGINS_WITH
    return stage_id if is_name and _is_id(stage_id) else slug(index, stage_id)


def resolve_run_paths(
    root: str | os.PathLike[str], task_id: str, run_id: str, environment: Mapping[str, str]
) -> RunPaths:
    """The paths of one run below the absolute `root`, from which ORCH_RUNS_DIR and ORCH_OUT_DIR
    are seen where they are relative.

    `.runs` and `out` themselves may be links, which is where the user wants them; below them no
    link may lead out. Raises `InvalidIdError` and `PlaceError`.
    """
    place = _plain(os.fspath(root))
    paths = RunPaths(
        root=place,
        task_id=sanitize_task_id(task_id),
        run_id=sanitize_run_id(run_id),
        runs=place_of_runs(place, environment),
        out=_place(place, environment, OUT_VARIABLE, "out"),
    )
    refuse_ways_out(paths.runs, paths.metrics, paths.run, paths.stages, paths.errors)
    refuse_ways_out(paths.runs, paths.artifacts)
    refuse_ways_out(paths.out, paths.pending)
    return paths


def paths_to_read(root: str, name: "RunName", environment: Mapping[str, str]) -> RunPaths:
    """The paths of a run that is listed, where nothing will be written: only its own folder is
    looked at. Raises `PlaceError`."""
    runs = place_of_runs(root, environment)
    out = _place(root, environment, OUT_VARIABLE, "out")
    paths = RunPaths(root, name.task_id, name.run_id, runs, out)
    refuse_ways_out(runs, paths.run)
    return paths


def places(root: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """`.runs` and `out`, or where ORCH_RUNS_DIR and ORCH_OUT_DIR say. Raises `PlaceError`."""
    return place_of_runs(root, environment), _place(root, environment, OUT_VARIABLE, "out")


def refuse_ways_out(place: str, *paths: str) -> None:
    """Raises `PlaceError` where a link leads out of `.runs` or `out` on the way to one of the
    paths. A command may put one there at any time, so whoever makes folders late asks again."""
    real_place = os.path.realpath(place)
    for path in paths:
        real = os.path.realpath(path)
        if _below(real_place, real) is None:
            raise PlaceError(
                f"a symbolic link leads out of {_shown(place)}: "
                f"{_shown(path)} is {_shown(real)}; remove the link"
            )


def claim_run(
    root: str,
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
        make_folder(os.path.dirname(paths.run))
        if make_new_folder(paths.run):
            return paths


def list_runs(
    root: str, environment: Mapping[str, str], task_id: str | None = None
) -> tuple[RunName, ...]:
    """The runs that have a journal, oldest first by their ids; folders that aren't runs are passed
    over. Raises `InvalidIdError`, `PlaceError` and `StorageError`."""
    return tuple(reversed(tuple(newest_runs(root, environment, task_id))))


def newest_runs(
    root: str, environment: Mapping[str, str], task_id: str | None = None, prefix: str = ""
) -> Iterator[RunName]:
    """The same, newest first, those whose ids begin with `prefix`; none is looked into before it is
    asked for."""
    runs = place_of_runs(root, environment)
    tasks = filter(_is_id, _names(runs)) if task_id is None else [sanitize_task_id(task_id)]
    names = [
        (run, task)
        for task in tasks
        for run in _names(os.path.join(runs, task, "cli"))
        if run.startswith(prefix)
    ]
    for run, task in sorted(names, reverse=True):
        if _is_id(run) and _has_journal(os.path.join(runs, task, "cli", run)):
            yield RunName(task, run)


def find_run(
    root: str, word: str, environment: Mapping[str, str], task_id: str | None = None
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


def _refuse_unbegun(runs: str, word: str, task_id: str | None) -> None:
    """A run has its folder before its journal; where orch was killed in between, that is said."""
    for task in _names(runs) if task_id is None else [task_id]:
        for run in filter(_is_id, _names(os.path.join(runs, task, "cli"))):
            if run.startswith(word):
                folder = _shown(os.path.join(runs, task, "cli", run))
                raise RunNotFoundError(
                    f"run {run} has not begun, for {folder} holds no journal; if its orch is gone, "
                    "nothing of it was ever run: remove the folder and run the pipeline again"
                )


def place_of_runs(root: str, environment: Mapping[str, str]) -> str:
    """`.runs`, or where ORCH_RUNS_DIR says. Raises `PlaceError`."""
    return _place(root, environment, RUNS_VARIABLE, ".runs")


def _place(root: str, environment: Mapping[str, str], variable: str, default: str) -> str:
    text = environment.get(variable, default)
    if not text:
        raise PlaceError(f"{variable} is set but empty; unset it, or name a folder")
    return _plain(os.path.join(root, text))


def _plain(path: str) -> str:
    """A path without empty parts and `.` in it; `..` stays, for what is before it may be a link."""
    lead = "/" if path.startswith("/") else ""
    return lead + "/".join(part for part in path.split("/") if part not in {"", "."})


def _below(folder: str, path: str) -> str | None:
    """A path relative to a folder, both plain; None where it doesn't lie there."""
    if path == folder:
        return "."
    lead = folder if folder == "/" else f"{folder}/"
    return path[len(lead) :] if path.startswith(lead) else None


def _names(folder: str) -> list[str]:
    """What a folder holds; nothing where none can be reached."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return []
        raise StorageError(folder, "list", error) from error


def _has_journal(run: str) -> bool:
    """Whatever goes by its name: what is no journal is refused by whoever reads it."""
    return os.path.lexists(f"{run}/journal.jsonl")


def _is_id(name: str) -> bool:
    try:
        sanitize_run_id(name)
    except InvalidIdError:
        return False
    return True


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
