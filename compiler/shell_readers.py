"""Commands that take the text of an argument apart again: shells, interpreters, programs as text.

The table names those that people use in pipelines. It is the ground of a lint (W0703), never of a
proof: what a program that stands nowhere here does with its arguments is its own affair.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from orch.compiler.words import TEMPLATE, Word
from orch.dsl.record import record

_ALL = 1_000_000
_MOST_STARTS = 20


@record
class Reader:
    """Which arguments of a command are code.

    `letters` and `longs` are options whose argument is code, `valued` and `long_valued` those
    with another one, `files` those that name a file of code instead. Of the arguments that are no
    options those from `first` up to `last` are code. `mixes`: options may stand behind arguments.
    `clusters`: an option never holds its argument, as in `sh -ce CODE`. `reads_input`: without a
    script its input is code.
    """

    letters: str = ""
    longs: tuple[str, ...] = ()
    valued: str = ""
    long_valued: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    first: int = _ALL
    last: int = _ALL
    mixes: bool = False
    clusters: bool = False
    reads_input: bool = False


_SHELL = Reader(
    letters="c", valued="oO", long_valued=("--rcfile", "--init-file"), clusters=True,
    reads_input=True,
)  # fmt: skip
_PYTHON = Reader(letters="c", valued="WX", files=("-m",), reads_input=True)
_NODE = Reader(
    letters="ep", longs=("--eval", "--print"), valued="rC",
    long_valued=("--require", "--import", "--loader", "--conditions"), reads_input=True,
)  # fmt: skip
_EVERYTHING = Reader(first=0)
_LOGIN = Reader(letters="c", longs=("--command", "--session-command"), valued="sgGw", mixes=True)
_AWK = Reader(
    letters="e", longs=("--source",), valued="vFil", long_valued=("--assign", "--include"),
    files=("-f", "--file"), first=0, last=0,
)  # fmt: skip
_JQ = Reader(
    valued="L", long_valued=("--indent",), files=("-f", "--from-file"), first=0, last=0, mixes=True
)

_READERS = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"), _SHELL),
    **dict.fromkeys(("python", "pypy"), _PYTHON),
    "perl": Reader(letters="eE", valued="I", reads_input=True),
    "ruby": Reader(letters="e", valued="IrC", reads_input=True),
    **dict.fromkeys(("node", "nodejs", "bun"), _NODE),
    "php": Reader(letters="rBRE", valued="dc", reads_input=True),
    "lua": Reader(letters="e", valued="l", reads_input=True),
    **dict.fromkeys(("eval", "parallel"), _EVERYTHING),
    "watch": Reader(first=0, valued="nq", long_valued=("--interval",)),
    **dict.fromkeys(("trap", "printf"), Reader(first=0, last=0)),
    "xargs": Reader(first=0, valued="adEIiLlnPs", long_valued=("--delimiter", "--replace")),
    "ssh": Reader(first=1, valued="BbcDEeFIiJLlmOopQRSWw"),
    **dict.fromkeys(("su", "runuser"), _LOGIN),
    "script": Reader(letters="c", longs=("--command",), mixes=True),
    "flock": Reader(letters="c", longs=("--command",), valued="wE", mixes=True),
    "nix-shell": Reader(longs=("--run", "--command"), valued="pAI", mixes=True),
    "env": Reader(letters="S", longs=("--split-string",), valued="uC"),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    "sed": Reader(
        letters="e", longs=("--expression",), valued="l", files=("-f", "--file"), first=0, last=0,
        mixes=True,
    ),
    **dict.fromkeys(("jq", "gojq", "jaq"), _JQ),
    "psql": Reader(letters="c", longs=("--command",), valued="dhpUv", mixes=True),
    **dict.fromkeys(("mysql", "mariadb"), Reader(letters="e", longs=("--execute",), mixes=True)),
}  # fmt: skip

_VERSION = re.compile(r"[0-9][0-9.]*$")
_JQ_PAIRS = frozenset({"--arg", "--argjson", "--slurpfile", "--rawfile"})

_WRAPPERS = frozenset({
    "env", "sudo", "doas", "exec", "nohup", "nice", "ionice", "time", "timeout", "setsid",
    "stdbuf", "chroot", "unshare", "nsenter", "chronic", "command", "builtin", "busybox", "flock",
    "set", "strace", "systemd-run", "find", "fd", "docker", "podman", "nerdctl", "kubectl", "oc",
    "docker-compose", "xvfb-run", "fakeroot", "taskset", "setpriv", "bwrap", "uv", "poetry",
    "pipenv", "conda", "npx", "xargs", "parallel", "watch", "ssh", "script", "tmux", "screen",
})  # fmt: skip
"""Commands that start the command in their arguments."""

_SOURCING = frozenset({".", "source"})
_INPUTS = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_FROM_INPUT = frozenset({"-", "-s", *_INPUTS})


def is_wrapper(name: str | None) -> bool:
    """Whether a command starts the command in its arguments."""
    return name in _WRAPPERS


def second_readers(words: Sequence[Word], names: Sequence[str | None]) -> dict[int, str]:
    """Who takes arguments apart again, as a message names it, by the numbers of these.

    `words` are a command's, `names` the literal ones without their folders.
    """
    found: dict[int, str] = {}
    for at in islice(_starts(names), _MOST_STARTS):
        reader = _reader(names[at])
        if reader is None:
            continue
        arguments = _Arguments(reader)
        for number in range(at + 1, len(words)):
            option = arguments.take(words[number].text)
            if option is not None:
                found.setdefault(number, f"{names[at]} {option}".rstrip())
            elif arguments.is_over:
                break
    # What a variable names may be a shell as well.
    is_unknown = len(words) > 2 and names[0] is None and words[1].text == "-c"
    if is_unknown and TEMPLATE not in words[0].source:
        found.setdefault(2, f"{words[0].source} -c")
    return found


def input_reader(words: Sequence[Word], names: Sequence[str | None]) -> str | None:
    """The command whose input is code: a shell or an interpreter without a script of its own."""
    for at in islice(_starts(names), _MOST_STARTS):
        name = names[at]
        if name == "xargs" and not _separates_by_nul(words[at + 1 :]):
            return name
        if name in _SOURCING and any(word.text in _INPUTS for word in words[at + 1 :]):
            return name
        reader = _reader(name)
        if reader is not None and reader.reads_input and _has_no_script(reader, words[at + 1 :]):
            return name
    return None


def reads_file_as_code(name: str | None) -> bool:
    """Whether the argument of a command names a file of code."""
    reader = _reader(name)
    return name in _SOURCING or (reader is not None and reader.reads_input)


def _separates_by_nul(options: Sequence[Word]) -> bool:
    return any(
        re.match(r"-[rtx]*[0d]|--null$|--delimiter", word.text) is not None for word in options
    )


def _starts(names: Sequence[str | None]) -> Iterator[int]:
    """Where in a command one may begin that reads what stands behind it."""
    at = 0
    while at < len(names) and names[at] in {"command", "builtin"}:
        at += 1
    if at < len(names):
        yield at
        if is_wrapper(names[at]):
            yield from (n for n in range(at + 1, len(names)) if _reader(names[n]) is not None)
        elif _reader(names[at]) is None:
            # A function or a program may start the shell that it is handed.
            yield from (n for n in range(at + 1, len(names)) if _reader(names[n]) is _SHELL)


def _reader(name: str | None) -> Reader | None:
    if name is None:
        return None
    return _READERS.get(name) or _READERS.get(_VERSION.sub("", name))


def _has_no_script(reader: Reader, arguments: Sequence[Word]) -> bool:
    is_value = False
    for word in arguments:
        if is_value:
            is_value = False
        elif word.text in _FROM_INPUT:
            return True
        else:
            kind = _kind(reader, word.text)
            if not word.text.startswith(("-", "+")) or kind in {"code", "file"}:
                return False
            is_value = kind == "value"
    return True


class _Arguments:
    """Takes a reader's arguments in order, and says of each which option makes it code."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._has_code = False
        self._are_options_over = False
        self.is_over = False
        self._count = 0
        self._option = ""
        self._kind = ""
        self._due = 0

    def take(self, text: str) -> str | None:
        """The option whose code this argument is, `""` where it needs none; None: it is no code."""
        is_option = not self._are_options_over and len(text) > 1 and text[0] in "-+"
        is_code_due = self._due > 0 and self._kind == "code"
        if self.is_over:
            return None
        if self._due and not (is_option and is_code_due and self._reader.clusters):
            return self._take_value()
        if is_option:
            return self._take_option(text, is_code_due=is_code_due)
        return self._take_argument()

    def _take_value(self) -> str | None:
        self._due -= 1
        self._has_code = self._has_code or self._kind != "value"
        self.is_over = self._kind == "file" and not self._reader.mixes
        return self._option if self._kind == "code" else None

    def _take_option(self, text: str, *, is_code_due: bool) -> str | None:
        self._are_options_over = text == "--"
        kind = _kind(self._reader, text)
        option = self._option if is_code_due else _glued(self._reader, text)
        if kind and not is_code_due:
            self._kind, self._option = kind, _shown(self._reader, text)
            self._due = 2 if text in _JQ_PAIRS else 1
        return option

    def _take_argument(self) -> str | None:
        is_code = self._reader.first <= self._count <= self._reader.last and not self._has_code
        self.is_over = self._reader.first == _ALL and not self._reader.mixes
        self._count += 1
        return "" if is_code else None


def _kind(reader: Reader, text: str) -> str:
    """What the next argument is to an option: `code`, `value`, `file`; `""` where it takes none."""
    if text in reader.files:
        return "file"
    if text.startswith("--"):
        is_valued = text in reader.long_valued or text in _JQ_PAIRS
        return "code" if text in reader.longs else "value" if is_valued else ""
    for offset, letter in enumerate(text[1:], start=2):
        is_last = offset == len(text)
        if letter in reader.letters:
            return "code" if is_last or reader.clusters else ""
        if letter in reader.valued:
            return "value" if is_last else ""
    return ""


def _shown(reader: Reader, text: str) -> str:
    """An option as messages name it: `-lc` is `-c`."""
    if text.startswith("--"):
        return text
    return next((f"-{letter}" for letter in text[1:] if letter in reader.letters), text)


def _glued(reader: Reader, text: str) -> str | None:
    """The option that holds its own code: `-cCODE`, `--command=CODE`."""
    head = text.split(TEMPLATE, 1)[0]
    if head.startswith("--"):
        return next((long for long in reader.longs if head.startswith(f"{long}=")), None)
    for letter in head[1:]:
        if letter in reader.letters:
            return f"-{letter}"
        if letter in reader.valued or not letter.isalpha():
            return None
    return "" if reader.first == 0 and reader.last == _ALL and not reader.valued else None
