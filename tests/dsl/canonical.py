"""What is promised of the canonical form of any file, held against one.

Nothing here asks the formatter's own judgement (equivalence.py) whether two trees say the same.
"""

from dataclasses import fields, is_dataclass
from typing import Any

from orch.dsl.decode import decode_source, encode_source
from orch.dsl.formatter import format_source
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile, Span
from orch.dsl.tree import SyntaxTree


def said(node: Any) -> Any:
    """A node without its places, as plain tuples."""
    if isinstance(node, tuple):
        return tuple(map(said, node))
    if is_dataclass(node) and not isinstance(node, type):
        inner = [getattr(node, f.name) for f in fields(node)]
        return type(node).__name__, *(said(each) for each in inner if not isinstance(each, Span))
    return node


def remarks(tree: SyntaxTree) -> list[str]:
    return [comment.text.rstrip() for comment in tree.comments]


def read(text: str) -> SyntaxTree:
    tree, found = parse(SourceFile("m", text))
    assert not found, found
    return tree


def formatted(text: str) -> str:
    result, found = format_source(SourceFile("m", text))
    assert not found
    return result


def check(text: str) -> str:
    """All that is promised of a sound file's canonical form; gives the form."""
    before = read(text)
    result = formatted(text)
    after = read(result)
    assert said(after.blocks) == said(before.blocks)
    assert remarks(after) == remarks(before)
    assert formatted(result) == result
    assert result[-1:] == ("\n" if text.strip(" \t\n") else "")
    assert not result.startswith("\n")
    assert not result.endswith("\n\n")
    source, refusal = decode_source("m", encode_source(result))
    assert (source.text, refusal) == (result, None)
    return result
