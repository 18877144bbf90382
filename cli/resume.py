"""`orch resume RUN`: go on with a run that failed, was cancelled or was lost."""

import os

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.options import Command, face_options, jobs_option
from orch.cli.watch import Watch
from orch.runtime.paths import RunPaths
from orch.runtime.settled import settled
from orch.runtime.states import RunStatus


@click.command(
    cls=Command,
    examples=(
        "orch resume last",
        "orch resume 2026-11-22T09-55 --format json",
    ),
)
@chosen_run_options(is_required=True)
@jobs_option
@face_options("text", "json", "jsonl")
def command(*, paths: RunPaths, jobs: int | None, face: Face) -> int:
    """Go on with a run by the plan it was started with; stages that succeeded are kept.

    A run that lives can't be resumed (exit 2); of one that succeeded nothing is run (exit 0).
    """
    from orch.runtime.run import RunOptions, resume_run

    view = look_at(paths)
    statuses = {entry.id: entry.status for entry in view.manifest.stages}
    kept = settled(view.plan.stages, statuses)
    watch = Watch(view.plan, face, paths, {stage_id: statuses[stage_id] for stage_id in kept})
    try:
        result = resume_run(paths, RunOptions(os.environ, jobs, watch.watching()))
    finally:
        watch.close()
    if view.status is RunStatus.SUCCEEDED and face.verbosity >= 0:
        face.note("the run had succeeded; nothing was run\n")
    return watch.tell(result)
