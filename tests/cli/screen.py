r"""A terminal's screen in the little that orch asks of one: enough to see what a person would see.

Understood: text with wide characters, `\r`, `\n`, cursor up, erase below and to the line's end,
colours. Any other control is an error, for orch must send none.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

_CUT_OFF = re.compile(r"\x1b(\[[0-9;]*)?\Z")
_CODE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Screen:
    """A window of `columns` cells; lines that scroll out at the top are kept above it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns = columns
        self.rows = rows
        self.lines: list[list[tuple[str, str]]] = [[]]
        self.row = 0
        self.column = 0
        self.style = ""
        self._unread = ""
        self.taken = 0
        """So many characters it was given."""
        self.raised = 0
        """The farthest that the cursor ever went up in one go."""

    def feed(self, text: str) -> None:
        """Take what a program wrote. Raises ValueError for a control that orch must not send."""
        self.taken += len(text)
        text = self._unread + text
        self._unread = ""
        if cut_off := _CUT_OFF.search(text):
            text, self._unread = text[: cut_off.start()], cut_off[0]
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                code = _CODE.match(text, at)
                if code is None:
                    raise ValueError(f"an escape sequence nobody asked for: {text[at : at + 20]!r}")
                self._obey(code[1], code[2])
                at = code.end()
                continue
            self._put(text[at])
            at += 1

    def resize(self, columns: int) -> None:
        """Make the window narrower: what no longer fits is wrapped, as most terminals do."""
        self.columns = columns
        wrapped: list[list[tuple[str, str]]] = []
        for number, line in enumerate(self.lines):
            pieces = [line[at : at + columns] for at in range(0, len(line), columns)] or [[]]
            if number == self.row:
                row = len(wrapped) + min(self.column // columns, len(pieces) - 1)
            wrapped += pieces
        self.lines, self.row, self.column = wrapped, row, self.column % columns

    def shown(self) -> list[str]:
        """All lines, without trailing blanks."""
        return ["".join(char for char, _ in line).rstrip() for line in self.lines]

    def painted(self) -> str:
        """All lines with their colours, as ANSI text."""
        return "\n".join(
            "".join(
                f"\x1b[{style}m{text}\x1b[0m" if style else text
                for style, text in _runs_of_one_style(line)
            )
            for line in self.lines
        )

    def _obey(self, number: str, letter: str) -> None:
        if letter == "m":
            self.style = "" if number in ("", "0") else number
        elif letter == "A":
            self.raised = max(self.raised, int(number or "1"))
            top = max(0, len(self.lines) - self.rows)
            self.row = max(top, self.row - int(number or "1"))
        elif letter == "J" and number in ("", "0"):
            del self.lines[self.row + 1 :]
            del self.lines[self.row][self.column :]
        elif letter == "K" and number in ("", "0"):
            del self.lines[self.row][self.column :]
        else:
            raise ValueError(f"a code nobody asked for: {number}{letter}")

    def _put(self, char: str) -> None:
        if char == "\r":
            self.column = 0
            return
        if char == "\n":
            self._next_line()
            return
        if unicodedata.category(char) in ("Cc", "Cf"):
            raise ValueError(f"a control character: {char!r}")
        if unicodedata.category(char) in ("Mn", "Me"):
            return
        width = 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
        if self.column + width > self.columns:
            self.column = 0
            self._next_line()
        line = self.lines[self.row]
        line += [(" ", "")] * (self.column + width - len(line))
        line[self.column] = (char, self.style)
        if width == 2:
            line[self.column + 1] = ("", "")
        self.column += width

    def _next_line(self) -> None:
        # A line discipline turns \n into \r\n; a bare \n goes straight down.
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])


def _runs_of_one_style(line: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for style, cells in groupby(line, key=lambda cell: cell[1]):
        yield style, "".join(char for char, _ in cells)
