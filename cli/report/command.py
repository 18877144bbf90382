"""`orch report RUN`: the command."""

import os
from pathlib import Path

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.options import Command, face_options
from orch.cli.visible import visible
from orch.cli.writer import STDOUT
from orch.runtime import clock
from orch.runtime.files import replace_file_by_parts
from orch.runtime.paths import RunPaths


@click.command(
    cls=Command,
    examples=(
        "orch report last                 the last run, beside its logs",
        "orch report last -o report.html --format json",
    ),
)
@chosen_run_options(is_required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write it, `-` for stdout; else report.html in the folder of the run.",
)
@face_options("text", "json")
def command(*, paths: RunPaths, output: str | None, face: Face) -> int:
    """Write a run down as one HTML file: what failed and why, a timeline, the critical path, the
    graph, every stage with what it wrote, the plan, and what was used of its bounds.

    The file needs nothing beside it and loads nothing, so it can be sent and kept. A run that is
    under way is shown as it stands now.
    """
    if output == "":
        raise click.UsageError("--output names no file")
    if output == "-" and not face.is_text:
        raise click.UsageError("--output - and --format json exclude each other")
    from orch.cli.report.data import gather
    from orch.cli.report.page import page_parts

    parts = page_parts(gather(look_at(paths), clock.wall_ms()))
    if output == "-":
        for part in parts:
            STDOUT.write(part)
        return 0
    path = f"{paths.run}/report.html" if output is None else _place(output)
    replace_file_by_parts(path, parts, is_durable=False)
    shown, url = paths.shown(path), Path(path).as_uri()
    if face.is_text:
        face.say(f"{visible(shown)}\n{url}\n")
    else:
        face.print_json({"path": shown, "url": url})
    return 0


def _place(output: str) -> str:
    """Where the file goes: a link stays one. A device, a pipe or a folder is left alone; it would
    be replaced by a file."""
    path = os.path.realpath(output)
    if os.path.exists(path) and not os.path.isfile(path):
        raise CommandError(
            f"can't write to `{output}`: it isn't a regular file",
            help_text="`--output -` writes to stdout.",
        )
    return path
