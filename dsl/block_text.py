"""Block strings written with another indentation, so that they are read as before.

What a block string holds is found in strings.py (`_dedented`); this is the way back. The text is
put one step deeper than the line on which the string begins, and the closing quotes below it.
"""

from orch.dsl.tree import String, Template

STEP = 2
"""What each level is indented by, in spaces."""


def block_text(string: String, text: str, indent: int) -> str:
    """A block string in canonical form. `text` is that of the file, in which templates stand.

    A text of one line stays between its quotes. Lines of white space keep what of it is text.
    """
    quotes = text[string.span.start : string.span.start + 3]
    lines, is_solid = _lines(string, text)
    if len(lines) == 1:
        return f"{quotes}{lines[0]}{quotes}"
    # Where all lines are white space nothing is taken away when they are read, so nothing is added.
    margin = " " * (indent + STEP) if any(is_solid) else ""
    written = [margin + line if line else "" for line in lines]
    if not lines[-1]:
        written[-1] = " " * indent
    return "\n".join([quotes, *written]) + quotes


def _lines(string: String, text: str) -> tuple[list[str], list[bool]]:
    """The lines that the string holds, and which of them hold more than white space.

    A template is a part of the line it begins on, whatever line breaks it holds.
    """
    lines = [""]
    is_solid = [False]
    for part in string.parts:
        if isinstance(part, Template):
            lines[-1] += text[part.span.start : part.span.end]
            is_solid[-1] = True
            continue
        for at, piece in enumerate(part.text.split("\n")):
            if at:
                lines.append("")
                is_solid.append(False)
            lines[-1] += piece
            is_solid[-1] = is_solid[-1] or bool(piece.strip(" \t"))
    return lines, is_solid
