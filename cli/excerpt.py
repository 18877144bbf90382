"""A diagnostic drawn with the source around it, in the manner of rustc."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from orch.cli.terminal import PLAIN, Terminal
from orch.cli.visible import cells, visible
from orch.dsl.diagnostics import Diagnostic, Severity
from orch.dsl.record import changed, record
from orch.dsl.source import SourceFile, Span

_CONTEXT_CELLS = 8
"""What is shown before a span when its line has to be cut."""

_NEAR_CHARACTERS = 1000
"""No window is so wide that it would show characters farther from its row than this."""

_LEAST_CELLS = 30
"""A window too narrow to draw in gets lines that the terminal wraps."""

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


@record
class _Mark:
    """A place to underline, and what is said there."""

    path: str
    span: Span
    label: str
    is_primary: bool


@record
class _Row:
    """One underlined piece of one line: columns from 0, in characters, the end exclusive."""

    line: int
    start: int
    end: int
    label: str
    is_primary: bool


@record
class _Canvas:
    """Where a diagnostic is drawn: `gutter` and `width` in cells, `color` of what is primary."""

    terminal: Terminal
    width: int
    gutter: int
    color: str

    @property
    def bar(self) -> str:
        return self.terminal.paint("|", "blue")

    @property
    def blank(self) -> str:
        return " " * self.gutter

    def arrow(self, arrow: str, place: str) -> str:
        return f"{self.blank}{self.terminal.paint(arrow, 'blue')} {place}"


def draw_diagnostic(
    diagnostic: Diagnostic,
    sources: Mapping[str, SourceFile],
    terminal: Terminal = PLAIN,
    width: int = 100,
) -> str:
    """The diagnostic as lines, each ended by a line end.

    `sources` holds the files it speaks of; without its file a diagnostic is drawn without an
    excerpt. Nothing that a source holds can move the cursor.
    """
    color = _COLORS[diagnostic.severity]
    head = terminal.paint(f"{diagnostic.severity.value}[{diagnostic.code}]", "bold", color)
    lines = [f"{head}{terminal.paint(': ' + visible(diagnostic.message), 'bold')}"]
    groups = _marks_by_file(diagnostic)
    rows_by_file = {
        path: [row for mark in marks for row in _rows(sources[path], mark)]
        for path, marks in groups.items()
        if path in sources
    }
    gutter = max((len(str(row.line)) for rows in rows_by_file.values() for row in rows), default=1)
    canvas = _Canvas(terminal, width, gutter, color)
    if diagnostic.span is None:
        lines.append(canvas.arrow("-->", visible(diagnostic.path)))
    for path, marks in groups.items():
        place = visible(path)
        if path in sources:
            first = min(marks, key=lambda mark: (not mark.is_primary, mark.span))
            at = sources[path].position(first.span.start)
            place += f":{at.line}:{at.column}"
        is_own = any(mark.is_primary for mark in marks)
        lines.append(canvas.arrow("-->" if is_own else ":::", place))
        if rows := rows_by_file.get(path):
            lines += _snippet(sources[path], rows, canvas)
    lines += _help_lines(diagnostic, canvas)
    return "".join(line.rstrip() + "\n" for line in lines)


def draw_summary(
    diagnostics: Sequence[Diagnostic], file_count: int, terminal: Terminal = PLAIN
) -> str:
    """The closing line, such as `2 errors, 1 warning in 1 file`."""
    from orch.cli.units import count_text

    files = count_text(file_count, "file")
    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    if not diagnostics:
        return terminal.paint("no problems", "green") + f" in {files}\n"
    parts = []
    if errors:
        parts.append(terminal.paint(count_text(errors, "error"), "bold", "red"))
    if warnings:
        parts.append(terminal.paint(count_text(warnings, "warning"), "bold", "yellow"))
    return ", ".join(parts) + f" in {files}\n"


def _marks_by_file(diagnostic: Diagnostic) -> dict[str, list[_Mark]]:
    """The marks of each file, the diagnostic's own file first."""
    marks = []
    if diagnostic.span is not None:
        marks.append(_Mark(diagnostic.path, diagnostic.span, diagnostic.label, is_primary=True))
    marks += [
        _Mark(related.path, related.span, related.message, is_primary=False)
        for related in diagnostic.related
    ]
    groups: dict[str, list[_Mark]] = {}
    for mark in marks:
        groups.setdefault(mark.path, []).append(mark)
    return groups


def _rows(source: SourceFile, mark: _Mark) -> Iterable[_Row]:
    """One row for a span on one line; the first and the last line of a longer one."""
    start = source.position(mark.span.start)
    # A span that ends with its line end is drawn as one that ends before it.
    end_offset = mark.span.end
    if end_offset > mark.span.start and source.text[end_offset - 1 : end_offset] == "\n":
        end_offset -= 1
    end = source.position(end_offset)
    if start.line == end.line:
        yield _Row(start.line, start.column - 1, end.column - 1, mark.label, mark.is_primary)
        return
    first_end = len(source.line_text(start.line))
    yield _Row(start.line, start.column - 1, first_end, "", mark.is_primary)
    last = source.line_text(end.line)
    indent = len(last) - len(last.lstrip())
    last_start = min(indent, max(0, end.column - 2))
    yield _Row(end.line, last_start, end.column - 1, mark.label, mark.is_primary)


def _snippet(source: SourceFile, rows: list[_Row], canvas: _Canvas) -> list[str]:
    """The lines that hold rows, each with its underlines, `...` where lines are left out."""
    paint = canvas.terminal.paint
    lines = [f"{canvas.blank} {canvas.bar}"]
    last_line = None
    for number in sorted({row.line for row in rows}):
        if last_line is not None and number > last_line + 1:
            lines.append(paint("...", "blue"))
        last_line = number
        here = sorted(
            (row for row in rows if row.line == number),
            key=lambda row: (not row.is_primary, row.start),
        )
        drawn, underlines = _drawn_line(source.line_text(number), here, canvas)
        lines.append(f"{paint(str(number).rjust(canvas.gutter), 'blue')} {canvas.bar} {drawn}")
        lines += [f"{canvas.blank} {canvas.bar} {underline}" for underline in underlines]
    return [*lines, f"{canvas.blank} {canvas.bar}"]


def _drawn_line(text: str, rows: list[_Row], canvas: _Canvas) -> tuple[str, list[str]]:
    """A source line, cut to a window that shows its first row, and the underlines below it."""
    # Of a line without end only what is near its first row is looked at.
    skipped = max(0, rows[0].start - _NEAR_CHARACTERS)
    is_whole = len(text) <= skipped + 3 * _NEAR_CHARACTERS
    text = text[skipped : skipped + 3 * _NEAR_CHARACTERS]
    rows = [changed(row, start=row.start - skipped, end=row.end - skipped) for row in rows]
    drawn = list(cells(text))
    edges = [0]
    for _, cell_width in drawn:
        edges.append(edges[-1] + cell_width)
    room = max(_LEAST_CELLS, canvas.width - canvas.gutter - 3)
    first, last = _window(edges, rows[0], room, len(text))
    ellipsis = canvas.terminal.mark("ellipsis")
    lead = ellipsis if first or skipped else ""
    tail = ellipsis if last < len(text) or not is_whole else ""
    shown = lead + "".join(piece for piece, _ in drawn[first:last]) + tail
    underlines = []
    for row in rows:
        start = min(max(row.start, first), last)
        end = min(max(row.end, start), last)
        # A place between two characters, such as the end of the file, gets one caret.
        length = max(1, edges[end] - edges[start])
        blank = " " * (len(lead) + edges[start] - edges[first])
        styles = ("bold", canvas.color) if row.is_primary else ("bold", "blue")
        underline = ("^" if row.is_primary else "-") * length
        label = f" {visible(row.label)}" if row.label else ""
        underlines.append(blank + canvas.terminal.paint(underline + label, *styles))
    return shown, underlines


def _window(edges: list[int], row: _Row, width: int, length: int) -> tuple[int, int]:
    """The characters of a line to show: all that fit, and the row's beginning among them."""
    if edges[length] <= width:
        return 0, length
    room = width - 6
    start, end = edges[min(row.start, length)], edges[min(row.end, length)]
    begin = 0
    if end > room:
        # The row stands in the middle; of one that is too long, its beginning is shown.
        begin = max(0, start - max(_CONTEXT_CELLS, (room - (end - start)) // 2))
    first = bisect_left(edges, begin)
    last = first
    while last < length and edges[last + 1] - edges[first] <= room:
        last += 1
    return first, last


def _help_lines(diagnostic: Diagnostic, canvas: _Canvas) -> list[str]:
    if diagnostic.help is None:
        return []
    paint = canvas.terminal.paint
    lead = f"{canvas.blank} {paint('=', 'blue')} {paint('help', 'bold')}: "
    first, *rest = diagnostic.help.split("\n")
    return [
        lead + visible(first),
        *(" " * (canvas.gutter + 9) + visible(line) for line in rest),
    ]
