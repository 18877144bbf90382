"""Canonical JSON: the one spelling of a value, and templates that spell records of a kind in it, in
a sixth of the time."""

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from operator import attrgetter, is_not
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
    values = attrgetter(*(places[key] for key in keys))
    # Before each text of a value stands what leads to its key.
    pieces = [piece for key in keys for piece in (f',"{key}":', "")] + ["}"]
    pieces[0] = "{" + pieces[0][1:]
    nothing: Sequence[Any] = [object() for _ in keys]
    last, is_other, others = nothing, (True,) * len(keys), tuple(range(len(keys)))

    def spelled(original: Any) -> str:
        nonlocal last, is_other, others
        found = values(original)
        now_other = tuple(map(is_not, found, last))
        if now_other != is_other:
            is_other = now_other
            others = tuple(at for at, is_told in enumerate(is_other) if is_told)
        # Where a value can't be spelled, nothing that came before it counts as spelled.
        last = nothing
        for at in others:
            value = found[at]
            pieces[2 * at + 1] = _SCALARS.get(type(value), other)(value)
        last = found
        return "".join(pieces)

    return spelled


_SCALARS: dict[type[Any], Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    NoneType: lambda _none: "null",
    bool: lambda is_true: "true" if is_true else "false",
}
