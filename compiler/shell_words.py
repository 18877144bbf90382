"""Words of a shell script: where quotes, expansions and substitutions begin and end.

The script may be read by any POSIX shell: `sh` is dash on one host and bash on the next. So what
two shells read differently is not understood here: `LostError` says so, and no template behind it
counts as proved. The commands around the words are in `compiler/shell_grammar.py`.
"""

import re

from orch.compiler.places import Context, LostError
from orch.compiler.shell_text import TextScanner
from orch.compiler.shell_variables import Variables
from orch.compiler.words import ASSIGNMENT, EXPANSION, POSITIONAL, TEMPLATE, Spot, Word

METACHARACTERS = frozenset(" \t\n|&;()<>")

_PLAIN_QUOTED = re.compile(r'"\$?\w*"')
_BRACKET_BEGINS = re.compile(r"\[[!^]?$")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|(?<=\$)[0-9@*]|(?<=\$\{)[0-9@*]")
_INDIRECT = re.compile(r"!([A-Za-z_]\w*|[0-9]+)|([A-Za-z_]\w*|[0-9@*]+)@P$", re.ASCII)
EXPANDED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*|[0-9@*])")
_EVALUATOR = re.compile(r"\b(?:eval|let|sh -c|bash -c)\b")
_EVALUATED = re.compile(r"\[|:(?![-+=?])")


class WordScanner(TextScanner):
    """Reads words."""

    def __init__(self, text: str, numbers: dict[int, int], *, is_bash: bool) -> None:
        super().__init__(text, numbers, is_bash=is_bash)
        self.variables = Variables(is_bash=is_bash)

    # -- words ------------------------------------------------------------------

    def scan_word(self) -> Word:
        """The word at `at`; an empty one where an operator stands."""
        word = Word(self.at)
        while (char := self.peek()) and self.scan_part(word, char):
            pass
        word.source = self.text[word.start : self.at].replace("\\\n", "")
        word.end = self.at
        word.is_followed_by_redirection = char in {"<", ">", "("}
        return word

    def scan_part(self, word: Word, char: str) -> bool:
        """Reads a part of a word; False at its end."""
        if char in METACHARACTERS:
            return self._scan_metacharacter(word, char)
        reader = _PARTS.get(char)
        if reader is not None:
            getattr(self, reader)(word)
        elif self.at in self.numbers:
            self.add_spot(word, "bare")
        else:
            word.text += char
            self.at += 1
        return True

    def _scan_metacharacter(self, word: Word, char: str) -> bool:
        """The few metacharacters that go on with a word in bash."""
        if char in "<>" and self.peek(1) == "(":
            if not self.is_bash:
                raise LostError("a process substitution")
            self.at += 2
            self.scan_list(")", is_fed=char == ">")
            word.text += EXPANSION
            return True
        if char != "(" or self.at == word.start:
            return False
        if name := ASSIGNMENT.fullmatch(self.text, word.start, self.at):
            if not self.is_bash:
                raise LostError("an array")
            self.at += 1
            with self.deeper():
                self.scan_array(name[0].rstrip("+="))
            word.text += EXPANSION
            return True
        if self.text[self.at - 1] in "?*+@!":
            self._scan_extended_pattern(word)
            return True
        return False

    def _scan_extended_pattern(self, word: Word) -> None:
        is_first = self.at - 1 == word.start
        if not self.is_bash or (is_first and self.text[word.start] == "!"):
            # `!(…)` at a word's beginning is a subshell to some shells.
            raise LostError("an extended pattern")
        word.text += EXPANSION
        with self.forced("an extended pattern"):
            self.scan_balanced()

    def scan_balanced(self) -> None:
        """Past a bracket and what is in it, whatever its words are."""
        depth = 0
        inside = Word(self.at)
        while char := self.peek():
            if char in "()":
                depth += 1 if char == "(" else -1
                self.at += 1
                if depth == 0:
                    return
            elif char in METACHARACTERS:
                self.at += 1
            else:
                self.scan_part(inside, char)
        raise LostError("a `(` that is never closed")

    def add_spot(self, word: Word, context: Context, *, is_after_variable: bool = False) -> None:
        """A template of the word, in the context named; goes past it."""
        word.text += TEMPLATE
        if self._forced is not None:
            self.refuse(self._forced)
            return
        number = self.numbers[self.at]
        word.spots.append(Spot(number, context, is_after_variable, word.brackets > 0))
        self.at += 1

    def _scan_brace(self, word: Word) -> None:
        # `{}` alone is no brace expansion: find and xargs use it.
        word.has_brace = word.has_brace or self.peek(1) != "}"
        word.text += "{"
        self.at += 1

    def _scan_bracket(self, word: Word) -> None:
        """A subscript or a pattern; a `]` that stands first in a pattern closes nothing."""
        char = self.peek()
        if char == "[":
            word.brackets += 1
        elif word.brackets and not _BRACKET_BEGINS.search(self.text[self.at - 2 : self.at]):
            word.brackets -= 1
        word.text += char
        self.at += 1

    # -- quotes -----------------------------------------------------------------

    def _scan_backslash(self, word: Word) -> None:
        self.at += 1
        if not self.peek():
            raise LostError("a backslash at the very end")
        if self.at in self.numbers:
            word.text += TEMPLATE
            self.refuse("right after a backslash")
            return
        if self.peek() != "\n":
            word.text += self.peek()
        self.at += 1

    def _scan_single(self, word: Word) -> None:
        self.at += 1
        while self.peek() != "'":
            if not self.peek():
                raise LostError("a single quote that is never closed")
            if self.at in self.numbers:
                self.add_spot(word, "single")
            else:
                word.text += self.peek()
                self.at += 1
        self.at += 1

    def _scan_double(self, word: Word) -> None:
        self.at += 1
        variable_end = -1
        while (char := self.peek()) != '"':
            if not char:
                raise LostError("a double quote that is never closed")
            if self.at in self.numbers:
                self.add_spot(word, "double", is_after_variable=variable_end == self.at)
            elif char == "\\":
                self._scan_backslash_in_double(word)
            elif char == "$":
                variable_end = self._scan_dollar(word, is_double=True)
            elif char == "`":
                self._scan_backticks(word)
            else:
                word.text += char
                self.at += 1
        self.at += 1

    def _scan_backslash_in_double(self, word: Word) -> None:
        if self.peek(1) in {"$", "`", '"', "\\", "\n", ""} or self.at + 1 in self.numbers:
            self._scan_backslash(word)
        else:
            word.text += self.text[self.at : self.at + 2]
            self.at += 2

    def _scan_backticks(self, word: Word) -> None:
        """The first backtick without a backslash ends it, whatever quotes stand between."""
        word.text += EXPANSION
        self.at += 1
        start = self.at
        while (char := self.peek()) != "`":
            if not char:
                raise LostError("a backtick that is never closed")
            if char == "\\":
                self.at += 1
            if self.at in self.numbers:
                self.refuse("inside backticks")
            else:
                self.at += 1
        # The commands in them are not read: what one that evaluates may get counts.
        names = EXPANDED.findall(self.text, start, self.at)
        word.variables += names
        if evaluator := _EVALUATOR.search(self.text, start, self.at):
            self.variables.evaluate(names, evaluator[0])
        self.at += 1

    # -- expansions ---------------------------------------------------------------

    def _scan_bare_dollar(self, word: Word) -> None:
        if self.peek(1) == "'":
            word.text += EXPANSION
            self._scan_ansi_quotes()
        elif self.peek(1) == '"':
            self.at += 1
            with self.forced('inside `$"…"`'):
                self._scan_double(word)
        else:
            self._scan_dollar(word, is_double=False)

    def _scan_ansi_quotes(self) -> None:
        self.at += 2
        while (char := self.peek()) != "'":
            if not char:
                raise LostError("a single quote that is never closed")
            if char == "\\":
                if not self.is_bash:
                    raise LostError("`$'…'` with a backslash, which shells read differently")
                self.at += 1
            if self.at in self.numbers:
                self.refuse("inside `$'…'`")
            else:
                self.at += 1
        self.at += 1

    def _scan_dollar(self, word: Word, *, is_double: bool) -> int:
        """Past a `$` and what belongs to it; where it was a bare `$name`, the offset of its end."""
        self.at += 1
        char = self.peek()
        word.text += EXPANSION
        if self.at in self.numbers:
            self.refuse("right after a `$`")
        elif self.looking_at("(("):
            self.at += 2
            with self.deeper():
                self.scan_arithmetic()
        elif char == "(":
            self.at += 1
            self.refuse_continuation()
            self.scan_list(")")
        elif char == "{":
            self.at += 1
            with self.forced("inside `${…}`"), self.deeper():
                start = self.at
                inside = self._scan_parameter(is_double=is_double)
            self._note_parameter(word, self.text[start : self.at - 1], inside.variables)
        elif char == "[":
            raise LostError("`$[`")
        else:
            return self._scan_variable(word)
        return -1

    def _scan_variable(self, word: Word) -> int:
        name = _NAME.match(self.text, self.at)
        if name:
            word.variables.append(name[0])
            self.at = name.end()
        elif self.peek() in set("@*#?-$!0123456789"):
            if self.peek() not in "#?-$!":
                word.variables.append(POSITIONAL)
            self.at += 1
        else:
            word.text = word.text[: -len(EXPANSION)] + "$"
        if self.looking_at("\\\n"):
            raise LostError("a line continued right after a `$` or a variable")
        return self.at

    def _scan_parameter(self, *, is_double: bool) -> Word:
        """The inside of `${…}` and its closing brace."""
        if self.peek() in {" ", "\t", "\n", "|", ""}:
            raise LostError("`${` without a name")
        inside = Word(self.at)
        while (char := self.peek()) != "}":
            if char in {"", "{"} or (char == "'" and is_double):
                raise LostError("`${…}` with a quote or brace that shells read differently")
            if char == '"' and is_double:
                self._scan_inner_double()
            elif char == "$" and is_double:
                self._scan_dollar(inside, is_double=True)
            elif char in _PARTS:
                getattr(self, _PARTS[char])(inside)
            elif self.at in self.numbers:
                self.refuse("inside `${…}`")
            else:
                self.at += 1
        self.at += 1
        return inside

    def _note_parameter(self, word: Word, source: str, inside: list[str]) -> None:
        """Which variables `${…}` expands, those inside of it too, and which it evaluates."""
        name = _NAME.match(source.lstrip("!#"))
        word.variables += inside
        if name:
            word.variables.append(name[0])
            if source[name.end() :].startswith(("=", ":=")):
                for variable in inside:
                    self.variables.copy(variable, name[0])
        elif source[:1] in set("@*123456789") or source == "!#":
            word.variables.append(POSITIONAL)
        if source.endswith("@P"):
            self.variables.evaluate(word.variables[-1:], "${…}")
        if indirect := _INDIRECT.match(source):
            self.variables.evaluate([indirect[1] or indirect[2]], "${…}")
        if evaluated := _EVALUATED.search(source):
            self.variables.evaluate(_PARAMETER.findall(source, evaluated.start()), "${…}")

    def _scan_inner_double(self) -> None:
        """Double quotes in `${…}` in double quotes, as far as all shells find the same end."""
        end = self.text.find('"', self.at + 1)
        if end < 0 or any(char in "}{'`$\\" for char in self.text[self.at + 1 : end]):
            raise LostError("nested double quotes")
        self.refuse_all(self.at, end, "inside `${…}`")
        self.at = end + 1

    def scan_arithmetic(self) -> None:
        """Past `…))`. Whether `((` opens arithmetic or two subshells must be beyond doubt."""
        depth = 2
        inside = Word(self.at)
        start = self.at
        with self.forced("inside arithmetic"):
            while depth:
                char = self.peek()
                if quoted := _PLAIN_QUOTED.match(self.text, self.at):
                    self.at = quoted.end()
                elif char in {"", "'", '"', "\\", "`"}:
                    raise LostError("arithmetic that may be something else")
                elif char == "$":
                    self._scan_dollar(inside, is_double=False)
                elif self.at in self.numbers:
                    self.refuse("inside arithmetic")
                else:
                    depth += {"(": 1, ")": -1}.get(char, 0)
                    self.at += 1
                    if depth == 1 and self.peek() != ")" and char == ")":
                        raise LostError("`((` that may be two subshells")
        self.variables.evaluate(_PARAMETER.findall(self.text, start, self.at), "((…))")

    # -- what the grammar adds ------------------------------------------------------

    def scan_list(self, closer: str, *, is_fed: bool = False) -> None:
        """Commands up to a closing bracket, and past it; the present pipeline may feed them."""
        raise NotImplementedError

    def scan_array(self, name: str) -> None:
        """The words of the array of that name, and the closing bracket."""
        raise NotImplementedError


_PARTS = {
    "\\": "_scan_backslash",
    "'": "_scan_single",
    '"': "_scan_double",
    "$": "_scan_bare_dollar",
    "`": "_scan_backticks",
    "{": "_scan_brace",
    "[": "_scan_bracket",
    "]": "_scan_bracket",
}
