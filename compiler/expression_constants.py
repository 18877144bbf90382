"""Numbers and texts as they are written in expressions: which of them can be values."""

import math
import re

from orch.compiler.references import RefusedError
from orch.dsl.source import Span

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KNOWN_ESCAPE = re.compile(
    r"""\\(?:[\\'"abfnrtv\n]|[0-3]?[0-7]{1,2}|x[0-9A-Fa-f]{2}"""
    r"""|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}|U000(?:[1-9A-Fa-f]|0(?![dD][89A-Fa-f]))[0-9A-Fa-f]{4}"""
    r"""|U0010[0-9A-Fa-f]{4})"""
)


def check_constant(kind: str, text: str, span: Span) -> None:
    """Refuses what Jinja's lexer would take, or stumble over, and no plan could hold.

    `kind` is that of the token; `span` its place. Raises `RefusedError` (E0501).
    """
    if kind == "string":
        for escape in _ESCAPE.finditer(text):
            if not _KNOWN_ESCAPE.match(text, escape.start()):
                place = Span(span.start + escape.start(), span.start + escape.end())
                raise RefusedError("E0501", f"unknown escape `{escape[0]}` in a text", place)
        return
    is_huge = False
    if kind == "integer":
        is_huge = len(text) > 80 or int(text.replace("_", ""), 0) >= 2**63
    elif kind == "float":
        is_huge = math.isinf(float(text.replace("_", "")))
    if is_huge:
        raise RefusedError("E0501", f"the number is too large for any {kind}", span)
