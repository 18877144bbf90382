"""`orch check FILE…`: everything that is wrong with files, without running anything."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch.cli.face import Face
from orch.cli.options import Command, face_options, given_options, root_option
from orch.cli.sources import Given, compile_file

if TYPE_CHECKING:
    from orch.dsl.diagnostics import Diagnostic
    from orch.dsl.source import SourceFile


@click.command(
    cls=Command,
    examples=(
        "orch check pipelines/*.pipeline            every file, all errors at once",
        "orch check x.pipeline --format json        the same, for a program",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@given_options
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@root_option
@face_options("text", "json")
def command(*, files: tuple[str, ...], given: Given, strict: bool, root: Path, face: Face) -> int:
    """Say all that is wrong with pipeline files; nothing is run.

    Exits with 0 where there are no errors, 2 where there are; with --strict warnings count too.
    Required parameters need no arguments here.
    """
    from orch.cli.report_diagnostics import diagnostics_json, draw_diagnostics
    from orch.dsl.diagnostics import sort_diagnostics

    request = given.request(root, demand_arguments=False)
    found: list[Diagnostic] = []
    sources: dict[str, SourceFile] = {}
    for file in dict.fromkeys(files):
        compilation = compile_file(root, file, request)
        found += compilation.diagnostics
        sources |= compilation.sources
    diagnostics = sort_diagnostics(found)
    if face.is_text:
        if diagnostics or face.verbosity >= 0:
            file_count = len({*sources, *(d.path for d in diagnostics)})
            face.say(draw_diagnostics(diagnostics, sources, file_count, face.out))
    else:
        face.print_json(diagnostics_json(diagnostics, sources))
    is_bad = strict or any(diagnostic.is_error for diagnostic in diagnostics)
    return 2 if diagnostics and is_bad else 0
