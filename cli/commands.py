"""All commands of `orch`, read with click.

Only the module of the command asked for is imported (`COMMANDS`).
"""

from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from orch.cli.failure import EXIT_USAGE, CommandError
from orch.cli.options import help_option
from orch.cli.writer import STDERR, STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMANDS = {
    "run": ("run", "run a pipeline file"),
    "start": ("run", "run a pipeline by its name"),
    "exec": ("exec", "run one command, bounded"),
    "check": ("check", "all that is wrong with it"),
    "fmt": ("fmt", "write it in the one form"),
    "plan": ("plan", "what a run would do"),
    "graph": ("graph", "draw what waits for what"),
    "policy": ("policy", "where bounds come from"),
    "runs": ("runs", "the runs there are"),
    "status": ("status", "how a run stands, or ended"),
    "logs": ("logs", "what its stages wrote"),
    "report": ("report.command", "a run as an HTML page"),
    "why": ("why", "why a stage was run"),
    "resume": ("resume", "go on where a run stopped"),
    "cancel": ("cancel", "end a run under way"),
    "gc": ("gc", "remove old runs"),
    "explain": ("explain", "what a diagnostic means"),
    "init": ("init", "a project's first pipeline"),
    "doctor": ("doctor", "what this machine lacks"),
    "completion": ("completion", "for bash, zsh and fish"),
    "schema": ("schema", "JSON Schemas of output"),
    "lsp": ("lsp.command", "answer an editor"),
}
"""The module of each command, and a few words about it: 26 characters at most."""

_COLUMNS = (
    (
        ("Write a pipeline", ("init", "check", "fmt", "plan", "graph", "policy", "explain")),
        ("Around it", ("doctor", "completion", "lsp", "schema")),
    ),
    (
        ("Run it", ("run", "start", "exec", "resume", "cancel")),
        ("Look at its runs", ("runs", "status", "logs", "report", "why", "gc")),
    ),
)
"""The groups of commands by what one wants to do, for 24 rows of 80 columns."""

_HELP = """\
Usage: orch COMMAND [ARGUMENTS]       (orch COMMAND --help: more, with examples)

Pipelines in a small language: checked, planned, then run with every bound kept.

{commands}A FILE is a .pipeline file. A RUN is `last`, a run id, or the beginning of one.
Everywhere: --root FOLDER, --format text|json, --color auto|always|never, -q, -v
Exit codes: 0 succeeded, 1 a stage failed, 2 wrong usage or an invalid pipeline,
  3 orch could not do its work, 4 the deadline passed, 130 and 143 interrupted.
"""


def load_command(name: str) -> click.Command:
    """A command of `COMMANDS`, imported now."""
    module_name, _ = COMMANDS[name]
    # What `import orch.cli.run` does, for a name that is known only now.
    module = __import__(f"orch.cli.{module_name}", fromlist=["command"])
    command: click.Command = module.command
    return command


class _Commands(click.Group):
    """The group of all commands, each imported when it is asked for."""

    def list_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
    ) -> list[str]:
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
        cmd_name: str,
    ) -> click.Command | None:
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_unknown_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def format_help(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
        formatter: click.HelpFormatter,
    ) -> None:
        columns = (tuple(_group_lines(groups)) for groups in _COLUMNS)
        rows = (
            f"{left:<39} {right}".rstrip() for left, right in zip_longest(*columns, fillvalue="")
        )
        formatter.write(_HELP.format(commands="".join(f"{row}\n" for row in rows)))


def _group_lines(groups: "Iterable[tuple[str, Iterable[str]]]") -> "Iterator[str]":
    """The lines of one column, each group followed by an empty one."""
    for title, names in groups:
        yield title
        for name in names:
            yield f"  {name:<10} {COMMANDS[name][1]}"
        yield ""


def _unknown_command(name: str) -> str:
    from orch.dsl.suggest import near_miss

    hint = near_miss(name, COMMANDS)
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


def run_command(arguments: list[str]) -> int:
    """Run the command that the words name; gives its exit code.

    Raises `CommandError`, also for words that make no sense, KeyboardInterrupt, and whatever the
    command raises.
    """
    try:
        result = _orch.main(arguments, prog_name="orch", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else _path_of(arguments)
        raise CommandError(_usage_message(error), EXIT_USAGE, f"Try `{path} --help`.") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0


def _path_of(arguments: list[str]) -> str:
    """The command whose option lacks its argument, of which click doesn't say whose it is."""
    return f"orch {arguments[0]}" if arguments and arguments[0] in COMMANDS else "orch"


def _usage_message(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        from orch.dsl.suggest import near_miss

        known = [name for param in error.ctx.command.params for name in param.opts]
        hint = near_miss(error.option_name, known)
        said = f"there is no option `{error.option_name}`"
        return said + (f"; did you mean `{hint}`?" if hint else "")
    message = error.format_message()
    return message[:1].lower() + message[1:].removesuffix(".")
