"""Records as canonical JSON from templates, one for each kind: what `json_text` gives, in a sixth
of the time.

A run spells three events and an entry of the manifest for each of its stages (ADR 19).
"""

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Any

from orch.dsl.record import as_dictionary
from orch.runtime.files import json_text
from orch.runtime.states import RunStatus, StageStatus


def speller(places: Mapping[str, str]) -> Callable[[Any], str]:
    """A function that spells an object as JSON: by each key the attribute at its place, which may
    be one of an attribute, `payload.stage`. At least two keys."""
    keys = sorted(places)
    template = "{" + ",".join(f'"{key}":%s' for key in keys) + "}"
    values = attrgetter(*(places[key] for key in keys))

    def spelled(original: Any) -> str:
        texts = [_SPELLED.get(type(value), _any_text)(value) for value in values(original)]
        return template % tuple(texts)

    return spelled


def plain_value(item: Any) -> Any:
    """A field of a record as a JSON value."""
    if isinstance(item, (StageStatus, RunStatus)):
        return item.value
    if isinstance(item, Mapping):
        return dict(item)
    return as_dictionary(item) if hasattr(type(item), "__match_args__") else item


def _any_text(value: Any) -> str:
    return json_text(plain_value(value))


def _mapping_text(mapping: Mapping[str, Any]) -> str:
    return _any_text(mapping) if mapping else "{}"


def _status_text(status: StageStatus | RunStatus) -> str:
    return f'"{status.value}"'


_SPELLED: dict[type[Any], Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    NoneType: lambda _none: "null",
    bool: lambda is_true: "true" if is_true else "false",
    StageStatus: _status_text,
    RunStatus: _status_text,
    MappingProxyType: _mapping_text,
    tuple: lambda items: json_text(items) if items else "[]",
}
