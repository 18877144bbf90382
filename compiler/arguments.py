"""Arguments for the entry file's parameters, from outside: `-p` over `--params` over `env`.

Texts are read as their parameter's type. What is no value of the type is E0401 at the parameter's
name, with a message that names the argument; an argument for nothing is E0208 without a place.
"""

from collections.abc import Mapping
from typing import Any

from orch.compiler.outline import Outline
from orch.compiler.parameters import Argument
from orch.compiler.request import Request
from orch.compiler.texts import MISFIT, repeated_key
from orch.compiler.typed_texts import from_json, from_plan, from_text, is_sound
from orch.compiler.values import UNKNOWN, Type, type_from
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import String

_MOST_NAMES = 8


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
            meant = did_you_mean(near_miss(name, outline.params)) or _declared(outline)
            message = f"there is no parameter `{shown(name)}` for the argument given"
            found.append(Diagnostic("E0208", message, outline.path, None, help=meant))
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
            read = from_plan if request.is_planned else from_json
            value = read(request.argument_values[name], type_)
            said, written = f"the argument for `{name}`", request.argument_values[name]
        elif variable is not None:
            written = request.environment.get(variable)
            variables[variable] = written
            if written is None:
                continue
            said, value = f"`${variable}`", from_text(written, type_)
        else:
            continue
        if value is MISFIT or not is_sound(value):
            is_text = name in request.arguments or name not in request.argument_values
            message, help_ = _misfit(said, written, type_, is_text=is_text)
            found.append(Diagnostic("E0401", message, outline.path, section.name_span, help=help_))
            value = UNKNOWN
        given[name] = Argument(value, said)
    return Arguments(given, variables, tuple(found))


def _declared(outline: Outline) -> str:
    """Which parameters there are, as a help: all of a few, some of many."""
    names = [f"`{shown(name)}`" for name in outline.params]
    if not names:
        return "the file declares no parameters"
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f"its parameters are {', '.join(names[:_MOST_NAMES])}{more}"


def _variable_of(outline: Outline, name: str) -> str | None:
    setting = outline.params[name].settings.get("env")
    value = setting.value if setting is not None else None
    return value.static_text if isinstance(value, String) and value.is_static else None


def _misfit(said: str, written: Any, type_: Type, *, is_text: bool) -> tuple[str, str | None]:
    """A message and a help for an argument, a text or a value of a file, that is no such value."""
    key = repeated_key(written) if is_text and type_.argument is not None else None
    if key is not None:
        return f"{said} gives the key {_shown(key)} twice", None
    shown = _shown(written if is_text else _json(written))
    is_date = not is_text and hasattr(written, "isoformat")
    help_ = "a date or time without quotes is no text in TOML: quote it" if is_date else None
    return f"{said} is {shown}, which is no {type_}", help_


def _json(value: Any) -> str:
    """A value as a JSON file would write it, so that `"3"` is seen not to be 3."""
    import json

    if hasattr(value, "isoformat"):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        # Python's own values may hold themselves, or keys that are no strings.
        return type(value).__name__


def _shown(written: Any) -> str:
    return f"`{shown(str(written))}`"
