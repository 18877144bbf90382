"""An expression as text again, in one canonical spelling that Jinja's parser reads back.

Run-time expressions stand in the plan as such text, so the same tree always gives the same bytes.
"""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from orch.compiler.expression_tree import (
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Concatenation,
    Conditional,
    Constant,
    Item,
    LateReference,
    ListDisplay,
    Logic,
    MapDisplay,
    NameReference,
    Node,
    Unary,
)
from orch.compiler.values import DurationMs, SizeBytes, WrittenFloat

# How tightly Jinja's grammar binds; `~` stands between `*` and `+`.
(
    _CONDITIONAL,
    _OR,
    _AND,
    _NOT,
    _COMPARISON,
    _SUM,
    _CONCATENATION,
    _PRODUCT,
    _POWER,
    _UNARY,
    _ATOM,
) = range(11)

_ARITHMETIC_LEVELS = {"+": _SUM, "-": _SUM, "**": _POWER}


def spell(node: Node) -> str:
    """The text of an expression; durations and sizes in it are `duration(ms)` and `size(bytes)`."""
    return _spelled(node)[0]


def spell_value(value: Any) -> str:
    """The text of a constant."""
    return _value(value)[0]


def _at_least(node: Node, level: int) -> str:
    """The text of an operand, in brackets where it binds less tightly than its place demands."""
    text, own = _spelled(node)
    return text if own >= level else f"({text})"


def _spelled(node: Node) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    level = _ATOM
    match node:
        case Constant():
            text, level = _value(node.value)
        case NameReference() | LateReference():
            text = _reference(node)
        case Attribute():
            text = f"{_at_least(node.target, _ATOM)}.{node.name}"
        case Item():
            text = f"{_at_least(node.target, _ATOM)}[{spell(node.key)}]"
        case ListDisplay():
            text = f"[{', '.join(map(spell, node.items))}]"
        case MapDisplay():
            entries = (f"{spell(key)}: {spell(value)}" for key, value in node.entries)
            text = f"{{{', '.join(entries)}}}"
        case Call():
            text, level = _call(node)
        case _:
            text, level = _operator(node)
    return text, level


def _operator(
    node: Conditional | Logic | Comparison | Unary | Concatenation | Arithmetic,
) -> tuple[str, int]:
    match node:
        case Conditional():
            level = _CONDITIONAL
            then, condition = _at_least(node.then, _OR), _at_least(node.condition, _OR)
            text = f"{then} if {condition} else {_at_least(node.otherwise, _CONDITIONAL)}"
        case Logic():
            level = _OR if node.operator == "or" else _AND
            left, right = _at_least(node.left, level), _at_least(node.right, level + 1)
            text = f"{left} {node.operator} {right}"
        case Comparison():
            level = _COMPARISON
            links = (f" {symbol} {_at_least(part, _SUM)}" for symbol, part in node.links)
            text = _at_least(node.first, _SUM) + "".join(links)
        case Unary(operator="not"):
            text, level = f"not {_at_least(node.operand, _NOT)}", _NOT
        case Unary():
            text, level = f"{node.operator}{_at_least(node.operand, _ATOM)}", _UNARY
        case Concatenation():
            level = _CONCATENATION
            text = " ~ ".join(_at_least(part, _PRODUCT) for part in node.parts)
        case Arithmetic():
            level = _ARITHMETIC_LEVELS.get(node.operator, _PRODUCT)
            left, right = _at_least(node.left, level), _at_least(node.right, level + 1)
            text = f"{left} {node.operator} {right}"
        case _:
            assert_never(node)
    return text, level


def _reference(node: NameReference | LateReference) -> str:
    if isinstance(node, NameReference):
        return f"{node.root}.{node.name}" if node.root else node.name
    if node.stage is None:
        return f"run.{node.field}"
    text = f"stages{_step(node.stage)}.{node.field}"
    return text if node.value is None else text + _step(node.value)


def _step(name: str) -> str:
    is_plain = name.isascii() and name.isidentifier() and not name.startswith("_")
    return f".{name}" if is_plain else f"[{_text(name)}]"


def _call(node: Call) -> tuple[str, int]:
    arguments = [spell(argument) for argument in node.arguments]
    arguments += [f"{name}={spell(value)}" for name, value in node.named]
    inside = ", ".join(arguments)
    if node.operand is None:
        return f"{node.name}({inside})", _ATOM
    text = f"{_at_least(node.operand, _UNARY)} | {node.name}"
    # A filter belongs to the operand before it, so the whole binds as an operand of `**` does.
    return (f"{text}({inside})" if inside else text), _UNARY


def _value(value: Any) -> tuple[str, int]:
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = _text(value)
        case int() | float():
            text = value.written if isinstance(value, WrittenFloat) else repr(value)
        case DurationMs():
            text = f"duration({value.value})"
        case SizeBytes():
            text = f"size({value.value})"
        case Mapping():
            entries = (f"{_text(key)}: {spell_value(item)}" for key, item in value.items())
            text = f"{{{', '.join(entries)}}}"
        case _:
            text = f"[{', '.join(map(spell_value, value))}]"
    return text, _UNARY if text.startswith("-") else _ATOM


def _text(text: str) -> str:
    # Jinja undoes JSON's escapes as they are, but not its pairs for characters beyond U+FFFF.
    return json.dumps(text, ensure_ascii=False)
