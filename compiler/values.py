"""Values while compiling: the types of language.md section 4, and what a value is in text.

A value is a `str`, `bool`, `int`, `float`, `DurationMs`, `SizeBytes`, a tuple of values or a
mapping from names to values. `None` stands for what isn't there, such as the exit code of a stage
that was skipped. Where a value can't be known, `Unknown` or `Late` takes its place.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from orch.dsl.record import record
from orch.dsl.tree import TypeName

SCALAR_TYPES = ("string", "int", "float", "bool", "duration", "size", "path")
GENERIC_TYPES = ("list", "map")


@record
class Type:
    """One of the types of the language; only `list` and `map` have an argument."""

    name: str
    argument: "Type | None" = None

    def __str__(self) -> str:
        return self.name if self.argument is None else f"{self.name}<{self.argument}>"


STRING, INT, FLOAT, BOOL = Type("string"), Type("int"), Type("float"), Type("bool")
DURATION, SIZE, PATH = Type("duration"), Type("size"), Type("path")


@dataclass(frozen=True, slots=True, order=True)
class DurationMs:
    """A duration in whole milliseconds; a type of its own, so that no unit is ever guessed."""

    value: int


@dataclass(frozen=True, slots=True, order=True)
class SizeBytes:
    """A size in bytes; a type of its own, for the same reason."""

    value: int


class WrittenFloat(float):
    """A float that remembers how it was written: `3.10` is the number 3.1 and reads `3.10`."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, value: float, written: str) -> Self:
        number = super().__new__(cls, value)
        number.written = written
        return number

    def __reduce__(self) -> tuple[type[Self], tuple[float, str]]:
        """What a copy or a pickle is made from."""
        return (type(self), (float(self), self.written))


class Raw(str):
    """Text that its author declared to be code, with the filter `raw`."""

    __slots__ = ()


@record
class Unknown:
    """A value that hangs on an argument that wasn't given; only its type may be known."""

    type: Type | None = None


UNKNOWN = Unknown()


@record
class Late:
    """A value known only while running: `text` is the expression that gives it then. `type` is that
    of the value, where it is declared."""

    text: str
    type: "Type | None" = None


Value = (
    str | bool | int | float | DurationMs | SizeBytes | tuple[Any, ...] | Mapping[str, Any] | None
)


def type_from(node: TypeName) -> Type | None:
    """The type that a type's name in the source means, or None where it means none."""
    name = node.name.text
    if name in SCALAR_TYPES:
        return Type(name) if node.argument is None else None
    if name in GENERIC_TYPES and node.argument is not None:
        argument = type_from(node.argument)
        return None if argument is None else Type(name, argument)
    return None


def type_of(value: Any) -> Type | None:
    """The type of a value; None where it can't be said (an empty list, mixed items, `Late`)."""
    if isinstance(value, Unknown):
        return value.type
    if isinstance(value, (tuple, list)):
        return _type_of_items("list", tuple(value))
    if isinstance(value, Mapping):
        return _type_of_items("map", tuple(value.values()))
    name = _scalar_name(value)
    return None if name is None else Type(name)


def _scalar_name(value: Any) -> str | None:
    # A bool is an int in Python, so the order counts.
    for class_, name in _SCALAR_CLASSES:
        if isinstance(value, class_):
            return name
    return None


_SCALAR_CLASSES: tuple[tuple[type, str], ...] = (
    (str, "string"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (DurationMs, "duration"),
    (SizeBytes, "size"),
)


def _type_of_items(name: str, items: tuple[Any, ...]) -> Type | None:
    types = {type_of(item) for item in items}
    if types == {INT, FLOAT}:
        return Type(name, FLOAT)
    only = types.pop() if len(types) == 1 else None
    return None if only is None else Type(name, only)


def example_of(value: Any) -> Any:
    """A value of the same type, for who judges types alone: the value itself where it is known,
    and where not even its type is."""
    if not isinstance(value, Unknown) or value.type is None:
        return value
    return _EXAMPLES[value.type.name]


_EXAMPLES: Mapping[str, Any] = {
    "string": "x",
    "path": "x",
    "int": 1,
    "float": WrittenFloat(1.0, "1.0"),
    "bool": True,
    "duration": DurationMs(1),
    "size": SizeBytes(1),
    "list": (),
    "map": {},
}


def kind_of(value: Any) -> str:
    """What a value is, as people say it after "is": `a string`, `an int`, `a list`."""
    value = example_of(value)
    if value is None:
        return "nothing"
    if isinstance(value, (tuple, list)):
        return "a list"
    if isinstance(value, Mapping):
        return "a map"
    name = _scalar_name(value) or "value that isn't known"
    return f"an {name}" if name == "int" else f"a {name}"


def fit(value: Any, type_: Type) -> Any:
    """The value as one of a type: an int becomes a float where one is due, a path is normalised.

    `Late` fits everything, and so does an `Unknown` whose type isn't known; a list that isn't
    known fits every list, since it may be empty. Raises ValueError with a message that reads after
    the value's name (`is a string, not an int`) for anything else: conversions are never silent.
    """
    if isinstance(value, Unknown) and value.type is not None:
        fit(example_of(value), type_)
        return Unknown(type_)
    if isinstance(value, (Unknown, Late)):
        return value
    argument = type_.argument
    if argument is not None:
        if type_.name == "list" and isinstance(value, (tuple, list)):
            return tuple(fit(item, argument) for item in value)
        if type_.name == "map" and isinstance(value, Mapping):
            return {key: fit(item, argument) for key, item in value.items()}
        raise ValueError(f"is {kind_of(value)}, not a {type_}")
    name = _scalar_name(value)
    if (name, type_.name) in {("int", "float"), ("string", "path")}:
        return _float_of(value) if name == "int" else _path_of(value)
    if name != type_.name:
        raise ValueError(f"is {kind_of(value)}, not {'an' if type_.name == 'int' else 'a'} {type_}")
    return value


def _float_of(value: int) -> float:
    try:
        return WrittenFloat(float(value), str(value))
    except (OverflowError, ValueError):
        raise ValueError("is too large for a float") from None


def _path_of(value: str) -> str:
    path = normalise_path(value)
    if path is None:
        raise ValueError("is a path that leaves the project root")
    return path


def normalise_path(text: str) -> str | None:
    """A path relative to the project root in its one spelling, or None where it leaves the root."""
    if text.startswith("/") or "\0" in text:
        return None
    path = posixpath.normpath(text)
    return None if path == ".." or path.startswith("../") else path


def plain(value: Any) -> Any:
    """A value as JSON has it: durations in milliseconds, sizes in bytes, lists and objects."""
    match value:
        case DurationMs() | SizeBytes():
            return value.value
        case WrittenFloat():
            return float(value)
        case Raw():
            return str(value)
        case tuple() | list():
            return [plain(item) for item in value]
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


class NoTextError(ValueError):
    """A value that can't stand in text; `help` says what would mend it."""

    def __init__(self, message: str, help_: str | None) -> None:
        super().__init__(message)
        self.help = help_


def text_of(value: Any) -> str:
    """What a value reads as inside quotes: bools `true` and `false`, numbers as written.

    Raises `NoTextError` for durations, sizes, lists, maps and `None` (language.md section 6).
    """
    match value:
        case bool():
            return "true" if value else "false"
        case WrittenFloat():
            return value.written
        case str():
            return str(value)
        case int() | float():
            return repr(value)
        case DurationMs():
            raise NoTextError("a duration has no unit in text", "say the unit: `| seconds`")
        case SizeBytes():
            raise NoTextError("a size has no unit in text", "say the unit: `| bytes`")
        case tuple() | list():
            raise NoTextError("a list can't stand in text", "write it as text: `| join(' ')`")
        case Mapping():
            raise NoTextError("a map can't stand in text", "write it as text: `| json`")
        case _:
            message = "there is nothing that could stand in text"
            raise NoTextError(message, "say what to take instead: `| default(…)`")
