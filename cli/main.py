"""The `orch` command: finds the command that was asked for, runs it, turns failures into words.

Only the module of the command asked for is imported (`_COMMANDS`), for each costs time that a plain
`orch run` has no use for.
"""

import os
import sys
from typing import TYPE_CHECKING

import click

from orch.cli.failure import (
    EXIT_INTERRUPTED,
    EXIT_MACHINE,
    EXIT_USAGE,
    CommandError,
)
from orch.cli.options import help_option
from orch.cli.writer import STDERR, STDOUT, keep_standard_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMANDS = {
    "run": ("run", "run a pipeline"),
    "start": ("run", "run a pipeline by its name"),
    "check": ("check", "say all that is wrong with a file"),
    "plan": ("plan", "show what a run would do, and its bounds"),
    "status": ("status", "how a run stands, or ended"),
    "logs": ("logs", "what its stages wrote"),
    "resume": ("resume", "go on with a run that failed or was lost"),
    "cancel": ("cancel", "end a run that is under way"),
    "explain": ("explain", "what a diagnostic means, and how to mend it"),
    "schema": ("schema", "the JSON Schemas of all that is written"),
}

_GROUPS = (
    ("Run something", ("run", "start", "resume", "cancel")),
    ("Look before", ("check", "plan", "explain")),
    ("Look after", ("status", "logs", "schema")),
)

_HELP = """\
Usage: orch COMMAND [ARGUMENTS]

Pipelines in a small language: checked, planned, then run with every bound kept.

{groups}A FILE is a .pipeline file. A RUN is `last`, a run id, or the beginning of one.
Everywhere: --root FOLDER, --format text|json, --color auto|always|never, -q, -v.

  orch run pipelines/diagnostics.pipeline     run it here and watch
  orch COMMAND --help                         more of a command, with examples

Exit codes: 0 succeeded · 1 a stage failed · 2 wrong usage or an invalid pipeline ·
3 orch could not do its work · 4 the deadline passed · 130, 143 interrupted.
"""


class _Commands(click.Group):
    """The group of all commands, each imported when it is asked for."""

    def list_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
    ) -> list[str]:
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module_name, _ = _COMMANDS[cmd_name]
        # What `import orch.cli.run` does, for a name that is known only now.
        module = __import__(f"orch.cli.{module_name}", fromlist=["command"])
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_unknown_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def format_help(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
        formatter: click.HelpFormatter,
    ) -> None:
        formatter.write(_HELP.format(groups="".join(_group_lines())))


def _group_lines() -> "Iterator[str]":
    for title, names in _GROUPS:
        yield f"{title}\n"
        for name in names:
            yield f"  {name:<9} {_COMMANDS[name][1]}\n"
        yield "\n"


def _unknown_command(name: str) -> str:
    from orch.dsl.suggest import near_miss

    hint = near_miss(name, _COMMANDS)
    if hint is not None:
        return f"there is no command `{name}`; did you mean `{hint}`?"
    if name.endswith(".pipeline"):
        return f"there is no command `{name}`; did you mean `orch run {name}`?"
    return f"there is no command `{name}`"


def _show_version(ctx: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        from orch import __version__

        STDOUT.write(f"orch {__version__}\n".encode())
        ctx.exit()


@click.group(
    cls=_Commands, invoke_without_command=True, add_help_option=False, params=[help_option()]
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version and exit.",
)
@click.pass_context
def _orch(ctx: click.Context) -> None:
    """All commands."""
    if ctx.invoked_subcommand is None:
        STDERR.write(ctx.get_help().encode() + b"\n")
        ctx.exit(EXIT_USAGE)


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code (runtime.md section 9).

    Data goes to stdout, words about failures to stderr; no exception leaves this function.
    """
    keep_standard_descriptors()
    try:
        exit_code = _run_command(sys.argv[1:] if arguments is None else arguments)
        STDOUT.write()
        STDERR.write()
    except KeyboardInterrupt:
        exit_code = EXIT_INTERRUPTED
    if STDOUT.error is not None:
        _say(f"orch: can't write to stdout: {STDOUT.error.strerror}")
        exit_code = exit_code or EXIT_MACHINE
    return exit_code


def _run_command(arguments: list[str]) -> int:
    from orch.cli.visible import visible

    try:
        result = _orch.main(arguments, prog_name="orch", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        _say(f"orch: {visible(_usage_message(error))}")
        path = error.ctx.command_path if error.ctx is not None else "orch"
        _say(f"Try `{path} --help`.")
        return EXIT_USAGE
    except click.Abort:
        return EXIT_INTERRUPTED
    except CommandError as failure:
        _say(f"orch: {visible(failure.message)}")
        if failure.help_text:
            _say(visible(failure.help_text))
        return failure.exit_code
    except Exception as error:  # noqa: BLE001 # The last resort of the whole program.
        return _report(error)


def _usage_message(error: click.UsageError) -> str:
    message = error.format_message()
    return message[:1].lower() + message[1:].removesuffix(".")


def _report(error: Exception) -> int:
    """Words for an exception that no command caught: an error of the machine, or a bug of ours."""
    from orch.cli.foreseen import foreseen_exit_code
    from orch.cli.visible import visible

    exit_code = foreseen_exit_code(error)
    if os.environ.get("ORCH_DEBUG"):
        import traceback

        _say(traceback.format_exc().rstrip())
    if exit_code is not None:
        _say(f"orch: {visible(str(error))}")
        return exit_code
    if isinstance(error, OSError):
        where = f" {error.filename}:" if error.filename else ""
        _say(f"orch: can't go on:{visible(where)} {(error.strerror or str(error)).lower()}")
    else:
        kind = type(error).__name__
        _say(f"orch failed inside: {kind}: {visible(str(error))} (at {_innermost_place(error)})")
        _say("This is a bug of orch, please report it; ORCH_DEBUG=1 shows all of it.")
    return EXIT_MACHINE


def _innermost_place(error: Exception) -> str:
    """The file and line that raised."""
    from pathlib import Path
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    return f"{'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno}"


def _say(text: str) -> None:
    STDERR.write(text.encode("utf-8", "backslashreplace") + b"\n")


if __name__ == "__main__":
    sys.exit(main())
