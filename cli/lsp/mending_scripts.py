"""Mendings of what ShellCheck finds in a script: quotes, or a word to it that this is meant."""

import re
from collections.abc import Iterator

from orch.cli.lsp.mending_blocks import Edit, Edits, beside_quotes, block_at, point
from orch.compiler.value_nodes import values_in
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span
from orch.dsl.tree import String

_UNQUOTED = "2086"
_OF_PARSER = re.compile(r"10[0-8]\d")
"""What can't be read as shell is told in any case."""
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})")


def heeded(pieced: PiecedText, span: Span, match: re.Match[str]) -> Iterator[tuple[str, Edits]]:
    """A title and edits, for each that is offered: quotes around a variable, and ShellCheck's own
    directive, which at the beginning of a script counts for all of it."""
    found = block_at(pieced, span.start)
    if found is None:
        return
    start, block = found
    inside = (value for value in values_in(block) if isinstance(value, String))
    script = next((s for s in inside if s.span.start <= span.start - start < s.span.end), None)
    if script is None:
        return
    has_escapes = not script.is_block and not script.is_literal
    written = pieced.text[span.start : span.end]
    if match[1] == _UNQUOTED and _VARIABLE.fullmatch(written):
        quote = '\\"' if has_escapes else '"'
        place = Span(span.start - start, span.end - start)
        quoted = beside_quotes(pieced.text[start:], script, place, f"{quote}{written}{quote}")
        if quoted is not None:
            yield "Put it into quotes", [(span, quoted)]
    if _OF_PARSER.fullmatch(match[1]):
        return
    edit = _directive(pieced.text[start:], script, f"# shellcheck disable=SC{match[1]}")
    if edit is not None:
        where = Span(edit[0].start + start, edit[0].end + start)
        yield f"Let ShellCheck pass over SC{match[1]} in this script", [(where, edit[1])]


def _directive(text: str, script: String, line: str) -> Edit | None:
    """A line before the first of a script; None for a literal string on one line with what would be
    a template in one that has escapes."""
    begin = script.span.start
    if script.is_block:
        first = re.compile(r"([^\n]*\n)?\s*?([ \t]*)(?=\S)").match(text, begin + 3)
        indent = "" if first is None else first[2]
        opening = re.compile(r"[ \t]*\n").match(text, begin + 3)
        if opening is None:
            return point(begin + 3), f"{line}\n{indent}"
        return point(opening.end()), f"{indent}{line}\n"
    if not script.is_literal:
        return point(begin + 1), f"{line}\\n"
    inner = text[begin + 1 : script.span.end - 1]
    if re.search(r"\{[{%#]", inner):
        return None
    escaped = inner.replace("\\", "\\\\").replace('"', '\\"')
    return script.span, f'"{line}\\n{escaped}"'
