"""What stands inside quotes: escapes, common indentation, templates (language.md section 3, 6).

The four kinds of strings and the bare `{{ … }}` are read here by hand, because a template may hold
quotes and braces of its own. A reader gets the whole text and the offset of the opening, says what
is wrong to a `Findings`, and returns the node, or None if it is no use, and the offset behind it.
"""

import re

from orch.dsl.findings import Findings
from orch.dsl.limits import DEEPEST
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.template_search import BARE, IN_BLOCK, IN_LINE, TemplateSearch
from orch.dsl.tree import String, Template, Text

_PATIENCE_CHARACTERS = 1_000_000
"""How much text is searched in vain, in all, before searches are short and a block string ends at
the next quotes: so a file full of openings costs no more than its length."""

_SHORT_CHARACTERS = 200

_PLAIN = re.compile(r'[^"\\\n{]*')
ESCAPE = re.compile(r'\\(?:(["\\nrt])|u\{([0-9A-Fa-f]{1,6})\})')
_BAD_ESCAPE = re.compile(r"\\(?:u\{[^\s\"}]*\}?|x[0-9A-Fa-f]{0,2}|u[0-9A-Fa-f]{0,4}|.)")
_REST_OF_LINE_STRING = re.compile(r'(?:[^"\\\n]|\\[^\n])*')
_MARK = re.compile(r'"""|\{[{%#]')
_FOLLOWS_VALUE = re.compile(
    r"""[ \t\n]*(?:$|[]})\#,={"'] | as[ \t\n] | [A-Za-z_][\w-]*[ \t\n]*[={:]
    | (?:pipeline|param|let|secret|pool|stage|service|finally|use)[ \t\n]+["A-Za-z_] )""",
    re.VERBOSE,
)
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}

Read = tuple[String | Template | None, int]


def may_end_value(text: str, at: int) -> bool:
    """Whether what follows at `at` can follow a string in a file without mistakes."""
    return _FOLLOWS_VALUE.match(text, at) is not None


class StringReader:
    """Reads the strings and templates of one text."""

    __slots__ = ("_findings", "_left_open", "_patience", "_text")

    def __init__(self, text: str, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._patience = _PATIENCE_CHARACTERS
        self._left_open = ""

    # -- the kinds ------------------------------------------------------------

    def literal_line(self, at: int) -> Read:
        """`'…'`, taken as it stands."""
        text = self._text
        end = text.find("'", at + 1)
        line_end = self._line_end(at)
        if end < 0 or end > line_end:
            return self._unclosed_line(at, line_end)
        parts = (Text(text[at + 1 : end], Span(at + 1, end)),) if end > at + 1 else ()
        return String(parts, Span(at, end + 1), True, False), end + 1

    def line(self, at: int) -> Read:
        """`"…"` with escapes and templates."""
        text = self._text
        parts: list[Text | Template] = []
        pieces: list[str] = []
        bad_escapes: list[tuple[int, int]] = []
        is_good = True
        start = pos = at + 1
        while True:
            plain = _PLAIN.match(text, pos)
            assert plain
            pieces.append(plain[0])
            pos = plain.end()
            mark = text[pos : pos + 1]
            if mark == '"':
                break
            if mark == "{":
                if not text.startswith("{{", pos):
                    pieces.append("{")
                    pos += 1
                    continue
                template, after = self._template(pos, IN_LINE)
                if after < 0:
                    self._report_escapes(bad_escapes)
                    return None, self._end_of_broken_line(pos)
                _add_text(parts, "".join(pieces), start, pos)
                pieces = []
                if template:
                    parts.append(template)
                is_good = is_good and template is not None
                start = pos = after
            elif mark == "\\" and text[pos + 1 : pos + 2] not in ("\n", ""):
                decoded, end = _escape(text, pos)
                if decoded is None:
                    bad_escapes.append((pos, end))
                else:
                    pieces.append(decoded)
                pos = end
            else:
                return self._unclosed_line(at, self._line_end(pos))
        _add_text(parts, "".join(pieces), start, pos)
        self._report_escapes(bad_escapes)
        self._report_constructs(at + 1, pos, parts)
        if bad_escapes or not is_good:
            return None, pos + 1
        return String(tuple(parts), Span(at, pos + 1), False, False), pos + 1

    def literal_block(self, at: int) -> Read:
        """`'''…'''`, without templates."""
        end = self._text.find("'''", at + 3)
        if end < 0:
            return None, -1
        parts = _dedented(self._text, [(at + 3, end)], [])
        return String(parts, Span(at, end + 3), True, True), end + 3

    def block(self, at: int) -> Read:
        """A block string with templates. An end of -1 says that it is never closed."""
        text = self._text
        if self._patience <= 0:
            end = text.find('"""', at + 3)
            return None, end + 3 if end >= 0 else -1
        pos = start = at + 3
        pieces: list[tuple[int, int]] = []
        templates: list[Template] = []
        is_good = True
        while mark := _MARK.search(text, pos):
            pos = mark.start()
            if mark[0] == '"""':
                pieces.append((start, pos))
                parts = _dedented(text, pieces, templates)
                self._report_constructs(at + 3, pos, templates)
                end = pos + 3
                return (String(parts, Span(at, end), False, True) if is_good else None), end
            if mark[0] != "{{":
                pos += 2
                continue
            template, after = self._template(pos, IN_BLOCK)
            if after < 0:
                end = text.find('"""', pos)
                return None, end + 3 if end >= 0 else -1
            is_good = is_good and template is not None
            if template:
                pieces.append((start, pos))
                templates.append(template)
            start = pos = after
        self._patience -= len(text) - at
        return None, -1

    def bare_template(self, at: int) -> Read:
        """`{{ … }}` as a value by itself."""
        template, after = self._template(at, BARE)
        return template, after if after >= 0 else self._line_end(at)

    # -- templates ------------------------------------------------------------

    def _template(self, at: int, place: int) -> tuple[Template | None, int]:
        """The template that opens at `at`, and the offset behind it, -1 if it is never closed."""
        limit = len(self._text) if self._patience > 0 else at + _SHORT_CHARACTERS
        search = TemplateSearch(self._text, place)
        search.run(at + 2, limit)
        end, too_deep = search.end, search.too_deep
        if end < 0:
            self._patience -= search.reached - at
        if too_deep >= 0:
            self._findings.add(
                "E0107",
                Span(too_deep, too_deep + 1),
                f"this is nested deeper than {DEEPEST} levels",
            )
            return None, end
        if end < 0:
            self._findings.add(
                "E0103", Span(at, at + 2), "this template is never closed", "no `}}` follows",
                "close it with `}}`; a literal `{{` is written in a literal string, '…'",
            )  # fmt: skip
            return None, -1
        source = _unescaped(self._text[at + 2 : end - 2], at + 2, search.escaped)
        return Template(source, Span(at, end), Span(at + 2, end - 2)), end

    # -- what is wrong ---------------------------------------------------------

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def _end_of_broken_line(self, pos: int) -> int:
        """Where a string ends that has an unclosed template at `pos`, as well as one can tell."""
        rest = _REST_OF_LINE_STRING.match(self._text, pos)
        assert rest
        end = rest.end() + 1
        is_end = self._text.startswith('"', end - 1) and may_end_value(self._text, end)
        return end if is_end else self._line_end(pos)

    def _unclosed_line(self, at: int, line_end: int) -> Read:
        quote = self._text[at]
        is_end = quote == self._left_open and self._text[at - 1] not in " \t\n=[({,"
        self._left_open = "" if is_end else quote
        if is_end:
            # The string that was left open on a line before was meant to end here.
            return None, line_end
        self._findings.add(
            "E0103", Span(at, at + 1), "this string is never closed", "its line ends",
            f"close it with `{quote}`; a text of several lines stands between `{quote * 3}`",
        )  # fmt: skip
        return None, line_end

    def _report_escapes(self, bad: list[tuple[int, int]]) -> None:
        for start, end in bad:
            written = shown(self._text[start:end])
            self._findings.add(
                "E0105", Span(start, end), f"`{written}` is no escape", "", _escape_hint(written)
            )

    def _report_constructs(
        self, start: int, end: int, parts: "list[Text | Template] | list[Template]"
    ) -> None:
        """E0502 for `{% … %}` and `{# … #}` that are closed inside the text from start to end."""
        text = self._text
        ends_of_templates = {p.span.start: p.span.end for p in parts if isinstance(p, Template)}
        never_closed = set()
        while mark := _MARK.search(text, start, end):
            at = mark.start()
            kind = text[at + 1]
            start = ends_of_templates.get(at, at + 2)
            if kind == "{" or kind in never_closed or (kind == "#" and text[at - 1] == "$"):
                continue
            closing = text.find(kind + "}", at + 2, end)
            if closing < 0:
                never_closed.add(kind)
                continue
            start = closing + 2
            if kind == "%":
                message = "a template can't hold statements"
                hint = "only expressions are read, as in `{{ a if b else c }}`"
            else:
                message = "a template can't hold comments"
                hint = "a comment is written outside the string, with `#`"
            self._findings.add(
                "E0502",
                Span(at, start),
                message,
                "",
                hint + "; '…' and '''…''' hold any text as it is",
            )


def _unescaped(source: str, start: int, escaped: list[tuple[int, int]]) -> str:
    """A template's source with `"` for its escaped quotes, and a space outside for each backslash.

    So the nested strings hold what was meant, and no offset changes. `start` is that of `source`,
    `escaped` the pairs of offsets where backslashes open and close nested strings.
    """
    if not escaped:
        return source
    characters = list(source)
    for opening, closing in escaped:
        characters[opening - start : opening - start + 2] = ' "'
        characters[closing - start : closing - start + 2] = '" '
    return "".join(characters)


def _escape(text: str, at: int) -> tuple[str | None, int]:
    """The character that the escape at `at` stands for, None for a bad one, and its end."""
    match = ESCAPE.match(text, at)
    if match and match[1]:
        return _ESCAPES[match[1]], match.end()
    if match:
        number = int(match[2], 16)
        is_character = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF and number > 0
        return (chr(number) if is_character else None), match.end()
    bad = _BAD_ESCAPE.match(text, at)
    assert bad
    return None, bad.end()


def _escape_hint(written: str) -> str:
    if written.startswith("\\u{"):
        return "a character is written `\\u{…}`, with the hexadecimal digits of 1 to 10FFFF"
    if written.startswith(("\\u", "\\x")) and len(written) > 2:
        return f"a character is written `\\u{{{written[2:]}}}`"
    if written[1:2] in ("'", "{", "$", "`"):
        return f"`{written[1:]}` needs no escape; a backslash itself is written `\\\\`"
    return (
        'the escapes are `\\" \\\\ \\n \\t \\r \\u{…}`; a backslash itself is written `\\\\`, '
        "and '…' and block strings take backslashes as they stand"
    )


def _add_text(parts: list[Text | Template], text: str, start: int, end: int) -> None:
    if text:
        parts.append(Text(text, Span(start, end)))


def _dedented(
    text: str, pieces: list[tuple[int, int]], templates: list[Template]
) -> tuple[Text | Template, ...]:
    """The parts of a block string, `pieces` of raw text with a template between each two.

    The common indentation is the longest white space that all lines begin with that hold anything
    else. A first line of white space only is dropped with its line end, a last one is emptied.
    """
    # No source holds NUL, so that it can stand for a template while lines are looked at.
    lines = "\0".join(text[start:end] for start, end in pieces).split("\n")
    if len(lines) > 1 and not lines[0].strip(" \t"):
        del lines[0]
    if not lines[-1].strip(" \t"):
        lines[-1] = ""
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip(" \t")]
    common = _common_prefix(margins)
    kept = [
        line[len(common) :] if line.startswith(common) else line.lstrip(" \t") for line in lines
    ]
    texts = "\n".join(kept).split("\0")
    parts: list[Text | Template] = []
    for at, (start, end) in enumerate(pieces):
        _add_text(parts, texts[at], start, end)
        if at < len(templates):
            parts.append(templates[at])
    return tuple(parts)


def _common_prefix(texts: list[str]) -> str:
    if not texts:
        return ""
    low, high = min(texts), max(texts)
    for at, letter in enumerate(low):
        if letter != high[at : at + 1]:
            return low[:at]
    return low
