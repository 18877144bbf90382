"""What the declarations of one file say by themselves: types, sources of secrets, the pipeline.

All of it is known without evaluating anything, so it is checked once a file, however often the
file is used.
"""

import re
from collections.abc import Mapping

from orch.compiler.environments import is_set_by_orch
from orch.compiler.foreign_words import meant_word
from orch.compiler.outline import Outline
from orch.compiler.plan import SecretSource
from orch.compiler.sections import Section
from orch.compiler.values import GENERIC_TYPES, SCALAR_TYPES, type_from
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean
from orch.dsl.tree import Boolean, Setting, String, TypeName

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_declarations(outline: Outline) -> list[Diagnostic]:
    """Unknown types (E0210), bad names of variables (E0408), secrets with two sources (E0209)."""
    found: list[Diagnostic] = []
    for section in outline.params.values():
        if section.block.type is not None and not section.block.is_broken:
            found += _check_type(section.block.type, outline.path)
    for section in outline.nodes:
        values = section.sections.get("values")
        for declaration in values.declarations if values is not None else ():
            found += _check_type(declaration.type, outline.path)
    for section in (*outline.params.values(), *outline.secrets.values()):
        found += _check_variable(section.settings.get("env"), outline.path)
    for section in outline.secrets.values():
        if is_set_by_orch(section.name):
            message = f"orch itself tells every command `{section.name}`"
            found.append(Diagnostic("E0408", message, outline.path, section.name_span))
        if _static(section, "file") == "":
            message = f"`file` of secret `{section.name}` names no file"
            span = section.settings["file"].value.span
            found.append(Diagnostic("E0402", message, outline.path, span))
        if "env" in section.settings and "file" in section.settings:
            first, second = sorted(
                (section.settings["env"], section.settings["file"]), key=lambda s: s.span
            )
            message = f"secret `{section.name}` has one source, a variable or a file"
            related = (Related("this is one already", outline.path, first.span),)
            span = second.name.span
            found.append(Diagnostic("E0209", message, outline.path, span, related=related))
    return found


def _check_type(node: TypeName, path: str) -> list[Diagnostic]:
    if type_from(node) is not None:
        return []
    name = node.name.text
    known = (*SCALAR_TYPES, *GENERIC_TYPES)
    if name not in known:
        hint = meant_word(name, known)
        help_ = did_you_mean(hint) or f"the types are {', '.join(known)}"
        return [Diagnostic("E0210", f"`{name}` is no type", path, node.name.span, help=help_)]
    if name in SCALAR_TYPES:
        message = f"`{name}` takes no type in angle brackets"
        return [Diagnostic("E0210", message, path, node.span)]
    if node.argument is None:
        help_ = f"say of what, as in `{name}<string>`"
        return [Diagnostic("E0210", f"`{name}` alone is no type", path, node.span, help=help_)]
    return _check_type(node.argument, path)


def _check_variable(setting: Setting | None, path: str) -> list[Diagnostic]:
    value = setting.value if setting is not None else None
    if not isinstance(value, String) or not value.is_static:
        return []
    name = value.static_text
    if _VARIABLE.fullmatch(name):
        return []
    message = f"`{shown(name)}` can't be the name of an environment variable"
    return [Diagnostic("E0408", message, path, value.span)]


def merged_secrets(
    outlines: Mapping[str, Outline],
) -> tuple[tuple[SecretSource, ...], list[Diagnostic]]:
    """The secrets of all files by name. A name is a variable of the commands, so two files that
    declare it have to mean the same source (E0202)."""
    sources: dict[str, tuple[SecretSource, str, Span]] = {}
    found: list[Diagnostic] = []
    for outline in outlines.values():
        for name, section in outline.secrets.items():
            source = _secret(section)
            first = sources.setdefault(name, (source, outline.path, section.name_span))
            if (source.env, source.file) != (first[0].env, first[0].file):
                related = (Related("first declared here", first[1], first[2]),)
                message = f"secret `{name}` has another source in a file used together with this"
                span = section.name_span
                found.append(Diagnostic("E0202", message, outline.path, span, related=related))
            elif source.required and not first[0].required:
                sources[name] = (source, first[1], first[2])
    return tuple(source for source, _, _ in sources.values()), found


def _secret(section: Section) -> SecretSource:
    file = _static(section, "file")
    env = _static(section, "env")
    required = section.settings.get("required")
    value = required.value if required is not None else None
    is_required = value.value if isinstance(value, Boolean) else True
    if file is not None:
        return SecretSource(section.name, None, file, is_required)
    return SecretSource(section.name, env or section.name, None, is_required)


def _static(section: Section, name: str) -> str | None:
    setting = section.settings.get(name)
    value = setting.value if setting is not None else None
    return value.static_text if isinstance(value, String) and value.is_static else None
