"""Diagnostics told: drawn for people, as JSON values for programs."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from orch.cli.excerpt import draw_diagnostic, draw_summary
from orch.cli.face import Face
from orch.cli.failure import EXIT_USAGE, SourcesError
from orch.cli.terminal import Terminal
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import SourceFile, Span

MAX_DRAWN = 50
"""No more diagnostics are drawn in one go (language.md section 11)."""

MAX_WIDTH = 160
"""Excerpts are not drawn wider than this, however wide the window is."""


def draw_diagnostics(
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile],
    file_count: int,
    terminal: Terminal,
) -> str:
    """All diagnostics, at most `MAX_DRAWN` with their excerpts, and the closing lines."""
    width = min(MAX_WIDTH, terminal.size()[0])
    # Where not all can be drawn, errors go before lints.
    ranked = sorted(range(len(diagnostics)), key=lambda at: not diagnostics[at].is_error)
    drawn = [diagnostics[at] for at in sorted(ranked[:MAX_DRAWN])]
    parts = [draw_diagnostic(d, sources, terminal, width) + "\n" for d in drawn]
    if len(diagnostics) > MAX_DRAWN:
        more = len(diagnostics) - MAX_DRAWN
        parts.append(f"… and {more} more; `--format json` gives all of them\n")
    parts.append(draw_summary(diagnostics, file_count, terminal))
    codes = [d.code for d in diagnostics if d.is_error] or [d.code for d in diagnostics]
    if codes:
        hint = f"orch explain {codes[0]}"
        parts.append(f"`{hint}` says more about the first one\n")
    return "".join(parts)


def diagnostics_json(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile]
) -> dict[str, Any]:
    """The document of contracts.md section 1."""
    return {"diagnostics": [_diagnostic_json(d, sources) for d in diagnostics]}


def print_diagnostics(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile], root: str, face: Face
) -> None:
    """The diagnostics on stdout in the format of a face for programs."""
    if face.format == "sarif":
        from orch.cli.sarif import sarif_log

        face.print_json(sarif_log(diagnostics, sources))
    elif face.format == "github":
        from orch.cli.github_annotations import annotation_lines

        for line in annotation_lines(diagnostics, sources, root, os.environ):
            face.print_line(line)
    else:
        face.print_json(diagnostics_json(diagnostics, sources))


def report_failure(failure: SourcesError, face: Face, root: str | None = None) -> int:
    """Tell of sources with errors, in the format asked for; gives the exit code. Where the root of
    the project is known, GitHub Actions is told too, if that is where we are."""
    if face.is_text or face.is_picture:
        file_count = len(failure.sources) or 1
        drawn = draw_diagnostics(failure.diagnostics, failure.sources, file_count, face.err)
        face.note(f"{drawn}{failure.consequence}\n")
    else:
        face.print_json(diagnostics_json(failure.diagnostics, failure.sources))
        summary = draw_summary(failure.diagnostics, len(failure.sources) or 1)
        face.note(f"orch: {summary.rstrip()}; {failure.consequence}\n")
    if root is not None:
        from orch.cli.github_annotations import annotation_lines, is_on_github

        if is_on_github(os.environ):
            found = annotation_lines(failure.diagnostics, failure.sources, root, os.environ)
            face.note("".join(f"{line}\n" for line in found))
    return EXIT_USAGE


def _diagnostic_json(diagnostic: Diagnostic, sources: Mapping[str, SourceFile]) -> dict[str, Any]:
    start, end = _places(sources.get(diagnostic.path), diagnostic.span)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "path": diagnostic.path,
        "start": start,
        "end": end,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "related": [
            {
                "message": related.message,
                "path": related.path,
                **dict(
                    zip(
                        ("start", "end"),
                        _places(sources.get(related.path), related.span),
                        strict=True,
                    )
                ),
            }
            for related in diagnostic.related
        ],
    }


def _places(
    source: SourceFile | None, span: Span | None
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    if source is None or span is None:
        return None, None
    start, end = source.position(span.start), source.position(span.end)
    return (
        {"line": start.line, "column": start.column, "offset": start.offset},
        {"line": end.line, "column": end.column, "offset": end.offset},
    )
