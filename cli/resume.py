"""`orch resume RUN`: go on with a run that failed, was cancelled or was lost."""

import os
from typing import TYPE_CHECKING

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.options import Command, face_options, jobs_option
from orch.cli.watch import Watch
from orch.dsl.record import changed
from orch.runtime.liveness import RunView
from orch.runtime.paths import RunPaths
from orch.runtime.settled import settled
from orch.runtime.states import RunStatus

if TYPE_CHECKING:
    from orch.cli.detach import Begin


@click.command(
    cls=Command,
    examples=(
        "orch resume 2026-11-22T09-55 --format json",
        "orch resume last --detach               in the background",
    ),
)
@chosen_run_options(is_required=True)
@jobs_option
@click.option("--detach", is_flag=True, help="Run it in the background; return when it has begun.")
@face_options("text", "json", "jsonl")
def command(*, paths: RunPaths, jobs: int | None, detach: bool, face: Face) -> int:
    """Go on with a run by the plan it was started with; stages that succeeded are kept.

    A run that lives can't be resumed (exit 2); of one that succeeded nothing is run (exit 0).
    """
    view = look_at(paths)
    if detach and view.status is not RunStatus.SUCCEEDED:
        from orch.cli.detach import detach as in_background

        return in_background(lambda begin: _resume(view, jobs, face.unseen(), begin), face)
    return _resume(view, jobs, face)


def _resume(view: RunView, jobs: int | None, face: Face, begin: "Begin | None" = None) -> int:
    """Resume it in this process; `begin` is told when it goes on."""
    from orch.runtime.run import RunOptions, resume_run

    statuses = {entry.id: entry.status for entry in view.manifest.stages}
    kept = settled(view.plan.stages, statuses)
    earlier = {stage_id: statuses[stage_id] for stage_id in kept}
    watch = Watch(view.plan, face, view.paths, earlier)
    try:
        watching = changed(watch.watching(), on_begun=begin)
        result = resume_run(view.paths, RunOptions(os.environ, jobs, watching))
    finally:
        watch.close()
    if view.status is RunStatus.SUCCEEDED and face.verbosity >= 0:
        face.note("the run had succeeded; nothing was run\n")
    return watch.tell(result)
