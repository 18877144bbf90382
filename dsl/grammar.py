"""The parser made from pipeline.lark, which builds the nodes of tree.py while it reads."""

import sys
import zlib
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, cast

import lark

from orch.dsl.grammar_cache import read_cached, write_cached
from orch.dsl.lexer import Token
from orch.dsl.source import Span
from orch.dsl.tree import (
    Block,
    Boolean,
    Call,
    Declaration,
    Item,
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

Start = Literal["block", "item"]


def read_block(tokens: Sequence[Token]) -> Block | int:
    """The top-level block that the tokens make, or the index of the first that doesn't fit.

    The index is that of the end if more tokens are needed.
    """
    return cast("Block | int", _read("block", tokens))


def read_item(tokens: Sequence[Token]) -> Item | int:
    """The same for what stands inside a block."""
    return cast("Item | int", _read("item", tokens))


def _read(start: Start, tokens: Sequence[Token]) -> Any:
    session = _parser().parse_interactive(start=start)
    feed = cast("Any", session.feed_token)
    at = 0
    try:
        for at, token in enumerate(tokens):  # noqa: B007 - The index is wanted when it fails.
            feed(token)
        at = len(tokens)
        return feed(Token("$END", "", 0, 0))
    except lark.UnexpectedToken:
        return at


@cache
def _parser() -> lark.Lark:
    """The parser: from the cache of this user, or made from the grammar."""
    grammar = Path(__file__).with_name("pipeline.lark").read_text(encoding="utf-8")
    key = (
        f"{lark.__version__} {sys.version} {_Builder.__module__}.{_Builder.__qualname__} {grammar}"
    )
    name = f"grammar-{zlib.crc32(key.encode()):08x}"
    saved = read_cached(name, key)
    if saved is not None:
        return lark.Lark.load(BytesIO(saved))
    parser = lark.Lark(
        grammar, parser="lalr", lexer=_NoLexer, start=["block", "item"], transformer=_Builder()
    )
    stream_out = BytesIO()
    parser.save(stream_out)
    write_cached(name, key, stream_out.getvalue())
    return parser


class _NoLexer(lark.lexer.Lexer):
    """Tokens are fed to the parser; lark has nothing to lex."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any) -> Any:
        raise NotImplementedError


def _name(token: Token) -> Name:
    return Name(token.value, Span(token.start, token.end))


def _end(children: list[Any]) -> int:
    last = children[-1]
    return cast("int", last.end if isinstance(last, Token) else last.span.end)


class _Builder:
    """A method for each `->` of pipeline.lark: from what a rule matched to its node.

    Bodies, lists and the like are lists until their bracket closes. A bracketed list is a pair of
    the list and the offset behind the bracket; a head is keyword, label, alias, type and value.
    """

    def name(self, c: list[Any]) -> Name:
        return _name(c[0])

    def literal(self, c: list[Any]) -> Any:
        return c[0].value

    def one(self, c: list[Any]) -> list[Any]:
        return c

    def more(self, c: list[Any]) -> list[Any]:
        c[0].append(c[1])
        return cast("list[Any]", c[0])

    def following(self, c: list[Any]) -> list[Any]:
        c[0].append(c[2])
        return cast("list[Any]", c[0])

    def empty(self, c: list[Any]) -> tuple[tuple[()], int]:
        return (), c[1].end

    def bracketed(self, c: list[Any]) -> tuple[tuple[Any, ...], int]:
        return tuple(c[1]), c[-1].end

    # -- blocks and items -----------------------------------------------------

    def head(self, c: list[Any]) -> tuple[Any, ...]:
        return _name(c[0]), c[1], None, None, None

    def head_as(self, c: list[Any]) -> tuple[Any, ...]:
        return _name(c[0]), c[1], _name(c[3]), None, None

    def head_typed(self, c: list[Any]) -> tuple[Any, ...]:
        return _name(c[0]), c[1], None, c[3], None

    def head_valued(self, c: list[Any]) -> tuple[Any, ...]:
        return _name(c[0]), c[1], None, None, c[3]

    def head_typed_valued(self, c: list[Any]) -> tuple[Any, ...]:
        return _name(c[0]), c[1], None, c[3], c[5]

    def headed_block(self, c: list[Any]) -> Block:
        keyword, label, alias, type_, value = head = c[0]
        if len(c) == 2:
            items, end = c[1]
            span = Span(keyword.span.start, end)
            return Block(keyword, label, alias, type_, value, items, span)
        last = next(part for part in reversed(head) if part is not None)
        span = Span(keyword.span.start, last.span.end)
        return Block(keyword, label, alias, type_, value, None, span)

    def bare_block(self, c: list[Any]) -> Block:
        items, end = c[1]
        return Block(_name(c[0]), None, None, None, None, items, Span(c[0].start, end))

    def labelled_block(self, c: list[Any]) -> Block:
        items, end = c[2]
        return Block(_name(c[0]), c[1], None, None, None, items, Span(c[0].start, end))

    def setting(self, c: list[Any]) -> Setting:
        name, _, value = c
        return Setting(_name(name), value, Span(name.start, value.span.end))

    def quoted_setting(self, c: list[Any]) -> Setting:
        name, _, value = c
        return Setting(name.value, value, Span(name.start, value.span.end))

    def declaration(self, c: list[Any]) -> Declaration:
        return Declaration(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))

    def plain_type(self, c: list[Any]) -> TypeName:
        return TypeName(_name(c[0]), None, c[0].span)

    def type_of(self, c: list[Any]) -> TypeName:
        return TypeName(_name(c[0]), c[2], Span(c[0].start, c[3].end))

    # -- values ---------------------------------------------------------------

    def word(self, c: list[Any]) -> Boolean | Reference:
        token = c[0]
        span = Span(token.start, token.end)
        if token.value in ("true", "false"):
            return Boolean(token.value == "true", span)
        return Reference((Segment(Name(token.value, span), (), span),), span)

    def range_of(self, c: list[Any]) -> Range:
        return Range(c[0].value, c[2].value, Span(c[0].start, c[2].end))

    def list_of(self, c: list[Any]) -> List:
        items = () if isinstance(c[1], Token) else tuple(c[1])
        return List(items, Span(c[0].start, c[-1].end))

    def map_of(self, c: list[Any]) -> Map:
        entries = () if isinstance(c[1], Token) else tuple(c[1])
        return Map(entries, Span(c[0].start, c[-1].end))

    def entry(self, c: list[Any]) -> MapEntry:
        return MapEntry(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))

    def quoted_entry(self, c: list[Any]) -> MapEntry:
        return MapEntry(c[0].value, c[2], Span(c[0].start, c[2].span.end))

    def call(self, c: list[Any]) -> Call:
        arguments = () if isinstance(c[2], Token) else tuple(c[2])
        return Call(_name(c[0]), arguments, Span(c[0].start, c[-1].end))

    # -- references -----------------------------------------------------------

    def segment(self, c: list[Any]) -> Segment:
        selectors, end = c[1] if len(c) == 2 else ((), c[0].end)
        return Segment(_name(c[0]), selectors, Span(c[0].start, end))

    def first_selected(self, c: list[Any]) -> list[Segment]:
        return [self.segment(c)]

    def first_dotted(self, c: list[Any]) -> list[Segment]:
        return [self.segment(c[:1]), c[2]]

    def reference(self, c: list[Any]) -> Reference:
        segments = tuple(c[0])
        return Reference(segments, segments[0].span.to(segments[-1].span))

    def selector(self, c: list[Any]) -> Selector:
        return Selector(_name(c[0]), c[2], Span(c[0].start, c[2].span.end))
