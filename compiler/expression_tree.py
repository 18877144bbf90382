"""Expressions as frozen nodes of our own: what a template may say, each part with its place.

Nothing here knows Jinja, so evaluating, and respelling for the plan, needs no import of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from orch.dsl.record import changed, record
from orch.dsl.source import Span

Root = Literal["", "params", "lets", "matrix", "pipeline", "secrets"]

ROOTS = ("params", "lets", "matrix", "pipeline", "stages", "run", "secrets")
"""Words that are no values by themselves; what follows their dot names one."""


@record
class Constant:
    value: Any
    span: Span


@record
class NameReference:
    """`params.level` with root `params`, or a bare `level` with root "". `span` is the whole."""

    root: Root
    name: str
    name_span: Span
    span: Span


@record
class LateReference:
    """A value known only while running.

    `stages.NAME.status`, `.exit_code` and `.values.VALUE` have a `stage`, which may be dotted
    (`web.lint`); `run.id` and `run.status` have none. `value` is None but for `values`.
    """

    stage: str | None
    field: Literal["status", "exit_code", "values", "id"]
    value: str | None
    stage_span: Span
    field_span: Span
    span: Span


@record
class Attribute:
    target: "Node"
    name: str
    name_span: Span
    span: Span


@record
class Item:
    target: "Node"
    key: "Node"
    span: Span


@record
class ListDisplay:
    items: tuple["Node", ...]
    span: Span


@record
class MapDisplay:
    entries: tuple[tuple["Node", "Node"], ...]
    span: Span


@record
class Comparison:
    """`first < a <= b`: every link is an operator (`== != < <= > >= in not in`) and an operand."""

    first: "Node"
    links: tuple[tuple[str, "Node"], ...]
    span: Span


@record
class Logic:
    operator: Literal["and", "or"]
    left: "Node"
    right: "Node"
    span: Span


@record
class Unary:
    operator: Literal["not", "-", "+"]
    operand: "Node"
    span: Span


@record
class Arithmetic:
    """`+ - * / // % **` between two operands."""

    operator: str
    left: "Node"
    right: "Node"
    span: Span


@record
class Concatenation:
    """`a ~ b ~ c`: the texts of values, one behind the other."""

    parts: tuple["Node", ...]
    span: Span


@record
class Conditional:
    """`then if condition else otherwise`."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"
    span: Span


@record
class Call:
    """`operand | name(arguments)`, or with operand None `name(arguments)`."""

    operand: "Node | None"
    name: str
    arguments: tuple["Node", ...]
    named: tuple[tuple[str, "Node"], ...]
    name_span: Span
    span: Span


Node = (
    Constant | NameReference | LateReference | Attribute | Item | ListDisplay | MapDisplay
    | Comparison | Logic | Unary | Arithmetic | Concatenation | Conditional | Call
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """An expression of a template. `span` holds the braces, `path` is the file it stands in."""

    root: Node
    span: Span
    path: str

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, in the order in which they were written."""
        return tuple(walk(self.root))

    @cached_property
    def names(self) -> tuple[NameReference, ...]:
        return tuple(node for node in self.nodes if isinstance(node, NameReference))

    @cached_property
    def late(self) -> tuple[LateReference, ...]:
        return tuple(node for node in self.nodes if isinstance(node, LateReference))

    @cached_property
    def certain_late(self) -> tuple[LateReference, ...]:
        """Those that are read whatever the values are, and that no `default` stands in for."""
        return tuple(_certain_late(self.root))

    @cached_property
    def raw_filters(self) -> tuple[Span, ...]:
        """Where the filter `raw` is used (W0702)."""
        calls = (node for node in self.nodes if isinstance(node, Call))
        return tuple(call.name_span for call in calls if call.operand and call.name == "raw")

    @property
    def last_filter(self) -> str | None:
        """The name of the filter that is applied to the whole, if one is."""
        root = self.root
        return root.name if isinstance(root, Call) and root.operand is not None else None


def late_references(expression: Expression) -> tuple[LateReference, ...]:
    """Everything the expression reads that is known only while running."""
    return expression.late


def names_used(expression: Expression) -> tuple[NameReference, ...]:
    """Every name of a param, let, matrix axis or the like that the expression mentions."""
    return expression.names


def _certain_late(node: Node) -> Iterator[LateReference]:
    match node:
        case LateReference():
            yield node
        case Logic():
            yield from _certain_late(node.left)
        case Conditional():
            yield from _certain_late(node.condition)
        case Call(name="default", operand=operand) if operand is not None:
            return
        case _:
            for part in children(node):
                yield from _certain_late(part)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in written order."""
    match node:
        case ListDisplay():
            return node.items
        case MapDisplay():
            return tuple(part for entry in node.entries for part in entry)
        case Comparison():
            return (node.first, *(operand for _, operand in node.links))
        case Concatenation():
            return node.parts
        case Call():
            operand = () if node.operand is None else (node.operand,)
            return (*operand, *node.arguments, *(value for _, value in node.named))
        case _:
            return _children_of_operator(node)


def _children_of_operator(node: Node) -> tuple[Node, ...]:
    match node:
        case Attribute():
            return (node.target,)
        case Item():
            return (node.target, node.key)
        case Logic() | Arithmetic():
            return (node.left, node.right)
        case Unary():
            return (node.operand,)
        case Conditional():
            return (node.then, node.condition, node.otherwise)
        case _:
            return ()


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other nodes directly below it, as many and in the same order."""
    match node:
        case ListDisplay():
            return changed(node, items=parts)
        case MapDisplay():
            return changed(node, entries=tuple(zip(parts[::2], parts[1::2], strict=True)))
        case Comparison():
            symbols = (symbol for symbol, _ in node.links)
            return changed(node, first=parts[0], links=tuple(zip(symbols, parts[1:], strict=True)))
        case Concatenation():
            return changed(node, parts=parts)
        case Call():
            return _with_arguments(node, parts)
        case _:
            return _with_operands(node, parts)


def _with_arguments(node: Call, parts: tuple[Node, ...]) -> Call:
    operand, rest = (None, parts) if node.operand is None else (parts[0], parts[1:])
    count = len(node.arguments)
    names = (name for name, _ in node.named)
    named = tuple(zip(names, rest[count:], strict=True))
    return changed(node, operand=operand, arguments=rest[:count], named=named)


def _with_operands(node: Node, parts: tuple[Node, ...]) -> Node:
    match node:
        case Attribute():
            return changed(node, target=parts[0])
        case Item():
            return changed(node, target=parts[0], key=parts[1])
        case Logic() | Arithmetic():
            return changed(node, left=parts[0], right=parts[1])
        case Unary():
            return changed(node, operand=parts[0])
        case Conditional():
            return changed(node, then=parts[0], condition=parts[1], otherwise=parts[2])
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in written order, without recursion."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(children(top)))
