"""The text of a shell script and the templates in it, read step by step.

What is found out about templates is kept here; what words and commands are is read by the
scanners that stand on this one (`compiler/shell_words.py`).
"""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

from orch.compiler.places import LostError, Place, unproved
from orch.dsl.limits import DEEPEST


class TextScanner:
    """Reads at `at`. `places` gets the place of every template, by its number.

    `numbers` maps the offsets of templates to their numbers, in order.
    """

    def __init__(self, text: str, numbers: dict[int, int], *, is_bash: bool) -> None:
        self.text = text
        self.numbers = numbers
        self.is_bash = is_bash
        self.at = 0
        self.places: dict[int, Place] = {}
        self._offsets = list(numbers)
        self._forced: str | None = None
        self._deep = 0

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def looking_at(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    @contextmanager
    def forced(self, reason: str) -> Iterator[None]:
        """Whatever is read meanwhile, no template in it is proved."""
        before = self._forced
        self._forced = before or reason
        try:
            yield
        finally:
            self._forced = before

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """A substitution, subshell, array or branch that is read meanwhile. Raises `LostError`."""
        if self._deep == DEEPEST:
            raise LostError(f"more than {DEEPEST} substitutions in each other")
        self._deep += 1
        yield
        self._deep -= 1

    def refuse(self, reason: str) -> None:
        """The template at `at` can't be proved; goes past it."""
        self.places[self.numbers[self.at]] = unproved(self._forced or reason)
        self.at += 1

    def refuse_all(self, start: int, end: int, reason: str) -> None:
        """No template between two offsets can be proved."""
        first, last = (bisect_left(self._offsets, offset) for offset in (start, end))
        for offset in self._offsets[first:last]:
            self.places[self.numbers[offset]] = unproved(self._forced or reason)

    def skip_blanks(self) -> None:
        """Past blanks and continued lines."""
        while True:
            if self.peek() in {" ", "\t"}:
                self.at += 1
            elif self.looking_at("\\\n"):
                self.at += 2
            else:
                return

    def refuse_continuation(self) -> None:
        """A line continued inside an operator: shells join it to other operators."""
        if self.looking_at("\\\n"):
            raise LostError("a continued line inside an operator")
