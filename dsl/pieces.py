"""A text in pieces, its top-level blocks, each parsed alone: an edit parses again what it touches.

For editors. A piece reaches from the first token of its block to the next block, and everything in
it counts from its own beginning, so that it stays what it is when text before it comes and goes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from orch.dsl.blocks import find_blocks
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.findings import Findings
from orch.dsl.lexer import lex
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile, Span
from orch.dsl.tree import Block, SyntaxTree


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of a text that was parsed alone; offsets count from its own beginning."""

    tree: SyntaxTree
    diagnostics: tuple[Diagnostic, ...]

    @property
    def text(self) -> str:
        return self.tree.source.text

    @property
    def block(self) -> Block | None:
        """The block of the piece; None where there is none that could be read."""
        return next(iter(self.tree.blocks), None)

    @property
    def is_sound(self) -> bool:
        """Whether it says the same wherever it stands between other sound pieces."""
        return not self.diagnostics and len(self.tree.blocks) <= 1


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """From one text to the next: what stood from `start` to `old_end` ends at `new_end` now.

    `gone` and `made` are the pieces that were replaced, and by which.
    """

    start: int
    old_end: int
    new_end: int
    gone: tuple[tuple[int, Piece], ...]
    made: tuple[tuple[int, Piece], ...]

    def moved(self, span: Span) -> Span | None:
        """Where a span of the old text is now; None for one that the change touched, or bordered
        on: its last word may go on."""
        if span.end < self.start:
            return span
        if span.start <= self.old_end:
            return None
        shift = self.new_end - self.old_end
        return Span(span.start + shift, span.end + shift)


class PiecedText:
    """A text and its pieces, in order and without gaps; there is at least one. Never changed."""

    __slots__ = ("path", "pieces", "starts", "text")

    def __init__(self, path: str, text: str, pieces: tuple[Piece, ...]) -> None:
        self.path = path
        self.text = text
        self.pieces = pieces
        self.starts = tuple(accumulate((len(p.text) for p in pieces[:-1]), initial=0))

    @property
    def is_sound(self) -> bool:
        """Whether parsing the whole finds exactly what its pieces say."""
        return all(piece.is_sound for piece in self.pieces)

    def placed(self) -> Iterator[tuple[int, Piece]]:
        """Each piece with the offset at which it begins."""
        return zip(self.starts, self.pieces, strict=True)

    def at(self, offset: int) -> tuple[int, Piece]:
        """The piece that an offset stands in, and where it begins; of two the later one."""
        index = bisect_right(self.starts, offset) - 1
        return self.starts[index], self.pieces[index]

    def edited(self, text: str) -> "tuple[PiecedText, Change]":
        """The same after an edit, and what it did.

        Only the pieces that the edit touches are parsed again, and where one of them isn't sound
        those beside them that it has an influence on.
        """
        start, old_end, new_end = difference(self.text, text)
        # A piece that only borders on the edit is touched too: its last word may go on.
        first = max(0, bisect_left(self.starts, start) - 1)
        last = bisect_right(self.starts, old_end) - 1
        made = self._parsed(first, last, text)
        if not all(piece.is_sound for piece in (*self.pieces[first : last + 1], *made)):
            first, last = max(0, first - 1), min(len(self.pieces) - 1, last + 1)
            made = self._parsed(first, last, text)
        pieces = (*self.pieces[:first], *made, *self.pieces[last + 1 :])
        after = PiecedText(self.path, text, pieces)
        kept = set(made) & set(self.pieces[first : last + 1])
        gone = [p for p in list(self.placed())[first : last + 1] if p[1] not in kept]
        new = [p for p in list(after.placed())[first : first + len(made)] if p[1] not in kept]
        return after, Change(start, old_end, new_end, tuple(gone), tuple(new))

    def _parsed(self, first: int, last: int, text: str) -> tuple[Piece, ...]:
        """The pieces of the new text in the place of those from `first` to `last`."""
        begin = self.starts[first]
        behind = len(self.text) - self.starts[last] - len(self.pieces[last].text)
        known = {piece.text: piece for piece in self.pieces[first : last + 1]}
        return _cut(self.path, text[begin : len(text) - behind], known)


def in_pieces(path: str, text: str) -> PiecedText:
    """A text of the file `path`, all of it parsed."""
    return PiecedText(path, text, _cut(path, text, {}))


def difference(old: str, new: str) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where what differs ends in the old and the new one."""
    start = _same_beginning(old, new)
    same_end = _same_ending(old, new, min(len(old), len(new)) - start)
    return start, len(old) - same_end, len(new) - same_end


def _cut(path: str, text: str, known: Mapping[str, Piece]) -> tuple[Piece, ...]:
    """A text in pieces; of those that are `known` by their text none is parsed."""
    source = SourceFile(path, text)
    findings = Findings(path)
    tokens, _ = lex(source, findings)
    rows = find_blocks(text, tokens, findings)
    cuts = [0, *(rows.tokens[begin].start for begin, _ in rows.rows[1:]), len(text)]
    return tuple(
        known.get(part) or Piece(*parse(SourceFile(path, part)))
        for part in (text[begin:end] for begin, end in pairwise(cuts))
    )


def _same_beginning(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _same_ending(one: str, other: str, most: int) -> int:
    """How many characters they have in common at their end, up to `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one.endswith(other[len(other) - middle : len(other) - low], 0, len(one) - low):
            low = middle
        else:
            high = middle - 1
    return low
