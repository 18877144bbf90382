"""Mendings of one word or sign: put into quotes or out of them, written otherwise, or deleted."""

import re
from collections.abc import Iterable

from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

Edits = Iterable[tuple[Span, str]]


def named(text: str, span: Span) -> Span:
    """A span without the quotes around a name in it."""
    quote = text[span.start : span.start + 1]
    is_quoted = quote in ("'", '"') and span.end - span.start > 1 and text[span.end - 1] == quote
    return Span(span.start + 1, span.end - 1) if is_quoted else span


def without_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    inner = named(pieced.text, span)
    return [] if inner == span else [(span, pieced.text[inner.start : inner.end])]


def in_brackets(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, f"[{pieced.text[span.start : span.end]}]")]


def in_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, f'"{pieced.text[span.start : span.end]}"')]


def replaced(_: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    return [(span, match[1])]


def deleted(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    return [(span, "")]


def without_comma(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    return [(span, "")] if pieced.text[span.start : span.end] == "," else []


def without_setting(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """A name and its `=`, where nothing or a stray bracket stands for the value."""
    before = re.search(r"[A-Za-z_]+[ \t]*=[ \t]*$", pieced.text[: span.start])
    behind = re.compile(r"[ \t]*=[ \t]*").match(pieced.text, span.end)
    if before is not None:
        return [(Span(before.start(), span.end), "")]
    return [] if behind is None else [(Span(span.start, behind.end()), "")]


def with_equal(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`run: "x"` becomes `run = "x"`."""
    before = len(pieced.text[: span.start].rstrip(" \t"))
    is_spaced = pieced.text[span.end : span.end + 1] in (" ", "\t", "\n", "")
    is_colon = pieced.text[span.start : span.end] == ":"
    return [(Span(before, span.end), " =" if is_spaced else " = ")] if is_colon else []


def as_block(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`retry = { … }` loses its `=`; what is no `{ … }` can't become a block."""
    before = re.search(r"[ \t]*=[ \t]*$", pieced.text[: span.start])
    if before is None or pieced.text[span.start : span.start + 1] != "{":
        return []
    return [(Span(before.start(), span.start), " ")]


def setting_name(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`"run" = …` loses its quotes; of the others that say so, none has a value."""
    is_quoted = named(pieced.text, span) != span
    return [(span, match[1])] if is_quoted else []


def other_root(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`lets.x` becomes `params.x`, and a bare `x` `matrix.x`."""
    before = re.search(r"\b(params|lets|matrix)\.$", pieced.text[: span.start][-20:])
    begin = span.start - len(before[0]) if before else span.start
    name = pieced.text[span.start : span.end]
    return [(Span(begin, span.end), match[1])] if match[1].endswith(f".{name}") else []


def by_id(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """`stages.test` becomes `stages["test[a=1]"]`."""
    before = re.search(r"\bstages\.[A-Za-z0-9_.-]*$", pieced.text[: span.start])
    name = re.match(r'stages\["([^\["]*)', match[1])
    if before is None or name is None:
        return []
    end = before.start() + len(f"stages.{name[1]}")
    is_it = pieced.text[before.start() : end] == f"stages.{name[1]}"
    return [(Span(before.start(), end), match[1])] if is_it else []


def without_raw(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    before = re.search(r"[ \t]*\|[ \t]*$", pieced.text[: span.start])
    return [(Span(before.start(), span.end), "")] if before else []


def behind_dashes(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    return [(Span(span.start, span.start), "-- ")]


def separated(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    rest = pieced.text[span.end :].partition("\n")[0].strip()
    return [(span, "," if rest and not rest.startswith(("#", "}")) else "")]


def straight(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    quotes = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
    match = re.compile(rf"[{quotes}]([^\n\"\\{quotes}]*)[{quotes}]").match(pieced.text, span.start)
    return [(Span(match.start(), match.end()), f'"{match[1]}"')] if match else []


def typed(pieced: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """`param x` becomes `param x: string`, and `param x int` `param x: int`."""
    behind = re.compile(r"[ \t]+(?=[a-z])").match(pieced.text, span.end)
    if behind is not None:
        return [(Span(behind.start(), behind.end()), ": ")]
    return [(Span(span.end, span.end), ": string")]
