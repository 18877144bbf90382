"""How a service shows that it is up: the `ready` block as the plan holds it."""

from collections.abc import Mapping
from typing import Any

from orch.compiler.commands import read_command
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.settings import PROBES
from orch.compiler.values import Unknown
from orch.dsl.shown import shown


def read_ready(section: Section, reader: Reader) -> Mapping[str, Any] | None:
    """`{"kind": "tcp" | "http" | "exec" | "log", …, "every_ms", "timeout_ms"}`.

    With the kind goes `port`, `url`, `argv` or `text`. None where there is no sound probe.
    """
    timing = {}
    for name in ("every", "timeout"):
        spec = section.spec.settings[name]
        setting = section.settings.get(name)
        value = spec.default if setting is None else reader.setting(setting.value, spec)
        timing[f"{name}_ms"] = spec.default if isinstance(value, Unknown) else value
    for kind in PROBES:
        if kind in section.settings:
            probe = _probe(kind, section, reader)
            return None if probe is None else {"kind": kind, **probe, **timing}
    return None


def _probe(kind: str, section: Section, reader: Reader) -> Mapping[str, Any] | None:
    node = section.settings[kind].value
    if kind == "exec":
        command = read_command(node, "sh", reader, "exec")
        if command.bindings:
            message = "a probe can't read what is known only while running"
            reader.report("E0507", message, node.span)
        return {"argv": list(command.argv)}
    value = reader.setting(node, section.spec.settings[kind])
    if isinstance(value, Unknown):
        return None
    if kind == "tcp":
        return {"port": value}
    if kind == "http" and not value.startswith(("http://", "https://")):
        message = f"`{shown(value)}` is no address to ask: it begins with `http://` or `https://`"
        reader.report("E0402", message, node.span)
        return None
    if kind == "log" and not value:
        reader.report("E0402", "an empty text is found in any log", node.span)
        return None
    return {"url" if kind == "http" else "text": value}
