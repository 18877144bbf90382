"""The words that several commands share: their options, their help, what they come to."""

import os
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import click

from orch.cli.face import Face, make_face
from orch.cli.failure import SourcesError
from orch.cli.project import find_root
from orch.cli.sources import Given
from orch.cli.writer import STDOUT
from orch.dsl.literals import read_integer

_Function = TypeVar("_Function", bound=Callable[..., Any])


_RUN = "RUN is `last`, a run id, or the beginning of one that no other run has."


class Command(click.Command):
    """A command whose help ends with examples and goes to stdout past a reader that went away."""

    def __init__(self, *args: Any, examples: tuple[str, ...], **kwargs: Any) -> None:
        kwargs["add_help_option"] = False
        super().__init__(*args, **kwargs)
        self.params.append(help_option())
        self.examples = examples

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 # The signature is click's.
        formatter: click.HelpFormatter,
    ) -> None:
        arguments = (param for param in self.params if isinstance(param, click.Argument))
        if any("RUN" in (argument.metavar or "") for argument in arguments):
            formatter.write(f"\n{_RUN}\n")
        formatter.write("\nExamples:\n")
        for example in self.examples:
            formatter.write(f"  {example}\n")


_LARGEST = 2**63 - 1


def whole_number(lowest: int, highest: int | None = None) -> Callable[[str], int]:
    """The type of an option that takes a number from `lowest` to `highest` (None: any)."""

    def convert(text: str) -> int:
        number = read_integer(text)
        if number is None and highest is None and re.fullmatch(r"[1-9][0-9]*", text):
            raise click.BadParameter(f"`{text}` is more than {_LARGEST}, the largest number taken")
        if number is None or number < lowest or (highest is not None and number > highest):
            until = "on" if highest is None else f"to {highest}"
            raise click.BadParameter(f"`{text}` is no whole number from {lowest} {until}")
        return number

    return convert


def help_option() -> click.Option:
    """`-h` and `--help`."""
    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this page and exit.",
    )


def _show_help(ctx: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        STDOUT.write(ctx.get_help().rstrip().encode() + b"\n")
        ctx.exit()


_FORMATS = {
    "text": "text for people",
    "json": "json for programs, one document",
    "jsonl": "jsonl for one event a line as they happen",
    "sarif": "sarif for a SARIF log",
    "github": "github for annotations of GitHub Actions",
    "svg": "svg for a picture",
    "mermaid": "mermaid and dot for programs that draw",
}


def face_options(*formats: str) -> Callable[[Any], Any]:
    """`--format`, `--color`, `-q`, `-v`; the command gets them as `face`, a `Face`.

    A command that fails on diagnostics has them told in that format.
    """

    ways = "; ".join(said for name, said in _FORMATS.items() if name in formats)
    options = {
        "format_": click.option(
            "--format",
            "format_",
            type=click.Choice(formats),
            default="text",
            help=f"How to answer: {ways}.",
        ),
        "color": click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colours; auto: in a terminal, unless NO_COLOR or CI is set.",
        ),
        "quiet": click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong."),
        "verbose": click.option("-v", "--verbose", is_flag=True, help="Say more."),
    }

    def decorate(function: Any) -> Any:
        @wraps(function)
        def command(*, face: Face, **words: Any) -> Any:
            try:
                return function(face=face, **words)
            except SourcesError as failure:
                from orch.cli.report_diagnostics import report_failure

                return report_failure(failure, face, words.get("root"))

        return bundled("face", _make_face, options)(command)

    return decorate


def bundled(
    name: str, make: Callable[..., Any], options: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Any], Any]:
    """Options, by the words that click gives them, that reach the command as one argument.

    `make` gets their values under those words, and the command what it returns as `name`.
    """

    def decorate(function: Any) -> Any:
        @wraps(function)
        def command(**words: Any) -> Any:
            given = {word: words.pop(word) for word in options}
            return function(**{name: make(**given)}, **words)

        decorated: Any = command
        for option in reversed(list(options.values())):
            decorated = option(decorated)
        return decorated

    return decorate


def _make_face(*, format_: str, color: str, quiet: bool, verbose: bool) -> Face:
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    return make_face(format_, color, int(verbose) - int(quiet))


def root_option(function: _Function) -> _Function:
    """`--root`; the command gets `root`, the project root."""
    return click.option(
        "--root",
        metavar="FOLDER",
        callback=lambda _ctx, _param, name: find_root(name, os.environ),
        help="The project root; else ORCH_ROOT, else the nearest folder upwards that holds "
        "orch.toml, .git or pipelines.",
    )(function)


given_options = bundled(
    "given",
    Given,
    {
        "params": click.option(
            "-p",
            "--param",
            "params",
            multiple=True,
            metavar="NAME=VALUE",
            help="A value for a parameter; may be said several times.",
        ),
        "params_files": click.option(
            "--params",
            "params_files",
            multiple=True,
            metavar="FILE",
            help="Values for parameters, from a TOML or JSON file.",
        ),
        "policies": click.option(
            "--policy",
            "policies",
            multiple=True,
            metavar="NAME=VALUE",
            help="A bound that overrides what files say: timeout=5m, retry.attempts=3.",
        ),
    },
)
"""`-p`, `--params` and `--policy`; the command gets `given`, a `Given`."""

jobs_option = click.option(
    "-j",
    "--jobs",
    type=whole_number(1, 1024),
    metavar="N",
    help="Stages at once, 1 to 1024, instead of what the pipeline says.",
)

junit_option = click.option(
    "--junit",
    metavar="FILE",
    callback=lambda _ctx, _param, name: None if name is None else os.path.join(os.getcwd(), name),
    help="Write a JUnit report there, however the run ends.",
)
