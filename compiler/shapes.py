"""What a value must be: the shapes that settings take, of which the table of settings is made."""

from orch.dsl.record import record


@record
class Scalar:
    """A value of a type that has a name: `string int float bool duration size path`.

    `low` and `high` are in the type's own unit: milliseconds, bytes. `allowed` lists what a string
    may be, where not everything is.
    """

    type: str
    low: int | float | None = None
    high: int | float | None = None
    allowed: tuple[str, ...] = ()


@record
class Words:
    """One of a few words. `exit(N)` may be among them."""

    words: tuple[str, ...]


@record
class ListOf:
    item: "Scalar | Words | Strings"


@record
class RangeOf:
    item: Scalar


@record
class MapOf:
    item: Scalar


@record
class Strings:
    """A string, or a list of strings; a list item may bring in several."""


@record
class Names:
    """References: to stages, services and aliases; to secrets; to a pool (one)."""

    of: str
    is_list: bool


@record
class Anything:
    """Any value; who reads it knows more."""


Shape = Scalar | Words | ListOf | RangeOf | MapOf | Strings | Names | Anything
