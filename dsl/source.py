"""Source text and places in it: a file as LF text, spans as offsets, positions only to be shown."""

from orch.dsl.record import record

MOST_BYTES = 16 * 1024 * 1024
"""The largest file that is read."""


@record
class Span:
    """A half-open range of characters, `start` to `end`, offsets from 0 in the file's text."""

    start: int
    end: int

    def __lt__(self, other: "Span") -> bool:
        return (self.start, self.end) < (other.start, other.end)

    def to(self, other: "Span") -> "Span":
        """The span from the beginning of this one to the end of `other`."""
        return Span(self.start, other.end)


@record
class Position:
    """A place as people count it: line and column from 1, in characters."""

    line: int
    column: int
    offset: int


class SourceFile:
    """The text of one file. `path` is relative to the project root, with `/` between folders.

    `text` holds LF line ends only and no byte order mark; every offset counts its characters.
    Never changed once it is made; where its lines begin is found when it is first asked for.
    """

    __slots__ = ("_line_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._line_starts: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"SourceFile({self.path!r}, {len(self.text)} characters)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SourceFile):
            return NotImplemented
        return (self.path, self.text) == (other.path, other.text)

    def __hash__(self) -> int:
        return hash((self.path, self.text))

    @property
    def line_starts(self) -> tuple[int, ...]:
        """Offsets at which lines begin; the first is 0."""
        if not self._line_starts:
            starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._line_starts = tuple(starts)
        return self._line_starts

    def position(self, offset: int) -> Position:
        """Line and column of an offset; the end of the text has a position too."""
        from bisect import bisect_right

        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1, offset)

    def line_text(self, line: int) -> str:
        """The text of a line (from 1), without its line end."""
        start = self.line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]
