"""Diagnostics as workflow commands of GitHub Actions, which shows them beside the source lines."""

import os
from collections.abc import Mapping, Sequence

from orch.cli.visible import visible
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import SourceFile

WORKSPACE_VARIABLE = "GITHUB_WORKSPACE"


def is_on_github(environment: Mapping[str, str]) -> bool:
    """Whether this is a step of a workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotation_lines(
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile],
    root: str,
    environment: Mapping[str, str],
) -> list[str]:
    """A command for each diagnostic: `::error file=…,line=…,title=E0201::message`.

    Files are named from the checkout that the workflow works in, where the project lies below it;
    else from the project root.
    """
    folder = checkout_folder(root, environment)
    return [_command(diagnostic, sources, folder) for diagnostic in diagnostics]


def workflow_command(kind: str, fields: Mapping[str, str], message: str) -> str:
    """`::error title=…::message` on one line; the message may have several."""
    message = "\n".join(visible(line) for line in message.split("\n"))
    properties = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{kind} {properties}::{_data(message)}"


def checkout_folder(root: str, environment: Mapping[str, str]) -> str:
    """What stands before a path of the project in a name that GitHub understands, which begins in
    the checkout that the workflow works in; nothing where the project lies elsewhere."""
    workspace = environment.get(WORKSPACE_VARIABLE)
    if not workspace:
        return ""
    path = os.path.relpath(root, os.path.realpath(workspace))
    return "" if path == "." or path.split("/", 1)[0] == ".." else f"{path}/"


def _command(diagnostic: Diagnostic, sources: Mapping[str, SourceFile], folder: str) -> str:
    fields = {"file": folder + diagnostic.path}
    source = sources.get(diagnostic.path)
    if diagnostic.span is not None and source is not None:
        start, end = source.position(diagnostic.span.start), source.position(diagnostic.span.end)
        fields["line"] = str(start.line)
        # Of several lines GitHub takes no columns.
        is_one_line = start.line == end.line
        if is_one_line:
            fields["col"] = str(start.column)
        fields["endLine"] = str(end.line)
        if is_one_line:
            fields["endColumn"] = str(end.column)
    fields["title"] = diagnostic.code
    message = diagnostic.message
    if diagnostic.help is not None:
        message += f"\nhelp: {diagnostic.help}"
    return workflow_command(diagnostic.severity.value, fields, message)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
