"""`orch exec -- COMMAND`: its words, and what it does once they are read."""

import os
import re
from typing import TYPE_CHECKING

import click

from orch.cli.face import Face
from orch.cli.failure import CommandError, SourcesError
from orch.cli.options import Command, bundled, face_options, root_option
from orch.cli.project import read_project_file, split_pairs
from orch.compiler.plan import Plan
from orch.dsl.record import changed, record

if TYPE_CHECKING:
    from orch.cli.detach import Begin

_SEPARATOR = "--"
_COMMAND_WORDS = "orch.command_words"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _ExecCommand(Command):
    """A command whose words behind `--` are another command's: none of them is an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index(_SEPARATOR) if _SEPARATOR in args else len(args)
        ctx.meta[_COMMAND_WORDS] = tuple(args[at + 1 :])
        ctx.allow_extra_args = True
        ctx.allow_interspersed_args = False
        rest = super().parse_args(ctx, args[:at])
        if ctx.args:
            words = " ".join([*ctx.args, *args[at + 1 :]])
            raise click.UsageError(
                f"the command stands behind `--`: `orch exec [OPTIONS] -- {words}`", ctx
            )
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND [WORD]..."]


@record
class _Bounds:
    """The words that the plan depends on beside the command: texts of policies by their dotted
    names, and names of variables that hold secrets."""

    policy: dict[str, str]
    secrets: tuple[str, ...]


def _bounds(*, timeout: str | None, policies: tuple[str, ...], secrets: tuple[str, ...]) -> _Bounds:
    policy = split_pairs(policies, "--policy")
    if timeout is not None:
        policy["timeout"] = timeout
    for name in secrets:
        if not _VARIABLE.fullmatch(name):
            raise click.UsageError(f"--secret takes the name of a variable, not `{name}`")
    return _Bounds(policy, tuple(dict.fromkeys(secrets)))


@click.command(
    cls=_ExecCommand,
    examples=(
        "orch exec --timeout 5m --policy retry.attempts=3 -- make -j4 test",
        "orch exec --secret TOKEN -- sh -c 'deploy --token \"$TOKEN\"'",
    ),
)
@bundled(
    "bounds",
    _bounds,
    {
        "timeout": click.option(
            "--timeout", metavar="DURATION", help="Longest time of one attempt, such as 90s or 5m."
        ),
        "policies": click.option(
            "--policy",
            "policies",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any bound of a stage or a run: grace=30s, retry.attempts=3, output.log=1GiB.",
        ),
        "secrets": click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="NAME",
            help="A variable that holds a secret: it is masked wherever it is printed.",
        ),
    },
)
@click.option("--task", metavar="ID", help="The task to file the run under, else `exec`.")
@click.option("--detach", is_flag=True, help="Run it in the background; return when it has begun.")
@root_option
@face_options("text", "json", "jsonl")
@click.pass_context
def command(  # noqa: PLR0913 # One argument for each word of the command line.
    ctx: click.Context,
    *,
    bounds: _Bounds,
    task: str | None,
    detach: bool,
    root: str,
    face: Face,
) -> int:
    """Run one command like a stage: bounded, logged, and with nothing of it left when it has ended.

    The words behind `--` are started as they are, by no shell, in the current folder, with empty
    standard input. What the command writes is passed on while it runs, and kept. The last line, on
    stderr, is its exit code; that of orch is 0 if it succeeded and 1 if not.
    """
    plan = _plan(ctx.meta[_COMMAND_WORDS], bounds, root)
    if not detach:
        return _run(plan, root, task, face)
    from orch.cli.detach import detach as in_background

    return in_background(lambda begin: _run(plan, root, task, face.unseen(), begin), face)


def _plan(words: tuple[str, ...], bounds: _Bounds, root: str) -> Plan:
    _expect_command(words, bounds.secrets)
    from orch.compiler.one_command import OneCommand, plan_command
    from orch.compiler.request import Request

    request = Request(policy=bounds.policy, project_file=read_project_file(root))
    compilation = plan_command(OneCommand(words, _folder_below(root), bounds.secrets), request)
    if compilation.plan is None:
        raise SourcesError(compilation.diagnostics, compilation.sources, "nothing was run")
    return compilation.plan


def _expect_command(words: tuple[str, ...], secrets: tuple[str, ...]) -> None:
    """Raises for words that no plan can hold, or that must not stand in one."""
    if not words:
        raise click.UsageError("no command was given; it stands behind `--`: `orch exec -- make`")
    if not words[0]:
        raise click.UsageError("the command has an empty name")
    for number, word in enumerate(words, 1):
        try:
            word.encode()
        except UnicodeEncodeError:
            raise CommandError(
                f"word {number} of the command is not UTF-8, so no plan can hold it: {word!a}"
            ) from None
        if "\0" in word:
            raise CommandError(f"word {number} of the command holds a NUL, which no command gets")
        for name in secrets:
            if len(value := os.environ.get(name, "")) > 3 and value in word:
                raise CommandError(
                    f"word {number} of the command holds the secret `{name}`: the plan of the run "
                    "and the list of processes would show it",
                    help_text=f"Let the command read it from its environment, as `sh -c '… "
                    f'"${name}" …\'` does.',
                )


def _folder_below(root: str) -> str:
    """The current folder, relative to the root; the root itself where it lies elsewhere."""
    below = os.path.relpath(os.path.realpath(os.getcwd()), root)
    return "." if below.split("/", 1)[0] == ".." else below


def _run(plan: Plan, root: str, task: str | None, face: Face, begin: "Begin | None" = None) -> int:
    """Run it in this process; `begin` is told when it has begun."""
    from orch.cli.command_watch import command_watch
    from orch.runtime.run import RunOptions, run_plan

    watch = command_watch(plan, root, face, is_seen=begin is None)
    try:
        watching = changed(watch.watching(), on_begun=begin)
        result = run_plan(plan, root, RunOptions(os.environ, None, watching), task=task)
    finally:
        watch.close()
    return watch.tell(result)
