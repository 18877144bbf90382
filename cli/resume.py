"""`orch resume RUN`: go on with a run that failed, was cancelled or was lost."""

import os
from typing import TYPE_CHECKING

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.options import Command, face_options, given_options, jobs_option, junit_option
from orch.cli.project import find_pipeline
from orch.cli.sources import Given, load_plan, note_lints
from orch.cli.watch import Watch
from orch.compiler.plan import Plan
from orch.dsl.record import changed, record
from orch.runtime.liveness import RunView
from orch.runtime.paths import RunPaths
from orch.runtime.settled import settled
from orch.runtime.states import RunStatus

if TYPE_CHECKING:
    from orch.cli.detach import Begin


@click.command(
    cls=Command,
    examples=(
        "orch resume 2026-11-22T09-55 --detach     goes on in the background",
        "orch resume last --recompile build.pipeline -p level=full",
    ),
)
@chosen_run_options(is_required=True)
@jobs_option
@click.option("--detach", is_flag=True, help="Run it in the background; return when it has begun.")
@click.option(
    "--recompile",
    "file",
    metavar="FILE",
    help="Go on with what this file says today; what is done must be in it as it was.",
)
@given_options
@junit_option
@face_options("text", "json", "jsonl")
def command(  # noqa: PLR0913 # One argument for each word of the command line.
    *,
    paths: RunPaths,
    jobs: int | None,
    detach: bool,
    file: str | None,
    given: Given,
    junit: str | None,
    face: Face,
) -> int:
    """Go on with a run by the plan it was started with; stages that succeeded are kept.

    A run that lives can't be resumed (exit 2); of one that succeeded nothing is run (exit 0). With
    --recompile it goes on by the plan of today's sources, made with the arguments given here, if
    the stages that are kept are the same in it; else it is refused (exit 2).
    """
    if file is None and not given.is_empty:
        raise click.UsageError("--param, --params and --policy need --recompile FILE")
    if junit is not None:
        from orch.cli.junit import begin_report

        begin_report(junit)
    view = look_at(paths)
    recompiled = None
    if file is not None:
        path = find_pipeline(paths.root, file)
        recompiled, lints = load_plan(paths.root, path, given, "nothing was run")
        note_lints(lints, path, face)
    if detach and view.status is not RunStatus.SUCCEEDED:
        from orch.cli.detach import detach as in_background

        unseen = changed(_Words(view, recompiled, jobs, face, junit), face=face.unseen())
        return in_background(lambda begin: _resume(unseen, begin), face)
    return _resume(_Words(view, recompiled, jobs, face, junit))


@record
class _Words:
    """What is resumed, and how; `recompiled` is the plan to go on with, None for its own."""

    view: RunView
    recompiled: Plan | None
    jobs: int | None
    face: Face
    junit: str | None


def _resume(words: _Words, begin: "Begin | None" = None) -> int:
    """Resume it in this process; `begin` is told when it goes on."""
    from orch.runtime.run import RunOptions, resume_run

    view, face = words.view, words.face
    plan = words.recompiled or view.plan
    statuses = {entry.id: entry.status for entry in view.manifest.stages}
    earlier = {stage_id: statuses[stage_id] for stage_id in settled(plan.stages, statuses)}
    watch = Watch(plan, face, view.paths, earlier, words.junit)
    try:
        watching = changed(watch.watching(), on_begun=begin)
        options = RunOptions(os.environ, words.jobs, watching)
        result = resume_run(view.paths, options, words.recompiled)
    finally:
        watch.close()
    if view.status is RunStatus.SUCCEEDED and face.verbosity >= 0:
        face.note("the run had succeeded; nothing was run\n")
    return watch.tell(result)
