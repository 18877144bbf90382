"""What `orch doctor` looks at beside the kernel and the disk: Python, programs, the project."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from orch.cli.bounded_process import find_program
from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.project import PROJECT_FILE, read_project_file
from orch.cli.units import count_text
from orch.compiler.one_command import OneCommand, plan_command
from orch.compiler.request import Request
from orch.runtime import clock
from orch.runtime.files import StorageError
from orch.runtime.ids import InvalidIdError
from orch.runtime.machine import FINE, MISSING, WEAKER, Finding, Level
from orch.runtime.paths import PlaceError
from orch.runtime.run_list import ListedRun, list_newest
from orch.runtime.states import RunStatus

_MOST_RUNS = 200

_PROGRAMS: tuple[tuple[str, Level, str, str], ...] = (
    ("sh", MISSING, "stages with a text for a command can't be run", "install a POSIX shell"),
    ("git", WEAKER, "`orch plan --diff REVISION` can't look into the past", "install git"),
    (
        "shellcheck",
        WEAKER,
        "`orch check` doesn't look into scripts",
        "pip install 'orch[lint]', or install ShellCheck",
    ),
)
"""Each with what its absence is, what that means, and the mend."""


def probe_installation(face: Face, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Python, its compiled files, and the programs that orch asks for help."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", FINE, f"Python {version} at {sys.executable}")
    yield _compiled()
    for name, level, lack, mend in _PROGRAMS:
        path = find_program(name, environment)
        if path is None:
            yield Finding(name, level, f"{name} isn't on PATH: {lack}", mend)
        else:
            yield Finding(name, FINE, path)
    yield _locale(face)
    yield _terminal(face, environment)


def _compiled() -> Finding:
    """Whether what this command has imported is compiled on the disk for the next one."""
    modules = [module for name, module in sys.modules.items() if name.startswith("orch.")]
    specs = [spec for module in modules if (spec := module.__spec__) is not None and spec.cached]
    lacking = [spec for spec in specs if not Path(spec.cached or "").exists()]
    if not lacking:
        return Finding("compiled", FINE, "orch is compiled, so it starts quickly")
    said = (
        f"{len(lacking)} of {count_text(len(specs), 'module')} are not compiled, so every start "
        "takes longer, up to six times"
    )
    folder = Path(__file__).parent.parent
    mend = f"as the one who may write there: {sys.executable} -m compileall -q {folder} {folder}/*/"
    if sys.dont_write_bytecode:
        mend += "; and unset PYTHONDONTWRITEBYTECODE"
    return Finding("compiled", WEAKER, said, mend)


def _locale(face: Face) -> Finding:
    if face.out.has_unicode:
        return Finding("locale", FINE, "UTF-8: names and signs are shown as they are")
    said = "not UTF-8: signs become words, other letters are spelled out"
    return Finding("locale", WEAKER, said, "set LC_ALL=C.UTF-8, or another locale with UTF-8")


def _terminal(face: Face, environment: Mapping[str, str]) -> Finding:
    if face.err.is_live:
        columns, rows = face.err.size()
        said = f"{columns} columns, {rows} rows: runs are drawn while they go on"
    elif face.err.is_terminal:
        why = "CI is set" if environment.get("CI") else "TERM says that it can't move its cursor"
        said = f"{why}: runs are told line by line"
    else:
        said = "stderr is no terminal: runs are told line by line"
    return Finding("terminal", FINE, said)


def probe_project(root: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """orch.toml, and the runs that wait for somebody."""
    yield _project_file(root)
    try:
        runs = list(list_newest(root, environment, None, _MOST_RUNS, clock.wall_ms()))
    except (InvalidIdError, PlaceError, StorageError) as error:
        yield Finding("runs", MISSING, str(error), "mend or move the folder that it names")
        return
    yield judge_runs(runs)


def _project_file(root: str) -> Finding:
    try:
        data = read_project_file(root)
    except CommandError as error:
        return Finding(PROJECT_FILE, MISSING, error.message, "make it a file that can be read")
    if not data:
        return Finding(PROJECT_FILE, FINE, "there is none; what is built in holds")
    found = plan_command(OneCommand(("true",)), Request(project_file=data)).diagnostics
    if not found:
        return Finding(PROJECT_FILE, FINE, "it is sound")
    said = f"{found[0].message}; no pipeline can be run before that is mended"
    return Finding(PROJECT_FILE, MISSING, said, f"`orch explain {found[0].code}` says more")


def judge_runs(runs: list[ListedRun]) -> Finding:
    """Runs that nobody owns, or nobody can read, newest first."""
    for status, word, mend in (
        (RunStatus.LOST, "lost", "`orch resume {id}` goes on with it"),
        (RunStatus.STALE, "stale", "`orch status {id}` says who holds it"),
        (None, "unreadable", "`orch status {id}` says why; `orch gc` removes old runs"),
    ):
        of_kind = [run for run in runs if run.status is status]
        if of_kind:
            newest = of_kind[0].run_id
            said = f"{count_text(len(of_kind), 'run')} {word}, the newest of them {newest}"
            return Finding("runs", WEAKER, said, mend.format(id=newest))
    said = f"{count_text(len(runs), 'run')} looked at, none of them lost" if runs else "no runs yet"
    return Finding("runs", FINE, said)
