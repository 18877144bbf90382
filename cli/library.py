"""The library: compile, run and resume pipelines from a Python program, and read past runs."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from orch.cli.library_errors import CompileError, UsageError, in_words_of_the_library
from orch.cli.library_run import Run, begin
from orch.cli.project import find_root, read_project_file, relative_path
from orch.cli.python_values import Policy, plain_value, policy_text
from orch.compiler.plan import Plan
from orch.compiler.request import Request
from orch.dsl.record import EMPTY
from orch.runtime.events import RunEvent
from orch.runtime.manifest import Manifest
from orch.runtime.paths import RunPaths

Source = str | os.PathLike[str]
Root = str | os.PathLike[str] | None

_TEXT = "<text>"
"""What a text without a file is called in diagnostics."""

_MOST_JOBS = 1024


def compile(  # noqa: A001 # The name by which it is documented.
    source: Source,
    arguments: Mapping[str, Any] = EMPTY,
    *,
    root: Root = None,
    policy: Policy = EMPTY,
    environment: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a pipeline, for these arguments.

    `source` is the path of a file; a `str` with a line break in it is the text of a pipeline, whose
    `use` blocks are seen from the project root. `root` is the project root, by default the nearest
    folder from the current one upwards that holds `orch.toml`, `.git` or `pipelines`. A relative
    path is seen from `root` where that is given, else from the current folder. `arguments` are
    Python values of their params' types; durations may be `timedelta` and paths path objects.
    `policy` is what `--policy` takes. `environment` (default: `os.environ`) is read by params with
    `env`. The plan is a pure function of all that and of the files of the project.

    Raises `CompileError`, `UsageError` and `MachineError`. May be called from any thread.
    """
    from orch.compiler.compile import compile_pipeline

    with in_words_of_the_library():
        root_path = _root(root)
        path, texts = _sources(source, root_path, is_root_given=root is not None)
        request = Request(
            argument_values={name: plain_value(value) for name, value in arguments.items()},
            environment=os.environ if environment is None else environment,
            policy={name: policy_text(value) for name, value in policy.items()},
            policy_origin="the argument `policy`",
            project_file=read_project_file(root_path),
            texts=texts,
        )
    compilation = compile_pipeline(root_path, path, request)
    if compilation.plan is None:
        raise CompileError(compilation.diagnostics, compilation.sources)
    return compilation.plan


def run(
    plan: Plan | Source,
    arguments: Mapping[str, Any] = EMPTY,
    *,
    root: Root = None,
    policy: Policy = EMPTY,
    task: str | None = None,
    jobs: int | None = None,
    keep_going: bool = False,
    environment: Mapping[str, str] | None = None,
    detach: bool = False,
) -> Run:
    """Begin a run, in a process of its own, and return once it has its id.

    `plan` is a plan, or what `compile` takes together with `arguments` and `policy`. `task` is
    `--task`, `jobs` `--jobs`, `keep_going` `--keep-going`. `environment` (default: a copy of
    `os.environ`) is what commands inherit and where secrets come from. A run ends with the program
    that began it, as by SIGTERM, unless it is begun with `detach`.

    Raises what `compile` raises. Failures of stages are no exceptions: they are in the result. May
    be called from any thread, also while others run; it installs no signal handler and forks
    nothing but the new process.
    """
    _expect_jobs(jobs)
    if not isinstance(plan, Plan):
        plan = compile(plan, arguments, root=root, policy=policy, environment=environment)
    elif arguments or policy:
        raise UsageError("a plan is run as it is: it takes no arguments and no policy")
    if keep_going:
        from orch.runtime.run import keep_going as kept_going

        plan = kept_going(plan)
    request = {"do": "run", "plan": plan.to_json(), "task": task, "jobs": jobs}
    with in_words_of_the_library():
        root_path = _root(root)
    return begin(request, plan, root_path, environment, is_detached=detach)


def resume(
    run: str | RunPaths = "last",
    *,
    root: Root = None,
    task: str | None = None,
    jobs: int | None = None,
    environment: Mapping[str, str] | None = None,
    detach: bool = False,
) -> Run:
    """Go on with a run that failed, was cancelled or was lost, by the plan it was begun with.

    `run` is `last`, a run id, the beginning of one, or the `paths` of a `Run`; `task` narrows the
    search. The events of the new `Run` begin with `run:resumed`; of a run that had succeeded
    nothing is run. Raises `UsageError`, where the run lives for instance, and `MachineError`.
    """
    _expect_jobs(jobs)
    paths = _found(run, root, task, environment)
    from orch.runtime.plan_file import read_plan

    with in_words_of_the_library():
        plan = read_plan(paths.plan)
    request = {"do": "resume", "task_id": paths.task_id, "run_id": paths.run_id, "jobs": jobs}
    return begin(request, plan, paths.root, environment, is_detached=detach, paths=paths)


def read_manifest(
    run: str | RunPaths = "last",
    *,
    root: Root = None,
    task: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    """How a run stands or ended: the fold of its journal as it is now, which is newer than the
    manifest on disk while the run goes on. `run` and `task` are as in `resume`.

    The status is the judged one: `stale` or `lost` for a run whose owner is silent or gone.
    Raises `UsageError` and `MachineError`.
    """
    from orch.dsl.record import changed
    from orch.runtime import clock
    from orch.runtime.liveness import observe, whole_manifest

    with in_words_of_the_library():
        view = observe(_found(run, root, task, environment), clock.wall_ms())
        return changed(whole_manifest(view), status=view.status)


def read_events(
    run: str | RunPaths = "last",
    *,
    root: Root = None,
    task: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunEvent]:
    """The events that the journal of a run holds now, from its first one on. `run` and `task` are
    as in `resume`. Raises `UsageError` and `MachineError`."""
    from orch.runtime.journal import JournalReader

    with in_words_of_the_library():
        yield from JournalReader(_found(run, root, task, environment).journal)


def _expect_jobs(jobs: int | None) -> None:
    if jobs is not None and not (type(jobs) is int and 1 <= jobs <= _MOST_JOBS):
        raise UsageError(f"jobs is {jobs!r}, which is no whole number from 1 to {_MOST_JOBS}")


def _found(
    run: str | RunPaths, root: Root, task: str | None, environment: Mapping[str, str] | None
) -> RunPaths:
    if isinstance(run, RunPaths):
        return run
    from orch.runtime.paths import find_run

    given = os.environ if environment is None else environment
    with in_words_of_the_library():
        return find_run(_root(root), run, given, task)


def _root(root: Root) -> str:
    return find_root(None if root is None else os.fspath(root), os.environ)


def _sources(source: Source, root: str, *, is_root_given: bool) -> tuple[str, dict[str, bytes]]:
    """The path to compile, seen from the root, and the texts that are no files."""
    if isinstance(source, str) and "\n" in source:
        return _TEXT, {_TEXT: source.encode("utf-8", "surrogatepass")}
    path = os.fspath(source)
    return relative_path(root, os.path.join(root, path) if is_root_given else path), {}
