"""What may come next on a command line: read with click's own declarations, and no callback run.

Nothing here fails aloud: whoever presses Tab in the middle of a line wants candidates or nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from orch.cli.commands import COMMANDS, load_command
from orch.dsl.record import changed, record

_ENOUGH = 1000


@record
class Candidate:
    """A whole word that may stand there, and a few words about it."""

    text: str
    about: str = ""


@record
class Line:
    """A command line up to the word that is wanted.

    `given` holds what was given for each parameter, by its name; `word` is what is typed of the
    value that is wanted, without the `--option=` before it.
    """

    command: str
    given: Mapping[str, tuple[str, ...]]
    word: str

    def last(self, *names: str) -> str | None:
        """What was given last for one of these parameters, the first of them that has any."""
        return next((self.given[name][-1] for name in names if name in self.given), None)


def complete(words: Sequence[str]) -> list[Candidate]:
    """Candidates for the last of the words, which follow `orch`; the last may be empty."""
    *before, word = words or ("",)
    found: Iterable[Candidate] = ()
    if not before:
        found = _first_words(word)
    elif before[0] in COMMANDS:
        found = _of_command(before[0], before[1:], word)
    unique = {candidate.text: candidate for candidate in found}
    matching = [each for text, each in unique.items() if text.startswith(word)]
    return matching[:_ENOUGH]


def _first_words(word: str) -> Iterator[Candidate]:
    if word.startswith("-"):
        yield Candidate("--help", "all commands")
        yield Candidate("--version", "which version of orch this is")
    for name, (_, about) in COMMANDS.items():
        yield Candidate(name, about)


def _of_command(command: str, before: list[str], word: str) -> Iterable[Candidate]:
    reading = _Reading(command)
    for each in before:
        reading.take(each)
    if reading.wanting is not None:
        return _values(reading.wanting, reading.line(word))
    name, equals, value = word.partition("=")
    if equals and name in reading.options and not reading.is_ended:
        found = _values(reading.options[name], reading.line(value))
        return (changed(each, text=f"{name}={each.text}") for each in found)
    if word.startswith("-") and not reading.is_ended:
        return _option_names(reading)
    argument = reading.next_argument()
    return () if argument is None else _values(argument, reading.line(word))


def _values(parameter: click.Parameter, line: Line) -> Iterable[Candidate]:
    if isinstance(parameter.type, click.Choice):
        return [Candidate(str(choice)) for choice in parameter.type.choices]
    from orch.cli.candidates import values_of

    return values_of(parameter.name or "", line)


def _option_names(reading: "_Reading") -> Iterator[Candidate]:
    """Long names, and short ones that have no long one, but for options that were given."""
    for option in dict.fromkeys(reading.options.values()):
        if option.multiple or option.name not in reading.given:
            long = [name for name in option.opts if name.startswith("--")]
            yield Candidate((long or option.opts)[0], option.help or "")


class _Reading:
    """The words of a command, one after the other; `wanting` is the option whose value comes
    next, and `is_ended` says that `--` was among them."""

    def __init__(self, command: str) -> None:
        self._command = command
        parameters = load_command(command).params
        self.options = {
            name: parameter
            for parameter in parameters
            if isinstance(parameter, click.Option)
            for name in parameter.opts
        }
        self._arguments = [p for p in parameters if isinstance(p, click.Argument)]
        self.given: dict[str, list[str]] = {}
        self._argument_count = 0
        self.wanting: click.Option | None = None
        self.is_ended = False

    def line(self, word: str) -> Line:
        given = {name: tuple(values) for name, values in self.given.items()}
        return Line(self._command, given, word)

    def take(self, word: str) -> None:
        """Read one more word, which is complete."""
        if self.wanting is not None:
            self._keep(self.wanting, word)
            self.wanting = None
        elif word == "--" and not self.is_ended:
            self.is_ended = True
        elif word[:1] == "-" and word != "-" and not self.is_ended:
            self._take_option(word)
        else:
            argument = self.next_argument()
            if argument is not None:
                self._keep(argument, word)
            self._argument_count += 1

    def _take_option(self, word: str) -> None:
        """`--name`, `--name=value`, `-n`, `-nvalue`."""
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            name, equals, value = word[:2], word[2:3], word[2:]
        option = self.options.get(name)
        if option is None:
            return
        if option.is_flag or equals:
            self._keep(option, value)
        else:
            self.wanting = option

    def next_argument(self) -> click.Argument | None:
        """The argument that the next bare word is for."""
        if self._argument_count < len(self._arguments):
            return self._arguments[self._argument_count]
        last = self._arguments[-1] if self._arguments else None
        return last if last is not None and last.nargs == -1 else None

    def _keep(self, parameter: click.Parameter, value: str) -> None:
        self.given.setdefault(parameter.name or "", []).append(value)
