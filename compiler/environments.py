"""The `env` of stages and uses: names checked, texts read, layers merged."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orch.compiler.commands import is_fit_for_a_command
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.shapes import Scalar
from orch.compiler.values import Late
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.tree import Map, Name, Setting, Value

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# What every command is told by orch (language.md section 7), and what stands for run-time values:
# another value of it would be lost without a word.
_OF_ORCH = re.compile(
    r"MCP_RUNNER_TASK_ID|ORCH_(?:RUN_ID|TASK_ID|PIPELINE|STAGE|ATTEMPT|RUN_DIR|ROOT|MANIFEST"
    r"|ARTIFACTS|VALUES|B[0-9]+)"
)

Variables = Mapping[str, Any]
"""Texts, `Late` and `Unknown` by the name of their variable."""

Share = Callable[[Setting, Callable[[], Any]], Any]
"""Asks for a setting's value, or gives the one that another combination got."""


@record
class Environment:
    """Variables with their texts, and those whose text is known only while running."""

    texts: Mapping[str, str]
    late: Mapping[str, str]


def read_variables(section: Section, reader: Reader, share: Share) -> Variables:
    """The variables that an `env` block, or an `env` map, adds (E0408)."""
    found: dict[str, Any] = {}
    block = section.sections.get("env")
    for entry in block.entries if block is not None else ():
        name = _text(entry.name)
        _check_name(name, entry.name.span, reader)

        def read(entry: Setting = entry, name: str = name) -> Any:
            value = reader.shaped(entry.value, Scalar("string"), name, may_be_late=True)
            is_fit_for_a_command(value, entry.value.span, reader)
            return value

        found[name] = share(entry, read)
    setting = section.settings.get("env")
    if setting is not None:
        value = reader.setting(setting.value, section.spec.settings["env"])
        spans = _key_spans(setting.value)
        for name, text in value.items() if isinstance(value, Mapping) else ():
            _check_name(name, spans.get(name, setting.value.span), reader)
            is_fit_for_a_command(text, setting.value.span, reader)
            found[name] = text
    return found


def merged_environment(layers: Iterable[Variables]) -> Environment:
    """The variables of all layers; what a later one says counts."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    return Environment(
        {name: value for name, value in merged.items() if isinstance(value, str)},
        {name: value.text for name, value in merged.items() if isinstance(value, Late)},
    )


def _check_name(name: str, span: Span, reader: Reader) -> None:
    if not _VARIABLE.fullmatch(name):
        message = f"`{shown(name)}` can't be the name of an environment variable"
        reader.report("E0408", message, span)
    elif is_set_by_orch(name):
        reader.report("E0408", f"orch itself tells every command `{name}`", span)


def is_set_by_orch(name: str) -> bool:
    """Whether a command finds under this name what orch says, whatever else is said of it."""
    return _OF_ORCH.fullmatch(name) is not None


def _key_spans(value: Value) -> dict[str, Span]:
    return {_text(e.key): e.key.span for e in value.entries} if isinstance(value, Map) else {}


def _text(name: Any) -> str:
    return name.text if isinstance(name, Name) else name.static_text
