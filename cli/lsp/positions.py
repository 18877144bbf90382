"""Places as editors count them, and as we do: lines and units of an encoding, and offsets.

An editor counts lines from 0, and in a line the units that it agreed on with the server: bytes of
UTF-8, 16-bit units of UTF-16, or characters (LSP 3.17, `PositionEncodingKind`).
"""

from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span

UTF_8, UTF_16, UTF_32 = "utf-8", "utf-16", "utf-32"


@record
class Place:
    """`line` and `unit` from 0."""

    line: int
    unit: int


@record
class Area:
    """From `start` up to, and without, `end`."""

    start: Place
    end: Place


class Positions:
    """Translates places of one text; `encoding` is one of the three that the protocol has."""

    def __init__(self, text: str, encoding: str = UTF_16) -> None:
        self._source = SourceFile("", text)
        self._encoding = encoding

    def offset(self, place: Place) -> int:
        """The offset of a place; of one beyond its line or the text the end of that."""
        starts = self._source.line_starts
        if place.line >= len(starts):
            return len(self._source.text)
        line = self._source.line_text(place.line + 1)
        return starts[place.line] + _characters(line, place.unit, self._encoding)

    def place(self, offset: int) -> Place:
        """The place of an offset; the end of the text has one too."""
        position = self._source.position(offset)
        line = position.line - 1
        before = self._source.text[offset - position.column + 1 : offset]
        return Place(line, _units(before, self._encoding))

    def area(self, span: Span) -> Area:
        """The area of a span."""
        return Area(self.place(span.start), self.place(span.end))

    def span(self, area: Area) -> Span:
        """The span of an area."""
        return Span(self.offset(area.start), self.offset(area.end))

    @property
    def whole(self) -> Area:
        """All of the text."""
        return self.area(Span(0, len(self._source.text)))


def _units(text: str, encoding: str) -> int:
    if encoding == UTF_32 or text.isascii():
        return len(text)
    if encoding == UTF_8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _characters(line: str, units: int, encoding: str) -> int:
    """How many characters of a line have begun before so many units of it."""
    if encoding == UTF_32 or line.isascii():
        return min(units, len(line))
    known = 0
    for at, character in enumerate(line):
        known += _units(character, encoding)
        if known > units:
            return at
    return len(line)
