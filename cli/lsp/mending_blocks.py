"""Mendings that reach beyond the place of their diagnostic: into its block, or into another one."""

import re
from collections.abc import Iterable

from orch.cli.lsp.places import spot_in
from orch.compiler.settings import BLOCKS, BlockSpec
from orch.compiler.shapes import Scalar
from orch.dsl.pieces import Piece, PiecedText
from orch.dsl.source import Span
from orch.dsl.tree import Block, List, Name, Reference, Setting, String, Value

_EMPTY = '""'
_OPENING = re.compile(r"(?:[^{#]|#[^\n]*+)*+\{")
"""Up to the brace of a block; one in a comment before it is none."""

Edit = tuple[Span, str]
Edits = Iterable[Edit]
Placed = tuple[int, Block]
"""Where the piece of a block begins, and the block."""


def needed_by(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A name more in the `needs` of the block that the span is in, or of the one named `own`."""
    found = block_named(pieced, match["own"]) if match["own"] else block_at(pieced, span.start)
    return [] if found is None else listed(pieced, found, "needs", match["name"])


def listed(pieced: PiecedText, found: Placed, setting: str, name: str) -> Edits:
    """A name more in the list that a setting of a block is, if it isn't there."""
    start, block = found
    if block.body is None:
        return []
    for item in block.body:
        if isinstance(item, Setting) and isinstance(item.name, Name) and item.name.text == setting:
            if not isinstance(item.value, List) or name in names_in(item.value):
                return []
            if not item.value.items:
                return [(point(start + item.value.span.start + 1), name)]
            return [(point(start + item.value.items[-1].span.end), f", {name}")]
    return [first_item(pieced, start, block, f"{setting} = [{name}]")]


def names_in(value: Value | None) -> tuple[str, ...]:
    """The plain names of a list, in order; an item that is something else is empty."""
    items = value.items if isinstance(value, List) else ()
    return tuple((each.word or "") if isinstance(each, Reference) else "" for each in items)


def added_setting(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A setting that is required, with the least value that there is."""
    found = block_at(pieced, span.start)
    if found is None:
        return []
    start, block = found
    spec: BlockSpec | None = BLOCKS.get(block.keyword.text)
    setting = None if spec is None else spec.settings.get(match[1])
    if setting is None or not setting.is_required:
        return []
    is_number = isinstance(setting.shape, Scalar) and setting.shape.type == "int"
    written = f"{setting.name} = {1 if is_number else _EMPTY}"
    if block.body is None:
        return [(point(start + block.span.end), f" {{ {written} }}")]
    return [first_item(pieced, start, block, written)]


def moved_to_policy(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """A bound of the run, from a stage into the policy of the file."""
    start, piece = pieced.at(span.start)
    item = spot_in(piece, span.start - start).item
    own = block_at(pieced, span.start)
    if item is None or own is None:
        return []
    name = piece.text[span.start - start : span.end - start]
    text = piece.text[item.span.start : item.span.end]
    gone = (Span(item.span.start + start, item.span.end + start), "")
    policy = policy_of(pieced)
    if policy is None:
        place = own[0] + own[1].span.start
        return [gone, (point(place), f"policy {{\n  {text}\n}}\n\n")]
    known = [
        each.keyword if isinstance(each, Block) else each.name for each in policy[1].body or ()
    ]
    if policy[1].body is None or name in [each.text for each in known if isinstance(each, Name)]:
        return []
    return [gone, first_item(pieced, *policy, text)]


def declared_value(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A value more in the `values` of another stage; of type string, as one may change."""
    found = block_named(pieced, match[1])
    if found is None or found[1].body is None:
        return []
    start, block = found
    written = f"{pieced.text[span.start : span.end]}: string"
    for item in block.body or ():
        if isinstance(item, Block) and item.keyword.text == "values" and item.body is not None:
            text = pieced.text[start + item.span.start : start + item.span.end]
            comma = "," if item.body and "\n" not in text else ""
            return [first_item(pieced, start, item, f"{written}{comma}")]
    return [first_item(pieced, start, block, f"values {{ {written} }}")]


def given_matrix(pieced: PiecedText, span: Span, _: re.Match[str]) -> Edits:
    """A matrix with the axis that is read, of one value to be filled in."""
    found = block_at(pieced, span.start)
    if found is None or found[1].body is None:
        return []
    spec: BlockSpec | None = BLOCKS.get(found[1].keyword.text)
    if spec is None or "matrix" not in spec.blocks:
        return []
    axis = pieced.text[span.start : span.end]
    return [first_item(pieced, *found, f"matrix {{ {axis} = [{_EMPTY}] }}")]


def named_literal(pieced: PiecedText, span: Span, match: re.Match[str]) -> Edits:
    """A let before the block, and its name for the literal."""
    found = block_at(pieced, span.start)
    if found is None:
        return []
    words = set(re.findall(r"\w+", pieced.text))
    names = ("value", *(f"value_{number}" for number in range(2, 100)))
    name = next((each for each in names if each not in words), None)
    if name is None:
        return []
    place = found[0] + found[1].span.start
    return [(point(place), f"let {name} = {match[1]}\n"), (span, name)]


def added_variable(pieced: PiecedText, span: Span, value: str) -> tuple[str, Edit] | None:
    """A variable more in the `env` of the stage that the span is in: its name, and the edit."""
    found = block_at(pieced, span.start)
    if found is None or found[1].body is None:
        return None
    start, block = found
    words = set(re.findall(r"\w+", pieced.text[start + block.span.start : start + block.span.end]))
    names = ("VALUE", *(f"VALUE_{number}" for number in range(2, 100)))
    name = next((each for each in names if each not in words), None)
    if name is None:
        return None
    for item in block.body or ():
        if isinstance(item, Block) and item.keyword.text == "env" and item.body is not None:
            comma = "," if item.body else ""
            return name, first_item(pieced, start, item, f"{name} = {value}{comma}")
    return name, first_item(pieced, start, block, f"env {{ {name} = {value} }}")


def first_item(pieced: PiecedText, start: int, block: Block, text: str) -> Edit:
    """An item put behind the brace of a block, which has one."""
    label = block.alias or block.label or block.keyword
    opening = _OPENING.match(pieced.text, start + label.span.end)
    assert opening is not None
    brace = opening.end()
    begin = start + block.span.start
    if "\n" not in pieced.text[begin : start + block.span.end]:
        return point(brace), f" {text}"
    line = pieced.text[pieced.text.rfind("\n", 0, begin) + 1 : begin]
    indent = line[: len(line) - len(line.lstrip())]
    return point(brace), f"\n{indent}  {text}"


def point(offset: int) -> Span:
    """The place before a character, where something is put in."""
    return Span(offset, offset)


def beside_quotes(text: str, script: String, span: Span, new: str) -> str | None:
    """A text for a place in a script, with a blank before the quotes that end a block string; None
    where its own quote would make three with those beside it."""
    if not (script.is_block and new.startswith('"') and new.endswith('"')):
        return new
    if text.startswith('"""', span.end) and span.end + 3 == script.span.end:
        new += " "
    elif text.startswith('""', span.end):
        return None
    return None if text.endswith('""', 0, span.start) else new


def block_at(pieced: PiecedText, offset: int) -> Placed | None:
    """The block at the top of the file that an offset is in, and where its piece begins."""
    start, piece = pieced.at(offset)
    here = (b for b in piece.tree.blocks if b.span.start <= offset - start <= b.span.end)
    return next(((start, block) for block in here), None)


def block_named(pieced: PiecedText, name: str) -> Placed | None:
    """The stage, `finally` stage or use of that name, and where its piece begins."""
    for start, piece in pieced.placed():
        for block in _blocks_of(piece):
            if name_of(block) == name:
                return start, block
    return None


def policy_of(pieced: PiecedText) -> Placed | None:
    """The first policy of the file."""
    for start, piece in pieced.placed():
        for block in piece.tree.blocks:
            if block.keyword.text == "policy":
                return start, block
    return None


def name_of(block: Block) -> str:
    """The name that other blocks use for a block; empty where it has none."""
    label = block.alias or block.label
    return label.text if isinstance(label, Name) else ""


def _blocks_of(piece: Piece) -> Iterable[Block]:
    return (b for b in piece.tree.blocks if b.keyword.text in ("stage", "finally", "use"))
