"""How deep the tokens of an expression nest, before any parser descends into them (E0107)."""

from collections.abc import Iterable

from orch.dsl.limits import DEEPEST

_OPENS = {"(", "[", "{"}
_CLOSES = {")", "]", "}"}
_SIGNS = {"-", "+"}
_WORDS = {"not", "and", "or", "in", "is", "if", "else"}

DEEPEST_SPELT = 4 * DEEPEST
"""A plan's expressions are spelt with brackets around all that a template wrote without."""

MOST_IN_A_ROW = 160
"""Nodes in each other that evaluation walks without coming near Python's own limit."""


def first_too_deep(tokens: Iterable[tuple[str, str]], deepest: int) -> int | None:
    """The number of the first token that is nested deeper; tokens are pairs of kind and text.

    What begins before that ends which it holds nests: brackets, `not` and signs before what they
    belong to, and what follows an `else`. Operators in a row don't: `a + b + c` is no deeper than
    `a + b`.
    """
    deep = 0
    signs = 0
    branches = 0
    outer: list[tuple[int, int]] = []
    is_operand = False
    for number, (kind, text) in enumerate(tokens):
        mark = "" if kind == "string" else text
        if mark in _OPENS:
            outer.append((signs, branches))
            deep += 1
            signs = branches = 0
        elif mark in _CLOSES and outer:
            deep -= 1 + signs + branches
            signs, branches = outer.pop()
        is_sign = mark == "not" or (mark in _SIGNS and not is_operand)
        is_operand = mark in _CLOSES or (kind != "operator" and mark not in _WORDS)
        if is_sign:
            signs += 1
            deep += 1
        elif is_operand:
            deep -= signs
            signs = 0
        if mark == "else":
            branches += 1
            deep += 1
        elif mark == ",":
            deep -= branches
            branches = 0
        if deep > deepest:
            return number
    return None
