"""Tokens with absolute offsets, and the comments beside them (language.md section 3).

Text that makes no token becomes a `BAD` token, and what is wrong with it is reported here, once
(E0103, E0104, E0105). No rule of the grammar takes a BAD token, so what holds one is dropped, and
nobody reports it again.
"""

import re
from typing import Any

from orch.dsl.findings import Findings
from orch.dsl.literals import (
    explain_literal,
    read_duration,
    read_float,
    read_integer,
    read_size,
)
from orch.dsl.source import SourceFile, Span
from orch.dsl.strings import StringReader, may_end_value
from orch.dsl.tree import Comment, Duration, Float, Integer, Size, String, Text


class Token:
    """A token: `type` is a terminal of pipeline.lark, `start` and `end` are offsets in the file.

    `value` is the node of a STRING, TEMPLATE or SCALAR; where the E0104 of a BAD token was said, or
    None for another one; else the text. Not a frozen dataclass, as
    files have hundreds of thousands of them; nothing changes one all the same.
    """

    __slots__ = ("end", "start", "type", "value")

    def __init__(self, type_: str, value: Any, start: int, end: int) -> None:
        self.type = type_
        self.value = value
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Token({self.type}, {self.value!r}, {self.start}, {self.end})"

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


BAD = "BAD"

_TOKEN = re.compile(
    r"""[ \t\n]*+(?:
      (?P<NAME>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<PLAIN>"(?!"")[^"\\\n{]*")
    | (?P<NUMBER>-?\.?[0-9](?:[A-Za-z0-9_-]|\.(?!\.))*)
    | (?P<QUOTE>\"\"\"|'''|["'])
    | (?P<MARK>\{\{|\.\.|[={}\[\]():,<>.])
    | (?P<COMMENT>\#[^\n]*)
    | (?P<OTHER>[^ \t\n])
    )""",
    re.VERBOSE,
)
_MARKS = {
    "=": "EQUAL", "{": "LBRACE", "}": "RBRACE", "[": "LSQUARE", "]": "RSQUARE", "(": "LPAREN",
    ")": "RPAREN", ":": "COLON", ",": "COMMA", "<": "LESS", ">": "MORE", ".": "DOT", "..": "DOTS",
}  # fmt: skip
_REST_OF_WORD = re.compile(r"""[^\s\[\]{}(),="'#;:<>]*""")
_CURLY = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
_CURLY_QUOTED = re.compile(rf"[{_CURLY}][^\n{_CURLY}]*[{_CURLY}]")
_FOREIGN_COMMENT = re.compile(
    r"//(?=[ \t]|$)[^\n]*|/\*\*?(?=\s)(?:[^*]|\*(?!/)){0,500}\*/", re.MULTILINE
)

_MOST_RESTARTS = 10


def lex(source: SourceFile, findings: Findings) -> tuple[list[Token], tuple[Comment, ...]]:
    """All tokens and comments of a file in their order; what is wrong goes to `findings`."""
    lexer = _Lexer(source.text, findings)
    lexer.run()
    return lexer.tokens, tuple(lexer.comments)


class _Lexer:
    def __init__(self, text: str, findings: Findings) -> None:
        self.text = text
        self.findings = findings
        self.tokens: list[Token] = []
        self.comments: list[Comment] = []
        self.strings = StringReader(text, findings)
        self._blocks: list[tuple[int, int, int, int, int]] = []
        """Closed block strings: opening, end, and how much had been found before each."""
        self._restarts = 0

    def run(self) -> None:
        text = self.text
        tokens = self.tokens
        words: dict[str, str] = {}
        match = _TOKEN.match
        pos = 0
        while found := match(text, pos):
            kind = found.lastgroup
            start, pos = found.span(kind or 0)
            if kind == "NAME":
                word = text[start:pos]
                # What a large file says a hundred thousand times is held once.
                word = words.setdefault(word, word)
                is_as = word == "as" and [t.type for t in tokens[-2:]] == ["NAME", "STRING"]
                tokens.append(Token("AS" if is_as else "NAME", word, start, pos))
            elif kind == "MARK":
                mark = text[start:pos]
                if mark == "{{":
                    node, pos = self.strings.bare_template(start)
                    tokens.append(Token("TEMPLATE" if node else BAD, node, start, pos))
                else:
                    tokens.append(Token(_MARKS[mark], mark, start, pos))
            elif kind == "PLAIN":
                # A string of one line without escapes and braces, as nearly all of them are.
                text_only = Text(text[start + 1 : pos - 1], Span(start + 1, pos - 1))
                parts = (text_only,) if pos > start + 2 else ()
                node = String(parts, Span(start, pos), False, False)
                tokens.append(Token("STRING", node, start, pos))
            elif kind == "QUOTE":
                pos = self._string(start, text[start:pos])
            elif kind == "NUMBER":
                self._number(start, pos)
            elif kind == "COMMENT":
                self.comments.append(Comment(text[start:pos], Span(start, pos)))
            else:
                pos = self._other(start)

    # -- strings --------------------------------------------------------------

    def _string(self, start: int, quote: str) -> int:
        strings = self.strings
        if quote == '"':
            node, end = strings.line(start)
        elif quote == "'":
            node, end = strings.literal_line(start)
        else:
            before = (len(self.tokens), len(self.comments), len(self.findings.found))
            node, end = strings.block(start) if quote == '"""' else strings.literal_block(start)
            if end < 0 or self._is_torn(start, end):
                return self._unclosed_block(start, quote, before[2])
            self._blocks.append((start, end, *before))
        self.tokens.append(Token("STRING" if node else BAD, node, start, end))
        return end

    def _is_torn(self, start: int, end: int) -> bool:
        """Whether a block string surely ends where the next one was meant to begin."""
        return (
            self._ends_like_beginning(end)
            and self.text.find("\n", start, end) >= 0
            and not may_end_value(self.text, end)
        )

    def _ends_like_beginning(self, end: int) -> bool:
        before = self.text[max(0, end - 103) : end - 3].rstrip(" \t")
        return before.endswith("=")

    def _unclosed_block(self, start: int, quote: str, known: int) -> int:
        """Go on behind a block string that is never closed; what was found in it is forgotten.

        Where an earlier one seems to have ended at the opening of the next (`run = ` stands before
        its end), that one was left open, and reading starts again behind it.
        """
        del self.findings.found[known:]
        if self._restarts < _MOST_RESTARTS:
            self._restarts += 1
            for at, block in enumerate(self._blocks):
                opening, end, tokens, comments, findings = block
                if self.text.startswith(quote, opening) and self._ends_like_beginning(end):
                    del self._blocks[at:]
                    del self.tokens[tokens:]
                    del self.comments[comments:]
                    del self.findings.found[findings:]
                    start = opening
                    break
        self.findings.add(
            "E0103", Span(start, start + 3), "this block string is never closed",
            f"no `{quote}` closes it", f"close it with `{quote}`",
        )  # fmt: skip
        end = self._end_of_block_by_indentation(start)
        self.tokens.append(Token(BAD, None, start, end))
        return end

    def _end_of_block_by_indentation(self, start: int) -> int:
        """The first line behind `start` that is indented no deeper than the line of `start`."""
        text = self.text
        line = text.rfind("\n", 0, start) + 1
        margin = len(text[line:start]) - len(text[line:start].lstrip(" \t"))
        shallow = re.compile(rf"\n(?=[ \t]{{0,{min(margin, 1000)}}}[^ \t\n])")
        found = shallow.search(text, start)
        return found.start() if found else len(text)

    # -- numbers and what is nothing ------------------------------------------

    def _number(self, start: int, end: int) -> None:
        text = self.text[start:end]
        span = Span(start, end)
        node: Integer | Float | Duration | Size
        if (integer := read_integer(text)) is not None:
            node = Integer(integer, span)
        elif (duration_ms := read_duration(text)) is not None:
            node = Duration(duration_ms, span)
        elif (size_bytes := read_size(text)) is not None:
            node = Size(size_bytes, span)
        elif (number := read_float(text)) is not None:
            node = Float(number, text.replace("_", ""), span)
        else:
            message, hint = explain_literal(text)
            if self.tokens and self.tokens[-1].type == "NAME":
                message, hint = "a name can't begin with a digit", None
            self.findings.add("E0105", Span(start, end), message, hint=hint)
            self.tokens.append(Token(BAD, None, start, end))
            return
        self.tokens.append(Token("SCALAR", node, start, end))

    def _other(self, start: int) -> int:
        """Report a character that begins no token, once for the word that it is part of."""
        text = self.text
        character = text[start]
        before = self.tokens[-1] if self.tokens else None
        if character == ";":
            if not (before and before.type == "COMMA" and before.end == start):
                self._report(start, "settings need no separator: write a line break or a comma")
            if before and before.type not in ("COMMA", "LBRACE"):
                self.tokens.append(Token("COMMA", ";", start, start + 1))
            return start + 1
        if not character.isprintable():
            end = start + 1
            while end < len(text) and not text[end].isprintable() and text[end] not in "\t\n":
                end += 1
            self._report(start, "delete it, or write a plain space or line break")
            return end
        if comment := _FOREIGN_COMMENT.match(text, start):
            self._report(start, "a comment begins with `#` and runs to the end of the line")
            return comment.end()
        word = _CURLY_QUOTED.match(text, start) or _REST_OF_WORD.match(text, start + 1)
        assert word
        begin = start
        reported: int | None = None
        if before and before.end == start and before.type in ("NAME", "SCALAR", BAD):
            begin = self.tokens.pop().start
            reported = before.value if before.type == BAD else None
        if reported is None:
            reported = start
            self._report(start, _hint(character, text[start + 1 : start + 3]))
        self.tokens.append(Token(BAD, reported, begin, word.end()))
        return word.end()

    def _report(self, at: int, hint: str) -> None:
        character = self.text[at]
        shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
        self.findings.add("E0104", Span(at, at + 1), f"no token begins with {shown}", hint=hint)


def _hint(character: str, following: str) -> str:
    """The help for a character that begins no token, and the two behind it."""
    if character in _CURLY:
        hint = "write straight quotes, `\"` or `'`"
    elif character == "$" and following == "{{":
        hint = "a template is written `{{ … }}`, without `$`"
    elif character == "|" and following[:1] in ("", "\n"):
        hint = 'a text of several lines stands between `"""`'
    elif character == "-":
        hint = "a list is written `[a, b]`"
    elif character.isalpha():
        hint = "names hold the letters a to z, digits, `_` and `-`; a text stands in quotes"
    elif character in "+*%&|!?^~":
        hint = "values are computed in a template, `{{ … }}`; a text stands in quotes"
    else:
        hint = "a text stands in quotes"
    return hint
