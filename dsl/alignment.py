"""Rows of text one below the other: which of them share columns, and which are spread over lines.

A row is what one block, setting or item of a list becomes. Rows of one group that follow each other
with neither a blank line nor a comment between them form a run: what follows their names stands in
one column. A row of several lines ends its run.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from orch.dsl.record import record

WIDTH = 100
"""No line is longer, in characters, if there is a bracket at which it can be broken."""

GAP = "  "
"""What stands at least before a comment behind something."""


@record
class Form:
    """A text as one line, and as several; one of the two may be None where there is no such form.

    `spread` is given the indentation of the line that the text begins in, and the column in it;
    what it returns has margins in all lines but the first.
    """

    rest: str | None
    spread: Callable[[int, int], str] | None

    def fitting(self, indent: int, column: int, behind: int) -> str:
        """The text from a column on, where `behind` more characters follow on its first line."""
        is_fit = self.rest is not None and column + len(self.rest) + behind <= WIDTH
        if self.rest is not None and (is_fit or self.spread is None):
            return self.rest
        assert self.spread is not None
        return self.spread(indent, column)

    def between(self, before: str, behind: str) -> "Form":
        """The same with a text of one line on either side."""
        rest, spread = self.rest, self.spread
        return Form(
            None if rest is None else before + rest + behind,
            None
            if spread is None
            else lambda indent, column: before + spread(indent, column + len(before)) + behind,
        )


@record
class Above:
    """A comment on a line of its own, and whether a blank line stands before it."""

    is_apart: bool
    text: str


@record
class Row:
    """One row: its name and what follows, both of which may be empty.

    `group` is empty for a row that aligns with none; `joins_spread` says whether it aligns as
    several lines too. `behind` is the comment behind it, or empty.
    """

    lead: str
    form: Form
    group: str
    joins_spread: bool
    above: tuple[Above, ...]
    is_apart: bool
    behind: str

    @property
    def is_adjacent(self) -> bool:
        """Whether nothing stands between this row and the one above it."""
        return not (self.above or self.is_apart)


def arrange(rows: Sequence[Row], indent: int) -> list[str]:
    """The lines that the rows make, with their comments; a row of several is one text."""
    rests = [row.form.rest for row in rows]
    starts = _starts(rows, rests)
    for at, row in enumerate(rows):
        rest = rests[at]
        if rest is not None and row.form.spread and indent + starts[at] + len(rest) > WIDTH:
            rests[at] = None
    # That ends some runs earlier. What fitted before fits all the more, so once is enough.
    starts = _starts(rows, rests)
    texts: list[str] = []
    for row, rest, start in zip(rows, rests, starts, strict=True):
        written = rest
        if written is None:
            assert row.form.spread is not None
            written = row.form.spread(indent, indent + start)
        texts.append(row.lead.ljust(start) + written if written else row.lead)
    margin = " " * indent
    lines: list[str] = []
    for row, text, column in zip(rows, texts, _comment_columns(rows, texts), strict=True):
        for comment in row.above:
            lines += [""] * comment.is_apart + [margin + comment.text]
        lines += [""] * row.is_apart
        lines.append(margin + (text.ljust(column) + GAP + row.behind if row.behind else text))
    return lines


def _starts(rows: Sequence[Row], rests: Sequence[str | None]) -> list[int]:
    """How far behind the margin the rest of each row begins."""
    starts = [len(row.lead) + 1 if row.lead else 0 for row in rows]
    _align(starts, [at > 0 and _follows(rows, rests, at) for at in range(len(rows))])
    return starts


def _follows(rows: Sequence[Row], rests: Sequence[str | None], at: int) -> bool:
    """Whether a row belongs to the run of the row above it."""
    row = rows[at]
    is_same_group = bool(row.group) and row.group == rows[at - 1].group
    is_above_short = rests[at - 1] is not None
    is_aligned = rests[at] is not None or row.joins_spread
    return is_same_group and is_above_short and is_aligned and row.is_adjacent


def _comment_columns(rows: Sequence[Row], texts: Sequence[str]) -> list[int]:
    """How wide each row is made for the comment behind it: rows below each other share a column."""
    is_commented = [
        bool(row.behind) and "\n" not in text for row, text in zip(rows, texts, strict=True)
    ]
    columns = [len(text) if is_commented[at] else 0 for at, text in enumerate(texts)]
    _align(
        columns,
        [
            at > 0 and is_commented[at - 1] and is_commented[at] and row.is_adjacent
            for at, row in enumerate(rows)
        ],
    )
    return columns


def _align(columns: list[int], follows: Sequence[bool]) -> None:
    """Give each run its largest column; `follows` says which rows belong to the one above them."""
    begins = [at for at, is_following in enumerate(follows) if not is_following]
    for begin, end in pairwise([*begins, len(follows)]):
        columns[begin:end] = [max(columns[begin:end])] * (end - begin)
