"""Policy values from outside of the sources: `--policy` of the command line, `[policy]` of
orch.toml. What is wrong with them has no place in a pipeline, so the message says what is meant.
"""

from collections.abc import Mapping
from typing import Any

from orch.compiler.foreign_words import meant_word
from orch.compiler.policy import Layers
from orch.compiler.project_settings import NO_SETTINGS, PROJECT_FILE, ProjectSettings
from orch.compiler.quantities import out_of_range
from orch.compiler.request import Given
from orch.compiler.settings import POLICY, SettingSpec, dotted_policy
from orch.compiler.shapes import ListOf, RangeOf, Scalar, Shape, Words
from orch.compiler.texts import MISFIT, is_exit_reason, read_policy_text, read_policy_value
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.shown import shown
from orch.dsl.suggest import did_you_mean, near_miss

_SPECS = dotted_policy()
_WRITTEN_AS = {
    "duration": "a duration is a number with its unit, as in `5m`",
    "size": "a size is a number with its unit, as in `64KiB`",
}


def read_command_line(
    texts: Mapping[str, str], entry: str, origin: str = "the command line"
) -> tuple[Layers, list[Diagnostic]]:
    """The values of `--policy NAME=VALUE`, or of what is named as `origin` in their place; what is
    wrong with them has no span."""
    outside = _Outside(entry, origin)
    for name, text in texts.items():
        outside.take_text(name, text)
    return outside.values, outside.found


def read_project(settings: ProjectSettings) -> tuple[Layers, list[Diagnostic]]:
    """The values of `[policy]` in orch.toml."""
    outside = _Outside(PROJECT_FILE, PROJECT_FILE, settings)
    for name, value in settings.policy.items():
        if name not in POLICY.blocks:
            outside.take_value(name, value)
        elif isinstance(value, Mapping):
            for inner, item in value.items():
                outside.take_value(f"{name}.{inner}", item)
        else:
            outside.report(
                name, "E0401", f"`{name}` is a table, not a value", f"write `[policy.{name}]`"
            )
    return outside.values, outside.found


class _Outside:
    """Collects values that no file of the language holds; `settings` are those of orch.toml."""

    def __init__(self, path: str, origin: str, settings: ProjectSettings = NO_SETTINGS) -> None:
        self._path = path
        self._origin = origin
        self._settings = settings
        self.values: dict[str, Given] = {}
        self.found: list[Diagnostic] = []

    def take_text(self, name: str, text: str) -> None:
        """A value as the command line gives it."""
        spec = self._known(name)
        if spec is not None:
            self._take(name, spec, read_policy_text(text, spec.shape), f"`{shown(text)}`")

    def take_value(self, name: str, value: Any) -> None:
        """A value as TOML gives it."""
        spec = self._known(name)
        if spec is not None:
            self._take(name, spec, read_policy_value(value, spec.shape), _written(value))

    def report(self, name: str, code: str, message: str, help_: str | None = None) -> None:
        span = self._settings.place(_path_of(name))
        self.found.append(Diagnostic(code, message, self._path, span, help=help_))

    def _known(self, name: str) -> SettingSpec | None:
        spec = _SPECS.get(name)
        if spec is None:
            hint = _meant(name)
            help_ = did_you_mean(hint)
            self.report(
                name, "E0205", f"`{shown(name)}` of {self._origin} is no policy setting", help_
            )
        return spec

    def _take(self, name: str, spec: SettingSpec, value: Any, written: str) -> None:
        if value is MISFIT:
            message = f"`{name}` of {self._origin} is {written}, not {_due(spec.shape)}"
            self.report(name, "E0401", message, _WRITTEN_AS.get(getattr(spec.shape, "type", "")))
        elif isinstance(value, tuple) and isinstance(spec.shape, RangeOf) and value[0] > value[1]:
            message = f"the low end of `{name}` of {self._origin} is above its high end"
            self.report(name, "E0410", message)
        elif (problem := _problem(value, spec.shape, name)) is not None:
            self.report(
                name, "E0402", f"{problem} ({self._origin})", _meant_word(value, spec.shape)
            )
        else:
            path = _path_of(name)
            is_placed = self._settings.place(path) is not None
            origin = self._settings.origin(path) if is_placed else self._origin
            self.values[name] = Given(value, origin)


def _path_of(name: str) -> tuple[str, ...]:
    return ("policy", *name.split("."))


def _meant(name: str) -> str | None:
    """The dotted setting that was meant, also where its block was left out or stands alone."""
    near = near_miss(name, _SPECS) or meant_word(name, POLICY.blocks)
    if near is not None:
        return near
    block, _, last = name.rpartition(".")
    known = [each for each in _SPECS if block in ("", each.rpartition(".")[0])]
    inner = meant_word(last, {each.rpartition(".")[2] for each in known})
    words = {inner, name}
    return next((each for each in known if not words.isdisjoint(each.split("."))), None)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{shown(str(value))}`"


def _meant_word(value: Any, shape: Shape) -> str | None:
    words = shape.item if isinstance(shape, ListOf) else shape
    if not isinstance(words, Words):
        return None
    given = value if isinstance(value, tuple) else (value,)
    plain = [word for word in words.words if word.isalpha()]
    hint = next(filter(None, (near_miss(word, plain) for word in given)), None)
    return did_you_mean(hint)


def _problem(value: Any, shape: Shape, name: str) -> str | None:
    match shape:
        case Scalar():
            return out_of_range(value, shape, name)
        case RangeOf():
            problems = (out_of_range(end, shape.item, name) for end in value)
            return next(filter(None, problems), None)
        case Words():
            allowed = ", ".join(f"`{word}`" for word in shape.words)
            is_known = value in shape.words or is_exit_reason(value)
            return None if is_known else f"`{shown(value)}` is no `{name}`: it is one of {allowed}"
        case ListOf(item=Words() as item):
            return next(filter(None, (_problem(word, item, name) for word in value)), None)
    return None


def _due(shape: Shape) -> str:
    match shape:
        case Scalar(type="int"):
            return "an int"
        case Scalar(type=name):
            return f"a {name}"
        case RangeOf():
            return "a range such as `100ms..3s`"
        case ListOf():
            return "a list of words"
    return "a word"
