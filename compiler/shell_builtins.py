"""The shells' own commands: which arguments are plain data to them.

A program outside of the shell gets its arguments as they are. A command of the shell's own may
take them for names, subscripts or numbers, which it evaluates with the substitutions in them. So
a value counts as proved only in those arguments of builtins that are known to be harmless.
"""

import re
from collections.abc import Sequence

from orch.compiler.places import FORMAT_OF_PRINTF, OPTION_OF_PRINTF
from orch.compiler.words import ASSIGNMENT, TEMPLATE, Word

NAME_DUE = "where the name of a variable is due"

DECLARING = frozenset({"declare", "typeset", "local", "readonly", "export"})
TESTS = frozenset({"[", "test"})

BUILTINS = frozenset({
    *DECLARING, *TESTS,
    ".", ":", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "chdir", "command",
    "compgen", "complete", "compopt", "continue", "dirs", "disown", "echo", "enable", "eval",
    "exec", "exit", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill",
    "let", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "return",
    "set", "shift", "shopt", "source", "suspend", "times", "trap", "true", "type", "ulimit",
    "umask", "unalias", "unset", "wait",
    # Of the shells of the Korn family, any of which may be `sh`.
    "autoload", "emulate", "float", "functions", "global", "integer", "nameref", "print", "rename",
    "setopt", "unsetopt", "vared", "whence", "zmodload", "zparseopts",
})  # fmt: skip
"""The commands that are a shell's own in bash, dash, busybox or the Korn shells."""

_HARMLESS = frozenset({
    ".", ":", "break", "cd", "chdir", "command", "continue", "echo", "exec", "exit", "false",
    "kill", "popd", "pushd", "pwd", "return", "shift", "source", "times", "true", "type", "ulimit",
    "umask",
    # What they make of a value is the lint W0703, as it is for the shells that they resemble.
    "eval", "trap",
})  # fmt: skip

READING_INTO = frozenset({"read", "mapfile", "readarray", "getopts"})
"""Builtins that put what they find into variables."""

# Variables whose values shells expand again, or evaluate as numbers and subscripts, with the
# command substitutions in them.
_EXPANDED_AGAIN = re.compile(
    r"PS[0-4]|ENV|PROMPT_COMMAND|S?RANDOM|OPTIND|HISTCMD|SECONDS|LINENO|DIRSTACK|EPOCH\w+|BASH\w*"
    r"|MAILPATH|COMP_\w+|GROUPS|FUNCNAME|PPID|E?UID"
)

_VARIABLE_TESTS = frozenset({"-v", "-R"})

_PLAIN_OPTIONS = re.compile(r"[-+][aBbCEefhmnpTtuvx]*o?")
_PLAIN_OPTION_NAMES = frozenset({
    "allexport", "braceexpand", "errexit", "errtrace", "functrace", "hashall", "ignoreeof",
    "monitor", "noclobber", "noexec", "noglob", "nolog", "notify", "nounset", "onecmd", "physical",
    "pipefail", "privileged", "verbose", "xtrace",
})  # fmt: skip
_PLAIN_SWITCHES = frozenset({
    "autocd", "cdspell", "cdable_vars", "checkhash", "checkjobs", "checkwinsize", "cmdhist",
    "direxpand", "dirspell", "dotglob", "execfail", "extglob", "failglob", "force_fignore",
    "globasciiranges", "globskipdots", "globstar", "gnu_errfmt", "histappend", "hostcomplete",
    "huponexit", "inherit_errexit", "lastpipe", "lithist", "localvar_unset", "nocaseglob",
    "nocasematch", "nullglob", "progcomp", "shift_verbose", "sourcepath", "xpg_echo",
})  # fmt: skip


def runs_text(name: str) -> bool:
    """Whether a command of the shell's own evaluates what it gets."""
    return name in {"eval", "trap"} or (
        name in BUILTINS and name not in _HARMLESS and name not in TESTS and name != "printf"
    )


def is_expanded_again(variable: str) -> bool:
    """Whether shells evaluate what this variable holds."""
    return _EXPANDED_AGAIN.fullmatch(variable) is not None


def assigned_name(source: str) -> str | None:
    """The variable that a word assigns to, as in `x=…`, `x+=…` or `x[…]=…`; None where to none."""
    match = re.match(r"[A-Za-z_][A-Za-z0-9_]*", source)
    if match is None:
        return None
    at, depth = match.end(), 0
    while at < len(source) and (depth or source[at] == "["):
        depth += {"[": 1, "]": -1}.get(source[at], 0)
        at += 1
    return match[0] if re.match(r"\+?=", source[at : at + 2]) and not depth else None


def sets_attributes(words: Sequence[Word]) -> bool:
    """Whether a command may give variables attributes that change what assigning means."""
    names = [word.literal for word in words]
    if not DECLARING.intersection(name for name in names if name is not None):
        return bool({"integer", "float", "nameref"}.intersection(filter(None, names)))
    options = (name for name in names if name is not None and name[:1] in {"-", "+"})
    if any(set(option[1:]) & set("inAaul") for option in options):
        return True
    # What an expansion holds may be such an option; `export` and `readonly` know none.
    is_open = any(word.literal is None and not ASSIGNMENT.match(word.source) for word in words)
    return is_open and bool({"declare", "typeset", "local"}.intersection(filter(None, names)))


def changed_reading(name: str | None, arguments: Sequence[Word]) -> str | None:
    """Why nothing in a script with that command is proved: it changes how the shell reads."""
    if name in {"alias", "emulate", "setopt", "unsetopt"}:
        return f"in a script with `{name}`, which changes how the shell reads"
    if name == "set" and not _is_plain_set(arguments):
        return "in a script with a `set` that may change how the shell reads"
    if name == "shopt" and not _is_plain_shopt(arguments):
        return "in a script with a `shopt` that may change how the shell reads"
    return None


def _is_plain_set(arguments: Sequence[Word]) -> bool:
    is_name_due = False
    for word in arguments:
        text = word.literal
        if is_name_due:
            if text not in _PLAIN_OPTION_NAMES:
                return False
            is_name_due = False
        elif text is None:
            return False
        elif text in {"--", "-"} or text[:1] not in {"-", "+"}:
            return True
        elif not _PLAIN_OPTIONS.fullmatch(text):
            return False
        else:
            is_name_due = text.endswith("o")
    return True


def _is_plain_shopt(arguments: Sequence[Word]) -> bool:
    plain = _PLAIN_SWITCHES
    for word in arguments:
        text = word.literal
        if text is not None and re.fullmatch(r"-[supqo]+", text):
            plain = _PLAIN_OPTION_NAMES if "o" in text else plain
        elif text not in plain:
            return False
    return True


class BuiltinArguments:
    """The arguments of one command, if it is a builtin; `start` is the number of its own word."""

    def __init__(self, words: Sequence[Word], start: int) -> None:
        self._words = words
        self._start = start
        self._name = words[start].literal if start < len(words) else None
        literals = [word.literal for word in words]
        ends = [at for at in range(start + 1, len(words)) if literals[at] in {"--", "-"}]
        self._end_of_options = ends[0] if ends else len(words)
        self._last_open = max((at for at, text in enumerate(literals) if text is None), default=0)
        self._sets_attributes = self._name in DECLARING and sets_attributes(words)

    def refusal(self, number: int) -> str | None:
        """Why the argument of that number is no plain data to the command; None where it is."""
        name = self._name
        if name not in BUILTINS or name in _HARMLESS:
            return None
        if name in DECLARING:
            return self._refusal_of_declaration(self._words[number])
        if name in TESTS:
            return _refusal_of_test(self._words, self._start, number)
        if name == "printf":
            return self._refusal_of_printf(number)
        if name == "set":
            is_data = number > self._end_of_options
            return None if is_data else "where an option of the shell may be"
        return f"in an argument of `{name}`, which may evaluate it"

    def _refusal_of_declaration(self, word: Word) -> str | None:
        # `declare x=…` assigns to an array that is there already as if it were code.
        is_plain = (
            ASSIGNMENT.match(word.source)
            and self._name not in {"declare", "typeset"}
            and not self._sets_attributes
        )
        return expanded_again(word) if is_plain else NAME_DUE

    def _refusal_of_printf(self, number: int) -> str | None:
        word, before = self._words[number], self._words[number - 1].literal or ""
        is_first = number == self._start + 1
        if is_first and word.text.startswith(TEMPLATE):
            return OPTION_OF_PRINTF
        if word.text.startswith("-v") or (not is_first and before.startswith("-v")):
            return NAME_DUE
        is_format = is_first or (number == self._start + 2 and before == "--")
        if is_format and self._last_open > number:
            return FORMAT_OF_PRINTF
        return None


def expanded_again(word: Word) -> str | None:
    """Why the value of an assignment isn't proved."""
    variable = assigned_name(word.source)
    # What bash finds there in its environment is a function.
    is_function = word.text.startswith("BASH_FUNC_")
    if is_function or (variable is not None and is_expanded_again(variable)):
        return "in a variable that the shell expands again"
    return None


def _refusal_of_test(words: Sequence[Word], start: int, number: int) -> str | None:
    """What an expansion beside the value holds may be an operator that takes a name, or a name."""
    if number > start + 1:
        before = words[number - 1].literal
        if before is None or before in _VARIABLE_TESTS:
            return NAME_DUE
    behind = words[number + 1].literal if number + 1 < len(words) else ""
    return NAME_DUE if behind is None else None
