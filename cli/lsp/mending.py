"""What would mend a diagnostic, as edits of the text, where its help says so for certain.

A help is words for people. Those whose edit leaves no choice are known here by their words; a test
applies each to the cases of tests/ui and holds that the diagnostic is gone.
"""

import re
from collections.abc import Callable, Iterable

from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import Piece, PiecedText
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.suggest import proposed_word
from orch.dsl.tree import Block, List, Name, Setting


@record
class Mending:
    """What is done, in words, and the new texts for spans of the file."""

    title: str
    edits: tuple[tuple[Span, str], ...]


def mending(pieced: PiecedText, diagnostic: Diagnostic) -> Mending | None:
    """What would mend a diagnostic of this text; None where nothing is certain."""
    span, help_ = diagnostic.span, diagnostic.help
    if span is None or help_ is None or not 0 <= span.start <= span.end <= len(pieced.text):
        return None
    word = proposed_word(help_)
    if word is not None:
        return Mending(f"Change to `{word}`", ((_named(pieced.text, span), word),))
    for pattern, make in _KNOWN:
        match = pattern.fullmatch(help_)
        if match is not None:
            edits = make(pieced, span, match)
            return Mending(_sentence(help_), tuple(edits)) if edits else None
    return None


def _sentence(help_: str) -> str:
    return help_[:1].upper() + help_[1:]


def _named(text: str, span: Span) -> Span:
    """A span without the quotes around a name in it."""
    quote = text[span.start : span.start + 1]
    is_quoted = quote in ("'", '"') and span.end - span.start > 1 and text[span.end - 1] == quote
    return Span(span.start + 1, span.end - 1) if is_quoted else span


Edits = Iterable[tuple[Span, str]]
_Maker = Callable[[PiecedText, Span, re.Match[str]], Edits]


def _without_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    inner = _named(pieced.text, span)
    return [] if inner == span else [(span, pieced.text[inner.start : inner.end])]


def _in_brackets(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, f"[{pieced.text[span.start : span.end]}]")]


def _replaced(_: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    return [(span, match[1])]


def _deleted(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    return [(span, "")]


def _setting_name(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`"run" = …` loses its quotes; of the others that say so, none has a value."""
    is_quoted = _named(pieced.text, span) != span
    return [(span, match[1])] if is_quoted else []


def _other_root(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`lets.x` becomes `params.x`, and a bare `x` `matrix.x`."""
    before = re.search(r"\b(params|lets|matrix)\.$", pieced.text[: span.start][-20:])
    begin = span.start - len(before[0]) if before else span.start
    name = pieced.text[span.start : span.end]
    return [(Span(begin, span.end), match[1])] if match[1].endswith(f".{name}") else []


def _without_raw(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    before = re.search(r"[ \t]*\|[ \t]*$", pieced.text[: span.start])
    return [(Span(before.start(), span.end), "")] if before else []


def _separated(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    rest = pieced.text[span.end :].partition("\n")[0].strip()
    return [(span, "," if rest and not rest.startswith(("#", "}")) else "")]


def _commented(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    is_line = pieced.text.startswith("//", span.start)
    return [(Span(span.start, span.start + 2), "#")] if is_line else []


def _straight(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    quotes = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
    match = re.compile(rf"[{quotes}]([^\n\"\\{quotes}]*)[{quotes}]").match(pieced.text, span.start)
    return [(Span(match.start(), match.end()), f'"{match[1]}"')] if match else []


def _typed(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    return [(Span(span.end, span.end), ": string")]


def _filtered(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A filter more at the end of a template."""
    is_template = pieced.text[span.end - 2 : span.end] == "}}"
    inner = pieced.text[: span.end - 2].rstrip()
    return [(Span(len(inner), len(inner)), f" {match[1]}")] if is_template else []


def _in_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, f'"{pieced.text[span.start : span.end]}"')]


def _without_comma(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, "")] if pieced.text[span.start : span.end] == "," else []


def _needed(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A name more in the `needs` of the block that the span is in."""
    start, piece = pieced.at(span.start)
    block = _block_at(piece, span.start - start)
    if block is None or block.body is None:
        return []
    name = match[1]
    for item in block.body:
        if isinstance(item, Setting) and isinstance(item.name, Name) and item.name.text == "needs":
            if not isinstance(item.value, List):
                return []
            place = start + (item.value.items[-1].span.end if item.value.items else 0)
            if not item.value.items:
                inside = start + item.value.span.start + 1
                return [(Span(inside, inside), name)]
            return [(Span(place, place), f", {name}")]
    head = block.label.span.end if block.label is not None else block.keyword.span.end
    brace = start + piece.text.index("{", head) + 1
    is_one_line = "\n" not in piece.text[block.span.start : block.span.end]
    return [(Span(brace, brace), f" needs = [{name}]" if is_one_line else f"\n  needs = [{name}]")]


def _block_at(piece: Piece, offset: int) -> Block | None:
    return next((b for b in piece.tree.blocks if b.span.start <= offset <= b.span.end), None)


_KNOWN: tuple[tuple[re.Pattern[str], _Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"write it without quotes: `.*`", _without_quotes),
        (r"a (?:stage|pool|secret)'s name stands without quotes", _without_quotes),
        (r"a number is written without quotes", _without_quotes),
        (r"a string stands in quotes: `.*`", _in_quotes),
        (r"one comma stands between two items, and one may follow the last", _without_comma),
        (r"put it into `\[…\]`|put its values into `\[…\]`", _in_brackets),
        (r"write `([\])}]|and|not)`", _replaced),
        (r"delete it", _deleted),
        (r"a template is written `\{\{ … \}\}`, without `\$`", _deleted),
        (r"delete it, or write a plain space or line break", _deleted),
        (r"write `([A-Za-z_-]+) = …`", _setting_name),
        (r"write `((?:params|lets|matrix)\.[A-Za-z_][A-Za-z0-9_]*)`", _other_root),
        (r"leave it out, and the value is escaped for its place", _without_raw),
        (r"settings need no separator: write a line break or a comma", _separated),
        (r"a comment begins with `#` and runs to the end of the line", _commented),
        (r"write straight quotes, .*", _straight),
        (r"write `param (.*): string`, or another type", _typed),
        (r"(?:add|make it a number, or add) `(\| quote)` if a shell reads it next.*", _filtered),
        (r"(?:write it as text|say the unit|set it apart .*): `(\| [^`]*)`", _filtered),
        (r"add `([A-Za-z0-9_.-]+)` to its `needs`", _needed),
        (r"list it: `needs = \[([A-Za-z0-9_.-]+)\]`", _needed),
    )
)
