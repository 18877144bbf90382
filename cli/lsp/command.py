"""`orch lsp`: the language server."""

import os
import sys

import click

from orch.cli.failure import EXIT_MACHINE, CommandError
from orch.cli.options import Command
from orch.cli.project import ROOT_VARIABLE, find_root
from orch.cli.writer import STDERR


@click.command(
    cls=Command,
    examples=(
        "orch lsp                  what an editor starts; nothing to read for people",
        "orch lsp --root .         all files are those of the project here",
    ),
)
@click.option(
    "--root",
    metavar="FOLDER",
    help="The project root of every file; else ORCH_ROOT, else the nearest folder upwards of each "
    "that holds orch.toml, .git or pipelines.",
)
@click.option(
    "--stdio", is_flag=True, help="Speak over stdin and stdout, as always; editors say it."
)
def command(*, root: str | None, stdio: bool) -> int:  # noqa: ARG001 # There is no other way.
    """Answer an editor about pipeline files, by the Language Server Protocol.

    Errors as one types, documentation, completion, definitions, renaming, formatting and more. It
    needs pygls: pip install 'orch[lsp]'.
    """
    try:
        from orch.cli.lsp.server import make_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise CommandError(
            "the language server needs pygls, which isn't installed",
            EXIT_MACHINE,
            "Install it beside orch: pip install 'orch[lsp]'",
        ) from None
    # What was closed before orch began is None.
    if sys.stdin is None or sys.stdout is None:
        raise CommandError(
            "the language server has nobody to speak with: its standard input or output is closed",
            help_text="An editor starts it by itself and keeps both open",
        )
    if sys.stdin.isatty():
        STDERR.write(b"orch lsp waits for an editor, which starts it by itself; Ctrl-C ends it\n")
    is_given = root is not None or ROOT_VARIABLE in os.environ
    return make_server(find_root(root, os.environ) if is_given else None).serve()
