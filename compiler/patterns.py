"""Regular expressions of `matches`, in a dialect that is matched in linear time (ADR 11).

The engine is RE2, whose time grows with the length of the text alone, whatever the expression;
it looks neither ahead nor back and knows no references to groups. It is imported where a
parameter has `matches`, and nowhere else.
"""

from typing import Any

from orch.dsl.record import record
from orch.dsl.shown import shown

LONGEST_EXPRESSION = 1_000
"""Characters of a regular expression: compiling takes time that grows faster than they do."""

_REASONS = {
    "missing ]": "a `[` is never closed",
    "missing )": "a `(` is never closed",
    "unexpected )": "a `)` closes nothing",
    "trailing \\": "it ends in a backslash",
    "no argument for repetition operator": "nothing that could be repeated stands before {}",
    "invalid repetition size": "{} repeats more than 1,000 times, or in the wrong order",
    "bad repetition operator": "{} repeats a repetition",
    "invalid perl operator": "{} is not known: expressions look neither ahead nor back",
    "invalid escape sequence": "{} is no escape sequence, nor may it refer to a group",
    "invalid character class range": "{} is no range of characters",
    "invalid character class": "{} is no class of characters",
    "invalid named capture group": "{} doesn't name a group",
}
"""What is wrong in words of ours, by the beginning of what the engine says; `{}` is the place."""


class PatternError(Exception):
    """The text is no regular expression; `reason` says why, as a part of a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@record
class Pattern:
    """A regular expression. `compiled` is the engine's."""

    text: str
    compiled: Any

    def matches(self, value: str) -> bool:
        """Whether the whole of a value is what the expression describes."""
        try:
            return bool(self.compiled.fullmatch(value))
        except UnicodeEncodeError:
            # Bytes that are no UTF-8 are no characters, so no expression describes them.
            return False


def compile_pattern(text: str) -> Pattern:
    """The expression of a text. Raises `PatternError`."""
    import re2

    if len(text) > LONGEST_EXPRESSION:
        raise PatternError(f"it is longer than {LONGEST_EXPRESSION} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return Pattern(text, re2.compile(text, options))
    except UnicodeEncodeError:
        raise PatternError("it holds bytes that are no UTF-8") from None
    except re2.error as error:
        raise PatternError(_reason(error)) from None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else b""
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    kind, _, place = words.partition(": ")
    return _REASONS.get(kind, "it is too large").format(f"`{shown(place)}`")
