"""`orch fmt FILE…`: their words."""

import click

from orch.cli.face import Face
from orch.cli.options import Command, face_options, root_option


@click.command(
    cls=Command,
    examples=(
        "orch fmt pipelines              every .pipeline file below the folder",
        "orch fmt --check --diff .       what would change; fail if something would",
    ),
)
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--check", "is_check", is_flag=True, help="Change no file; fail if one would change.")
@click.option("--diff", "is_diff", is_flag=True, help="Change no file; show what would change.")
@root_option
@face_options("text", "json")
def command(*, files: tuple[str, ...], is_check: bool, is_diff: bool, root: str, face: Face) -> int:
    """Write pipeline files anew in the one canonical form.

    A FILE may be a folder, or `-` for standard input. A file with syntax errors is left as it is,
    and its errors are told.

    Exits with 0, with 2 where a file has syntax errors or can't be read, and under --check with 1
    where one would change.
    """
    from orch.cli.formatting import FormatWords, format_files, format_input

    if not files:
        raise click.UsageError(
            "name the files to format; `orch fmt .` formats all below the current folder"
        )
    words = FormatWords(is_check, is_diff, root, face)
    if "-" not in files:
        return format_files(files, words)
    if len(files) > 1:
        raise click.UsageError("`-`, standard input, is given alone")
    return format_input(words)
