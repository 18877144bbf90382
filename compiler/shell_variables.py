"""What a whole shell script does to its variables decides what putting a value into one means.

A variable that gets a value may be declared an integer, copied, handed to a function, and read by
arithmetic in the end, which runs the substitutions in it. All of a script counts, not only what
stands before: functions run later.
"""

from collections.abc import Iterable, Mapping, Sequence

from orch.compiler.places import Place, unproved
from orch.compiler.shell_builtins import (
    READING_INTO,
    is_expanded_again,
    runs_text,
    sets_attributes,
)
from orch.compiler.shell_commands import SimpleCommand
from orch.compiler.shell_flow import CodeFlow
from orch.compiler.words import EXPANSION, POSITIONAL, Word
from orch.dsl.record import changed

_AS_ASSIGNED = (
    "where it is assigned in a script that gives variables attributes, as `declare -i` does"
)
_AS_DECLARED = "where an array may be declared anew"


class Variables:
    """Collects what a script says of its variables, in order, and judges at the end.

    All positional parameters count as one variable.
    """

    def __init__(self, *, is_bash: bool) -> None:
        self._is_bash = is_bash
        self._assigned: list[tuple[int, str]] = []
        self._declared: list[tuple[int, str]] = []
        self._handed: list[tuple[int, str]] = []
        self._captured: list[tuple[int, int, str]] = []
        self._sources: dict[str, set[str]] = {}
        self._evaluators: dict[str, str] = {}
        self._arrays: set[str] = set()
        self._functions = {"set"}
        self._holders: dict[str, str] = {}
        self._called: list[tuple[str, str, list[int]]] = []
        self._read: set[str] = set()
        self._is_strange = False
        self._is_read_into = False

    @property
    def evaluators(self) -> Mapping[str, str]:
        """Who takes apart what variables hold, by their names; whole when all is judged."""
        return self._evaluators

    def assign(self, word: Word, name: str) -> None:
        """A word's text goes into a variable."""
        self._assigned += ((spot.number, name) for spot in word.spots)
        if is_expanded_again(name) and name != "BASH_REMATCH":
            self.evaluate([name], name)
        self._sources.setdefault(name, set()).update(word.variables)
        if runs_text(held := (word.literal or "").partition("=")[2]):
            self._holders[name] = held
        if "$(" in word.source or "<(" in word.source:
            self._captured.append((word.start, word.end, name))

    def copy(self, source: str, name: str) -> None:
        """What one variable holds goes into another."""
        self._sources.setdefault(name, set()).add(source)

    def make_array(self, name: str) -> None:
        """A variable is an array."""
        self._arrays.add(name)

    def define_function(self, name: str) -> None:
        """Arguments of the command of that name are positional parameters."""
        self._functions.add(name)

    def evaluate(self, names: Iterable[str], evaluator: str) -> None:
        """What the variables of these names hold is code for the evaluator."""
        for name in names:
            self._evaluators.setdefault(
                POSITIONAL if name[0] in "@*0123456789" else name, evaluator
            )

    def end_command(self, command: SimpleCommand, words: list[Word]) -> None:
        """A simple command has ended, whose words are these."""
        for word, name, is_declared in command.assigned():
            self.assign(word, name)
            if "[" in word.source.split("=", 1)[0]:
                self.make_array(name)
            if is_declared:
                self._declared += ((spot.number, name) for spot in word.spots)
        self._call(words)
        for word in command.arguments:
            self._handed += ((spot.number, command.builtin or "") for spot in word.spots)
            if command.builtin is not None and word.variables:
                # Whether it is a function is known at the end; what it may do counts all the same.
                self._sources.setdefault(f"({command.builtin}", set()).update(word.variables)
        self._is_strange = self._is_strange or sets_attributes(words)
        if command.builtin == "printf":
            self._print_into(command.arguments)
        if command.builtin in READING_INTO:
            self._is_read_into = True
            names = [word.literal or "" for word in command.arguments]
            # Without a name they put it into these.
            self._read.update(names, ("REPLY", "MAPFILE"))
            self.copy(POSITIONAL, "OPTARG")
            # Reading into such a variable is assigning to it.
            self._is_strange = self._is_strange or any(map(is_expanded_again, names))

    def _call(self, words: list[Word]) -> None:
        """The command may be what a variable holds, or a function that runs its arguments."""
        first, second = words[0], words[1].literal if len(words) > 1 else None
        numbers = [spot.number for word in words[1:] for spot in word.spots]
        for name in first.variables if first.text == EXPANSION else ():
            self._called.append((name, "", numbers))
        if numbers and first.literal is not None and second is not None and runs_text(second):
            self._called.append((first.literal, second, numbers))

    def _print_into(self, arguments: Sequence[Word]) -> None:
        """What `printf -v NAME` prints is assigned to the variable."""
        option = arguments[0].literal or "" if arguments else ""
        if not option.startswith("-v"):
            return
        count = 1 if option[2:] else 2
        name = option[2:] or (arguments[1].literal or "" if len(arguments) > 1 else "")
        for word in arguments[count:]:
            self.assign(word, name)

    def judge(self, places: dict[int, Place], flow: CodeFlow) -> None:
        """Refuses the places of values that the script evaluates, or names the evaluator there."""
        if self._is_strange:
            # What is read into a variable may come from anywhere.
            numbers = [number for number, _ in self._assigned]
            for number in list(places) if self._is_read_into else numbers:
                places[number] = unproved(_AS_ASSIGNED)
        for number, name in self._declared:
            if name in self._arrays or (self._is_bash and self._is_read_into):
                places[number] = unproved(_AS_DECLARED)
        for name in self._functions:
            self._sources.setdefault(POSITIONAL, set()).update(self._sources.get(f"({name}", ()))
        self._follow(flow)
        handed, last = self._evaluators.get(POSITIONAL), self._evaluators.get("_")
        for number, name in self._assigned:
            _name_evaluator(places, number, self._evaluators.get(name))
        for number, name in self._handed:
            _name_evaluator(places, number, handed if name in self._functions else last)
        self._judge_calls(places)
        for name in sorted(self._read & self._evaluators.keys()):
            # A function may write from where it is called.
            has_functions = len(self._functions) > 1
            flow.read_input_again(self._evaluators[name], is_any=has_functions)

    def _judge_calls(self, places: dict[int, Place]) -> None:
        """Arguments of what turns out to run a command that evaluates them."""
        for name, given, numbers in self._called:
            reader = given or self._holders.get(name)
            if not given or name in self._functions - {"set"}:
                for number in numbers:
                    _name_evaluator(places, number, reader)

    def _follow(self, flow: CodeFlow) -> None:
        """What is copied or printed into a variable that is evaluated is evaluated itself."""
        captured: dict[str, list[tuple[int, int]]] = {}
        for start, end, name in self._captured:
            captured.setdefault(name, []).append((start, end))
        for name, reader in flow.printed_again():
            self.evaluate([name], reader)
        waiting = list(self._evaluators)
        while waiting:
            name = waiting.pop()
            evaluator = self._evaluators[name]
            sources = set(self._sources.get(name, ()))
            for start, end in captured.get(name, ()):
                flow.read_again(start, end, evaluator)
                sources.update(flow.printed(start, end))
            waiting += sources - self._evaluators.keys()
            self.evaluate(sources, evaluator)


def _name_evaluator(places: dict[int, Place], number: int, evaluator: str | None) -> None:
    place = places.get(number)
    if evaluator is not None and place is not None and place.context != "unproved":
        places[number] = changed(place, evaluator=evaluator)
