"""HTML made of parts: whatever is not markup already is text, and is escaped.

Text from outside is made visible first, so nothing in it is hidden or turns the line around.
"""

from collections.abc import Iterable
from html import escape
from itertools import chain

from orch.cli.visible import cut_middle, visible

_VOID = frozenset({"meta", "input", "br"})
Attribute = str | int | float | bool | None


class Markup(str):
    """HTML that is whole and harmless as it stands."""

    __slots__ = ()


def tag(name: str, /, *inside: str, **attributes: Attribute) -> Markup:
    """An element. `inside` is markup, or text to be escaped.

    Attributes are named as in Python: `class_`, `aria_label`. None and False leave one out, True
    gives it without a value.
    """
    head = name + "".join(
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{head}>")
    return Markup(f"<{head}>{joined(inside)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts one after the other; those that are no markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))


def text(words: str) -> Markup:
    """Words as HTML holds them; what acts in them is spelled out, line ends are kept."""
    lines = words.split("\n") if "\n" in words else [words]
    return Markup(escape("\n".join(map(visible, lines))))


def code(words: str, most: int = 0, **attributes: Attribute) -> Markup:
    """A name, a path or a command; one longer than `most` characters (0: any) loses its middle."""
    shown = visible(words)
    return tag("code", cut_middle(shown, most) if most else shown, **attributes)


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Names and what belongs to each, as a list of descriptions. A value is text or markup."""
    pairs = ((tag("dt", name), tag("dd", value)) for name, value in rows)
    return tag("dl", *chain.from_iterable(pairs))


def table(
    caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]], **attributes: Attribute
) -> Markup:
    """A table whose rows begin with a head of their own, in a box that scrolls if it must."""
    head = tag("tr", *(tag("th", words, scope="col") for words in heads))
    body = (tag("tr", *_cells(row)) for row in rows)
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", head),
        tag("tbody", *body),
        **attributes,
    )
    return tag("div", whole, class_="scroll")


def _cells(row: Iterable[str]) -> Iterable[Markup]:
    first, *others = row
    yield tag("th", first, scope="row")
    for cell in others:
        yield tag("td", cell)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    assert name != "style", "the policy of the page forbids inline styles"
    assert not name.startswith("on"), "the policy of the page forbids inline handlers"
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
