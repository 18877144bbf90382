"""Where the comments of a file belong, now that what stands between them moves.

A comment keeps its place beside a part, which is what has lines of its own: above it, behind it,
behind the opening bracket, or before the closing one. A comment amid the head of a part, where no
line can be broken, goes above the part; one between the head of a block and its brace goes behind
the brace. Each is asked for once, and their order never changes.
"""

import re
from bisect import bisect_left

from orch.dsl.alignment import Above
from orch.dsl.record import record
from orch.dsl.tree import (
    Block,
    Comment,
    Item,
    List,
    Map,
    MapEntry,
    Setting,
    SyntaxTree,
    Value,
)

Part = Item | MapEntry | Value
"""What has lines of its own in a file, in braces or in brackets."""

_BRACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*+\{")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@record
class Gap:
    """What stands between two parts: a comment behind the first, comments above the second.

    `is_apart` says whether a blank line stands right before the second.
    """

    behind: str
    above: tuple[Above, ...]
    is_apart: bool


def end_of_head(block: Block) -> int:
    """The offset behind all of a block but its body."""
    parts = (block.value, block.type, block.alias, block.label, block.keyword)
    return next(part.span.end for part in parts if part is not None)


class CommentPlaces:
    """The comments of one tree, by their places."""

    def __init__(self, tree: SyntaxTree) -> None:
        self._text = tree.source.text
        self._comments = tree.comments
        self._starts = [comment.span.start for comment in tree.comments]

    def gap(self, start: int, end: int) -> Gap:
        """What stands between the end of a part and what follows it."""
        comments = self._between(start, end)
        behind = ""
        if comments and self.is_one_line(start, comments[0].span.start):
            behind = comments[0].text.rstrip()
            start = comments[0].span.end
            comments = comments[1:]
        return self._gap(behind, start, comments, end)

    def first_gap(self, start: int, end: int, block: Block | None = None) -> Gap:
        """What stands between the end of an opening bracket and the first part it holds.

        For a body `block` is its block, whose comments before the brace are taken along. A blank
        line in front counts for nothing.
        """
        moved: list[str] = []
        if block is not None:
            amid = self._between(end_of_head(block), self.brace(block))
            moved = [comment.text.rstrip() for comment in amid]
        if moved:
            gap = self._gap(moved[0], start, self._between(start, end), end)
            above = [*(Above(False, text) for text in moved[1:]), *gap.above]
        else:
            gap = self.gap(start, end)
            above = list(gap.above)
        return self._first(gap.behind, above, gap.is_apart)

    def top(self, end: int) -> Gap:
        """What stands before the first block of a file, which begins at `end`."""
        gap = self._gap("", 0, self._between(0, end), end)
        return self._first("", list(gap.above), gap.is_apart)

    def before(self, part: Part, gap: Gap) -> Gap:
        """The gap before a part, with the comments amid its head."""
        amid = self._between(part.span.start, _first_bracket(part))
        if not amid:
            return gap
        above = [Above(gap.is_apart and at == 0, c.text.rstrip()) for at, c in enumerate(amid)]
        return Gap(gap.behind, (*gap.above, *above), False)

    def has_comment(self, start: int, end: int) -> bool:
        """Whether there is a comment between two offsets."""
        return bool(self._between(start, end))

    def brace(self, block: Block) -> int:
        """The offset of the brace that opens the body of a block."""
        found = _BRACE.match(self._text, end_of_head(block))
        assert found is not None
        return found.end() - 1

    def is_one_line(self, start: int, end: int) -> bool:
        """Whether no line ends between two offsets."""
        return self._text.find("\n", start, end) < 0

    def _first(self, behind: str, above: list[Above], is_apart: bool) -> Gap:
        if not above:
            return Gap(behind, (), False)
        return Gap(behind, (Above(False, above[0].text), *above[1:]), is_apart)

    def _gap(self, behind: str, start: int, comments: tuple[Comment, ...], end: int) -> Gap:
        above: list[Above] = []
        for comment in comments:
            is_apart = self._is_apart(start, comment.span.start)
            above.append(Above(is_apart, comment.text.rstrip()))
            start = comment.span.end
        return Gap(behind, tuple(above), self._is_apart(start, end))

    def _between(self, start: int, end: int) -> tuple[Comment, ...]:
        if not self._starts:
            return ()
        return self._comments[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _is_apart(self, start: int, end: int) -> bool:
        """Whether a blank line stands between two offsets, which no comment does."""
        return end - start > 1 and _BLANK_LINE.search(self._text, start, end) is not None


def _first_bracket(part: Part) -> int:
    """The offset at which the head of a part ends: its first bracket, or else its end."""
    value = part.value if isinstance(part, (Setting, MapEntry, Block)) else None
    if isinstance(value, (List, Map)):
        return value.span.start
    if isinstance(part, Block):
        return end_of_head(part)
    return part.span.start if isinstance(part, (List, Map)) else part.span.end
