"""Text made fit for a terminal: nothing in it moves the cursor, rings, hides or turns around.

Names, messages and output come from files and programs that nobody vouches for. Whatever of them
is shown goes through `visible` first; widths are counted in terminal cells.
"""

from orch.dsl.type_names import Iterator, Sequence

TAB_WIDTH = 4

# Categories of characters that act instead of showing: control, format (bidirectional marks,
# joiners), lone surrogates, and the two Unicode line ends.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""The text on one line, acting characters spelled out: `^[`, `\x9b`, `\u{202e}`.

    Tabs and line ends are spelled out too; split lines and expand tabs before.
    """
    if text.isprintable():
        return text
    return "".join(_spelled(char) for char in text)


def visible_line(line: str) -> str:
    """`visible`, with tabs expanded to columns of `TAB_WIDTH` cells."""
    return "".join(drawn for drawn, _ in cells(line))


def visible_lines(text: str) -> list[str]:
    """The lines of a program's output, each made visible.

    Colours are dropped. A carriage return inside a line ends what it overwrites, as progress bars
    mean it to.
    """
    lines = _without_colours(text).replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [visible_line(line.rstrip("\r").rpartition("\r")[2]) for line in lines]


def cells(line: str) -> Iterator[tuple[str, int]]:
    """For every character of a line, what is drawn for it and how many cells that takes."""
    at = 0
    for char in line:
        drawn = " " * (TAB_WIDTH - at % TAB_WIDTH) if char == "\t" else visible(char)
        width = len(drawn) if drawn.isascii() else sum(map(_char_width, drawn))
        at += width
        yield drawn, width


def width_of(text: str) -> int:
    """How many cells a visible text takes."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """A visible text in at most `width` cells; what was left out is told by the ellipsis."""
    if width_of(text) <= width:
        return text
    room = width - width_of(ellipsis)
    kept: list[str] = []
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ellipsis if width >= width_of(ellipsis) else ""


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """As `cut`, but the end is kept too, and more of it: the id of a stage ends with its name."""
    room = width - width_of(ellipsis)
    if width_of(text) <= width or room < 0:
        return cut(text, width, ellipsis)
    head = cut(text, room // 3, "")
    room -= width_of(head)
    begin = len(text)
    while (taken := _char_width(text[begin - 1])) <= room:
        room -= taken
        begin -= 1
    return head + ellipsis + text[begin:]


def cut_pieces(
    pieces: Sequence[tuple[str, ...]], width: int, ellipsis: str = "…"
) -> list[tuple[str, ...]]:
    """A line of painted pieces, `(text, *styles)` each, in at most `width` cells."""
    kept = []
    room = width
    for text, *styles in pieces:
        cells_needed = width_of(text)
        if cells_needed > room:
            kept.append((cut(text, room, ellipsis), *styles))
            break
        kept.append((text, *styles))
        room -= cells_needed
    return kept


def _without_colours(text: str) -> str:
    """The text without what sets colours and weights: `ESC [`, numbers, `m`."""
    before, *parts = text.split("\x1b[")
    kept = [before]
    for part in parts:
        rest = part.lstrip("0123456789;:")
        kept.append(rest[1:] if rest.startswith("m") else f"\x1b[{part}")
    return "".join(kept)


def _spelled(char: str) -> str:
    if char.isprintable():
        return char
    import unicodedata

    if unicodedata.category(char) not in _ACTING:
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return "^" + chr(code ^ 0x40)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata

    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
