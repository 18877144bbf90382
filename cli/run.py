"""`orch run FILE` and `orch start NAME`: their words."""

import click

from orch.cli.face import Face
from orch.cli.options import (
    Command,
    face_options,
    given_options,
    jobs_option,
    junit_option,
    root_option,
)
from orch.cli.running import RunWords, run_pipeline
from orch.cli.sources import Given


@click.command(
    cls=Command,
    examples=(
        "orch run pipelines/diagnostics.pipeline -p level=full",
        "orch start diagnostics --format json        by its name; the result for a program",
        "orch run site.pipeline --from test          go on from here, without what comes before",
    ),
)
@click.argument("file", metavar="FILE")
@given_options
@click.option(
    "--task", metavar="ID", help="The task to file the run under, else that of the pipeline."
)
@jobs_option
@click.option("--keep-going", is_flag=True, help="After a failure go on with what can be done.")
@click.option(
    "--only",
    multiple=True,
    metavar="STAGE",
    help="Run this stage alone, not what it needs; may be said several times.",
)
@click.option(
    "--from",
    "onwards",
    multiple=True,
    metavar="STAGE",
    help="Run this stage and all that comes after it; may be said several times.",
)
@click.option(
    "--force", is_flag=True, help="Run all stages, also those of which nothing has changed."
)
@click.option("--detach", is_flag=True, help="Run it in the background; return when it has begun.")
@junit_option
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
    only: tuple[str, ...],
    onwards: tuple[str, ...],
    force: bool,
    detach: bool,
    junit: str | None,
    dry_run: bool,
    root: str,
    face: Face,
) -> int:
    """Run a pipeline: a file, the name of one in pipelines/, or a saved plan.

    In a terminal it shows what runs now. With --format json it prints one document when it has
    ended, with --format jsonl one event a line as they happen. With --detach it returns as soon
    as the run has begun, and the run goes on without this terminal; what orch says of it then is
    in the file `orch.log` of the run's folder.
    """
    if detach and dry_run:
        raise click.UsageError("--detach and --dry-run exclude each other")
    if junit is not None and dry_run:
        raise click.UsageError("--junit and --dry-run exclude each other")
    words = RunWords(
        file,
        given,
        root,
        face,
        task,
        jobs,
        is_keep_going=keep_going,
        is_dry=dry_run,
        is_forced=force,
        is_detached=detach,
        only=only,
        onwards=onwards,
        junit=junit,
    )
    return run_pipeline(words)
