"""`orch run FILE` and `orch start NAME`: compile, run, and say how it went."""

import os
from pathlib import Path

import click

from orch.cli.options import Command, Face, face_options, root_option
from orch.cli.project import find_pipeline
from orch.cli.sources import Given, given_options, load_plan, note_lints
from orch.cli.watch import Watch, jobs_option
from orch.compiler.plan import Plan


@click.command(
    cls=Command,
    examples=(
        "orch run pipelines/diagnostics.pipeline -p level=full",
        "orch start diagnostics --format json        by its name; the result for a program",
    ),
)
@click.argument("file", metavar="FILE")
@given_options
@click.option("--task", metavar="ID", help="The task to file the run under.")
@jobs_option
@click.option("--keep-going", is_flag=True, help="After a failure go on with what can be done.")
@click.option("--dry-run", is_flag=True, help="Show the plan; run nothing.")
@root_option
@face_options("text", "json", "jsonl")
def command(  # noqa: PLR0913 # One argument for each word of the command line.
    *,
    file: str,
    given: Given,
    task: str | None,
    jobs: int | None,
    keep_going: bool,
    dry_run: bool,
    root: Path,
    face: Face,
) -> int:
    """Run a pipeline: a file, the name of one in pipelines/, or a saved plan.

    In a terminal it shows what runs now. With --format json it prints one document when it has
    ended, with --format jsonl one event a line as they happen.
    """
    path = find_pipeline(root, file)
    plan, lints = load_plan(root, path, given, "nothing was run")
    note_lints(lints, path, face)
    if keep_going:
        from orch.runtime.run import keep_going as keep_plan_going

        plan = keep_plan_going(plan)
    if dry_run:
        from orch.cli.plan import show_plan

        show_plan(plan, face)
        return 0
    return _run(plan, root, task, jobs, face)


def _run(plan: Plan, root: Path, task: str | None, jobs: int | None, face: Face) -> int:
    from orch.runtime.run import RunOptions, run_plan

    watch = Watch(plan, face)
    try:
        result = run_plan(plan, root, RunOptions(os.environ, jobs, watch.watching()), task=task)
    finally:
        watch.close()
    return watch.tell(result)
