"""Near misses: the known name that somebody probably meant, and the help that proposes it."""

import re
from collections.abc import Iterable

_PROPOSAL = re.compile(r"did you mean `([^`]*)`\?")
_LONGEST = 80
"""Longer names are not compared: nobody mistypes them by hand."""


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """The name in `known` that is nearest to `name`, or None when none is near.

    Near is a third of the letters at most, in single insertions, deletions, changes and swaps of
    neighbours; a difference in case or between `-` and `_` is nearer than any of these. Of equally
    near names the first in alphabetical order is taken, so the answer is always the same.
    """
    if not name or len(name) > _LONGEST:
        return None
    allowed = max(1, len(name) // 3)
    best: tuple[int, str] | None = None
    for candidate in known:
        if candidate == name or abs(len(candidate) - len(name)) > allowed:
            continue
        distance = _distance(_folded(name), _folded(candidate))
        if distance >= max(len(name), len(candidate)) or distance > allowed:
            continue
        if best is None or (distance, candidate) < best:
            best = (distance, candidate)
    return best[1] if best else None


def did_you_mean(word: str | None) -> str | None:
    """The help that proposes a word; None without one, or for one that a line can't show."""
    return f"did you mean `{word}`?" if word is not None and word.isprintable() else None


def proposed_word(help_: str | None) -> str | None:
    """The word that a help proposes, if it is one of `did_you_mean`."""
    match = _PROPOSAL.fullmatch(help_ or "")
    return match[1] if match else None


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def _distance(one: str, other: str) -> int:
    """The restricted Damerau-Levenshtein distance (optimal string alignment)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            cost = min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
