"""What the tests of this room share: reading a text, and showing what came of it in short."""

from dataclasses import fields, is_dataclass
from typing import Any

from orch.dsl.parse import parse
from orch.dsl.source import SourceFile, Span
from orch.dsl.tree import Block, Item, Setting, SyntaxTree, Value


def problems(text: str) -> list[tuple[str, str]]:
    """Code and underlined text of each diagnostic, in order."""
    _, found = parse(SourceFile("main.pipeline", text))
    return [(d.code, text[d.span.start : d.span.end]) for d in found if d.span]


def helps(text: str) -> list[str]:
    """The help of each diagnostic, in order."""
    return [d.help or "" for d in parse(SourceFile("main.pipeline", text))[1]]


def tree_of(text: str) -> SyntaxTree:
    """The tree of a text, whatever is wrong with it."""
    return parse(SourceFile("main.pipeline", text))[0]


def read(text: str) -> tuple[Block, ...]:
    """The blocks of a text without mistakes."""
    tree, found = parse(SourceFile("main.pipeline", text))
    assert not found, found
    return tree.blocks


def value_of(text: str) -> Value:
    """The value that a text is, read as that of a setting."""
    (block,) = read("stage s { x = " + text + " }")
    assert block.body is not None
    (setting,) = block.body
    assert isinstance(setting, Setting)
    return setting.value


def outline(items: tuple[Item, ...] | None) -> list[str]:
    """Settings by name, blocks with keyword and label, `!` behind those that lost something."""
    shown = []
    for item in items or ():
        if isinstance(item, Block):
            label = getattr(item.label, "text", "")
            head = f"{item.keyword.text} {label}".strip() + "!" * item.is_broken
            inner = outline(item.body)
            shown.append(f"{head} {{{', '.join(inner)}}}" if item.body is not None else head)
        else:
            shown.append(getattr(item.name, "text", "(string)"))
    return shown


def spans(node: Any) -> list[Span]:
    """The spans of a node and all that it holds, outer ones first."""
    if isinstance(node, tuple):
        return [span for each in node for span in spans(each)]
    if not is_dataclass(node) or isinstance(node, SourceFile):
        return []
    if isinstance(node, Span):
        return [node]
    own = [node.span] if hasattr(node, "span") else []
    return own + [s for f in fields(node) if f.name != "span" for s in spans(getattr(node, f.name))]


def shifted(node: Any, by: int) -> Any:
    """The node as it would be `by` characters further on."""
    if isinstance(node, Span):
        return Span(node.start + by, node.end + by)
    if isinstance(node, tuple):
        return tuple(shifted(each, by) for each in node)
    if is_dataclass(node) and not isinstance(node, type):
        return type(node)(*(shifted(getattr(node, f.name), by) for f in fields(node)))
    return node
