"""What each word of a text is, for who colours it: told by its meaning, not by its look."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from orch.cli.lsp.documents import templates_of
from orch.cli.lsp.mentions import Kind, mentions_in
from orch.cli.lsp.positions import Positions
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Call, Constant, Expression
from orch.dsl.pieces import Piece, PiecedText
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import (
    Block,
    Boolean,
    Declaration,
    Duration,
    Float,
    Integer,
    Item,
    List,
    Map,
    Name,
    Range,
    Reference,
    Setting,
    Size,
    String,
    Template,
    TypeName,
    Value,
)
from orch.dsl.tree import Call as Word

TYPES = (
    "keyword", "property", "type", "function", "variable", "parameter", "namespace",
    "enumMember", "number", "string", "comment", "macro",
)  # fmt: skip
"""The kinds of words, by the names that the protocol has for them."""

_OF_MENTIONS: dict[Kind, str] = {
    "node": "function", "constant": "variable", "secret": "variable", "pool": "namespace",
    "pipeline": "namespace", "axis": "parameter", "value": "property",
}  # fmt: skip


@record
class Token:
    """A piece of one line. `is_declaration` says that a name is declared here."""

    span: Span
    type: str
    is_declaration: bool = False


@record
class _Coded:
    """The words of a piece, five numbers each, as if it began its file; the line and the unit at
    which the last of them begins; how many lines the piece ends, and the units behind the last."""

    numbers: tuple[int, ...]
    line: int
    unit: int
    breaks: int
    behind: int


def coded(pieced: PiecedText, encoding: str, within: Span | None = None) -> list[int]:
    """The words of a text as the protocol writes them, five numbers each: line and unit from the
    one before, length, type, and 1 for a declaration. With `within` those of the blocks that touch
    it."""
    numbers: list[int] = []
    lines = column = last_line = last_unit = 0
    for start, piece in pieced.placed():
        part = _coded(piece, encoding)
        is_wanted = within is None or (
            start <= within.end and within.start <= start + len(piece.text)
        )
        if is_wanted and part.numbers:
            line, unit, *rest = part.numbers
            unit += 0 if line else column
            line += lines
            numbers += (line - last_line, unit - (last_unit if line == last_line else 0), *rest)
            last_line = lines + part.line
            last_unit = part.unit + (0 if part.line else column)
        lines += part.breaks
        column = part.behind + (0 if part.breaks else column)
    return numbers


@lru_cache(16_384)
def _coded(piece: Piece, encoding: str) -> _Coded:
    positions = Positions(piece.text, encoding)
    numbers: list[int] = []
    line = unit = 0
    for token in tokens_in(piece):
        start, end = positions.place(token.span.start), positions.place(token.span.end)
        before = unit if start.line == line else 0
        kind = TYPES.index(token.type)
        length = end.unit - start.unit
        numbers += (start.line - line, start.unit - before, length, kind, token.is_declaration)
        line, unit = start.line, start.unit
    end = positions.place(len(piece.text))
    return _Coded(tuple(numbers), line, unit, end.line, end.unit)


def changed_part(old: list[int], new: list[int]) -> tuple[int, int, list[int]]:
    """What leads from one row of numbers to another: from where on, how many go, which come."""
    start = _same(old, new)
    most = min(len(old), len(new)) - start
    same_end = min(most, _same(old[::-1], new[::-1]))
    return start, len(old) - same_end - start, new[start : len(new) - same_end]


def _same(one: list[int], other: list[int]) -> int:
    """How many numbers two rows have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def tokens_in(piece: Piece) -> tuple[Token, ...]:
    """The words of a piece in order, none over another."""
    names = [
        Token(each.span, _OF_MENTIONS[each.kind], each.is_declaration)
        for each in mentions_in(piece)
        if each.kind in _OF_MENTIONS
    ]
    others = [Token(comment.span, "comment") for comment in piece.tree.comments]
    for block in piece.tree.blocks:
        others += _of_item(block)
        for template in templates_of(block):
            others += _of_template(template, piece.tree.source.path)
    return tuple(
        part for token in _apart([*names, *others]) for part in _by_line(token, piece.text)
    )


def _of_item(item: Item) -> Iterator[Token]:
    match item:
        case Block():
            yield Token(item.keyword.span, "keyword")
            if item.type is not None:
                yield from _of_type(item.type)
            for value in (item.label, item.value):
                if value is not None and not isinstance(value, Name):
                    yield from _of_value(value)
            for each in item.body or ():
                yield from _of_item(each)
        case Setting():
            if isinstance(item.name, Name):
                yield Token(item.name.span, "property")
            yield from _of_value(item.value)
        case Declaration():
            yield from _of_type(item.type)


def _of_type(type_: TypeName) -> Iterator[Token]:
    yield Token(type_.name.span, "type")
    if type_.argument is not None:
        yield from _of_type(type_.argument)


def _of_value(value: Value) -> Iterator[Token]:
    match value:
        case Integer() | Float() | Duration() | Size():
            yield Token(value.span, "number")
        case Boolean() | Reference():
            yield Token(value.span, "enumMember")
        case Word():
            yield Token(value.name.span, "enumMember")
        case String():
            yield from _of_string(value)
        case List(items=items):
            for item in items:
                yield from _of_value(item)
        case Range(low=low, high=high):
            yield from (*_of_value(low), *_of_value(high))
        case Map(entries=entries):
            for entry in entries:
                yield Token(entry.key.span, "property")
                yield from _of_value(entry.value)
        case _:
            return


def _of_string(string: String) -> Iterator[Token]:
    """All of a string but its templates."""
    at = string.span.start
    for part in string.parts:
        if isinstance(part, Template):
            yield Token(Span(at, part.span.start), "string")
            at = part.span.end
    yield Token(Span(at, string.span.end), "string")


def _of_template(template: Template, path: str) -> Iterator[Token]:
    expression = parse_expression(template, path)
    for node in expression.nodes if isinstance(expression, Expression) else ():
        if isinstance(node, Call):
            yield Token(node.name_span, "macro")
        elif isinstance(node, Constant):
            yield Token(node.span, "string" if isinstance(node.value, str) else "number")


def _apart(found: Iterable[Token]) -> Iterator[Token]:
    """In order; of two over each other the shorter one counts, and what is left of the other."""
    end = 0
    ordered = sorted(found, key=lambda t: (t.span.start, t.span.end))
    for at, token in enumerate(ordered):
        start = max(end, token.span.start)
        # Names come inside of a dotted reference, which is coloured around them.
        following = ordered[at + 1].span.start if at + 1 < len(ordered) else token.span.end
        stop = min(token.span.end, following) if following > start else token.span.end
        if start < stop:
            yield Token(Span(start, stop), token.type, token.is_declaration)
            end = stop


def _by_line(token: Token, text: str) -> Iterator[Token]:
    """A token line by line, for a token of an editor ends with its line."""
    start = token.span.start
    for line in text[start : token.span.end].split("\n"):
        if line.strip():
            yield Token(Span(start, start + len(line)), token.type, token.is_declaration)
        start += len(line) + 1
