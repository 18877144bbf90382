"""What the language's own tables say, in words for an editor: shapes, defaults, filters, values."""

import json
from collections.abc import Mapping
from typing import Any

from orch.compiler.functions import FILTERS, FUNCTIONS, REQUIRED, Signature
from orch.compiler.quantities import quantity_text, setting_text
from orch.compiler.settings import LARGEST_BYTES, LONGEST_MS, BlockSpec, SettingSpec
from orch.compiler.shapes import (
    ListOf,
    MapOf,
    Names,
    RangeOf,
    Scalar,
    Shape,
    Strings,
    Words,
)
from orch.compiler.values import DurationMs, Late, SizeBytes, Unknown, WrittenFloat

_LONGEST_VALUE = 300

FUNCTION_WORDS: Mapping[str, str] = {
    "default": "the value, or another where there is none; with `true` also for what is empty",
    "join": "the items of a list as one text",
    "lower": "small letters",
    "upper": "capital letters",
    "trim": "without white space, or these characters, at both ends",
    "replace": "`old` replaced by `new`, at most `count` times from the left",
    "split": "a list of the parts between separators, or between white space",
    "first": "the first item, or character",
    "last": "the last item, or character",
    "length": "how many items, characters or entries",
    "unique": "each item once, the first of equals",
    "sort": "in order; capital letters come before small ones",
    "int": "a whole number, of a number cut towards zero",
    "float": "a number with a fraction",
    "string": "the text of a bool, a number or a text",
    "list": "the characters of a text, the keys of a map",
    "json": "JSON on one line, keys sorted",
    "quote": "one word for a shell that reads it later, of a list several",
    "basename": "the last part of a path",
    "dirname": "the path without its last part",
    "stem": "the last part without its last ending",
    "seconds": "the seconds of a duration",
    "bytes": "the bytes of a size",
    "raw": "the text as it is, to stand in a script as code; each use is W0702",
    "range": "whole numbers from `start` up to, and without, `end`",
    "glob": "the files of the project that match a pattern, sorted",
}
"""What each filter and function gives."""


def shape_text(shape: Shape) -> str:
    """What a value must be: `duration`, `list of stage names`, `none | full | equal`."""
    text = "any value"
    match shape:
        case Scalar(type="string", allowed=words) if words:
            text = " | ".join(f'"{word}"' for word in words)
        case Scalar(type=name, low=low, high=high):
            is_open = low is None or high in {None, LONGEST_MS, LARGEST_BYTES}
            ends = "" if is_open else f" {quantity_text(low, name)}..{quantity_text(high, name)}"
            text = name + ends
        case Words(words=words):
            text = " | ".join(words)
        case ListOf(item=item):
            text = f"list of {shape_text(item)}"
        case RangeOf(item=item):
            text = f"range of {shape_text(item)}"
        case MapOf(item=item):
            text = f"map of {shape_text(item)}"
        case Strings():
            text = "string, or list of strings"
        case Names(of=of, is_list=is_list):
            text = f"list of {of} names" if is_list else f"{of} name"
    return text


def setting_words(spec: SettingSpec) -> str:
    """A setting as Markdown: what it takes, what for, its default, where templates may stand."""
    default = ""
    if spec.default is not None:
        default = f"\n\nDefault: `{setting_text(spec.default, spec.shape)}`"
    needed = "\n\nIt is required." if spec.is_required else ""
    head = f"{spec.name}: {shape_text(spec.shape)}"
    return f"{fenced(head)}\n{spec.doc}{default}{needed}\n\nA template: {spec.templates.value}."


def block_words(spec: BlockSpec) -> str:
    """A block as Markdown: what it is, and what stands in it."""
    parts = [f"{fenced(f'{spec.keyword} {{ … }}')}\n{spec.doc}"]
    known = [*spec.settings, *spec.blocks]
    if known:
        parts.append("Takes " + " ".join(f"`{name}`" for name in known))
    return "\n\n".join(parts)


def function_text(name: str) -> str | None:
    """A filter or function with its parameters: `join(separator="")`; None for none."""
    signature = FILTERS.get(name) or FUNCTIONS.get(name)
    return None if signature is None else name + _parameters(signature)


def function_words(name: str) -> str | None:
    """A filter or function as Markdown; None for none."""
    text = function_text(name)
    if text is None:
        return None
    kind = "filter" if name in FILTERS else "function"
    return f"{fenced(text)}\n{kind}: {FUNCTION_WORDS[name]}"


def _parameters(signature: Signature) -> str:
    words = [
        name if default is REQUIRED else f"{name}={value_text(default)}"
        for name, default in signature.parameters
    ]
    return f"({', '.join(words)})" if words else ""


def value_text(value: Any) -> str:
    """A value as a file would write it, cut where it is long."""
    text = _written(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _written(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, Mapping):
        entries = ", ".join(f"{key} = {_written(each)}" for key, each in value.items())
        return f"{{ {entries} }}" if entries else "{ }"
    return _scalar(value)


def _scalar(value: Any) -> str:
    text = str(value)
    match value:
        case None | bool():
            text = {None: "none", True: "true", False: "false"}[value]
        case Unknown():
            text = "known with an argument only"
        case Late():
            text = "known while running only"
        case DurationMs():
            text = quantity_text(value.value, "duration")
        case SizeBytes():
            text = quantity_text(value.value, "size")
        case WrittenFloat():
            text = value.written
        case str():
            text = json.dumps(value, ensure_ascii=False)
    return text


def fenced(text: str) -> str:
    """A piece of a pipeline file, as Markdown."""
    return f"```pipeline\n{text}\n```"
