"""Where each character of a decoded string stands in its file.

Escapes are longer than what they stand for, and a block string has lost its indentation. Who finds
something in the text of a string asks here for its place in the source.
"""

from orch.dsl.findings import Findings
from orch.dsl.source import SourceFile, Span
from orch.dsl.strings import ESCAPE, StringReader
from orch.dsl.tree import String, Text


def read_string(source: SourceFile, at: int) -> String | None:
    """The string whose quotes open at `at`, read anew; None where there is no sound one."""
    reader = StringReader(source.text, Findings(source.path))
    is_block = source.text.startswith(('"""', "'''"), at)
    match source.text[at : at + 1]:
        case '"':
            read, _ = reader.block(at) if is_block else reader.line(at)
        case "'":
            read, _ = reader.literal_block(at) if is_block else reader.literal_line(at)
        case _:
            return None
    return read if isinstance(read, String) else None


def places_of(part: Text, string: String, source: SourceFile) -> list[Span]:
    """The place of every character of a part of a string, in order."""
    raw = source.text[part.span.start : part.span.end]
    if string.is_block:
        return _places_in_block(part.text, raw, part.span.start)
    if string.is_literal:
        return [Span(at, at + 1) for at in range(part.span.start, part.span.end)]
    return _places_in_line(raw, part.span.start)


def _places_in_line(raw: str, start: int) -> list[Span]:
    places: list[Span] = []
    at = 0
    while at < len(raw):
        escape = ESCAPE.match(raw, at)
        end = at + 1 if escape is None else escape.end()
        places.append(Span(start + at, start + end))
        at = end
    return places


def _places_in_block(text: str, raw: str, start: int) -> list[Span]:
    """Each line of the text is the end of a line of the file; a first line may be dropped."""
    lines, raw_lines = text.split("\n"), raw.split("\n")
    dropped = len(raw_lines) - len(lines)
    line_start = start + sum(len(line) + 1 for line in raw_lines[:dropped])
    places: list[Span] = []
    for line, raw_line in zip(lines, raw_lines[dropped:], strict=True):
        end = line_start + len(raw_line)
        places += [Span(at, at + 1) for at in range(end - len(line), end + 1)]
        line_start = end + 1
    # The last line has no line end of its own here.
    return places[:-1]
