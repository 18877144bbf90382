"""A text in the canonical form, as the smallest edit that leads there."""

from orch.dsl.formatter import FormatBugError, format_source
from orch.dsl.pieces import PiecedText, difference
from orch.dsl.source import SourceFile, Span


def formatted(pieced: PiecedText) -> tuple[Span, str] | None:
    """What to replace by what; None where the text is canonical, or has errors of syntax."""
    try:
        text, found = format_source(SourceFile(pieced.path, pieced.text))
    except FormatBugError:
        return None
    if found or text == pieced.text:
        return None
    start, old_end, new_end = difference(pieced.text, text)
    return Span(start, old_end), text[start:new_end]
