"""Templates and scripts as a file would hold them, with their places, for tests of expressions."""

import re
from typing import Any

import pytest

from orch.compiler.evaluate import EvaluationError, evaluate
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Expression
from orch.compiler.names import Scope
from orch.compiler.quoting import QuotedScript, prepare_script, quote_script
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import Span
from orch.dsl.tree import String, Template, Text

BEFORE = 100
"""Characters of the file before every template: its offsets are not the file's."""

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def template(inside: str) -> Template:
    """`{{inside}}` somewhere in a file."""
    end = BEFORE + 2 + len(inside)
    return Template(inside, Span(BEFORE, end + 2), Span(BEFORE + 2, end))


def expression(inside: str) -> Expression:
    """The expression of a template that holds one."""
    read = parse_expression(template(inside), "a.pipeline")
    assert isinstance(read, Expression), read
    return read


def refusal(inside: str) -> Diagnostic:
    """Why a template holds no expression."""
    read = parse_expression(template(inside), "a.pipeline")
    assert isinstance(read, Diagnostic), read
    return read


def underlined(found: Diagnostic, inside: str) -> str:
    """The text under a diagnostic's span."""
    assert found.span is not None
    return f"{{{{{inside}}}}}"[found.span.start - BEFORE : found.span.end - BEFORE]


def value(inside: str, scope: Scope | None = None, *, may_be_late: bool = False) -> Any:
    """The value of a template."""
    return evaluate(expression(inside), scope or Scope(), may_be_late=may_be_late)


def failures(
    inside: str, scope: Scope | None = None, *, may_be_late: bool = False
) -> list[tuple[str, str]]:
    """The codes and underlined texts of what is wrong with a template's value; none: nothing."""
    try:
        value(inside, scope, may_be_late=may_be_late)
    except EvaluationError as error:
        return [(found.code, underlined(found, inside)) for found in error.diagnostics]
    return []


def failure(inside: str, scope: Scope | None = None) -> Diagnostic:
    """The one thing that is wrong with a template's value."""
    with pytest.raises(EvaluationError) as raised:
        value(inside, scope)
    (found,) = raised.value.diagnostics
    return found


def script(text: str) -> String:
    """A block string with templates in it."""
    parts: list[Text | Template] = []
    at = 0
    for match in _TEMPLATE.finditer(text):
        if match.start() > at:
            parts.append(Text(text[at : match.start()], Span(at, match.start())))
        inner = Span(match.start(1), match.end(1))
        parts.append(Template(match[1], Span(match.start(), match.end()), inner))
        at = match.end()
    if at < len(text):
        parts.append(Text(text[at:], Span(at, len(text))))
    return String(tuple(parts), Span(0, len(text)), is_literal=False, is_block=True)


def quoted(text: str, shell: str = "sh", scope: Scope | None = None) -> QuotedScript:
    """A script with its values."""
    return quote_script(prepare_script(script(text), shell, "a.pipeline"), scope or Scope())


def findings(text: str, shell: str = "sh", scope: Scope | None = None) -> list[tuple[str, str]]:
    """The codes and underlined texts of what is said about a script."""
    found = quoted(text, shell, scope).diagnostics
    return [(d.code, text[d.span.start : d.span.end]) for d in found if d.span is not None]
