"""Arguments for the entry file's parameters, from outside: `-p` over `--params` over `env`.

Texts are read as their parameter's type. What is no value of the type is E0401 at the parameter's
name, with a message that names the argument; an argument for nothing is E0208 without a place.
"""

from collections.abc import Mapping
from typing import Any

from orch.compiler.outline import Outline
from orch.compiler.parameters import Argument
from orch.compiler.plain_reading import UNKNOWN
from orch.compiler.request import Request
from orch.compiler.texts import MISFIT, read_json, read_scalar
from orch.compiler.values import DurationMs, SizeBytes, Type, WrittenFloat, type_from
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.suggest import near_miss
from orch.dsl.tree import String


@record
class Arguments:
    """The arguments by parameter, and the environment variables that were consulted."""

    of: Mapping[str, Argument]
    variables: Mapping[str, str | None]
    diagnostics: tuple[Diagnostic, ...]


def read_arguments(outline: Outline, request: Request) -> Arguments:
    """What the request gives for the parameters of the entry file."""
    found: list[Diagnostic] = []
    given: dict[str, Argument] = {}
    variables: dict[str, str | None] = {}
    for name in dict.fromkeys((*request.arguments, *request.argument_values)):
        if name not in outline.params and name.lower() not in outline.poisoned:
            hint = near_miss(name, outline.params)
            help_ = f"did you mean `{hint}`?" if hint else None
            message = f"there is no parameter `{name}` for the argument given"
            found.append(Diagnostic("E0208", message, outline.path, None, help=help_))
    for name, section in outline.params.items():
        node = section.block.type
        type_ = None if node is None else type_from(node)
        if type_ is None:
            continue
        variable = _variable_of(outline, name)
        if name in request.arguments:
            said, value = f"`-p {name}`", from_text(request.arguments[name], type_)
            written: Any = request.arguments[name]
        elif name in request.argument_values:
            written = request.argument_values[name]
            said, value = f"the argument for `{name}`", from_json(written, type_)
        elif variable is not None:
            written = request.environment.get(variable)
            variables[variable] = written
            if written is None:
                continue
            said, value = f"`${variable}`", from_text(written, type_)
        else:
            continue
        if value is MISFIT or not _is_sound(value):
            message = f"{said} is {_shown(written)}, which is no {type_}"
            found.append(Diagnostic("E0401", message, outline.path, section.name_span))
            value = UNKNOWN
        given[name] = Argument(value, said)
    return Arguments(given, variables, tuple(found))


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


def _is_sound(value: Any) -> bool:
    """Whether all texts of a value can be written as UTF-8, and numbers are finite and 64 bits."""
    match value:
        case str():
            return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)
        case int():
            return -(2**63) <= value < 2**63
        case float():
            return abs(value) < float("inf")
        case tuple():
            return all(map(_is_sound, value))
        case Mapping():
            return all(_is_sound(key) and _is_sound(item) for key, item in value.items())
        case _:
            return True


def _variable_of(outline: Outline, name: str) -> str | None:
    setting = outline.params[name].settings.get("env")
    value = setting.value if setting is not None else None
    return value.static_text if isinstance(value, String) and value.is_static else None


def _shown(written: Any) -> str:
    text = str(written).encode("utf-8", "backslashreplace").decode()
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"
