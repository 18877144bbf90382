"""What the words of one shell command are to it: data, a name, an option, or code for a reader."""

import re
from collections.abc import Iterator, Sequence

from orch.compiler.places import Place, unproved
from orch.compiler.shell_builtins import (
    DECLARING,
    NAME_DUE,
    TESTS,
    BuiltinArguments,
    assigned_name,
    expanded_again,
)
from orch.compiler.shell_readers import (
    input_reader,
    is_wrapper,
    reads_file_as_code,
    second_readers,
)
from orch.compiler.words import TEMPLATE, Spot, Word
from orch.dsl.record import record


@record
class Role:
    """What a word is for: whether it may be several words, stand without quotes, be an option."""

    may_be_several: bool = False
    is_command: bool = False
    may_be_inert: bool = False
    may_be_option: bool = False
    second_reader: str | None = None
    unproved: str | None = None


AS_DATA = Role()
AS_TARGET = Role()
AS_CASE_WORD = Role()
AS_ITEM = Role(may_be_several=True)

_OPTIONLESS = frozenset({
    "[", "test", ":", "true", "false", "exit", "return", "break", "continue", "shift",
})  # fmt: skip
_QUOTED_NAME = re.compile(r"[A-Za-z0-9_\0'\"]+")

_ARITHMETIC_TESTS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_PATTERN_TESTS = frozenset({"=", "==", "!="})
_VARIABLE_TESTS = frozenset({"-v", "-R"})


def place_of(spot: Spot, word: Word, role: Role) -> Place:
    """The place of a template in a word with a role."""
    reason = role.unproved
    if spot.is_in_brackets:
        reason = "in a subscript or a pattern in brackets"
    elif word.has_brace:
        reason = "in a word that braces may expand"
    if reason is not None:
        return unproved(reason)
    return Place(
        spot.context,
        is_word=role.may_be_several and word.is_whole_template,
        is_command=role.is_command,
        is_argument=role.may_be_inert,
        is_after_variable=spot.is_after_variable,
        may_be_option=role.may_be_option and spot is word.spots[0],
        second_reader=role.second_reader,
    )


class SimpleCommand:
    """A simple command: its assignments, the word that names it, and what each word is to it.

    `name` is the literal name without its folder, `builtin` with it, None where there is none;
    `arguments` are the words behind it; `command` and `builtin` before it don't count.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        count = 0
        while count < len(words) and assigned_name(words[count].source) is not None:
            count += 1
        self.assignments = words[:count]
        self._words = words[count:]
        self._literals = [word.literal for word in self._words]
        self._names = [_basename(literal) for literal in self._literals]
        self._start = self._builtin_start()
        has_name = self._start < len(self._words)
        self.name = self._names[self._start] if has_name else None
        self.builtin = self._literals[self._start] if has_name else None
        self.arguments = self._words[self._start + 1 :]
        self._arguments = BuiltinArguments(self._words, self._start)
        self._readers = second_readers(self._words, self._names) if self._words else {}
        ends = [at for at, literal in enumerate(self._literals) if literal == "--"]
        self._end_of_options = ends[0] if ends else len(self._words)
        self.is_declaring = self.builtin in DECLARING

    def _builtin_start(self) -> int:
        """Where the command itself stands behind `command` and `builtin`."""
        at = 0
        while at < len(self._names) and self._names[at] in {"command", "builtin"}:
            at += 1
            while at < len(self._names) and (self._literals[at] or "").startswith("-"):
                at += 1
        return at

    def places(self) -> Iterator[tuple[Spot, Place]]:
        """The place of every template."""
        for word in self.assignments:
            role = Role(unproved=expanded_again(word))
            for spot in word.spots:
                yield spot, place_of(spot, word, role)
        for number, word in enumerate(self._words):
            if word.spots:
                is_name = number == 0 and _has_template_in_name(word.source)
                role = Role(unproved=NAME_DUE) if is_name else self._role(number)
                for spot in word.spots:
                    yield spot, place_of(spot, word, role)

    def assigned(self) -> Iterator[tuple[Word, str, bool]]:
        """Words that assign, the names of the variables, and whether these are declared."""
        for word in self.assignments:
            yield word, assigned_name(word.source) or "", False
        if self.is_declaring:
            for word in self.arguments:
                yield word, assigned_name(word.source) or "", True

    def readers(self) -> Iterator[tuple[Word, str]]:
        """The words whose text is taken apart again, and who does it."""
        for word in self.assignments:
            if "[" in word.source.split("=", 1)[0]:
                yield word, "a subscript"
        for number, word in enumerate(self._words):
            if number and (reader := self._reader(number)) is not None:
                yield word, reader
            elif number == 0 and "$(" in word.source and word.keyword is None:
                yield word, "$(…)"

    def _reader(self, number: int) -> str | None:
        reader = self._readers.get(number)
        if reader is None and number > self._start:
            word = self._words[number]
            is_refused = self._arguments.refusal(number) is not None
            is_taken = is_refused and (bool(word.variables) or "$(" in word.source)
            is_file = word.source.startswith("<(") and reads_file_as_code(self.name)
            return self.name if is_taken or is_file else None
        return reader

    def input_reader(self) -> str | None:
        """The name of the command, if what it reads from its input is code to it."""
        return input_reader(self._words, self._names) if self._words else None

    def _role(self, number: int) -> Role:
        """What the word of that number is."""
        if number == 0:
            return Role(may_be_several=True, is_command=True)
        reason = None
        if number > self._start:
            reason = self._arguments.refusal(number)
        is_wrapped = is_wrapper(self._names[0])
        if is_wrapped and reason is None:
            # As in `env PS4=… sh`.
            reason = expanded_again(self._words[number])
        return Role(
            # Of several words one could become an operator such as `-v`, the next its operand.
            may_be_several=self.name not in TESTS,
            may_be_inert=not is_wrapped and self._start == 0 and self._words[number].is_inert,
            may_be_option=self._may_be_option(number),
            second_reader=self._readers.get(number),
            unproved=reason,
        )

    def _may_be_option(self, number: int) -> bool:
        if not self._words[number].text.startswith(TEMPLATE) or self.name in _OPTIONLESS:
            return False
        if self.name == "printf" and number > self._start + 1:
            return False
        return number < self._end_of_options


def _has_template_in_name(source: str) -> bool:
    """Whether a template is a part of the name that a word may assign to."""
    name = _QUOTED_NAME.match(source)
    if name is None or TEMPLATE not in name[0]:
        return False
    rest = source[name.end() :]
    return re.match(r"\+?=", rest) is not None or bool(
        rest.startswith("[") and re.search(r"\]\+?=", rest)
    )


def _basename(literal: str | None) -> str | None:
    return None if literal is None else literal.rsplit("/", 1)[-1]


def judge_condition(words: Sequence[Word]) -> Iterator[tuple[Spot, Place]]:
    """The places of the templates in one test of `[[ … ]]`."""
    sources = {word.source for word in words}
    reason = None
    if sources & _ARITHMETIC_TESTS:
        reason = "inside arithmetic"
    elif sources & _VARIABLE_TESTS:
        reason = NAME_DUE
    is_pattern = False
    for word in words:
        role = Role(unproved=reason or ("in a pattern of `[[`" if is_pattern else None))
        for spot in word.spots:
            yield spot, place_of(spot, word, role)
        is_pattern = is_pattern or word.source in _PATTERN_TESTS


def evaluates(words: Sequence[Word]) -> bool:
    """Whether a test of `[[ … ]]` evaluates its words as numbers or names."""
    return bool({word.source for word in words} & (_ARITHMETIC_TESTS | _VARIABLE_TESTS))
