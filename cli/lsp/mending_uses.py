"""The mending of an argument that a `use` owes, which stands in another file than the parameter."""

from collections.abc import Callable, Mapping

from orch.cli.lsp.mending_blocks import Edit, block_at, first_item, point
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import PiecedText
from orch.dsl.tree import Block, List, Name, Range, Setting, String, Template, Value

_LEAST = {
    "string": '""', "path": '"."', "int": "0", "float": "0.0", "bool": "false",
    "duration": "1s", "size": "1KiB", "list": "[]", "map": "{ }",
}  # fmt: skip
"""A value of each type."""


def given_in_use(
    text_of: Callable[[str], PiecedText | None], diagnostic: Diagnostic
) -> tuple[str, Mapping[str, tuple[Edit, ...]]] | None:
    """A title, and an argument more in the `with` of the `use` that a diagnostic names: the first
    value that the parameter allows, else one of its type."""
    own = text_of(diagnostic.path)
    if own is None or diagnostic.span is None or not diagnostic.related:
        return None
    place = diagnostic.related[0]
    other, declared = text_of(place.path), block_at(own, diagnostic.span.start)
    used = None if other is None else block_at(other, place.span.start)
    if other is None or used is None or declared is None or used[1].keyword.text != "use":
        return None
    name = own.text[diagnostic.span.start : diagnostic.span.end]
    edit = _added(other, *used, f"{name} = {_value_for(own.text[declared[0] :], declared[1])}")
    return f"Give `{name}` in {place.path}", {place.path: (edit,)}


def _added(pieced: PiecedText, start: int, use: Block, argument: str) -> Edit:
    """An argument more, first in its block; with braces where there are none."""
    if use.body is None:
        return point(start + use.span.end), f" {{ with {{ {argument} }} }}"
    for item in use.body:
        if isinstance(item, Block) and item.keyword.text == "with" and item.body is not None:
            inside = pieced.text[start + item.span.start : start + item.span.end]
            comma = "," if item.body and "\n" not in inside else ""
            return first_item(pieced, start, item, f"{argument}{comma}")
    inside = pieced.text[start + use.span.start : start + use.span.end]
    comma = "," if use.body and "\n" not in inside else ""
    return first_item(pieced, start, use, f"with {{ {argument} }}{comma}")


def _value_for(text: str, param: Block) -> str:
    for item in param.body or ():
        if isinstance(item, Setting) and isinstance(item.name, Name) and item.name.text == "in":
            first = _first(item.value)
            if first is not None:
                return text[first.span.start : first.span.end]
    return _LEAST.get("string" if param.type is None else param.type.name.text, '""')


def _first(allowed: Value) -> Value | None:
    """The first of the values that `in` lists, if it is written out."""
    if isinstance(allowed, Range):
        return allowed.low
    first = allowed.items[0] if isinstance(allowed, List) and allowed.items else None
    is_template = isinstance(first, Template) or (isinstance(first, String) and not first.is_static)
    return None if is_template else first
