"""Nodes of the tree as the text of one line, in canonical form.

Numbers, templates and strings of one line stand as they are written; only block strings know how
deep they are indented (block_text.py), and they and templates alone can hold a line break.
"""

from collections.abc import Iterator, Sequence

from orch.dsl.block_text import block_text
from orch.dsl.tree import (
    Block,
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
    Setting,
    String,
    TypeName,
    Value,
)

Node = Value | MapEntry | Item | Name


def one_line(node: Node, text: str, most: int) -> str | None:
    """A node on one line; None if it is longer than `most` characters or holds a line break.

    `text` is that of the file.
    """
    return within(pieces(node, text, 0), most)


def within(parts: Iterator[str], most: int) -> str | None:
    """The parts together; None if they are longer than `most` or hold a line break."""
    kept: list[str] = []
    for part in parts:
        most -= len(part)
        if most < 0 or "\n" in part:
            return None
        kept.append(part)
    return "".join(kept)


def unbroken(node: Node, text: str, indent: int) -> str:
    """A node that has no lines of its own: line breaks are only in its strings and templates.

    `indent` is that of the line on which it begins.
    """
    return "".join(pieces(node, text, indent))


def pieces(node: Node, text: str, indent: int) -> Iterator[str]:
    """The text of a node, bit by bit, so that who needs little of it pays for no more."""
    match node:
        case Setting() | MapEntry():
            yield from pieces(node.name if isinstance(node, Setting) else node.key, text, indent)
            yield " = "
            yield from pieces(node.value, text, indent)
        case Declaration():
            yield f"{node.name.text}: "
            yield from _type(node.type)
        case Block():
            yield from head(node, text, indent)
            if node.value is not None:
                yield " = "
                yield from pieces(node.value, text, indent)
            if node.body is not None:
                yield " "
                yield from body(node, text, indent)
        case Name():
            yield node.text
        case _:
            yield from _value(node, text, indent)


def head(block: Block, text: str, indent: int) -> Iterator[str]:
    """What a block begins with, up to its value or its body."""
    yield block.keyword.text
    if block.label is not None:
        yield " "
        yield from pieces(block.label, text, indent)
    if block.alias is not None:
        yield f" as {block.alias.text}"
    if block.type is not None:
        yield ": "
        yield from _type(block.type)


def body(block: Block, text: str, indent: int) -> Iterator[str]:
    """The braces of a block and all between them."""
    yield from _braces(block.body or (), text, indent)


def _value(value: Value, text: str, indent: int) -> Iterator[str]:
    match value:
        case String() if value.is_block:
            yield block_text(value, text, indent)
        case List():
            yield "["
            yield from _row(value.items, text, indent)
            yield "]"
        case Map():
            yield from _braces(value.entries, text, indent)
        case Reference():
            for at, segment in enumerate(value.segments):
                yield "." if at else ""
                yield from _segment(segment, text, indent)
        case Range():
            yield from _value(value.low, text, indent)
            yield ".."
            yield from _value(value.high, text, indent)
        case Call():
            yield f"{value.name.text}("
            yield from _row(value.arguments, text, indent)
            yield ")"
        case _:
            yield text[value.span.start : value.span.end]


def _segment(segment: Segment, text: str, indent: int) -> Iterator[str]:
    yield segment.name.text
    if segment.selectors:
        yield "["
        for at, selector in enumerate(segment.selectors):
            yield f"{', ' if at else ''}{selector.key.text}="
            yield from _value(selector.value, text, indent)
        yield "]"


def _type(name: TypeName) -> Iterator[str]:
    yield name.name.text
    if name.argument is not None:
        yield "<"
        yield from _type(name.argument)
        yield ">"


def _braces(nodes: Sequence[Node], text: str, indent: int) -> Iterator[str]:
    yield "{ "
    yield from _row(nodes, text, indent)
    yield " }" if nodes else "}"


def _row(nodes: Sequence[Node], text: str, indent: int) -> Iterator[str]:
    for at, node in enumerate(nodes):
        yield ", " if at else ""
        yield from pieces(node, text, indent)
