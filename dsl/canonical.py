"""The canonical form of a whole tree: what stays on one line, and what gets lines of its own.

What has brackets stays on one line if it was written on one and fits; else each part of it has a
line. Everything else is never broken. docs/manual/formatting.md has the rules.
"""

from collections.abc import Sequence

from orch.dsl.alignment import GAP, WIDTH, Form, Row, arrange
from orch.dsl.block_text import STEP
from orch.dsl.comment_places import CommentPlaces, Gap, Part, end_of_head
from orch.dsl.one_line import body, head, one_line, unbroken, within
from orch.dsl.tree import (
    Block,
    Declaration,
    List,
    Map,
    MapEntry,
    Setting,
    SyntaxTree,
    Value,
)

_NOTHING = Form("", None)


def canonical_text(tree: SyntaxTree) -> str:
    """The canonical form of a file that was read without a diagnostic."""
    return _Canon(tree).file()


class _Canon:
    def __init__(self, tree: SyntaxTree) -> None:
        self._blocks = tree.blocks
        self._text = tree.source.text
        self._places = CommentPlaces(tree)

    def file(self) -> str:
        end = len(self._text)
        first = self._places.top(_begin(self._blocks, end))
        lines = self._lines(self._blocks, first, end, 0, "")
        return "\n".join([*lines, ""]) if lines else ""

    # -- parts on lines of their own ------------------------------------------

    def _lines(
        self, parts: Sequence[Part], first: Gap, end: int, indent: int, comma: str
    ) -> list[str]:
        """The lines of all parts up to the offset `end`; `first` is what stands before them."""
        rows: list[Row] = []
        gap = first
        for at, part in enumerate(parts):
            following = parts[at + 1].span.start if at + 1 < len(parts) else end
            before = self._places.before(part, gap)
            gap = self._places.gap(part.span.end, following)
            name, form, group, joins_spread = self._row(part, indent, comma)
            rows.append(
                Row(name, form, group, joins_spread, before.above, before.is_apart, gap.behind)
            )
        lines = arrange(rows, indent)
        for comment in gap.above:
            lines += [""] * comment.is_apart + [" " * indent + comment.text]
        return lines

    def _row(self, part: Part, indent: int, comma: str) -> tuple[str, Form, str, bool]:
        """The name of a row, what follows it, the group it is aligned in, and whether it is even
        if it has several lines."""
        match part:
            case Setting() | MapEntry():
                name = part.name if isinstance(part, Setting) else part.key
                form = self._value(part.value, indent).between("= ", "")
                return self._named(unbroken(name, self._text, indent), form, "=", joins_spread=True)
            case Declaration():
                return unbroken(part, self._text, indent), _NOTHING, "", False
            case Block():
                return self._block_row(part, indent)
            case _:
                return "", self._value(part, indent).between("", comma), "", False

    def _block_row(self, block: Block, indent: int) -> tuple[str, Form, str, bool]:
        lead = "".join(head(block, self._text, indent))
        if block.value is None and block.body is None:
            return self._named(lead, _NOTHING, "", joins_spread=False)
        if block.value is None and block.type is None:
            group = block.keyword.text if block.label else "="
            return self._named(lead, self._body(block, indent), group, joins_spread=False)
        if block.value is not None and block.type is None and block.body is None:
            form = self._value(block.value, indent).between("= ", "")
            return self._named(lead, form, block.keyword.text, joins_spread=True)
        return self._named(lead, self._value_and_body(block, indent), "", joins_spread=False)

    def _named(
        self, name: str, form: Form, group: str, *, joins_spread: bool
    ) -> tuple[str, Form, str, bool]:
        if "\n" not in name:
            return name, form, group, joins_spread
        last = len(name) - name.rfind("\n")
        return "", Form(None, lambda i, _: f"{name} {form.fitting(i, last, 0)}".rstrip()), "", False

    # -- what follows names ---------------------------------------------------

    def _value(self, value: Value, indent: int) -> Form:
        text = self._text
        if not isinstance(value, (List, Map)):
            written = unbroken(value, text, indent)
            return Form(None, lambda _i, _c: written) if "\n" in written else Form(written, None)
        start, end = value.span.start, value.span.end
        parts: Sequence[Part] = value.items if isinstance(value, List) else value.entries
        if not parts and not self._places.has_comment(start, end):
            return Form(unbroken(value, text, indent), None)
        is_short = self._places.is_one_line(start, end)
        comma = "," if isinstance(value, List) else ""

        def spread(indent: int, _column: int) -> str:
            first = self._places.first_gap(start + 1, _begin(parts, end - 1))
            return self._bracketed(parts, first, end - 1, indent, comma)

        return Form(one_line(value, text, WIDTH) if is_short else None, spread)

    def _body(self, block: Block, indent: int) -> Form:
        text, parts = self._text, block.body or ()
        start, end = self._places.brace(block), block.span.end
        is_commented = self._places.has_comment(end_of_head(block), end)
        if not parts and not is_commented:
            return Form("{ }", None)
        is_short = not is_commented and self._places.is_one_line(start, end)

        def spread(indent: int, _column: int) -> str:
            first = self._places.first_gap(start + 1, _begin(parts, end - 1), block)
            return self._bracketed(parts, first, end - 1, indent, "")

        return Form(within(body(block, text, indent), WIDTH) if is_short else None, spread)

    def _value_and_body(self, block: Block, indent: int) -> Form:
        """`= value { … }` of a param; each of the two can have several lines."""
        value = None if block.value is None else self._value(block.value, indent).between("= ", "")
        rest = None if block.body is None else self._body(block, indent)
        if value is None or rest is None:
            return value or rest or _NOTHING

        def spread(indent: int, column: int) -> str:
            before = value.fitting(indent, column, len(" {"))
            line_start = before.rfind("\n") + 1
            column = len(before) - line_start + 1 + (0 if line_start else column)
            return f"{before} {rest.fitting(indent, column, 0)}"

        if value.rest is None or rest.rest is None:
            return Form(None, spread)
        is_atom = value.spread is None and rest.spread is None
        return Form(f"{value.rest} {rest.rest}", None if is_atom else spread)

    def _bracketed(
        self, parts: Sequence[Part], first: Gap, end: int, indent: int, comma: str
    ) -> str:
        """Brackets on lines of their own around the parts; the closing one stands at `end`."""
        closing = self._text[end]
        opening = {"]": "[", "}": "{"}[closing] + (GAP + first.behind if first.behind else "")
        lines = self._lines(parts, first, end, indent + STEP, comma)
        return "\n".join([opening, *lines, " " * indent + closing])


def _begin(parts: Sequence[Part], end: int) -> int:
    return parts[0].span.start if parts else end
