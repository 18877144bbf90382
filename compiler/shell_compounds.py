"""Compound commands of a shell script: `case`, `for`, functions, `[[ … ]]`, arrays.

Each reader begins behind the reserved word and ends where an ordinary command may begin.
"""

import re

from orch.compiler.here_documents import HereDocument
from orch.compiler.places import LostError, unproved
from orch.compiler.shell_builtins import is_expanded_again
from orch.compiler.shell_commands import (
    AS_CASE_WORD,
    AS_ITEM,
    Role,
    SimpleCommand,
    evaluates,
    judge_condition,
    place_of,
)
from orch.compiler.shell_words import WordScanner
from orch.compiler.words import POSITIONAL, Word
from orch.dsl.record import changed

COMPOUND_READERS = {
    "case": "_scan_case",
    "for": "_scan_for",
    "select": "_scan_for",
    "function": "_scan_function",
    "coproc": "_scan_coprocess",
    "[[": "_scan_condition",
    "time": "_scan_time",
}
"""Reserved words and the methods that read what follows them."""

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TIME_OPTION = re.compile(r"[ \t]+(?:-p|--)(?=[ \t\n])")


class CompoundScanner(WordScanner):
    """Reads compound commands.

    `documents` are the here-documents that begin at the next line end.
    """

    def __init__(self, text: str, numbers: dict[int, int], *, is_bash: bool) -> None:
        super().__init__(text, numbers, is_bash=is_bash)
        self.documents: list[HereDocument] = []

    def scan_branch(self) -> str:
        """The commands of a branch of `case`, and past their end; what that was."""
        raise NotImplementedError

    def settle(self, word: Word, role: Role) -> None:
        """The places of a word that is no part of a simple command."""
        for spot in word.spots:
            self.places[spot.number] = place_of(spot, word, role)

    def refuse_spots(self, word: Word, reason: str) -> None:
        """No template of a word is proved."""
        for spot in word.spots:
            self.places[spot.number] = unproved(reason)

    def skip_comment(self) -> None:
        """Past a comment, but not its line end."""
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        self.refuse_all(self.at, end, "inside a comment")
        self.at = end

    def skip_lines(self) -> None:
        """Past white space, line ends and comments, where a command goes on behind them."""
        while True:
            self.skip_blanks()
            if self.peek() == "\n":
                if self.documents:
                    raise LostError("a here-document inside of another command")
                self.at += 1
            elif self.peek() == "#":
                self.skip_comment()
            else:
                return

    def _scan_time(self) -> None:
        """`time` and its options, behind which a command begins."""
        while option := _TIME_OPTION.match(self.text, self.at):
            self.at = option.end()

    def _scan_function(self) -> None:
        if not self.is_bash:
            raise LostError("`function`, which only some shells know")
        self.skip_blanks()
        name = self.scan_word()
        self.variables.define_function(name.text)
        self.refuse_spots(name, "in the name of a function")
        self.skip_blanks()
        if self.peek() == "(":
            self.at += 1
            self.skip_blanks()
            if self.peek() != ")":
                raise LostError("a `(` behind a function's name")
            self.at += 1

    def _scan_coprocess(self) -> None:
        raise LostError("`coproc`")

    def _scan_for(self) -> None:
        self.skip_blanks()
        if self.looking_at("(("):
            if not self.is_bash:
                raise LostError("`for ((`, which only some shells know")
            self.at += 2
            self.scan_arithmetic()
            return
        variable = self.scan_word()
        self.refuse_spots(variable, "where the name of a variable is due")
        self.skip_lines()
        before = self.at
        if self.scan_word().keyword != "in":
            self.at = before
            self.variables.copy(POSITIONAL, variable.text)
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
            if is_expanded_again(variable.text):
                self.refuse_spots(word, "in a variable that the shell expands again")
            else:
                self.settle(word, AS_ITEM)
            self.variables.assign(word, variable.text)

    def _scan_case(self) -> None:
        self.skip_blanks()
        word = self.scan_word()
        self.settle(word, AS_CASE_WORD)
        self.skip_lines()
        if not word.source or self.scan_word().keyword != "in":
            raise LostError("a `case` without `in`")
        while True:
            self.skip_lines()
            if self._scan_patterns():
                return
            if self.scan_branch() == "esac":
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
            self.refuse_spots(word, "in a pattern of `case`")
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
                words.append(word)
                if word.keyword == "=~":
                    with self.forced("in a regular expression of `[[`"):
                        self._scan_regular_expression()

    def _scan_regular_expression(self) -> None:
        """The word behind `=~`, in which brackets and bars need no quotes."""
        self.skip_blanks()
        depth = 0
        inside = Word(self.at)
        while depth or self.peek() not in {" ", "\t"}:
            char = self.peek()
            if char in {"", "\n", ";", "&", "<", ">"}:
                raise LostError("a regular expression of `[[` that isn't plain")
            if char in "()| \t":
                depth += {"(": 1, ")": -1}.get(char, 0)
                self.at += 1
            else:
                self.scan_part(inside, char)

    def _skip_lines_of_condition(self) -> None:
        while self.peek() in {" ", "\t", "\n"} or self.looking_at("\\\n"):
            self.at += 2 if self.peek() == "\\" else 1
        if self.peek() == "#":
            raise LostError("a `#` inside `[[`")

    def _judge_condition(self, words: list[Word]) -> None:
        if evaluates(words):
            for word in words:
                self.variables.evaluate([*_NAMES.findall(word.source), *word.variables], "[[")
        if any(word.source == "=~" for word in words):
            for word in words:
                self.variables.assign(word, "BASH_REMATCH")
        for spot, place in judge_condition(words):
            self.places[spot.number] = place

    def scan_array(self, name: str) -> None:
        self.variables.make_array(name)
        start = self.at
        words: list[Word] = []
        while True:
            self.skip_lines()
            if self.peek() == ")":
                self.at += 1
                self._judge_array(words)
                return
            word = self.scan_word()
            if not word.source:
                raise LostError("an array without its `)`")
            if word.is_open_subscript:
                self.refuse_all(start, self.at, "in a subscript with blanks in it")
                raise LostError("a subscript with blanks in it")
            words.append(word)
            self.settle(word, AS_ITEM)
            self.variables.assign(word, name)

    def _judge_array(self, words: list[Word]) -> None:
        """An array may hold a command, as in `run=(sh -c TEXT)`."""
        for word, reader in SimpleCommand(words).readers():
            for spot in word.spots:
                place = self.places[spot.number]
                if place.context != "unproved":
                    self.places[spot.number] = changed(place, second_reader=reader)
