"""`orch resume RUN`: go on with a run that failed, was cancelled or was lost."""

import os

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.options import Command, face_options, jobs_option
from orch.cli.watch import Watch
from orch.runtime.paths import RunPaths
from orch.runtime.states import RunStatus, StageStatus


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
    earlier = {
        entry.id: entry.status
        for entry, stage in zip(view.manifest.stages, view.plan.stages, strict=True)
        if entry.status is StageStatus.SUCCEEDED
        or (entry.status is StageStatus.FAILED and stage.allow_failure)
    }
    watch = Watch(view.plan, face, paths, earlier)
    try:
        result = resume_run(paths, RunOptions(os.environ, jobs, watch.watching()))
    finally:
        watch.close()
    if view.status is RunStatus.SUCCEEDED and face.verbosity >= 0:
        face.note("the run had succeeded; nothing was run\n")
    return watch.tell(result)
