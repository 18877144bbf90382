"""`orch explain CODE`: the page of a diagnostic."""

import re

import click

from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.options import Command, face_options
from orch.cli.terminal import Terminal
from orch.cli.visible import visible_lines
from orch.dsl.catalogue import CODES, page


@click.command(
    cls=Command,
    examples=(
        "orch explain E0201        what it means, an example, how to mend it",
        "orch explain              all codes, a line each",
    ),
)
@click.argument("code", required=False, metavar="[CODE]")
@face_options("text", "json")
def command(*, code: str | None, face: Face) -> int:
    """Explain a diagnostic: what it means, an example of it, and how to mend it.

    Without CODE all codes are listed.
    """
    if code is None:
        if face.is_text:
            lines = [f"{face.out.paint(c, 'bold')}  {title}\n" for c, title in CODES.items()]
            face.say("".join(lines))
        else:
            face.print_json({"codes": dict(CODES)})
        return 0
    wanted = _code_of(code)
    if wanted is None:
        raise _unknown(code, list(CODES))
    if face.is_text:
        face.say(draw_markdown(page(wanted), face.out))
    else:
        face.print_json({"code": wanted, "title": CODES[wanted], "page": page(wanted)})
    return 0


def _code_of(text: str) -> str | None:
    """The code that is meant by `E0201`, `e201` or `201`."""
    match = re.fullmatch(r"([EW]?)0*([1-9][0-9]{0,3})", text.strip().upper())
    if match is None:
        return None
    same = (code for code in CODES if int(code[1:]) == int(match[2]))
    return next((code for code in same if match[1] in ("", code[0])), None)


def _unknown(code: str, known: list[str]) -> CommandError:
    from orch.dsl.suggest import near_miss

    hint = near_miss(code.upper(), known)
    return CommandError(
        f"there is no diagnostic `{code}`" + (f"; did you mean `{hint}`?" if hint else ""),
        help_text="`orch explain` lists all of them.",
    )


def draw_markdown(text: str, terminal: Terminal) -> str:
    """A page of markdown as it is written, headings and code set off by colour."""
    lines = []
    is_code = False
    for line in visible_lines(text):
        if line.startswith("```"):
            is_code = not is_code
            lines.append(terminal.paint(line, "dim"))
        elif is_code:
            lines.append(terminal.paint(line, "cyan"))
        elif line.startswith("#"):
            lines.append(terminal.paint(line, "bold"))
        else:
            lines.append(line)
    return "".join(line + "\n" for line in lines)
