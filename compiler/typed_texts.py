"""Texts and JSON values from outside as values of the language's types."""

from collections.abc import Mapping
from typing import Any

from orch.compiler.texts import MISFIT, read_json, read_scalar
from orch.compiler.values import DurationMs, SizeBytes, Type, WrittenFloat


def from_text(text: str, type_: Type) -> Any:
    """The value of a text as a type, or `MISFIT`; lists and maps are JSON."""
    if type_.argument is not None:
        value = read_json(text)
        return MISFIT if value is MISFIT else from_json(value, type_)
    value = read_scalar(text, type_.name)
    if type_.name == "float" and value is not MISFIT:
        # Inside quotes a number reads as it was written.
        return WrittenFloat(value, text.replace("_", ""))
    return _with_unit(value, type_.name)


def from_json(value: Any, type_: Type) -> Any:
    """The value of a JSON or TOML value as a type, or `MISFIT`. Durations and sizes are texts."""
    argument = type_.argument
    if argument is not None:
        if type_.name == "list" and isinstance(value, (list, tuple)):
            items = [from_json(item, argument) for item in value]
            return MISFIT if MISFIT in items else tuple(items)
        if type_.name == "map" and isinstance(value, Mapping):
            entries = {str(key): from_json(item, argument) for key, item in value.items()}
            return MISFIT if MISFIT in entries.values() else entries
        return MISFIT
    if type_.name in ("duration", "size"):
        scalar = read_scalar(value, type_.name) if isinstance(value, str) else MISFIT
        return _with_unit(scalar, type_.name)
    kinds = _KINDS[type_.name]
    is_bool = isinstance(value, bool)
    return value if isinstance(value, kinds) and is_bool == (type_.name == "bool") else MISFIT


def from_plan(value: Any, type_: Type) -> Any:
    """The value that a plan holds of a param of a type, or `MISFIT`: milliseconds and bytes."""
    argument = type_.argument
    if argument is not None and type_.name == "list" and isinstance(value, list):
        items = [from_plan(item, argument) for item in value]
        return MISFIT if MISFIT in items else tuple(items)
    if argument is not None and type_.name == "map" and isinstance(value, dict):
        entries = {key: from_plan(item, argument) for key, item in value.items()}
        return MISFIT if MISFIT in entries.values() else entries
    if type_.name in ("duration", "size"):
        return _with_unit(value if type(value) is int else MISFIT, type_.name)
    return from_json(value, type_)


def is_sound(value: Any) -> bool:
    """Whether all texts of a value can be written as UTF-8, and numbers are finite and 64 bits."""
    match value:
        case str():
            return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)
        case int():
            return -(2**63) <= value < 2**63
        case float():
            return abs(value) < float("inf")
        case tuple():
            return all(map(is_sound, value))
        case Mapping():
            return all(is_sound(key) and is_sound(item) for key, item in value.items())
        case _:
            return True


_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


def _with_unit(value: Any, type_name: str) -> Any:
    if value is MISFIT:
        return MISFIT
    match type_name:
        case "duration":
            return DurationMs(value)
        case "size":
            return SizeBytes(value)
    return value
