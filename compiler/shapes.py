"""What a value must be: the shapes that settings take, of which the table of settings is made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of a type that has a name: `string int float bool duration size path`.

    `low` and `high` are in the type's own unit: milliseconds, bytes. `allowed` lists what a string
    may be, where not everything is.
    """

    type: str
    low: int | float | None = None
    high: int | float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few words. `exit(N)` may be among them."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    item: "Scalar | Words | Strings"


@dataclass(frozen=True, slots=True)
class RangeOf:
    item: Scalar


@dataclass(frozen=True, slots=True)
class MapOf:
    item: Scalar


@dataclass(frozen=True, slots=True)
class Strings:
    """A string, or a list of strings; a list item may bring in several."""


@dataclass(frozen=True, slots=True)
class Names:
    """References: to stages, services and aliases; to secrets; to a pool (one)."""

    of: str
    is_list: bool


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value; who reads it knows more."""


Shape = Scalar | Words | ListOf | RangeOf | MapOf | Strings | Names | Anything
