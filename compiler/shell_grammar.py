"""The commands of a shell script, as far as they decide what a word is: data, name or code.

`find_shell_places` is the entry. Which words of a command are what is judged by
`compiler/shell_commands.py`, when the command has ended.
"""

import re
from collections.abc import Mapping, Sequence

from orch.compiler.here_documents import HereDocument
from orch.compiler.places import LostError, Place, unproved
from orch.compiler.shell_builtins import changed_reading
from orch.compiler.shell_commands import AS_TARGET, SimpleCommand
from orch.compiler.shell_compounds import COMPOUND_READERS, CompoundScanner
from orch.compiler.shell_flow import CodeFlow
from orch.compiler.shell_words import EXPANDED
from orch.compiler.words import TEMPLATE, Word

_OPENING = frozenset({"if", "while", "until", "for", "select", "case", "{"})
_LEADING = frozenset({"if", "then", "elif", "else", "do", "while", "until", "!", "{"})
_CLOSING = frozenset({"fi", "done", "}"})

_READERS = {
    "\n": "_end_line",
    "#": "skip_comment",
    "<": "_scan_redirection",
    ">": "_scan_redirection",
    "(": "_scan_bracket_command",
}

_REDIRECTION = re.compile(r"<<<|<<-|<<|<>|<&|>>|>&|>\||<|>")
_CHANGES = re.compile(
    r"\b(alias|set|shopt|emulate|setopt|unsetopt|declare|typeset|local|integer|float|nameref)\b"
)
_ENDS_OF_COMMAND = frozenset({"", "\n", ";", "&", "|", ")", "<", ">", "#"})
_SEPARATOR = re.compile(r"&&|&>>|&>|&|\|\||\|&|\||;;&|;;|;&|;")


def find_shell_places(pieces: Sequence[str | None], *, is_bash: bool) -> tuple[Place, ...]:
    """The place of every template of a script; `pieces` are its texts, and None for a template."""
    if any(piece is not None and TEMPLATE in piece for piece in pieces):
        return tuple(unproved("in a script with a NUL") for piece in pieces if piece is None)
    scanner = _scanner(pieces, is_bash=is_bash)
    reason = scanner.scan()
    return tuple(scanner.places.get(i, unproved(reason)) for i in range(len(scanner.numbers)))


def find_evaluated_variables(pieces: Sequence[str | None], *, is_bash: bool) -> Mapping[str, str]:
    """The variables that a script takes apart as code, and what does so."""
    scanner = _scanner(pieces, is_bash=is_bash)
    scanner.scan()
    return scanner.variables.evaluators


def _scanner(pieces: Sequence[str | None], *, is_bash: bool) -> "ShellScanner":
    numbers: dict[int, int] = {}
    offset = 0
    for piece in pieces:
        if piece is None:
            numbers[offset] = len(numbers)
        offset += 1 if piece is None else len(piece)
    text = "".join(TEMPLATE if piece is None else piece for piece in pieces)
    return ShellScanner(text, numbers, is_bash=is_bash)


class ShellScanner(CompoundScanner):
    """Reads the commands of a script from its beginning to its end."""

    def __init__(self, text: str, numbers: dict[int, int], *, is_bash: bool) -> None:
        super().__init__(text, numbers, is_bash=is_bash)
        self._barrier: int | None = None
        self._words: list[Word] = []
        self._is_begun = False
        self._change: str | None = None
        self._flow = CodeFlow(numbers)
        self._delimiters: list[Word] = []

    def scan(self) -> str:
        """Finds all places; the answer is why those that are missing are not proved."""
        reason = "behind something that isn't understood"
        try:
            self._scan_commands("")
        except LostError as lost:
            reason = f"behind {lost.reason}"
        if self._change is None and _CHANGES.search(self.text, self.at):
            # The rest is not understood, but it counts for what stands before it.
            self._change = f"in a script with {reason.removeprefix('behind ')}"
        if self._barrier is not None:
            # Shells may have taken what follows that line end for a here-document.
            self.refuse_all(self._barrier, len(self.text), reason)
        if self._change is not None:
            self.refuse_all(0, len(self.text), self._change)
        self.variables.judge(self.places, self._flow)
        self._flow.mark(self.places)
        return reason

    # -- lists of commands --------------------------------------------------------

    def scan_list(self, closer: str, *, is_fed: bool = False) -> None:
        outer = self._words, self.documents, self._is_begun
        self._words, self.documents, self._is_begun = [], [], False
        if is_fed:
            self._flow.open(self.at)
        start = self._flow.begin_pipeline(self.at)
        with self.deeper():
            self._scan_commands(closer)
        self._flow.begin_pipeline(start)
        if is_fed:
            self._flow.close()
        self._words, self.documents, self._is_begun = outer

    def scan_branch(self) -> str:
        outer, self._words = self._words, []
        with self.deeper():
            ended = self._scan_commands("esac")
        self._end_command()
        self._words = outer
        return ended

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
        if self.documents:
            raise LostError("a here-document that begins inside of brackets")
        self.at += 1
        return ")"

    def _end_line(self) -> None:
        self._end_command()
        self._skip_documents()
        self._flow.begin_pipeline(self.at)

    def _end_command(self) -> None:
        words, self._words = self._words, []
        self._is_begun = False
        if words:
            self._judge(words)
        self._flow.end_inputs()

    def _judge(self, words: list[Word]) -> None:
        command = SimpleCommand(words)
        for spot, place in command.places():
            self.places[spot.number] = place
        for word, reader in command.readers():
            self.variables.evaluate(word.variables, reader)
            self._flow.read_again(word.start, word.end, reader)
        self._flow.end_command(command, words)
        self.variables.end_command(command, words)
        self._change = self._change or changed_reading(command.builtin, command.arguments)
        if any(word.is_open_subscript for word in words):
            self.refuse_all(words[0].start, self.at, "in a subscript with blanks in it")
            raise LostError("a subscript with blanks in it")

    def _scan_separator(self, closer: str) -> str | None:
        """Past `;`, `&&` and the like; one that ends a branch of `case` is answered."""
        match = _SEPARATOR.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        self.refuse_continuation()
        if match[0] in {"&>", "&>>"}:
            # bash sends both streams there; to others the command has ended before.
            self._scan_target()
            self.skip_blanks()
            if not self.is_bash and self.peek() not in _ENDS_OF_COMMAND:
                raise LostError("a word behind `&>`, which only some shells know")
            return None
        self._end_command()
        if match[0] in {"|", "|&"}:
            self._flow.pipe()
        else:
            self._flow.begin_pipeline(self.at)
        if match[0] not in {";;", ";&", ";;&"}:
            return None
        if closer != "esac":
            raise LostError(f"a `{match[0]}` outside of `case`")
        return match[0]

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
            target = self._scan_target()
            if match[0] in {"<", "<<<"}:
                self._flow.feed(target, is_text=match[0] == "<<<")

    def _scan_target(self) -> Word:
        self.skip_blanks()
        word = self.scan_word()
        if not word.source:
            raise LostError("a redirection without a target")
        self.settle(word, AS_TARGET)
        return word

    def _scan_delimiter(self, *, strips_tabs: bool) -> None:
        self.skip_blanks()
        word = self.scan_word()
        if not word.source or word.literal is None or "`" in word.source or "$" in word.source:
            raise LostError("a here-document whose end isn't plain")
        is_quoted = word.source != word.text
        self.documents.append(HereDocument(word.text, is_quoted, strips_tabs))
        self._delimiters.append(word)
        self._flow.feed(word, is_text=True)
        if self._barrier is None:
            line_end = self.text.find("\n", self.at)
            self._barrier = len(self.text) if line_end < 0 else line_end

    def _skip_documents(self) -> None:
        """Past the here-documents that begin with this line."""
        documents, self.documents = self.documents, []
        if documents and self.at != self._barrier:
            raise LostError("a here-document inside of another command")
        self.at += 1
        for document in documents:
            end = document.end(self.text, self.at)
            self.refuse_all(self.at, end, "inside a here-document")
            delimiter = self._delimiters.pop(0)
            if not document.is_quoted:
                names = EXPANDED.findall(self.text, self.at, end)
                self._flow.print_variables(delimiter, names)
            self.at = end
        if documents:
            self._barrier = None

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
            if self._scan_keyword(keyword):
                return None
        if not self._before_redirection(word):
            self._words.append(word)
        return None

    def _scan_keyword(self, keyword: str) -> bool:
        """Past what belongs to a reserved word, if it is one."""
        if keyword in _OPENING:
            self._flow.open(self.at)
        if keyword in _CLOSING:
            self._flow.close()
        elif keyword in _LEADING:
            self._flow.begin_pipeline(self.at)
        elif keyword in COMPOUND_READERS:
            getattr(self, COMPOUND_READERS[keyword])()
            if keyword == "case":
                self._flow.close()
        else:
            return False
        return True

    def _before_redirection(self, word: Word) -> bool:
        """Whether a word is the number of a stream, as in `2>file`."""
        is_number = word.source.isascii() and word.source.isdigit()
        return is_number and self.peek() in {"<", ">"}

    def _scan_bracket_command(self) -> None:
        """`(…)` and `((…))` where a command may begin, or the brackets of `name()`."""
        if self._words:
            self._scan_function_brackets()
        elif self.looking_at("(("):
            if not self.is_bash:
                # To dash they are two subshells, in which `#` and `<<` mean something else.
                raise LostError("`((`, which only some shells know")
            self.at += 2
            self.scan_arithmetic()
        else:
            self.at += 1
            self.refuse_continuation()
            self._flow.open(self.at)
            self.scan_list(")")
            self._flow.close()

    def _scan_function_brackets(self) -> None:
        name = self._words[0]
        self.at += 1
        self.skip_blanks()
        if len(self._words) != 1 or name.keyword is None or self.peek() != ")":
            raise LostError("a `(` inside of a command")
        self.at += 1
        self.variables.define_function(name.text)
        self.refuse_spots(name, "in the name of a function")
        self._words = []
