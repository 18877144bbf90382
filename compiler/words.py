"""A word of a shell script, as the scanner finds it and its command judges it."""

import re
from dataclasses import dataclass, field

from orch.compiler.places import Context
from orch.dsl.record import record

TEMPLATE = "\0"
"""Stands for a template in the text that is scanned; a NUL of the script itself is refused."""

EXPANSION = "\1"
"""Stands in a word's text for whatever the shell puts there."""

POSITIONAL = "@"
"""Stands for all positional parameters of a script among the names of its variables."""

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_SUBSCRIPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[|\[.")
_INERT = re.compile(r"[A-Za-z0-9_./=:@%+,\0-]+")


@record
class Spot:
    """A template directly in a word (not in a substitution inside of it)."""

    number: int
    context: Context
    is_after_variable: bool = False
    is_in_brackets: bool = False


@dataclass
class Word:
    """A word: `source` as it was written, `text` without quotes, both with stand-ins.

    `variables` are the names that the shell expands in it, `brackets` how many are open.
    """

    start: int
    end: int = 0
    source: str = ""
    text: str = ""
    spots: list[Spot] = field(default_factory=list)
    has_brace: bool = False
    brackets: int = 0
    variables: list[str] = field(default_factory=list)
    is_followed_by_redirection: bool = False

    @property
    def literal(self) -> str | None:
        """The text of a word that holds neither templates nor expansions."""
        return None if TEMPLATE in self.text or EXPANSION in self.text else self.text

    @property
    def keyword(self) -> str | None:
        """The text of a word that was written without any quotes, as reserved words are."""
        return self.text if self.source == self.text else None

    @property
    def is_open_subscript(self) -> bool:
        """Whether it ends inside of `name[`, so that to bash the next word belongs to it."""
        return self.brackets > 0 and bool(_SUBSCRIPT.match(self.source))

    @property
    def is_whole_template(self) -> bool:
        return self.source == TEMPLATE

    @property
    def is_inert(self) -> bool:
        """Whether a plain value in it means the same with and without quotes."""
        return bool(_INERT.fullmatch(self.source)) and not self.is_followed_by_redirection
