"""Where values flow into code by another way than an argument: pipes, here-strings, substitutions.

`echo X | sh`, `bash <<< X` and `eval "$(printf %s X)"` read X as code. Only what `echo` and
`printf` write counts: what other commands make of their arguments is not known. It is the ground
of a lint (W0703).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from orch.compiler.places import Place
from orch.compiler.shell_commands import SimpleCommand
from orch.compiler.words import Word
from orch.dsl.record import changed

_WRITERS = frozenset({"echo", "printf", "print"})


class CodeFlow:
    """Follows the commands of a script in order; `numbers` maps offsets to templates."""

    def __init__(self, numbers: dict[int, int]) -> None:
        self._numbers = numbers
        self._offsets = list(numbers)
        self._start = 0
        self._opened: list[tuple[int, int]] = []
        self._written: list[int] = []
        self._printed: list[tuple[int, str]] = []
        self._inputs: list[Word] = []
        self._fed: list[tuple[int, int]] = []
        self._ranges: list[tuple[int, int, str]] = []

    def begin_pipeline(self, at: int) -> int:
        """The next pipeline begins at `at`; where the present one did."""
        before, self._start = self._start, at
        return before

    def open(self, at: int) -> None:
        """A compound command in the present pipeline begins at `at`."""
        self._opened.append((self._start, at))

    def close(self) -> None:
        """The compound command that was opened last has ended; its pipeline may go on."""
        if self._opened:
            self._start, _ = self._opened.pop()

    def feed(self, word: Word, *, is_text: bool) -> None:
        """The present command's input is a word's text, or the file that it names."""
        self._inputs.append(word)
        self._fed.append((word.start, word.end))
        if is_text:
            self._print(word)

    def end_inputs(self) -> None:
        """The present command has ended, and with it what it reads."""
        self._inputs = []

    def print_variables(self, word: Word, names: Iterable[str]) -> None:
        """The variables stand in the text that begins with a word."""
        self._printed += ((word.start, name) for name in names)

    def _print(self, word: Word) -> None:
        self._written += (self._offsets[spot.number] for spot in word.spots)
        self.print_variables(word, word.variables)

    def printed_again(self) -> Iterator[tuple[str, str]]:
        """The variables whose values are printed for a reader, and the reader; asked at the end."""
        self._printed.sort()
        for start, end, reader in self._ranges:
            yield from ((name, reader) for name in self.printed(start, end))

    def printed(self, start: int, end: int) -> Iterator[str]:
        """The variables that are printed between two offsets."""
        first, last = (bisect_left(self._printed, (offset, "")) for offset in (start, end))
        return (name for _, name in self._printed[first:last])

    def read_again(self, start: int, end: int, reader: str) -> None:
        """What is written between two offsets is code for the reader."""
        self._ranges.append((start, end, reader))

    def pipe(self) -> None:
        """The present pipeline goes on: what was written in it is the next command's input."""
        if self._written:
            self._fed.append((self._start, max(self._written) + 1))

    def read_input_again(self, reader: str, *, is_any: bool) -> None:
        """Whatever any command gets as its input is code for the reader; or all that is written."""
        if self._written and is_any:
            self.read_again(0, max(self._written) + 1, reader)
        for start, end in self._fed:
            self.read_again(start, end, reader)

    def end_command(self, command: SimpleCommand, words: list[Word]) -> None:
        """A simple command has ended, whose words are these."""
        if command.name in _WRITERS:
            for word in command.arguments:
                self._print(word)
        reader = command.input_reader()
        if reader is not None:
            self.read_again(self._start, words[0].start, reader)
            for word in self._inputs:
                self.read_again(word.start, word.end, reader)
            for start, end in self._opened:
                self.read_again(start, end, reader)

    def mark(self, places: dict[int, Place]) -> None:
        """Names the readers in the places of what is written as code."""
        written = sorted(set(self._written))
        for start, end, reader in self._ranges:
            for offset in written[bisect_left(written, start) : bisect_left(written, end)]:
                number = self._numbers[offset]
                if number in places and places[number].second_reader is None:
                    places[number] = changed(places[number], second_reader=reader)
