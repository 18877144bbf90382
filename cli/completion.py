"""`orch completion SHELL`: the script that lets a shell complete command lines of orch."""

import re
import shlex

import click

from orch.cli.completing import Candidate, complete
from orch.cli.completion_scripts import SCRIPTS
from orch.cli.options import Command
from orch.cli.visible import cut, visible
from orch.cli.writer import STDOUT

_ABOUT_CELLS = 60


@click.command(
    cls=Command,
    examples=(
        'orch completion bash    what ~/.bashrc reads by: eval "$(orch completion bash)"',
        "orch completion fish > ~/.config/fish/completions/orch.fish",
    ),
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)), metavar="bash|zsh|fish")
@click.argument("words", nargs=-1, metavar="[-- WORD…]")
def command(*, shell: str, words: tuple[str, ...]) -> int:
    """Print the script that completes command lines of orch in a shell.

    It completes commands, options, and their values: pipeline files, parameters of the file on
    the line and their values, stages, runs, tasks, codes. With words behind -- it prints what may
    stand for the last of them, which is how the script asks.
    """
    if not words:
        STDOUT.write(SCRIPTS[shell].encode())
        return 0
    text = "".join(f"{line}\n" for line in _candidate_lines(shell, words))
    STDOUT.write(text.encode("utf-8", "surrogateescape"))
    return 0


def _candidate_lines(shell: str, words: tuple[str, ...]) -> list[str]:
    """A candidate each line; behind a tab what it is, where the shell shows that."""
    *before, word = words
    try:
        found = complete([*map(_unquoted, before), _unquoted(word)])
    except Exception:  # noqa: BLE001 # What can't be completed is typed; nobody wants an error.
        return []
    found = [each for each in found if each.text.isprintable()]
    if shell == "bash":
        return [_for_bash(each.text, word) for each in found]
    return [_with_about(each) for each in found]


def _with_about(candidate: Candidate) -> str:
    about = cut(visible(candidate.about), _ABOUT_CELLS)
    return f"{candidate.text}\t{about}" if about else candidate.text


def _unquoted(word: str) -> str:
    """A word as it was typed, without its quotes; the last one may still be open."""
    for closing in ("", "'", '"'):
        try:
            parts = shlex.split(word + closing)
        except ValueError:
            continue
        return parts[0] if parts else ""
    return word


def _for_bash(text: str, word: str) -> str:
    """As bash wants to find it on its line: inside an open quote as it is, else escaped."""
    if word.startswith(("'", '"')):
        return text
    return re.sub(r"[^\w./:=@%+,~^-]", r"\\\g<0>", text)
