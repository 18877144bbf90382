"""Where in a Python or JavaScript script a literal may take a template's place.

Only the lexical shape is read: strings, comments, regular expressions and what stands directly
beside the template. Inside any of these a value would be code or text of the author's, so there
it is not proved. What can't be told apart without a parser ends the proof.
"""

import re
from collections.abc import Sequence

from orch.compiler.places import LostError, Place, unproved

TEMPLATE = "\0"

_PYTHON_STRING = re.compile(r"([A-Za-z]{0,3})('''|\"\"\"|'|\")")
_WORD = re.compile(r"[\w$]+")
_NUMBER = re.compile(r"\.?[0-9][\w.]*")

# Words behind which no value can stand: a name is due there.
_PYTHON_NAMING = frozenset({
    "import", "from", "def", "class", "as", "global", "nonlocal", "del", "for", "lambda", "type",
})  # fmt: skip
_NODE_NAMING = frozenset({
    "import", "from", "export", "function", "class", "const", "let", "var", "as", "enum", "label",
    "catch", "goto", "break", "continue", "get", "set", "static", "async",
})  # fmt: skip

# Words behind which a `/` begins a regular expression.
_NODE_OPERATORS = frozenset({
    "return", "typeof", "case", "in", "delete", "void", "throw", "new", "instanceof", "do", "else",
})  # fmt: skip

# Behind these a `/` may do either: some words are names where they mean nothing else.
_NODE_DOUBTFUL = frozenset({
    ")", "}", "]", "+", "-", "of", "yield", "await", "extends", "default",
})  # fmt: skip


def find_literal_places(pieces: Sequence[str | None], language: str) -> tuple[Place, ...]:
    """The place of every template; `pieces` are a script's texts, and None for a template."""
    if any(piece is not None and TEMPLATE in piece for piece in pieces):
        return tuple(unproved("in a script with a NUL") for piece in pieces if piece is None)
    text = "".join(TEMPLATE if piece is None else piece for piece in pieces)
    scanner = _NodeScanner(text) if language == "node" else _PythonScanner(text)
    reason = scanner.scan()
    offsets = (at for at, char in enumerate(text) if char == TEMPLATE)
    return tuple(scanner.places.get(offset, unproved(reason)) for offset in offsets)


class _Scanner:
    """What both languages share; `before` is the last token, `""` at the beginning of all."""

    naming: frozenset[str]

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.before = ""
        self.places: dict[int, Place] = {}

    def scan(self) -> str:
        """Finds all places; the answer is why those that are missing are not proved."""
        try:
            while self.at < len(self.text):
                self.step()
        except LostError as lost:
            return f"behind {lost.reason}"
        return "behind something that isn't understood"

    def step(self) -> None:
        """Goes past one token."""
        raise NotImplementedError

    def refuse_to(self, end: int, reason: str) -> None:
        """Goes on at `end`; templates before it are not proved."""
        for offset in range(self.at, end):
            if self.text[offset] == TEMPLATE:
                self.places[offset] = unproved(reason)
        self.at = end

    def template(self) -> None:
        """Judges the template at `at` by its neighbours."""
        left = self.text[self.at - 1 : self.at]
        right = self.text[self.at + 1 : self.at + 2]
        place = Place("literal")
        if _is_glued(left) or _is_glued(right):
            place = unproved("glued to a name or a text")
        elif left in {".", "\\", "#", "@"}:
            place = unproved(f"right after `{left}`")
        elif self.before in self.naming:
            place = unproved(f"behind `{self.before}`, where a name is due")
        self.places[self.at] = place
        self.before = TEMPLATE
        self.at += 1

    def word(self, match: "re.Match[str]") -> None:
        """Goes past a name, a keyword or a number."""
        # Behind a dot or a `#` the word is a member's name, whatever it is elsewhere.
        self.before = match[0] if self.before not in {".", "#"} else "member"
        self.at = match.end()

    def skip_quoted(self, quote: str, start: int, *, is_raw_line: bool) -> int:
        """The end of a string whose inside begins at `start`; a backslash hides a character."""
        at = start
        while not self.text.startswith(quote, at):
            if at >= len(self.text) or (is_raw_line and self.text[at] == "\n"):
                raise LostError("a string that is never closed")
            at += 2 if self.text[at] == "\\" else 1
        return at + len(quote)


def _is_glued(char: str) -> bool:
    return char.isalnum() or char in {"_", "$", "'", '"', "`", TEMPLATE}


class _PythonScanner(_Scanner):
    naming = _PYTHON_NAMING

    def step(self) -> None:
        char = self.text[self.at]
        string = _PYTHON_STRING.match(self.text, self.at)
        if char == "#":
            end = self.text.find("\n", self.at)
            self.refuse_to(len(self.text) if end < 0 else end, "inside a comment")
        elif string:
            self._string(string[1].lower(), string[2], string.end())
        elif char == TEMPLATE:
            self.template()
        elif match := _WORD.match(self.text, self.at):
            self.word(match)
        else:
            if not char.isspace():
                self.before = char
            self.at += 1

    def _string(self, prefix: str, quote: str, start: int) -> None:
        end = self.skip_quoted(quote, start, is_raw_line=len(quote) == 1)
        is_formatted = bool({"f", "t"} & set(prefix))
        if is_formatted and not _has_closed_fields(self.text[start : end - len(quote)]):
            # Python before 3.12 ends the string at a quote in a field, later ones may not.
            raise LostError("a formatted string with quotes in a field")
        self.refuse_to(end, "inside a string of the script")
        self.before = quote


def _has_closed_fields(text: str) -> bool:
    """Whether no field of a formatted string goes on behind its end, in quotes of its own."""
    if not re.search(r"['\"\\]", text) and text.count("{") == text.count("}"):
        return True
    plain = text.replace("{{", "").replace("}}", "")
    fields = re.findall(r"\{[^{}]*\}", plain)
    is_open = any("\\" in f or f.count("'") % 2 or f.count('"') % 2 for f in fields)
    return plain.count("{") == plain.count("}") and not is_open


class _NodeScanner(_Scanner):
    naming = _NODE_NAMING

    def step(self) -> None:
        char = self.text[self.at]
        if self.text.startswith("#!") and self.at == 0:
            self._line_comment()
        elif self.text.startswith(("<!--", "-->"), self.at):
            raise LostError("`<!--` or `-->`, which may begin a comment")
        elif char in "'\"":
            end = self.skip_quoted(char, self.at + 1, is_raw_line=True)
            self.refuse_to(end, "inside a string of the script")
            self.before = char
        elif char == "`":
            self._template_literal()
        elif self.text.startswith("...", self.at):
            self.before = "..."
            self.at += 3
        elif char == "/":
            self._slash()
        elif char == TEMPLATE:
            self.template()
        elif match := _NUMBER.match(self.text, self.at) or _WORD.match(self.text, self.at):
            self.word(match)
        else:
            if not char.isspace():
                self.before = char
            self.at += 1

    def _line_comment(self) -> None:
        end = re.search(r"[\n\r\u2028\u2029]|$", self.text[self.at :])
        assert end is not None
        self.refuse_to(self.at + end.start(), "inside a comment")

    def _slash(self) -> None:
        if self.text.startswith("//", self.at):
            self._line_comment()
        elif self.text.startswith("/*", self.at):
            end = self.text.find("*/", self.at + 2)
            if end < 0:
                raise LostError("a comment that is never closed")
            self.refuse_to(end + 2, "inside a comment")
        elif self.before in _NODE_DOUBTFUL:
            self._doubtful_slash()
        elif self._is_after_value():
            self._operator()
        else:
            self._regular_expression()

    def _is_after_value(self) -> bool:
        if _WORD.fullmatch(self.before):
            return self.before not in _NODE_OPERATORS
        is_literal = self.before in {TEMPLATE, "'", '"', "`"}
        return is_literal or bool(_NUMBER.fullmatch(self.before))

    def _operator(self) -> None:
        self.before = "/"
        self.at += 1

    def _doubtful_slash(self) -> None:
        """Behind a bracket it may divide or begin a regular expression: one that can't harm is
        alone on its line."""
        end = self.text.find("\n", self.at)
        rest = self.text[self.at + 1 :] if end < 0 else self.text[self.at + 1 : end]
        if "/" in rest:
            raise LostError("a `/` that may divide or begin a regular expression")
        self._operator()

    def _regular_expression(self) -> None:
        at = self.at + 1
        is_class = False
        while is_class or self.text[at : at + 1] != "/":
            char = self.text[at : at + 1]
            if char in {"", "\n", "\r", "\u2028", "\u2029"}:
                raise LostError("a regular expression that is never closed")
            is_class = char == "[" or (is_class and char != "]")
            at += 2 if char == "\\" else 1
        self.refuse_to(at + 1, "inside a regular expression")
        self.before = "'"

    def _template_literal(self) -> None:
        """Up to the closing backtick; what stands in `${…}` is read only to find its end."""
        at = self.at + 1
        while self.text[at : at + 1] != "`":
            if at >= len(self.text):
                raise LostError("a template literal that is never closed")
            if self.text.startswith("${", at):
                at = self._field_end(at + 2)
            else:
                at += 2 if self.text[at] == "\\" else 1
        self.refuse_to(at + 1, "inside a template literal")
        self.before = "`"

    def _field_end(self, at: int) -> int:
        """The offset behind the `}` of a field without strings, comments or brackets in it."""
        end = self.text.find("}", at)
        if end < 0 or any(char in "{'\"`/" for char in self.text[at:end]):
            raise LostError("a template literal with strings or brackets in its fields")
        return end + 1
