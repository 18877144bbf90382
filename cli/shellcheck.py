"""ShellCheck's findings in the scripts of pipelines, at their places in the file (W0706).

It is a guest: whether it crashes, hangs or prints what nobody understands, no check fails by it.

What it is not asked for:

- style, and the file `.shellcheckrc`: what is found must not hang on the machine;
- SC2154, a variable that is never assigned: most come from the environment;
- SC1090 and SC1091, files that are sourced: they are not looked into;
- SC2096, several options in the first line: that line is ours, and says `-eu` and `pipefail`;
- SC2034, an assigned variable that is not used, for variables that the block puts into the
  environment, where commands see it;
- whatever it says of a value alone: how that is written is orch's own doing.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orch.cli.bounded_process import ProcessFailedError, output_of
from orch.compiler.request import MOST_SCRIPTS, Script
from orch.compiler.scripts import ShellText, shell_text
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.source import SourceFile

PROGRAM = "shellcheck"
LONGEST_S = 20.0
LARGEST_OUTPUT_BYTES = 16 * 2**20
LONGEST_SCRIPT = 64 * 1024
"""Longer scripts are left out: how long ShellCheck takes grows faster than what it reads."""

_LEFT_OUT = "SC2154,SC1090,SC1091,SC2096"
_FIRST_LINES = {"sh": "#!/bin/sh -eu\n", "bash": "#!/bin/bash -euo pipefail\n"}
_UNUSED = 2034
# A script that can't be parsed yields several findings, of which these say least.
_CANT_PARSE = 1072
_SAYING_LEAST = frozenset({1009, 1072, 1073})
_WIKI = "https://www.shellcheck.net/wiki/SC"


@record
class ShellFindings:
    """`note` says what kept ShellCheck from reading all scripts, or is None."""

    diagnostics: tuple[Diagnostic, ...]
    note: str | None = None


NOTHING = ShellFindings(())


@record
class _Finding:
    """One comment: lines and columns from 1, in characters, the first line being ours."""

    code: int
    message: str
    start: tuple[int, int]
    end: tuple[int, int]
    is_error: bool


@record
class _Asked:
    """One text, and the scripts that have it."""

    text: ShellText
    scripts: list[tuple[Script, ShellText]]


def shell_findings(
    program: str,
    scripts: Sequence[Script],
    sources: Mapping[str, SourceFile],
    longest_s: float = LONGEST_S,
) -> ShellFindings:
    """What ShellCheck finds; scripts of one text are read once. Never raises."""
    note = None
    if len(scripts) > MOST_SCRIPTS:
        note = f"ShellCheck read the first {MOST_SCRIPTS} scripts only"
    asked = _asked(scripts[:MOST_SCRIPTS], sources)
    if not asked:
        return ShellFindings((), note)
    try:
        comments = _comments(program, asked, longest_s)
        found = [d for one, said in comments for d in _diagnostics(one, said)]
    except ProcessFailedError as error:
        return ShellFindings((), f"ShellCheck's findings are missing: `{program}` {error}")
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        return ShellFindings((), f"ShellCheck's findings are missing: {reason}")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        said = "printed what orch can't read"
        return ShellFindings((), f"ShellCheck's findings are missing: `{program}` {said}")
    return ShellFindings(tuple(found), note)


def _asked(scripts: Iterable[Script], sources: Mapping[str, SourceFile]) -> list[_Asked]:
    asked: dict[tuple[str, str], _Asked] = {}
    for script in scripts:
        source = sources.get(script.path)
        text = None if source is None else shell_text(source, script)
        if text is not None and len(text.text) <= LONGEST_SCRIPT:
            key = (script.shell, text.text)
            asked.setdefault(key, _Asked(text, [])).scripts.append((script, text))
    return list(asked.values())


# -- asking ------------------------------------------------------------------------


def _comments(
    program: str, asked: Sequence[_Asked], longest_s: float
) -> Iterator[tuple[_Asked, list[_Finding]]]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="orch-shellcheck-") as folder:
        names: dict[str, _Asked] = {}
        for number, one in enumerate(asked):
            shell = one.scripts[0][0].shell
            name = f"{number}.{shell}"
            text = _FIRST_LINES[shell] + one.text.text
            with open(f"{folder}/{name}", "w", encoding="utf-8", newline="") as file:
                file.write(text)
            names[name] = one
        words = [
            program, "--format=json1", "--norc", "--severity=info", f"--exclude={_LEFT_OUT}",
            "--", *names,
        ]  # fmt: skip
        output = output_of(words, folder, longest_s, LARGEST_OUTPUT_BYTES)
    found: dict[str, list[_Finding]] = {name: [] for name in names}
    for comment in json.loads(output)["comments"]:
        found[comment["file"]].append(_finding(comment))
    for name, findings in found.items():
        yield names[name], findings


def _finding(comment: Mapping[str, Any]) -> _Finding:
    numbers = [comment[name] for name in ("code", "line", "column", "endLine", "endColumn")]
    message = comment["message"]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ValueError("no numbers from 1")
    if not isinstance(message, str):
        raise TypeError("no text")
    code, line, column, end_line, end_column = numbers
    is_error = comment["level"] == "error"
    return _Finding(code, message, (line, column), (end_line, end_column), is_error)


# -- telling -----------------------------------------------------------------------


def _diagnostics(asked: _Asked, findings: Iterable[_Finding]) -> Iterator[Diagnostic]:
    line_starts = [0, 0]
    for line in asked.text.text.split("\n"):
        line_starts.append(line_starts[-1] + len(line) + 1)
    length = len(asked.text.text)
    for finding in _one_a_cause(list(findings)):
        start, end = (
            min(line_starts[line - 1] + column - 1, length)
            for line, column in (finding.start, finding.end)
        )
        if finding.start[0] < 2 or asked.text.is_of_values(start, end):
            continue
        name = asked.text.text[start:end]
        for script, text in asked.scripts:
            if finding.code != _UNUSED or name not in script.variables:
                span = text.span(start, end)
                help_ = f"this is SC{finding.code}: {_WIKI}{finding.code}"
                message = sentence(finding.message)
                yield Diagnostic("W0706", message, script.path, span, help=help_)


def _one_a_cause(findings: list[_Finding]) -> list[_Finding]:
    """All findings; of a script that can't be parsed the one that says most."""
    if not any(finding.code == _CANT_PARSE for finding in findings):
        return findings
    errors = [finding for finding in findings if finding.is_error]
    telling = [finding for finding in errors if finding.code not in _SAYING_LEAST]
    return (telling or errors)[:1]


def sentence(message: str) -> str:
    """ShellCheck's words as one lowercase sentence without a full stop."""
    text = " ".join(message.split()).rstrip(".")
    parts = re.split(r"(?<=[a-z0-9)'\"`])[.!] (?=[A-Z])", text)
    return "; ".join(map(_lowered, parts)) or "something here is doubtful"


def _lowered(part: str) -> str:
    """A sentence with a small first letter, unless its first word is written in capitals."""
    first = part.split(" ", 1)[0]
    return part if not first[1:].islower() and len(first) > 1 else part[:1].lower() + part[1:]
