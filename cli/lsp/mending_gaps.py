"""Mendings that put in what lacks: a bracket, a quote, a name, or a value to be filled in."""

import re
from collections.abc import Iterable

from orch import __version__
from orch.cli.lsp.mending_foreign import as_name
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

_BLOCK_STRING = re.compile(r"(\"\"\"|''').*?(?:\1|\Z)", re.DOTALL)
_STRING_OR_COMMENT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|#.*")
_PATH = re.compile(r"[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*')")
_CLOSERS = {"{": "}", "[": "]", "(": ")"}
Edits = Iterable[tuple[Span, str]]


def closed_bracket(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A closing bracket in the line, where a value ends there; else where the lines that are
    indented deeper end; one that closes another, at the same depth, comes before it."""
    place = _end_in_line(pieced.text, span)
    if place is not None:
        return [(Span(place, place), match[1])]
    text = _BLOCK_STRING.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), pieced.text)
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    indent = line[: len(line) - len(line.lstrip())]
    place = _line_end(text, span.end)
    while place < len(text):
        end = _line_end(text, place + 1)
        after = text[place + 1 : end]
        depth = len(after) - len(after.lstrip())
        is_closer = after.lstrip().startswith(tuple(_CLOSERS.values()))
        if after.strip() and (depth < len(indent) or (depth == len(indent) and not is_closer)):
            break
        place = end
    place = len(text[:place].rstrip())
    return [(Span(place, place), f"\n{indent}{match[1]}")]


def _end_in_line(text: str, span: Span) -> int | None:
    """Before a bracket of the line that would close another; without one, behind the line's last
    item. None for a brace, whose items go on in the next lines, and for an empty rest."""
    rest = text[span.end : _line_end(text, span.end)]
    plain = _STRING_OR_COMMENT.sub(lambda found: _masked(found[0]), rest)
    open_ = 0
    for at, each in enumerate(plain):
        open_ += (each in _CLOSERS) - (each in _CLOSERS.values())
        if open_ < 0:
            return span.end + len(plain[:at].rstrip())
    is_list = text[span.start] != "{" and plain.strip() != ""
    return span.end + len(plain.rstrip()) if is_list else None


def _masked(text: str) -> str:
    """A comment as blanks, a string as something."""
    return " " * len(text) if text.startswith("#") else "x" * len(text)


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def closed_angle(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`list<string` gets its `>` behind the word."""
    inner = re.compile(r"[ \t]*\w*").match(pieced.text, span.end)
    place = span.end if inner is None else inner.end()
    return [(Span(place, place), match[1])]


def closed_string(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A quote at the end of the line, before the brackets that close what the line opened; of a
    block string one on a line of its own at the end of the file."""
    quote, text = match[1], pieced.text
    if len(quote) == 3:
        return [
            (Span(len(text), len(text)), f"{'' if text.endswith(chr(10)) else chr(10)}{quote}\n")
        ]
    begin = text.rfind("\n", 0, span.start) + 1
    before, rest = text[begin : span.start], text[span.end : _line_end(text, span.end)].rstrip()
    for opener in (each for each in before if each in _CLOSERS):
        if not rest.endswith(_CLOSERS[opener]):
            break
        rest = rest[:-1].rstrip()
    place = span.end + len(rest)
    return [(Span(place, place), quote)]


def closed_template(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """Two braces before the quote that ends the line's text, or at the end of the line."""
    line = pieced.text[span.end : _line_end(pieced.text, span.end)]
    found = re.match(r"[^\"'}#]*[^\"'}#\s]", line)
    if found is None:
        return []
    place = span.end + found.end()
    return [(Span(place, place), " }}")]


def named_head(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`stage "build"` loses its quotes, and what no name can hold; where nothing stands for the
    name, `NAME` does, which a `use` has behind its path."""
    written = pieced.text[span.start : span.end]
    path = _PATH.match(pieced.text, span.end) if written == "use" else None
    if path is not None:
        return [(Span(path.end(), path.end()), f" {match[1]}")]
    quoted = re.fullmatch(r"(['\"])(.*)\1", written)
    if quoted is not None:
        has_dashes = re.search(
            r"\b(?:stage|finally|pipeline|pool)[ \t]+$", pieced.text[: span.start]
        )
        name = as_name(quoted[2])
        return [(span, name if has_dashes else name.replace("-", "_"))]
    return [(Span(span.start, span.start), f"{match[1]} ")] if written == "{" else []


def empty_value(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """`let image` gets an empty text."""
    return [(Span(span.end, span.end), ' = ""')]


def value_for(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`title { text = "x" }` becomes `title = "x"`, and `run: string` becomes `run = ""`."""
    name = re.escape(match[1])
    block = re.compile(rf"({name})\s*\{{\s*\w+\s*=\s*([^\s{{}},=][^\n{{}},=]*?)\s*\}}")
    found = block.match(pieced.text, span.start)
    if found is not None:
        return [(Span(found.start(), found.end()), f"{found[1]} = {found[2]}")]
    typed = re.search(rf"\b{name}(\s*:\s*)$", pieced.text[: span.start])
    return [] if typed is None else [(Span(typed.start(1), span.end), ' = ""')]


def block_for(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`retry = 3` becomes `retry { attempts = 3 }`: what else it could mean is not known."""
    number = pieced.text[span.start : span.end]
    before = re.search(r"\bretry([ \t]*=[ \t]*)$", pieced.text[: span.start])
    if before is None or not number.isdecimal():
        return []
    return [(Span(before.start(1), span.end), f" {{ attempts = {number} }}")]


def this_version(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """Versions from the one that runs here."""
    return [(span, f'">={__version__}"')]


def ranged(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`3s` becomes `3s..3s`, which says the same; in place of a template what the help shows."""
    written = pieced.text[span.start : span.end]
    is_quantity = re.fullmatch(r"\d+[A-Za-z]*", written) is not None
    return [(span, f"{written}..{written}" if is_quantity else match[1])]


def divided(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """A comma behind the item before; where a comment may stand there, before this one."""
    before = pieced.text[: span.start].rstrip()
    has_comment = "#" in before[before.rfind("\n") + 1 :]
    place, comma = (span.start, ", ") if has_comment else (len(before), ",")
    return [(Span(place, place), comma)]


def quoted_path(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`use lib as l` gets quotes around a path of one word."""
    if not re.compile(r"[ \t]+as\b").match(pieced.text, span.end):
        return []
    return [(span, f'"{pieced.text[span.start : span.end]}"')]
