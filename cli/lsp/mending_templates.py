"""Mendings inside of templates: what Jinja, Python or C would take, and orch doesn't."""

import re
from collections.abc import Iterable

from orch.cli.lsp.mending_blocks import Edits, block_named, point
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

Match = re.Match[str]
Offers = Iterable[tuple[str, Edits]]

_TEST = re.compile(r"[ \t]*\bis([ \t]+not)?[ \t]+(\w+)([ \t]*\([^()\n]*\))?")
_COMPARED = ("true", "false")


def compared(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`x is true` becomes `x == true`; `is defined` goes, as all names are; what another test would
    be compared with, only the author knows."""
    begin = len(pieced.text[: span.start].rstrip(" \t"))
    test = _TEST.match(pieced.text, begin)
    if test is None:
        return []
    place = Span(test.start(), test.end())
    if test[2] == "defined" and test[1] is None:
        return [(place, "")]
    other = test[2].lower() if test[2].lower() in _COMPARED else "NAME"
    return [(place, f" {'!=' if test[1] else '=='} {other}")]


def item_of(pieced: PiecedText, span: Span, _: Match) -> Offers:
    """`x[0:1]` becomes `x | first` or `x | last`."""
    for place, _inner in _around(pieced.text, span, r"\[([^\[\]\n]*:[^\[\]\n]*)\]"):
        yield "Take the first item: `| first`", [(place, " | first")]
        yield "Take the last item: `| last`", [(place, " | last")]


def list_of(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`(a, b)` becomes `[a, b]`."""
    found = _around(pieced.text, span, r"\(([^()\n]*)\)")
    return [(place, f"[{inner.strip(' ,')}]") for place, inner in found]


def chosen(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`a ? b : c` becomes `b if a else c`; a sign that is none of such a choice goes."""
    pattern = r"\{\{[ \t]*((?:[^{}\n])*?)[ \t]*\}\}"
    for place, inner in _around(pieced.text, span, pattern):
        choice = re.fullmatch(r"([^?]+?)[ \t]*\?[ \t]*([^?:]+?)[ \t]*:[ \t]*([^?:]+)", inner)
        if choice is not None:
            return [(place, f"{{{{ {choice[2]} if {choice[1]} else {choice[3]} }}}}")]
    return [(span, "")]


def between_quotes(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """What stands between backticks becomes a text; a single one goes."""
    found = _around(pieced.text, span, r"`([^`'\n]*)`")
    return [(place, f"'{inner}'") for place, inner in found] or [(span, "")]


def alike(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """Both sides of the one comparison of a template become texts."""
    sides = re.split(r"[ \t]*[=!]=[ \t]*", pieced.text[span.start + 2 : span.end - 2])
    if len(sides) != 2:
        return []
    places = (span.start + 2 + len(sides[0].rstrip()), span.end - 2 - len(_end(sides[1])))
    texts = [re.fullmatch(r"\s*(?:\"[^\"]*\"|'[^']*')\s*", each) for each in sides]
    both = zip(places, texts, strict=True)
    return [(point(place), " | string") for place, text in both if text is None]


def _end(text: str) -> str:
    """The blanks that a text ends with."""
    return text[len(text.rstrip()) :]


def characters(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`| split("")` becomes `| list`."""
    found = re.compile(r"split\([ \t]*(?:\"\"|'')[ \t]*\)").search(
        pieced.text, span.start, span.end
    )
    return [] if found is None else [(Span(found.start(), found.end()), "list")]


def as_format(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`printf {{ x }}` becomes `printf '%s' {{ x }}`."""
    text = pieced.text
    quote = text[span.start - 1] if text[span.start - 1] in "\"'" else ""
    begin = span.start - len(quote)
    is_whole = text[begin - 1].isspace() and text.startswith(quote, span.end)
    return [(point(begin), "'%s' ")] if is_whole else []


def handed_on_as_text(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """The type of the value of a stage that a template reads becomes `string`."""
    read = re.search(r"\bstages\.([\w-]+)\.values\.(\w+)", pieced.text[span.start : span.end])
    found = None if read is None else block_named(pieced, read[1])
    if read is None or found is None:
        return []
    start, block = found
    typed = re.compile(rf"\bvalues\s*\{{[^{{}}]*?\b{read[2]}\s*:\s*(\w+(?:<\w+>)?)").search(
        pieced.text, start + block.span.start, start + block.span.end
    )
    return [] if typed is None else [(Span(typed.start(1), typed.end(1)), "string")]


def never_opened(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """Braces behind which the text ends are none of a template; they go."""
    behind = re.compile(r"[ \t]*").match(pieced.text, span.end)
    assert behind is not None
    return [(Span(span.start, behind.end()), "")]


def _around(text: str, span: Span, pattern: str) -> list[tuple[Span, str]]:
    """The first place in a line that holds a span and looks like a pattern, and its group."""
    begin, end = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.start)
    for each in re.compile(pattern).finditer(text, begin, len(text) if end < 0 else end):
        if each.start() <= span.start < each.end():
            return [(Span(each.start(), each.end()), each[1])]
    return []
