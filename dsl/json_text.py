"""Canonical JSON: the one spelling of a value, and templates that spell records of a kind in it, in
a sixth of the time."""

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from operator import attrgetter
from types import NoneType
from typing import Any

_encoder = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no blanks, no NaN; without a line end."""
    return _encoder.encode(value)


def speller(places: Mapping[str, str], other: Callable[[Any], str]) -> Callable[[Any], str]:
    """A function that spells an object as JSON: by each key the attribute at its place, which may
    be one of an attribute, `payload.stage`. `other` spells values that are neither scalar nor
    empty. At least two keys.

    Objects of a kind mostly hold what the one before them holds: only what is another object than
    there is spelled anew, so nothing that they hold may change in itself."""
    keys = sorted(places)
    template = "{" + ",".join(f'"{key}":%s' for key in keys) + "}"
    values = attrgetter(*(places[key] for key in keys))
    last_values: Sequence[Any] = [object() for _ in keys]
    last_texts = [""] * len(keys)

    def spelled(original: Any) -> str:
        nonlocal last_values, last_texts
        found = values(original)
        last_texts = [
            text if value is last else _SCALARS.get(type(value), other)(value)
            for value, last, text in zip(found, last_values, last_texts, strict=True)
        ]
        last_values = found
        return template % tuple(last_texts)

    return spelled


_SCALARS: dict[type[Any], Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    NoneType: lambda _none: "null",
    bool: lambda is_true: "true" if is_true else "false",
}
