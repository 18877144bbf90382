"""The commands of a shell script, as far as they decide what a word is: data, name or code.

`find_shell_places` is the entry. Which words of a command are what is judged by
`compiler/shell_commands.py`, when the command has ended.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orch.compiler.places import LostError, Place, unproved
from orch.compiler.shell_commands import (
    AS_CASE_WORD,
    AS_ITEM,
    AS_TARGET,
    Role,
    judge_command,
    judge_condition,
    place_of,
    sets_attributes,
)
from orch.compiler.shell_words import TEMPLATE, Word, WordScanner

_LEADING = frozenset({"if", "then", "elif", "else", "do", "while", "until", "!", "{"})
_CLOSING = frozenset({"fi", "done", "}"})

_COMPOUND_READERS = {
    "case": "_scan_case",
    "for": "_scan_for",
    "select": "_scan_for",
    "function": "_scan_function",
    "coproc": "_scan_coprocess",
    "[[": "_scan_condition",
    "time": "_scan_time",
}

_READERS = {
    "\n": "_end_line",
    "#": "skip_comment",
    "<": "_scan_redirection",
    ">": "_scan_redirection",
    "(": "_scan_bracket_command",
}

_TIME_OPTION = re.compile(r"[ \t]+(?:-p|--)(?=[ \t\n])")
_REDIRECTION = re.compile(r"<<<|<<-|<<|<>|<&|>>|>&|>\||<|>")
_SEPARATOR = re.compile(r"&&|&>>|&>|&|\|\||\|&|\||;;&|;;|;&|;")


def find_shell_places(pieces: Sequence[str | None], *, is_bash: bool) -> tuple[Place, ...]:
    """The place of every template of a script; `pieces` are its texts, and None for a template."""
    if any(piece is not None and TEMPLATE in piece for piece in pieces):
        return tuple(unproved("in a script with a NUL") for piece in pieces if piece is None)
    numbers: dict[int, int] = {}
    offset = 0
    for piece in pieces:
        if piece is None:
            numbers[offset] = len(numbers)
        offset += 1 if piece is None else len(piece)
    text = "".join(TEMPLATE if piece is None else piece for piece in pieces)
    scanner = ShellScanner(text, numbers, is_bash=is_bash)
    reason = scanner.scan()
    return tuple(scanner.places.get(i, unproved(reason)) for i in range(len(numbers)))


@dataclass(frozen=True, slots=True)
class _HereDocument:
    delimiter: str
    is_quoted: bool
    strips_tabs: bool


class ShellScanner(WordScanner):
    """Reads the commands of a script from its beginning to its end."""

    def __init__(self, text: str, numbers: dict[int, int], *, is_bash: bool) -> None:
        super().__init__(text, numbers, is_bash=is_bash)
        self._documents: list[_HereDocument] = []
        self._barrier: int | None = None
        self._words: list[Word] = []
        self._is_begun = False
        self._is_strange = False
        self._assigned: list[int] = []

    def scan(self) -> str:
        """Finds all places; the answer is why those that are missing are not proved."""
        reason = "behind something that isn't understood"
        try:
            self._scan_commands("")
        except LostError as lost:
            reason = f"behind {lost.reason}"
        except RecursionError:
            reason = "behind substitutions nested too deeply"
        if self._barrier is not None:
            # Shells may have taken what follows that line end for a here-document.
            self.refuse_all(self._barrier, len(self.text), reason)
        if self._is_strange:
            for number in self._assigned:
                self.places[number] = unproved(
                    "assigned in a script that gives variables attributes, such as `declare -i`"
                )
        return reason

    # -- lists of commands --------------------------------------------------------

    def scan_list(self, closer: str) -> None:
        outer = self._words, self._documents, self._is_begun
        self._words, self._documents, self._is_begun = [], [], False
        self._scan_commands(closer)
        self._words, self._documents, self._is_begun = outer

    def _scan_commands(self, closer: str) -> str:
        """Commands up to `closer` (`)`, `esac` or the end), and past it; what it was."""
        while True:
            self.skip_blanks()
            char = self.peek()
            ended: str | None = None
            if char == "":
                return self._end_of_text(closer)
            if char == ")":
                return self._close(closer)
            if char in ";&|":
                ended = self._scan_separator(closer)
            elif char in _READERS and not (char in "<>" and self.peek(1) == "("):
                getattr(self, _READERS[char])()
            else:
                ended = self._scan_command_word(closer)
            if ended is not None:
                return ended

    def _end_of_text(self, closer: str) -> str:
        if closer:
            raise LostError(f"a command without its `{closer}`")
        self._end_command()
        return ""

    def _close(self, closer: str) -> str:
        if closer != ")":
            raise LostError("a `)` that closes nothing")
        self._end_command()
        if self._documents:
            raise LostError("a here-document that begins inside of brackets")
        self.at += 1
        return ")"

    def _end_line(self) -> None:
        self._end_command()
        self._skip_documents()

    def _end_command(self) -> None:
        words, self._words = self._words, []
        self._is_begun = False
        self._is_strange = self._is_strange or sets_attributes(words)
        for spot, place, is_assigned in judge_command(words):
            self.places[spot.number] = place
            if is_assigned:
                self._assigned.append(spot.number)

    def settle(self, word: Word, role: Role) -> None:
        """The places of a word that is no part of a simple command."""
        for spot in word.spots:
            self.places[spot.number] = place_of(spot, word, role)

    def skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        self.refuse_all(self.at, end, "inside a comment")
        self.at = end

    def _scan_separator(self, closer: str) -> str | None:
        """Past `;`, `&&` and the like; one that ends a branch of `case` is answered."""
        match = _SEPARATOR.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        self.refuse_continuation()
        if match[0] in {"&>", "&>>"}:
            # bash sends both streams there; to others the command has ended before.
            self._scan_target()
            return None
        self._end_command()
        if match[0] not in {";;", ";&", ";;&"}:
            return None
        if closer != "esac":
            raise LostError(f"a `{match[0]}` outside of `case`")
        return match[0]

    def _skip_lines(self) -> None:
        """Past white space, line ends and comments, where a command goes on behind them."""
        while True:
            self.skip_blanks()
            if self.peek() == "\n":
                if self._documents:
                    raise LostError("a here-document inside of another command")
                self.at += 1
            elif self.peek() == "#":
                self.skip_comment()
            else:
                return

    # -- redirections and here-documents ----------------------------------------------

    def _scan_redirection(self) -> None:
        match = _REDIRECTION.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        self.refuse_continuation()
        self._is_begun = True
        if match[0] in {"<<", "<<-"}:
            self._scan_delimiter(strips_tabs=match[0] == "<<-")
        elif match[0] == "<<<" and not self.is_bash:
            raise LostError("`<<<`")
        elif match[0] in {"<&", ">&"}:
            with self.forced("where a number of a stream is due"):
                self._scan_target()
        else:
            self._scan_target()

    def _scan_target(self) -> None:
        self.skip_blanks()
        word = self.scan_word()
        if not word.source:
            raise LostError("a redirection without a target")
        self.settle(word, AS_TARGET)

    def _scan_delimiter(self, *, strips_tabs: bool) -> None:
        self.skip_blanks()
        word = self.scan_word()
        if not word.source or word.literal is None or "`" in word.source or "$" in word.source:
            raise LostError("a here-document whose end isn't plain")
        is_quoted = word.source != word.text
        self._documents.append(_HereDocument(word.text, is_quoted, strips_tabs))
        if self._barrier is None:
            line_end = self.text.find("\n", self.at)
            self._barrier = len(self.text) if line_end < 0 else line_end

    def _skip_documents(self) -> None:
        """Past the here-documents that begin with this line."""
        documents, self._documents = self._documents, []
        if documents and self.at != self._barrier:
            raise LostError("a here-document inside of another command")
        self.at += 1
        for document in documents:
            start = self.at
            self._skip_document(document)
            self.refuse_all(start, self.at, "inside a here-document")
        if documents:
            self._barrier = None

    def _skip_document(self, document: _HereDocument) -> None:
        is_continued = False
        while self.peek():
            end = self.text.find("\n", self.at)
            line = self.text[self.at :] if end < 0 else self.text[self.at : end]
            self.at = len(self.text) if end < 0 else end + 1
            if document.strips_tabs:
                line = line.lstrip("\t")
            if line == document.delimiter:
                if is_continued:
                    raise LostError("a here-document that ends in a continued line")
                return
            if not document.is_quoted:
                _refuse_open_line(line)
                is_continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1

    # -- compound commands ----------------------------------------------------------

    def _scan_command_word(self, closer: str) -> str | None:
        """A word of a command, or a reserved word; answers the `esac` that was waited for."""
        word = self.scan_word()
        if not word.source:
            raise LostError(f"`{self.peek()}`")
        keyword = None if self._words or self._is_begun else word.keyword
        if keyword is not None and not self._before_redirection(word):
            if keyword == "esac":
                if closer != "esac":
                    raise LostError("an `esac` without `case`")
                return "esac"
            if keyword in _LEADING or keyword in _CLOSING:
                return None
            if keyword in _COMPOUND_READERS:
                getattr(self, _COMPOUND_READERS[keyword])()
                return None
        if not self._before_redirection(word):
            self._words.append(word)
        return None

    def _before_redirection(self, word: Word) -> bool:
        """Whether a word is the number of a stream, as in `2>file`."""
        is_number = word.source.isascii() and word.source.isdigit()
        return is_number and self.peek() in {"<", ">"}

    def _scan_time(self) -> None:
        """`time` and its options, behind which a command begins."""
        while option := _TIME_OPTION.match(self.text, self.at):
            self.at = option.end()

    def _scan_bracket_command(self) -> None:
        """`(…)` and `((…))` where a command may begin, or the brackets of `name()`."""
        if self._words:
            self._scan_function_brackets()
        elif self.looking_at("(("):
            self.at += 2
            self.scan_arithmetic()
        else:
            self.at += 1
            self.refuse_continuation()
            self.scan_list(")")

    def _scan_function_brackets(self) -> None:
        name = self._words[0]
        self.at += 1
        self.skip_blanks()
        if len(self._words) != 1 or name.keyword is None or self.peek() != ")":
            raise LostError("a `(` inside of a command")
        self.at += 1
        self._refuse_spots(name, "in the name of a function")
        self._words = []

    def _scan_function(self) -> None:
        if not self.is_bash:
            raise LostError("`function`, which only some shells know")
        self.skip_blanks()
        self._refuse_spots(self.scan_word(), "in the name of a function")
        self.skip_blanks()
        if self.peek() == "(":
            self.at += 1
            self.skip_blanks()
            if self.peek() != ")":
                raise LostError("a `(` behind a function's name")
            self.at += 1

    def _scan_coprocess(self) -> None:
        raise LostError("`coproc`")

    def _refuse_spots(self, word: Word, reason: str) -> None:
        for spot in word.spots:
            self.places[spot.number] = unproved(reason)

    def _scan_for(self) -> None:
        self.skip_blanks()
        if self.looking_at("(("):
            if not self.is_bash:
                raise LostError("`for ((`, which only some shells know")
            self.at += 2
            self.scan_arithmetic()
            return
        self._refuse_spots(self.scan_word(), "where the name of a variable is due")
        self._skip_lines()
        before = self.at
        if self.scan_word().keyword != "in":
            self.at = before
            return
        while True:
            self.skip_blanks()
            if self.peek() in {";", "\n", ""}:
                return
            if self.peek() == "#":
                self.skip_comment()
                return
            word = self.scan_word()
            if not word.source:
                raise LostError(f"a `{self.peek()}` in the list of a `for`")
            self.settle(word, AS_ITEM)
            self._assigned += [spot.number for spot in word.spots]

    def _scan_case(self) -> None:
        self.skip_blanks()
        word = self.scan_word()
        self.settle(word, AS_CASE_WORD)
        self._skip_lines()
        if not word.source or self.scan_word().keyword != "in":
            raise LostError("a `case` without `in`")
        while True:
            self._skip_lines()
            if self._scan_patterns():
                return
            outer, self._words = self._words, []
            ended = self._scan_commands("esac")
            self._end_command()
            self._words = outer
            if ended == "esac":
                return

    def _scan_patterns(self) -> bool:
        """The patterns of a branch and their `)`; True where `esac` stands instead."""
        is_bracketed = self.peek() == "("
        if is_bracketed:
            self.at += 1
            self.skip_blanks()
        while True:
            word = self.scan_word()
            if not word.source:
                raise LostError("a branch of `case` without a pattern")
            if word.keyword == "esac" and not is_bracketed:
                return True
            self._refuse_spots(word, "in a pattern of `case`")
            self.skip_blanks()
            if self.peek() not in {"|", ")"}:
                raise LostError("a pattern of `case` without its `)`")
            self.at += 1
            if self.text[self.at - 1] == ")":
                return False
            self.skip_blanks()

    def _scan_condition(self) -> None:
        if self.is_bash:
            self._scan_condition_words()
            return
        with self.forced("inside `[[`, which only some shells know"):
            self._scan_condition_words()

    def _scan_condition_words(self) -> None:
        """`[[ … ]]`: its words up to the next `&&`, `||` or bracket are judged together."""
        words: list[Word] = []
        while True:
            self._skip_lines_of_condition()
            operator = next((o for o in ("&&", "||", "(", ")", "<", ">") if self.looking_at(o)), "")
            if operator in {"<", ">"} and self.peek(1) != "(":
                self.at += 1
            elif operator in {"&&", "||", "(", ")"}:
                self._judge_condition(words)
                words = []
                self.at += len(operator)
            else:
                word = self.scan_word()
                if not word.source:
                    raise LostError("a `[[` without its `]]`")
                if word.keyword == "]]":
                    self._judge_condition(words)
                    return
                if word.keyword == "=~":
                    raise LostError("a regular expression of `[[ … =~ … ]]`")
                words.append(word)

    def _skip_lines_of_condition(self) -> None:
        while self.peek() in {" ", "\t", "\n"} or self.looking_at("\\\n"):
            self.at += 2 if self.peek() == "\\" else 1
        if self.peek() == "#":
            raise LostError("a `#` inside `[[`")

    def _judge_condition(self, words: list[Word]) -> None:
        for spot, place in judge_condition(words):
            self.places[spot.number] = place

    def scan_array(self) -> None:
        while True:
            self._skip_lines()
            if self.peek() == ")":
                self.at += 1
                return
            word = self.scan_word()
            if not word.source:
                raise LostError("an array without its `)`")
            self.settle(word, AS_ITEM)
            self._assigned += [spot.number for spot in word.spots]


_OPENERS = re.compile(r"\$[({]|`")


def _refuse_open_line(line: str) -> None:
    """A substitution in a here-document must end in its line: shells look for the end apart."""
    if _OPENERS.search(line):
        pairs = (line.count("(") - line.count(")"), line.count("{") - line.count("}"))
        if pairs != (0, 0) or line.count("`") % 2:
            raise LostError("a substitution over several lines in a here-document")
