"""Whether two trees say the same: everything but the places where it stands."""

from typing import Any

from orch.dsl.record import field_names
from orch.dsl.source import Span
from orch.dsl.tree import SyntaxTree


def say_the_same(one: SyntaxTree, other: SyntaxTree) -> bool:
    """Whether two trees have equal blocks, and the same comments in the same order.

    White space at the end of a comment counts for nothing.
    """
    comments = [[comment.text.rstrip() for comment in tree.comments] for tree in (one, other)]
    return comments[0] == comments[1] and _is_same(one.blocks, other.blocks)


def _is_same(one: Any, other: Any) -> bool:
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is Span:
        return True
    if kind is tuple:
        return len(one) == len(other) and all(map(_is_same, one, other))
    if not hasattr(kind, "__match_args__"):
        return bool(one == other)
    return all(_is_same(getattr(one, n), getattr(other, n)) for n in field_names(kind))
