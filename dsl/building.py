"""The nodes of tree.py built from what the rules of pipeline.lark matched.

A function for each `->` of the grammar, which takes the tokens and nodes of its rule. Bodies, lists
and the like are lists until their bracket closes. A bracketed list is a pair of the list and the
offset behind the bracket; a head is keyword, label, alias, type and value.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from orch.dsl.lexer import Token
from orch.dsl.source import Span
from orch.dsl.tree import (
    Block,
    Boolean,
    Call,
    Declaration,
    List,
    Map,
    MapEntry,
    Name,
    Range,
    Reference,
    Segment,
    Selector,
    Setting,
    TypeName,
)


def name(c: list[Any]) -> Name:
    return _name(c[0])


def literal(c: list[Any]) -> Any:
    return c[0].value


def one(c: list[Any]) -> list[Any]:
    return c


def more(c: list[Any]) -> list[Any]:
    c[0].append(c[1])
    return cast("list[Any]", c[0])


def following(c: list[Any]) -> list[Any]:
    c[0].append(c[2])
    return cast("list[Any]", c[0])


def empty(c: list[Any]) -> tuple[tuple[()], int]:
    return (), c[1].end


def bracketed(c: list[Any]) -> tuple[tuple[Any, ...], int]:
    return tuple(c[1]), c[-1].end


# -- blocks and items -----------------------------------------------------


def head(c: list[Any]) -> tuple[Any, ...]:
    return _name(c[0]), c[1], None, None, None


def head_as(c: list[Any]) -> tuple[Any, ...]:
    return _name(c[0]), c[1], _name(c[3]), None, None


def head_typed(c: list[Any]) -> tuple[Any, ...]:
    return _name(c[0]), c[1], None, c[3], None


def head_valued(c: list[Any]) -> tuple[Any, ...]:
    return _name(c[0]), c[1], None, None, c[3]


def head_typed_valued(c: list[Any]) -> tuple[Any, ...]:
    return _name(c[0]), c[1], None, c[3], c[5]


def headed_block(c: list[Any]) -> Block:
    keyword, label, alias, type_, value = head = c[0]
    if len(c) == 2:
        items, end = c[1]
        span = Span(keyword.span.start, end)
        return Block(keyword, label, alias, type_, value, items, span)
    last = next(part for part in reversed(head) if part is not None)
    span = Span(keyword.span.start, last.span.end)
    return Block(keyword, label, alias, type_, value, None, span)


def bare_block(c: list[Any]) -> Block:
    items, end = c[1]
    return Block(_name(c[0]), None, None, None, None, items, Span(c[0].start, end))


def labelled_block(c: list[Any]) -> Block:
    items, end = c[2]
    return Block(_name(c[0]), c[1], None, None, None, items, Span(c[0].start, end))


def setting(c: list[Any]) -> Setting:
    name, _, value = c
    return Setting(_name(name), value, Span(name.start, value.span.end))


def quoted_setting(c: list[Any]) -> Setting:
    name, _, value = c
    return Setting(name.value, value, Span(name.start, value.span.end))


def declaration(c: list[Any]) -> Declaration:
    return Declaration(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))


def plain_type(c: list[Any]) -> TypeName:
    return TypeName(_name(c[0]), None, c[0].span)


def type_of(c: list[Any]) -> TypeName:
    return TypeName(_name(c[0]), c[2], Span(c[0].start, c[3].end))


# -- values ---------------------------------------------------------------


def word(c: list[Any]) -> Boolean | Reference:
    token = c[0]
    span = Span(token.start, token.end)
    if token.value in ("true", "false"):
        return Boolean(token.value == "true", span)
    return Reference((Segment(Name(token.value, span), (), span),), span)


def range_of(c: list[Any]) -> Range:
    return Range(c[0].value, c[2].value, Span(c[0].start, c[2].end))


def list_of(c: list[Any]) -> List:
    items = () if isinstance(c[1], Token) else tuple(c[1])
    return List(items, Span(c[0].start, c[-1].end))


def map_of(c: list[Any]) -> Map:
    entries = () if isinstance(c[1], Token) else tuple(c[1])
    return Map(entries, Span(c[0].start, c[-1].end))


def entry(c: list[Any]) -> MapEntry:
    return MapEntry(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))


def quoted_entry(c: list[Any]) -> MapEntry:
    return MapEntry(c[0].value, c[2], Span(c[0].start, c[2].span.end))


def call(c: list[Any]) -> Call:
    arguments = () if isinstance(c[2], Token) else tuple(c[2])
    return Call(_name(c[0]), arguments, Span(c[0].start, c[-1].end))


# -- references -----------------------------------------------------------


def segment(c: list[Any]) -> Segment:
    selectors, end = c[1] if len(c) == 2 else ((), c[0].end)
    return Segment(_name(c[0]), selectors, Span(c[0].start, end))


def first_selected(c: list[Any]) -> list[Segment]:
    return [segment(c)]


def first_dotted(c: list[Any]) -> list[Segment]:
    return [segment(c[:1]), c[2]]


def reference(c: list[Any]) -> Reference:
    segments = tuple(c[0])
    return Reference(segments, segments[0].span.to(segments[-1].span))


def selector(c: list[Any]) -> Selector:
    return Selector(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))


def _name(token: Token) -> Name:
    return Name(token.value, Span(token.start, token.end))


BUILDERS: Mapping[str, Callable[[list[Any]], Any]] = {
    build.__name__: build
    for build in (
        name,
        literal,
        one,
        more,
        following,
        empty,
        bracketed,
        head,
        head_as,
        head_typed,
        head_valued,
        head_typed_valued,
        headed_block,
        bare_block,
        labelled_block,
        setting,
        quoted_setting,
        declaration,
        plain_type,
        type_of,
        word,
        range_of,
        list_of,
        map_of,
        entry,
        quoted_entry,
        call,
        segment,
        first_selected,
        first_dotted,
        reference,
        selector,
    )
}
