"""Our records in the words of the protocol: `lsprotocol`'s types, made nowhere else but here and
in the server."""

import os
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types

from orch.cli.lsp.positions import Area, Place, Positions
from orch.cli.lsp.project import Project
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import Span

MOST_SHOWN = 100
"""So many diagnostics of a file are sent at most; errors come before warnings."""


def path_of(uri: str) -> str | None:
    """The file that an address names; None for what is no file."""
    parts = urlsplit(uri)
    path = unquote(parts.path) if parts.scheme == "file" else ""
    return path if path and "\0" not in path else None


def uri_of(project: Project, path: str) -> str:
    """The address of a file, the editor's own where it has used one."""
    own = project.addresses.get(path)
    return own or f"file://{quote(os.path.join(project.root, path), safe='/~')}"


def place_from(position: types.Position) -> Place:
    """A place of the editor's."""
    return Place(position.line, position.character)


def area_from(range_: types.Range) -> Area:
    """An area of the editor's."""
    return Area(place_from(range_.start), place_from(range_.end))


def range_of(positions: Positions, span: Span) -> types.Range:
    """A span as the editor counts."""
    area = positions.area(span)
    return types.Range(
        types.Position(area.start.line, area.start.unit),
        types.Position(area.end.line, area.end.unit),
    )


def location_of(project: Project, path: str, span: Span) -> types.Location:
    """A place in one of the project's files."""
    return types.Location(uri_of(project, path), range_of(project.positions(path), span))


def diagnostics_of(project: Project, path: str) -> list[types.Diagnostic]:
    """What is shown for a file; a diagnostic without a place stands at the file's beginning."""
    found = sorted(project.diagnostics(path), key=lambda d: not d.is_error)[:MOST_SHOWN]
    return [_diagnostic(project, path, each) for each in found]


def _diagnostic(project: Project, path: str, diagnostic: Diagnostic) -> types.Diagnostic:
    is_error = diagnostic.is_error
    related = [
        types.DiagnosticRelatedInformation(location_of(project, r.path, r.span), r.message)
        for r in diagnostic.related
    ]
    is_unused = diagnostic.code == "W0701"
    return types.Diagnostic(
        range=range_of(project.positions(path), diagnostic.span or Span(0, 0)),
        message=message_of(diagnostic),
        severity=types.DiagnosticSeverity.Error if is_error else types.DiagnosticSeverity.Warning,
        code=diagnostic.code,
        source="orch",
        tags=[types.DiagnosticTag.Unnecessary] if is_unused else None,
        related_information=related or None,
    )


def message_of(diagnostic: Diagnostic) -> str:
    """All that a diagnostic says, a line each: message, label, help."""
    help_ = f"help: {diagnostic.help}" if diagnostic.help else ""
    return "\n".join(line for line in (diagnostic.message, diagnostic.label, help_) if line)


def workspace_edit(
    project: Project, edits: Mapping[str, Iterable[tuple[Span, str]]]
) -> types.WorkspaceEdit:
    """New texts for spans, by file."""
    return types.WorkspaceEdit(
        changes={
            uri_of(project, path): [
                types.TextEdit(range_of(project.positions(path), span), text)
                for span, text in found
            ]
            for path, found in edits.items()
        }
    )
