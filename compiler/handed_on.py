"""Values handed on: what a command wrote to `$ORCH_VALUES`, read as the types its stage declares.

The file holds lines `name=value`, or `name<<WORD`, any lines, and `WORD` alone on a line. Read
values are JSON: durations in milliseconds, sizes in bytes, lists and objects. That is how they
stand in the journal, and from where later stages get them, so a resumed run reads the same.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orch.compiler.texts import MISFIT
from orch.compiler.typed_texts import from_text, is_sound
from orch.compiler.values import DurationMs, SizeBytes, Type, WrittenFloat, fit, plain
from orch.dsl.shown import shown
from orch.dsl.suggest import near_miss

_ENTRY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(=|<<)(.*)", re.DOTALL)


class HandedOnError(ValueError):
    """What a command wrote is not what its stage declares; the message is for people."""


def read_handed_on(data: bytes, declared: Mapping[str, str]) -> Mapping[str, Any]:
    """The values in a file's content, in the order of `declared`, which maps names to types.

    Raises `HandedOnError` for values that are missing, unknown, given twice, or of another type,
    and for a file that can't be read as such.
    """
    written: dict[str, str] = {}
    for number, name, text in _entries(_text(data)):
        if name not in declared:
            hint = near_miss(name, declared)
            help_ = f"did you mean `{hint}`?" if hint else f"it declares {_listed(declared)}"
            raise HandedOnError(
                f"line {number} is for `{shown(name)}`, which isn't declared; {help_}"
            )
        if name in written:
            raise HandedOnError(f"line {number} gives `{name}` a second time")
        written[name] = text
    missing = [name for name in declared if name not in written]
    if missing:
        raise HandedOnError(
            f"the command succeeded without handing on {_listed(missing)}; "
            f'write `{missing[0]}=…` as a line to "$ORCH_VALUES"'
        )
    return {name: _value(name, written[name], type_) for name, type_ in declared.items()}


def restored(value: Any, type_name: str) -> Any:
    """The value of the language that a JSON value of a declared type stands for."""
    return _restored(value, _type_named(type_name))


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise HandedOnError(f"line {line} of what it wrote is not UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise HandedOnError(f"line {line} of what it wrote holds a NUL character")
    return text


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """The number of the line, the name and the text of each value."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at]
        at += 1
        if not line.strip():
            continue
        match = _ENTRY.fullmatch(line)
        if match is None:
            raise HandedOnError(f"line {number}, `{shown(line)}`, is no `name=value`")
        name, sign, rest = match.groups()
        if sign == "<<":
            if not rest:
                raise HandedOnError(f"line {number} names no word that ends `{name}`")
            try:
                end = lines.index(rest, at)
            except ValueError:
                raise HandedOnError(
                    f"`{name}` begins in line {number}, and no line `{shown(rest)}` ends it"
                ) from None
            rest = "\n".join(lines[at:end])
            at = end + 1
        yield number, name, rest


def _value(name: str, text: str, type_name: str) -> Any:
    type_ = _type_named(type_name)
    value = from_text(text, type_)
    if value is MISFIT or not is_sound(value):
        raise HandedOnError(f"`{name}` is `{shown(text)}`, which is no {type_name}")
    try:
        return _plain(fit(value, type_))
    except ValueError as error:
        raise HandedOnError(f"`{name}` {error}") from None


def _plain(value: Any) -> Any:
    """As `plain`, but a float without a point stays one: `7` reads `7` later too."""
    is_whole = isinstance(value, WrittenFloat) and value.written.lstrip("+-").isdecimal()
    return int(value.written) if is_whole else plain(value)


def _restored(value: Any, type_: Type) -> Any:
    argument = type_.argument
    if argument is not None:
        if type_.name == "list":
            return tuple(_restored(item, argument) for item in value)
        return {key: _restored(item, argument) for key, item in value.items()}
    match type_.name:
        case "duration":
            return DurationMs(value)
        case "size":
            return SizeBytes(value)
        case "float":
            return WrittenFloat(float(value), repr(value))
        case _:
            return value


def _type_named(name: str) -> Type:
    """The type that `str` of a type names."""
    head, bracket, rest = name.partition("<")
    return Type(head, _type_named(rest.removesuffix(">")) if bracket else None)


def _listed(names: Mapping[str, str] | list[str]) -> str:
    first, *others = [f"`{name}`" for name in names]
    return first if not others else ", ".join([first, *others[:-1]]) + f" and {others[-1]}"
