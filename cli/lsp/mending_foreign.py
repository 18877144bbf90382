"""Mendings of what other languages write so: comments, texts, lists, names and settings."""

import re
import unicodedata
from collections.abc import Iterable

from orch.cli.lsp.mending_blocks import Edit, Edits, first_item, point, policy_of
from orch.compiler.settings import BLOCKS, POLICY
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

Match = re.Match[str]
Offers = Iterable[tuple[str, Edits]]

_COMMENT = re.compile(r"/\*(.*?)\*/[ \t]*", re.DOTALL)
_HERE_DOCUMENT = re.compile(
    r"<<[-~]?[ \t]*(['\"]?)(\w+)\1[^\n]*\n(?:.*?\n)??[ \t]*(\2)\b", re.DOTALL
)
_DASHED = re.compile(r"[ \t]*-[ \t]+([^\n#]*)")
_STRING = r"(?:\"[^\"\n]*\"|'[^'\n]*')"
_STRINGS = re.compile(rf"{_STRING}(?:[ \t]+{_STRING})+")
_OPERAND = rf"(?:{_STRING}|[\w.]+)"
_COMPUTED = re.compile(rf"{_OPERAND}(?:[ \t]*[-+*/%][ \t]*{_OPERAND})+")
_COMPARISON = re.compile(rf"=[ \t]*({_OPERAND})[ \t]*==?[ \t]*({_OPERAND})")
_VALUE = re.compile(
    rf"=[ \t]*((?:{_STRING}|[^\s={{}},\[\]#\"']|[ \t]+(?![\s#}},]|[A-Za-z_-]+[ \t]*[={{]))+)"
)
_WORD = re.compile(r"[^\s,{}\[\]()#=\"';]+")
_BACKTICKED = re.compile(r"`([^`\n]*)`")


def commented(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`// x` and `/* x */` become `# x`, on as many lines as they have."""
    text = pieced.text
    if text.startswith("//", span.start):
        return [(Span(span.start, span.start + 2), "#")]
    found = _COMMENT.match(text, span.start)
    if found is None:
        return []
    said = [line.strip().lstrip("*").strip() for line in found[1].split("\n")]
    break_ = "\n" + " " * (span.start - text.rfind("\n", 0, span.start) - 1)
    end = "" if text[found.end() : found.end() + 1] in ("\n", "") else break_
    lines = [f"# {line}" for line in said if line]
    return [(Span(found.start(), found.end()), break_.join(lines) + end)]


def block_text(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`<<END` and the `|` of YAML become a block string of the lines that they take in, and an
    empty text where these take in none."""
    text, quotes = pieced.text, '"""'
    here = _HERE_DOCUMENT.match(text, span.start)
    if here is not None:
        end = text.index("\n", span.start)
        return [(Span(span.start, end), quotes), (Span(here.start(3), here.end(3)), quotes)]
    begin = text.rfind("\n", 0, span.start) + 1
    indent = re.match(r"[ \t]*", text[begin:])
    assert indent is not None
    deeper = re.compile(rf"(?:\n[ \t]*(?=\n)|\n{indent[0]}[ \t]+[^\n]*)+").match(text, span.end)
    if text[span.start : span.end] != "|" or deeper is None:
        word = re.compile(r"[^\s\"',{}\[\]]+").match(text, span.start)
        is_value = text[: span.start].rstrip().endswith("=")
        return [(Span(span.start, word.end()), '""' if is_value else "")] if word else []
    return [(span, quotes), (point(deeper.end()), f"\n{indent[0]}{quotes}")]


def dashed_list(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """Lines that begin with `- `, behind a name and its sign, become a list; else the `-` goes."""
    text = pieced.text
    begin = span.end
    start = _line(text, span.start)[0]
    while _DASHED.match(text, start) and start < begin:
        begin, start = start, _line(text, max(start - 1, 0))[0]
    if begin > span.start or not text[:begin].rstrip().endswith(("=", ":")):
        blanks = re.compile(r"[ \t]*").match(text, span.start + 1)
        return [(Span(span.start, blanks.end() if blanks else span.end), "")]
    items: list[str] = []
    end = begin
    while found := _DASHED.match(text, end):
        items.append(found[1].strip())
        end = min(len(text), (text + "\n").index("\n", end) + 1)
    name = len(text[:begin].rstrip(" \t\n:="))
    return [(Span(name, end), f" = [{', '.join(items)}]\n")]


def plain_name(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`café` becomes `cafe` where a name stands, and `"café"` where a value does."""
    word = _word_at(pieced.text, span.start)
    written = pieced.text[word.start : word.end]
    if _is_value(pieced.text, word.start):
        return [(word, _quoted(written))]
    return [(word, as_name(written))]


def as_name(text: str) -> str:
    """The nearest name of plain letters, `NAME` where there is none."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")
    return name if re.match(r"[A-Za-z_]", name) else "NAME"


def computed(pieced: PiecedText, span: Span, _: Match) -> Offers:
    """A value with an operator becomes a template, and any other a text; of a name that holds one
    of its signs nothing but a name is left."""
    for found in _VALUE.finditer(pieced.text, *_line(pieced.text, span.start)):
        value, written = Span(found.start(1), found.end(1)), found[1]
        if value.start <= span.start < value.end:
            choice = re.fullmatch(r"(.+?)[ \t]*\?[ \t]*(.+?)[ \t]*:[ \t]*(.+)", written)
            if choice is not None:
                written = f"{choice[2]} if {choice[1]} else {choice[3]}"
            is_computed = choice is not None or _COMPUTED.fullmatch(written) is not None
            if is_computed:
                yield f"Write `{{{{ {written} }}}}`", [(value, f"{{{{ {written} }}}}")]
            if '"' not in written and "'" not in written:
                yield "Write a text in quotes", [(value, _quoted(found[1]))]
            elif not is_computed:
                yield "Delete it", [(_word_at(pieced.text, span.start), "")]
            return
    yield "Write a name or a text", plain_name(pieced, span, _)


def quoted_word(pieced: PiecedText, span: Span, match: Match) -> Edits:
    """`./web` becomes `"./web"`, and what stands between backticks too; no name can hold such a
    sign."""
    ticked = _BACKTICKED.match(pieced.text, span.start)
    if ticked is not None:
        return [(Span(ticked.start(), ticked.end()), _quoted(ticked[1]))]
    return plain_name(pieced, span, match)


def _line(text: str, offset: int) -> tuple[int, int]:
    """Where the line of an offset begins and ends."""
    end = text.find("\n", offset)
    return text.rfind("\n", 0, offset) + 1, len(text) if end < 0 else end


def _quoted(text: str) -> str:
    quote = "'" if '"' in text or "\\" in text else '"'
    return f"{quote}{text}{quote}"


def _word_at(text: str, offset: int) -> Span:
    found = next(w for w in _WORD.finditer(text, *_line(text, offset)) if w.end() > offset)
    return Span(found.start(), found.end())


def _is_value(text: str, offset: int) -> bool:
    """Whether a value stands at an offset: behind a `=`, or in a list."""
    before = text[:offset].rstrip()
    open_ = max(before.rfind("["), 0)
    return before.endswith("=") or (
        before[-1:] in ("[", ",") and open_ > max(before.rfind("]"), before.rfind("{"))
    )


def set_at_top(pieced: PiecedText, span: Span, _: Match) -> Offers:
    """A setting that stands in no block becomes a constant, or goes into the policy of the file,
    where it can."""
    name = pieced.text[span.start : span.end]
    if name in BLOCKS:
        yield "Write `let NAME = …`", [(span, "let NAME")]
        return
    yield f"Write `let {name} = …`", [(point(span.start), "let ")]
    if name in POLICY.settings:
        yield "Put it into a `policy` block", _in_policy(pieced, span)


def _in_policy(pieced: PiecedText, span: Span) -> Iterable[Edit]:
    line = re.compile(rf"(?:{_STRING}|[^#\n\"'])*").match(pieced.text, span.start)
    assert line is not None
    written = line[0].rstrip()
    place = Span(span.start, span.start + len(written))
    policy = policy_of(pieced)
    if policy is None:
        return [(place, f"policy {{ {written} }}")]
    if policy[1].body is None:
        return []
    comma = "," if policy[1].body else ""
    return [(place, ""), first_item(pieced, *policy, f"{written}{comma}")]


def as_setting(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`title "x"` gets its `=`, `run => "x"` loses its `>`, a name alone gets an empty text, and
    the type of `param x int` its `:`."""
    text = pieced.text
    if text[span.start : span.end] == ">":
        return [(span, "")]
    if re.search(r"\bparam[ \t]+\w+[ \t]+\Z", text[: span.start]):
        return [(Span(len(text[: span.start].rstrip()), span.start), ": ")]
    if re.search(r"[\w-][ \t]+\Z", text[: span.start]) and text[span.start] in "\"'{[0123456789-":
        return [(point(span.start), "= ")]
    return [(point(span.end), ' = ""')]


def compared_in_template(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`when = a == b` becomes `when = {{ a == b }}`."""
    for each in _COMPARISON.finditer(pieced.text, *_line(pieced.text, span.start)):
        if each.start() < span.start < each.end():
            value = Span(each.start(1), each.end(2))
            return [(value, f"{{{{ {each[1]} == {each[2]} }}}}")]
    return []


def strings_in_list(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`"a" "b"` becomes `["a", "b"]`."""
    for found in _STRINGS.finditer(pieced.text, *_line(pieced.text, span.start)):
        if found.start() <= span.start < found.end():
            strings = re.findall(_STRING, found[0])
            return [(Span(found.start(), found.end()), f"[{', '.join(strings)}]")]
    return []


def between_numbers(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`..3s` becomes `3s..3s`, which the number alone would say; without one, `1..4`."""
    behind = re.compile(r"[ \t]*(\d\w*)").match(pieced.text, span.end)
    return [(point(span.start), behind[1])] if behind else [(span, "1..4")]


def in_angles(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`list[string]` becomes `list<string>`."""
    found = re.compile(r"\[[ \t]*(\w+)[ \t]*\]").match(pieced.text, span.start)
    return [] if found is None else [(Span(found.start(), found.end()), f"<{found[1]}>")]


def as_map(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`["A=1"]` becomes `{ A = "1" }`, and any other value that of a `NAME`."""
    written = pieced.text[span.start : span.end]
    pairs = re.findall(r"[\"']([A-Za-z_]\w*)[=:][ \t]*([^\"'\n]*)[\"']", written)
    strings = re.findall(_STRING, written)
    if pairs and len(pairs) == len(strings):
        inner = ", ".join(f'{name} = "{value}"' for name, value in pairs)
        return [(span, f"{{ {inner} }}")]
    is_plain = re.fullmatch(r"[\w.-]+", written) is not None
    return [(span, f"{{ NAME = {_quoted(written) if is_plain else written} }}")]


def block_of_value(pieced: PiecedText, span: Span, _: Match) -> Edits:
    """`matrix = ["a"]` becomes `matrix { NAME = ["a"] }`."""
    before = re.search(r"[ \t]*=[ \t]*$", pieced.text[: span.start])
    if before is None:
        return []
    written = pieced.text[span.start : span.end]
    return [(Span(before.start(), span.end), f" {{ NAME = {written} }}")]


def escape(pieced: PiecedText, span: Span, _: Match) -> Offers:
    r"""`\'` becomes `'`, if no template begins there, or a backslash and `'`."""
    if pieced.text[span.start + 1 : span.start + 3] != "{{":
        yield "Delete the backslash", [(Span(span.start, span.start + 1), "")]
    yield "Write the backslash itself", [(point(span.start), "\\")]
