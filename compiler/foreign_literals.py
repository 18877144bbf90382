"""Values as literals of Python and JavaScript, of ASCII characters only."""

import json
from collections.abc import Mapping
from typing import Any

from orch.compiler.values import DurationMs, NoTextError, SizeBytes, text_of


def refuse_unspeakable(text: str) -> None:
    """Raises `NoTextError` for a text that no command can be given."""
    if "\0" in text:
        raise NoTextError("a command can't be given a NUL character", None)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NoTextError("the value holds bytes that are no UTF-8", None) from None


def python_literal(value: Any) -> str:
    """A value as a Python expression of ASCII characters. Raises `NoTextError`."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(python_literal, value))}]"
    if isinstance(value, Mapping):
        entries = (f"{str(key)!a}: {python_literal(item)}" for key, item in value.items())
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, str):
        refuse_unspeakable(value)
        return ascii(str(value))
    return repr(value) if isinstance(value, bool) else _number(value)


def node_literal(value: Any) -> str:
    """A value as a JavaScript expression of ASCII characters. Raises `NoTextError`."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(node_literal, value))}]"
    if isinstance(value, Mapping):
        # A computed key is a plain key, also where it reads `__proto__`.
        entries = (f"[{node_literal(key)}]: {node_literal(item)}" for key, item in value.items())
        return f"({{{', '.join(entries)}}})"
    if isinstance(value, str):
        refuse_unspeakable(value)
        return json.dumps(value).replace("</", "<\\/")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        raise NoTextError("the number is too large for JavaScript", "hand it over: `| string`")
    return _number(value)


def _number(value: Any) -> str:
    """A number's digits, in brackets where a sign would meet an operator."""
    if isinstance(value, (DurationMs, SizeBytes)) or value is None:
        text_of(value)
    text = float.__repr__(value) if isinstance(value, float) else str(value)
    return f"({text})" if text.startswith("-") else text
