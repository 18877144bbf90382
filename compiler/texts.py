"""Texts from outside the sources as values: arguments of the command line, policies, orch.toml.

A text is read as the type that is due, by the rules that literals in a file obey; a list or a map
is JSON. Results are in the plain form of the plan: durations in milliseconds, sizes in bytes.
"""

import json
import re
from typing import Any

from orch.compiler.shapes import ListOf, RangeOf, Scalar, Shape, Words
from orch.dsl.literals import (
    read_boolean,
    read_duration,
    read_float,
    read_integer,
    read_size,
)

MISFIT = object()
"""What the readers here answer for a text or value that is not of the type due."""

_EXIT = re.compile(r"exit\((0|[1-9][0-9]{0,2})\)")


def read_scalar(text: str, type_name: str) -> Any:
    """The value of a text of a scalar type, or `MISFIT`."""
    reader = _READERS.get(type_name)
    value = text if reader is None else reader(text)
    return MISFIT if value is None else value


_READERS = {
    "int": read_integer,
    "float": read_float,
    "duration": read_duration,
    "size": read_size,
    "bool": read_boolean,
}


def read_json(text: str) -> Any:
    """The value of a JSON text, or `MISFIT`; NaN and infinities are no JSON, and a key given twice
    has no value."""
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=once_each)
    except (ValueError, RecursionError):
        return MISFIT


def repeated_key(text: str) -> str | None:
    """The first key that an object of a JSON text gives twice; None where the text is no JSON."""
    try:
        json.loads(text, object_pairs_hook=once_each)
    except RepeatedKeyError as error:
        return error.key
    except (ValueError, RecursionError):
        return None
    return None


class RepeatedKeyError(ValueError):
    """An object of a JSON text gives `key` twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of a JSON text, for `json.loads`. Raises `RepeatedKeyError`."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKeyError(key)
        found[key] = value
    return found


def _refuse(word: str) -> Any:
    raise ValueError(word)


def read_policy_text(text: str, shape: Shape) -> Any:
    """A policy value of the command line, or `MISFIT`: `5m`, `100ms..3s`, `failure,exit(75)`."""
    match shape:
        case Scalar(type=type_name):
            return read_scalar(text.strip(), type_name)
        case RangeOf(item=item):
            low, dots, high = text.partition("..")
            ends = (read_scalar(low.strip(), item.type), read_scalar(high.strip(), item.type))
            return ends if dots and MISFIT not in ends else MISFIT
        case Words():
            return text.strip()
        case ListOf(item=Words()):
            inside = text.strip()
            if inside.startswith("[") and inside.endswith("]"):
                inside = inside[1:-1]
            return tuple(word.strip() for word in inside.split(",") if word.strip())
    return MISFIT


def read_policy_value(value: Any, shape: Shape) -> Any:
    """A policy value of orch.toml, or `MISFIT`. Durations, sizes and ranges are texts there."""
    if isinstance(value, str):
        return read_policy_text(value, shape)
    match shape:
        case Scalar(type="bool"):
            return value if isinstance(value, bool) else MISFIT
        case Scalar(type="int"):
            return value if isinstance(value, int) and not isinstance(value, bool) else MISFIT
        case Scalar(type="float"):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return float(value) if is_number else MISFIT
        case ListOf(item=Words()):
            is_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
            return tuple(value) if is_texts else MISFIT
    return MISFIT


def is_exit_reason(word: str) -> bool:
    """Whether a word is `exit(N)` with an exit code that means failure, 1 to 255."""
    match = _EXIT.fullmatch(word)
    return match is not None and 1 <= int(match[1]) <= 255
