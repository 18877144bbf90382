"""What the words of one shell command are to it: data, a name, an option, or code for a reader."""

import re
from collections.abc import Iterator, Sequence

from orch.compiler.places import Place, unproved
from orch.compiler.words import ASSIGNMENT, TEMPLATE, Spot, Word
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

_NAME_DUE = "where the name of a variable is due"

_WRAPPERS = frozenset({
    "env", "sudo", "doas", "exec", "nohup", "nice", "ionice", "time", "timeout", "setsid",
    "stdbuf", "chroot", "unshare", "chronic", "command", "builtin", "busybox", "flock", "strace",
    "systemd-run",
})  # fmt: skip
"""Commands that start the command in their arguments."""

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"})
_INTERPRETERS = re.compile(r"python[0-9.]*|pypy[0-9.]*|perl|ruby|node|nodejs|php|lua|deno|bun")
_ARGUMENTS_ARE_CODE = frozenset({"eval", "ssh", "xargs", "trap", "alias", "watch", "parallel"})

_NAMING = frozenset({"unset", "read", "getopts", "mapfile", "readarray", "let"})
"""Builtins whose arguments are names, or expressions, that bash evaluates."""

_DECLARING = frozenset({"declare", "typeset", "local", "readonly", "export"})
_TESTS = frozenset({"[", "test"})
_OPTIONLESS = frozenset({
    "[", "test", ":", "true", "false", "exit", "return", "break", "continue", "shift",
})  # fmt: skip

# Variables whose values shells expand again, or evaluate as numbers and subscripts, with the
# command substitutions in them.
_EXPANDED_AGAIN = re.compile(
    r"(PS[0-4]|ENV|PROMPT_COMMAND|S?RANDOM|OPTIND|HISTCMD|SECONDS|LINENO|DIRSTACK|EPOCH\w+|BASH\w*)"
    r"(\[.*\])?\+?=",
    re.DOTALL,
)

_ELEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^\]=]*\])?\+?=")
_NAME_WITH_TEMPLATE = re.compile(r"[A-Za-z0-9_\0'\"]*\0[A-Za-z0-9_\0'\"]*(\[.*\])?\+?=", re.DOTALL)

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
        is_argument=role.may_be_inert and word.is_inert,
        is_after_variable=spot.is_after_variable,
        may_be_option=role.may_be_option and spot is word.spots[0],
        second_reader=role.second_reader,
    )


def sets_attributes(words: Sequence[Word]) -> bool:
    """Whether a command may give variables attributes that change what assigning means."""
    names = [word.literal for word in words]
    if not _DECLARING.intersection(name for name in names if name is not None):
        return False
    options = (name for name in names if name is not None and name[:1] in {"-", "+"})
    if any(set(option[1:]) & set("inAaul") for option in options):
        return True
    # What an expansion holds may be such an option; `export` and `readonly` know none.
    is_open = any(word.literal is None and not ASSIGNMENT.match(word.source) for word in words)
    return is_open and bool({"declare", "typeset", "local"}.intersection(filter(None, names)))


def judge_command(words: Sequence[Word]) -> Iterator[tuple[Spot, Place, bool]]:
    """The place of every template of a simple command, and whether it is assigned to a variable."""
    count = 0
    while count < len(words) and _ELEMENT.match(words[count].source):
        role = Role(unproved=_expanded_again(words[count]))
        for spot in words[count].spots:
            yield spot, place_of(spot, words[count], role), True
        count += 1
    arguments = words[count:]
    if not any(word.spots for word in arguments):
        return
    if _NAME_WITH_TEMPLATE.match(arguments[0].source):
        for spot in arguments[0].spots:
            yield spot, unproved(_NAME_DUE), False
    command = _Command(arguments)
    for number, word in enumerate(arguments):
        if number or not _NAME_WITH_TEMPLATE.match(word.source):
            role = command.role(number)
            is_assigned = command.is_declaring and bool(ASSIGNMENT.match(word.source))
            for spot in word.spots:
                yield spot, place_of(spot, word, role), is_assigned


def _expanded_again(word: Word) -> str | None:
    if _EXPANDED_AGAIN.match(word.source):
        return "in a variable that the shell expands again"
    return None


class _Command:
    """One simple command, its assignments taken away."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._literals = [word.literal for word in words]
        self._names = [_basename(literal) for literal in self._literals]
        self._is_wrapped = self._names[0] in _WRAPPERS
        self._start = self._builtin_start()
        self._name = self._names[self._start] if self._start < len(words) else None
        self.is_declaring = self._name in _DECLARING

    def _builtin_start(self) -> int:
        """Where the command itself stands behind `command` and `builtin`."""
        at = 0
        while at < len(self._names) and self._names[at] in {"command", "builtin"}:
            at += 1
            while at < len(self._names) and (self._literals[at] or "").startswith("-"):
                at += 1
        return at

    def role(self, number: int) -> Role:
        """What the word of that number is."""
        if number == 0:
            return Role(may_be_several=True, is_command=True)
        reason = self._unproved(number) if number > self._start else None
        return Role(
            # Of several words one could become an operator such as `-v`, the next its operand.
            may_be_several=self._name not in _TESTS,
            may_be_inert=not self._is_wrapped and self._start == 0,
            may_be_option=self._may_be_option(number),
            second_reader=self._second_reader(number),
            unproved=reason,
        )

    def _unproved(self, number: int) -> str | None:
        """Why an argument of a builtin of the shell is no plain data to it."""
        word, before = self._words[number], self._literals[number - 1]
        if self._name in _NAMING:
            return f"in an argument of `{self._name}`, which evaluates it"
        if self.is_declaring:
            # `declare x=…` assigns to an array that is there already as if it were code.
            is_plain = (
                ASSIGNMENT.match(word.source)
                and self._name not in {"declare", "typeset"}
                and not sets_attributes(self._words)
            )
            return _expanded_again(word) if is_plain else _NAME_DUE
        is_named = before == "-v" or (before or "").startswith("-v")
        is_format = number == self._start + 1 and word.text.startswith(TEMPLATE)
        if self._name == "printf" and is_format:
            return "as the format of `printf`, which may be an option that names a variable"
        if self._name == "printf" and (is_named or word.text.startswith("-v")):
            return _NAME_DUE
        if self._name in _TESTS and self._is_after_test_of_variable(number):
            return _NAME_DUE
        return None

    def _is_after_test_of_variable(self, number: int) -> bool:
        if number - 1 == self._start:
            return False
        # What an expansion holds may be such an operator.
        before = self._literals[number - 1]
        return before is None or before in _VARIABLE_TESTS

    def _may_be_option(self, number: int) -> bool:
        if not self._words[number].text.startswith(TEMPLATE) or self._name in _OPTIONLESS:
            return False
        if self._name == "printf" and number > self._start + 1:
            return False
        return "--" not in self._literals[:number]

    def _second_reader(self, number: int) -> str | None:
        starts = range(number) if self._is_wrapped else range(self._start, self._start + 1)
        for at in starts:
            name = self._names[at] if at < number else None
            if name in _ARGUMENTS_ARE_CODE:
                return name
            if name == "su" and self._is_code_of(at, number, "c", "--command"):
                return "su -c"
        for at, name in enumerate(self._names[:number]):
            if name in _SHELLS and self._is_code_of(at, number, "c"):
                return f"{name} -c"
            if name and _INTERPRETERS.fullmatch(name):
                for letter in "cer":
                    if self._is_code_of(at, number, letter, stops=True):
                        return f"{name} -{letter}"
        return None

    def _is_code_of(
        self, at: int, number: int, letter: str, long: str | None = None, *, stops: bool = False
    ) -> bool:
        """Whether a word is what an option such as `-c` of the command at `at` takes for code.

        With `stops` the options end at the first word that is none.
        """
        is_code_next = False
        for word in self._words[at + 1 : number]:
            is_option = word.text.startswith("-")
            if not is_option and (is_code_next or stops):
                return False
            is_short = is_option and not word.text.startswith("--") and letter in word.text
            is_code_next = is_code_next or is_short or (long is not None and word.text == long)
        return is_code_next or _is_glued(self._words[number].text, letter, long)


def _is_glued(text: str, letter: str, long: str | None) -> bool:
    """Whether an option holds its own argument: `-cCODE`, `--command=CODE`."""
    if long is not None and text.startswith(f"{long}="):
        return True
    head = text.split(TEMPLATE, 1)[0]
    return bool(re.match(rf"-[A-Za-z]*{letter}", head))


def _basename(literal: str | None) -> str | None:
    return None if literal is None else literal.rsplit("/", 1)[-1]


def judge_condition(words: Sequence[Word]) -> Iterator[tuple[Spot, Place]]:
    """The places of the templates in one test of `[[ … ]]`."""
    sources = {word.source for word in words}
    reason = None
    if sources & _ARITHMETIC_TESTS:
        reason = "inside arithmetic"
    elif sources & _VARIABLE_TESTS:
        reason = _NAME_DUE
    is_pattern = False
    for word in words:
        role = Role(unproved=reason or ("in a pattern of `[[`" if is_pattern else None))
        for spot in word.spots:
            yield spot, place_of(spot, word, role)
        is_pattern = is_pattern or word.source in _PATTERN_TESTS
