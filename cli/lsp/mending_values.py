"""Mendings of values and templates that mean the right thing and say it in a wrong way."""

import re
from collections.abc import Iterable

from orch.cli.lsp.mending_blocks import added_variable
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

_VALUE = re.compile(r"=[ \t]*(?:\[[^\]\n]*\]|\"[^\"\n]*\"|'[^'\n]*'|[^\s,{}]+)")
_END = r"(?:\{\{[^{}\n]*\}\}|[\w.]+?)"
_RANGE = re.compile(rf"({_END})[ \t]*\.\.[ \t]*({_END})(?![\w.])")
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_OPERATOR = re.compile(r"(!?)(?:=+|(&+|\|+))")
_QUANTITY = r"=\s*(\d+)(ms|s|m|h)\b"
Edits = Iterable[tuple[Span, str]]


def without_template(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`{{ "main" }}` becomes `main`."""
    text = pieced.text[span.start : span.end]
    match = re.fullmatch(r"\{\{\s*(['\"])([A-Za-z_][A-Za-z0-9_.-]*)\1\s*\}\}", text)
    return [] if match is None else [(span, match[2])]


def as_number(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`{{ params.tries }}` becomes `{{ params.tries | int }}`."""
    text = pieced.text[span.start : span.end]
    if not (text.startswith("{{") and text.endswith("}}")):
        return []
    place = span.start + len(text[:-2].rstrip())
    return [(Span(place, place), " | int")]


def filtered(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A filter more at the end of a template."""
    is_template = pieced.text[span.end - 2 : span.end] == "}}"
    inner = pieced.text[: span.end - 2].rstrip()
    return [(Span(len(inner), len(inner)), f" {match[1]}")] if is_template else []


def operator(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`&` and `&&` become `and`, `||` `or`, `=` and `===` `==`, and `!==` `!=`."""
    text = pieced.text
    begin = len(text[: span.start].rstrip(text[span.start]))
    found = _OPERATOR.match(text, begin - 1 if text[begin - 1] == "!" else begin)
    if found is None:
        return []
    if found[2] is None:
        return [(Span(found.start(), found.end()), "!=" if found[1] else "==")]
    before = "" if text[begin - 1].isspace() else " "
    behind = "" if text[found.end()].isspace() else " "
    word = "or" if found[2].startswith("|") else "and"
    return [(Span(found.start(2), found.end()), f"{before}{word}{behind}")]


def negated(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """`!x` becomes `not x`."""
    return [(span, "not ")]


def unquoted(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`"5m"` becomes `5m`, and `"true"` `true`; words are left to the author."""
    text = pieced.text[span.start : span.end]
    match = re.fullmatch(r"(['\"])(\d+[A-Za-z]*|true|false|\{\{[^{}\"]*\}\})\1", text)
    return [] if match is None else [(span, match[2])]


def with_unit(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`5 m` becomes `5m`."""
    return [(Span(len(pieced.text[: span.start].rstrip(" \t")), span.start), "")]


def declared_duration(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """The param of `{{ params.wait }}` becomes a duration, its number seconds."""
    used = re.fullmatch(r"\{\{\s*params\.(\w+)\s*\}\}", pieced.text[span.start : span.end])
    if used is None:
        return []
    declared = rf"^param[ \t]+{used[1]}[ \t]*:[ \t]*(int)(?:[ \t]*=[ \t]*\d+())?[ \t]*(?=#|$)"
    found = re.search(declared, pieced.text, re.MULTILINE)
    if found is None:
        return []
    number = [] if found[2] is None else [(Span(found.start(2), found.start(2)), "s")]
    return [(Span(found.start(1), found.end(1)), "duration"), *number]


def without_list(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`[1]` becomes `1`."""
    inner = pieced.text[span.start + 1 : span.end - 1].strip(" \t\n,")
    is_list = pieced.text[span.start] == "[" and inner != "" and "[" not in inner
    return [(span, inner)] if is_list else []


def only_type_or_value(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """In `values` the value goes, which comes while running; elsewhere the type."""
    before = pieced.text[: span.start]
    value = _VALUE.match(pieced.text, span.start)
    if re.search(r"\bvalues\s*\{[^{}]*$", before):
        start = len(before.rstrip(" \t"))
        return [] if value is None else [(Span(start, value.end()), "")]
    typed = re.search(r"[ \t]*:[ \t]*[a-z<>]+[ \t]*$", before)
    return [] if typed is None else [(Span(typed.start(), span.start), " ")]


def escaped_backslash(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """A backslash more before the first."""
    return [(Span(span.start, span.start), "\\")]


def literal_string(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """The string around a statement becomes one in `'`, if it means the same there."""
    before = re.search(r"(\")[^\"\n]*$", pieced.text[: span.start])
    behind = re.compile(r"[^\"\n]*\"").match(pieced.text, span.end)
    if before is None or behind is None:
        return []
    inner = pieced.text[before.end(1) : behind.end() - 1]
    if re.search(r"['\\]|\{\{", inner):
        return []
    return [(Span(before.start(), behind.end()), f"'{inner}'")]


def defaulted(_: PiecedText, span: Span, _match: re.Match[str]) -> Edits:
    """An empty text for a value that never comes; the author writes another."""
    return [(Span(span.end, span.end), " | default('')")]


def defaulted_at_end(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """The same at the end of a template."""
    inner = len(pieced.text[: span.end - 2].rstrip())
    is_template = pieced.text.startswith("{{", span.start)
    return [(Span(inner, inner), " | default('')")] if is_template else []


def carried(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """A template in a script becomes a variable of the stage; not where a here-document with a
    quoted end would leave it as it stands."""
    template = pieced.text[span.start : span.end]
    start, _piece = pieced.at(span.start)
    if re.search(r"<<-?\s*\\?['\"\\]", pieced.text[start : span.start]):
        return []
    added = added_variable(pieced, span, f'"{template}"') if '"' not in template else None
    return [] if added is None else [added[1], (span, f"${added[0]}")]


def joined(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`1 + "a"` becomes `1 ~ "a"`, each sign of the template."""
    text = pieced.text[span.start : span.end]
    plain = _STRING.sub(lambda found: "x" * len(found[0]), text)
    places = (span.start + at for at, char in enumerate(plain) if char == "+")
    return [(Span(place, place + 1), "~") for place in places]


def late_enough(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """`stale` becomes twice `every`, where that is written."""
    begin = pieced.text.rfind("{", 0, span.start)
    block = re.compile(r"[^{}]*").match(pieced.text, begin + 1)
    assert block is not None
    every = re.search(rf"\bevery\s*{_QUANTITY}", block[0])
    stale = re.search(rf"\bstale\s*{_QUANTITY}", block[0])
    if every is None:
        return []
    wanted = f"{2 * int(every[1])}{every[2]}"
    if stale is None:
        place = block.start() + every.end()
        return [(Span(place, place), f", stale = {wanted}")]
    return [(Span(block.start() + stale.start(1), block.start() + stale.end()), wanted)]


def written_range(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """Templates at the ends of a range become the value that their param or let is written with;
    where there is none, the other end, and for both what ranges are shown with."""
    line_start = pieced.text.rfind("\n", 0, span.start) + 1
    for found in _RANGE.finditer(pieced.text, line_start):
        if found.start() <= span.start < found.end():
            ends = [_written(pieced, each) for each in found.groups()]
            low, high = ends[0] or ends[1] or "100ms", ends[1] or ends[0] or "3s"
            return [(Span(found.start(), found.end()), f"{low}..{high}")]
    return []


def _written(pieced: PiecedText, end: str) -> str:
    """An end of a range, written out; empty where its template isn't the name of a literal."""
    if not end.startswith("{{"):
        return end
    named = re.fullmatch(r"\{\{\s*(?:params\.|lets\.)?(\w+)\s*\}\}", end)
    if named is None:
        return ""
    declared = rf"^(?:param|let)[ \t]+{named[1]}\b[^=\n]*=[ \t]*(\d\w*)[ \t]*(?=[#{{]|$)"
    found = re.search(declared, pieced.text, re.MULTILINE)
    return "" if found is None else found[1]
