"""`orch check FILE…`: everything that is wrong with files, without running anything."""

import click

from orch.cli.checking import CheckWords, check_files
from orch.cli.face import Face
from orch.cli.options import Command, face_options, given_options, root_option
from orch.cli.sources import Given


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
@click.option("--no-shellcheck", is_flag=True, help="Don't ask ShellCheck about scripts.")
@root_option
@face_options("text", "json", "sarif", "github")
def command(  # noqa: PLR0913 # One parameter for each option.
    *,
    files: tuple[str, ...],
    given: Given,
    strict: bool,
    no_shellcheck: bool,
    root: str,
    face: Face,
) -> int:
    """Say all that is wrong with pipeline files; nothing is run.

    Exits with 0 where there are no errors, 2 where there are; with --strict warnings count too.
    Required parameters need no arguments here. Where ShellCheck is installed (orch[lint]), it
    reads the scripts.
    """
    return check_files(CheckWords(files, given, strict, root, face, not no_shellcheck))
