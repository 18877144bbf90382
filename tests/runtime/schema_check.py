"""A judge of JSON values by JSON Schemas, for the words that our schemas use and no others."""

from collections.abc import Iterator
from typing import Any

_NOTES = frozenset({"$schema", "$id", "$defs", "$ref", "description", "default"})
_RULES = frozenset(
    {
        "type", "properties", "required", "enum", "const", "anyOf", "oneOf", "items",
        "prefixItems", "minItems", "maxItems", "minimum", "additionalProperties",
    }
)  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """Why a value does not match a schema; a word that isn't known here is an AssertionError."""
    return list(_problems(schema, value, schema))


def _problems(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> Iterator[str]:
    assert set(schema) <= _NOTES | _RULES, set(schema) - _NOTES - _RULES
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    kind = schema.get("type")
    if kind is not None and (
        not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
    ):
        yield f"{value!r} is no {kind}"
        return
    yield from _options(schema, value, root)
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{value!r} is not allowed"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{value!r} is too small"
    if isinstance(value, list):
        yield from _items(schema, value, root)
    if isinstance(value, dict):
        yield from _properties(schema, value, root)


def _options(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> Iterator[str]:
    for word in ("anyOf", "oneOf"):
        if word in schema:
            fitting = sum(not list(_problems(option, value, root)) for option in schema[word])
            if not fitting or (word == "oneOf" and fitting != 1):
                yield f"{value!r} fits {fitting} options"


def _items(schema: dict[str, Any], value: list[Any], root: dict[str, Any]) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"there are {len(value)} items"
    options = schema.get("prefixItems", [schema.get("items", {})] * len(value))
    for option, item in zip(options, value, strict=False):
        yield from _problems(option, item, root)


def _properties(
    schema: dict[str, Any], value: dict[str, Any], root: dict[str, Any]
) -> Iterator[str]:
    yield from (f"{name} is missing" for name in schema.get("required", ()) if name not in value)
    rest = schema.get("additionalProperties", {})
    for name, item in value.items():
        option = schema.get("properties", {}).get(name, rest)
        yield from _problems({} if option is True else option, item, root)
