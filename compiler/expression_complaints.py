"""What to say of a template that is no expression: of a word or sign that can't stand there."""

from collections.abc import Iterable

from orch.compiler.references import RefusedError
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss

_HINTS = {
    "=": "`==` compares",
    "&": "write `and`",
    "||": "write `or`",
    "!": "write `not`, or `!=`",
    "?": "write `a if condition else b`",
    ":": "write `a if condition else b`",
    "`": "text stands in quotes: `'…'` or `\"…\"`",
    "$": "names stand without `$`",
}


def no_number(number: str, word: str, span: Span) -> RefusedError:
    """A number and the word behind it, which both stand in `span`."""
    written = number + word
    message = f"`{shown(written)}` is no number, and an expression writes nothing with a unit"
    help_ = f"give it a name, `let NAME = {written}`, and use that"
    return RefusedError("E0501", message, span, help_=help_)


def unexpected(text: str, span: Span) -> RefusedError:
    """A word or sign that can't stand where it does."""
    message = f"`{shown(text)}` doesn't belong here in an expression"
    if text in {"'", '"'}:
        message = "a text in a template is never closed"
    return RefusedError("E0501", message, span, help_=_HINTS.get(text))


def unknown(what: str, name: str, span: Span, known: Iterable[str]) -> RefusedError:
    """A name that no `what` has."""
    near = near_miss(name, known)
    help_ = did_you_mean(near) or f"there are: {', '.join(sorted(known))}"
    return RefusedError("E0503", f"unknown {what} `{shown(name)}`", span, help_=help_)
