"""`orch doctor`: what this machine can and can't guarantee, and how to mend it."""

import os
from collections.abc import Iterator, Sequence
from textwrap import wrap

import click

from orch.cli.checkup import probe_installation, probe_project
from orch.cli.face import Face
from orch.cli.options import Command, face_options, root_option
from orch.cli.terminal import Terminal
from orch.cli.units import count_text
from orch.cli.visible import visible
from orch.dsl.record import as_dictionary
from orch.runtime.machine import FINE, MISSING, WEAKER, Finding, probe_machine
from orch.runtime.paths import PlaceError, places

_MARKS = {FINE: "succeeded", WEAKER: "warning", MISSING: "failed"}
_STYLES = {FINE: "green", WEAKER: "yellow", MISSING: "red"}
_NAME_CELLS = 12


@click.command(
    cls=Command,
    examples=(
        "orch doctor                  all findings, and how to mend what isn't fine",
        "orch doctor -q || exit 1     in a script, before anything is begun",
    ),
)
@root_option
@face_options("text", "json")
def command(*, root: str, face: Face) -> int:
    """Say what this machine can and can't guarantee, found out by trying it.

    Each finding is fine, weaker (all promises hold, with less comfort) or missing (one of them
    can't be kept), and those that aren't fine come with the mend. Exits with 0 where all promises
    hold, 1 where one is missing. It writes one small file where runs are kept, and removes it.
    """
    findings = tuple(_findings(root, face))
    holds = all(finding.level != MISSING for finding in findings)
    if face.is_text:
        face.say("".join(f"{line}\n" for line in _lines(findings, face)))
    else:
        face.print_json({"holds": holds, "findings": [as_dictionary(each) for each in findings]})
    return 0 if holds else 1


def _findings(root: str, face: Face) -> Iterator[Finding]:
    try:
        folders = places(root, os.environ)
    except PlaceError as error:
        yield Finding("folder", MISSING, str(error), "unset the variable, or name a folder")
        return
    yield from probe_machine(folders)
    yield from probe_installation(face, os.environ)
    yield from probe_project(root, os.environ)


def _lines(findings: Sequence[Finding], face: Face) -> Iterator[str]:
    """A line for each finding, or more where the terminal is narrow; with -q those that aren't
    fine."""
    for finding in findings:
        if finding.level != FINE or face.verbosity >= 0:
            yield from _drawn(finding, face.out)
    weak = sum(finding.level == WEAKER for finding in findings)
    gone = sum(finding.level == MISSING for finding in findings)
    if face.verbosity >= 0:
        yield ""
        rest = f"; {count_text(weak, 'finding')} could be better" if weak else ""
        yield (
            f"{count_text(gone, 'promise')} can't be kept here{rest}"
            if gone
            else f"all promises hold here{rest}"
        )


def _drawn(finding: Finding, terminal: Terminal) -> Iterator[str]:
    mark = terminal.paint(terminal.mark(_MARKS[finding.level]), _STYLES[finding.level])
    # What stands for marks where there are no signs is of several lengths.
    lead = f"{mark} {finding.name:<{_NAME_CELLS}} "
    margin = " " * (_NAME_CELLS + 3)
    room = max(30, terminal.size()[0] - len(margin))
    said = wrap(visible(finding.said), room, break_on_hyphens=False)
    yield lead + said[0]
    yield from (margin + line for line in said[1:])
    if finding.mend is not None:
        for line in wrap(f"mend: {visible(finding.mend)}", room, break_on_hyphens=False):
            yield margin + terminal.paint(line, "cyan")
