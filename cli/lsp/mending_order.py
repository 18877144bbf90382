"""Mendings of a stage or service that reads what hasn't ended before it.

Which of them is meant only the author knows, so several are offered, each with a title of its own.
"""

import re
from collections.abc import Iterator

from orch.cli.lsp.mending_blocks import (
    Edits,
    Placed,
    block_at,
    block_named,
    listed,
    name_of,
    names_in,
    point,
)
from orch.cli.lsp.mending_removal import without_name, without_template
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Expression
from orch.compiler.value_nodes import templates_in, values_in
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span
from orch.dsl.tree import Block, Name, Setting

Offers = Iterator[tuple[str, Edits]]
"""A title and edits for each; one without edits isn't offered."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def read_later(pieced: PiecedText, span: Span, _: re.Match[str]) -> Offers:
    """What a stage reads of itself is read in a new one behind it, or not at all. A service ends
    with the last stage that needs it; behind a `finally` stage comes nothing."""
    found = block_at(pieced, span.start)
    if found is None:
        return
    if found[1].keyword.text == "service":
        yield from _read_elsewhere(pieced, found, span, "")
    elif found[1].keyword.text != "finally":
        yield from _read_elsewhere(pieced, found, span, name_of(found[1]))
    yield from _taken_out(pieced, found, span)


def read_at_the_end(pieced: PiecedText, span: Span, _: re.Match[str]) -> Offers:
    """What a stage reads of a service is read in a new `finally` stage, or not at all."""
    found = block_at(pieced, span.start)
    if found is not None:
        yield from _read_elsewhere(pieced, found, span, "")
        yield from _taken_out(pieced, found, span)


def read_behind(pieced: PiecedText, span: Span, _: re.Match[str]) -> Offers:
    """A stage that reads one that needs it: the need is turned around, or it is read in a new
    stage behind that one, or not at all."""
    found, name = block_at(pieced, span.start), _name_at(pieced, span)
    if found is None:
        return
    own, other = name_of(found[1]), block_named(pieced, name)
    if other is not None and own in _needs_of(other[1]) and not _is_bound(pieced, other, own):
        turned = [*without_name(pieced, other, "needs", own)]
        turned += listed(pieced, found, "needs", name)
        yield f"Turn the need around: `{own}` needs `{name}`", turned
    if _NAME.fullmatch(name):
        yield from _read_elsewhere(pieced, found, span, name)
    yield from _taken_out(pieced, found, span)


def read_before_service(pieced: PiecedText, span: Span, _: re.Match[str]) -> Offers:
    """A service that reads a stage that needs it: either the reading goes, or the need."""
    found, name = block_at(pieced, span.start), _name_at(pieced, span)
    if found is None:
        return
    yield from _taken_out(pieced, found, span)
    own, other = name_of(found[1]), block_named(pieced, name)
    if other is not None:
        yield f"Let `{name}` not need `{own}`", without_name(pieced, other, "needs", own)


def read_of_finally(pieced: PiecedText, span: Span, _: re.Match[str]) -> Offers:
    """What is read of a `finally` stage isn't, or that becomes a stage that comes before. One that
    reads others stays what it is, as they might not come before it then."""
    found, name = block_at(pieced, span.start), _name_at(pieced, span)
    if found is None:
        return
    yield from _taken_out(pieced, found, span)
    own, other = found[1].keyword.text, block_named(pieced, name)
    if other is None or other[1].keyword.text != "finally" or own == "service":
        return
    start, block = other
    text = pieced.text[start + block.span.start : start + block.span.end]
    if re.search(r"\bstages\b|\brun\.status\b", text) is None:
        keyword = Span(start + block.keyword.span.start, start + block.keyword.span.end)
        needed = [] if own == "finally" else listed(pieced, found, "needs", name)
        yield f"Make `{name}` a stage that comes before", [(keyword, "stage"), *needed]


def first_stage(pieced: PiecedText, _span: Span, _match: re.Match[str]) -> Offers:
    """A stage to be filled in, which needs the services of the file, before the first of what is
    there for it."""
    beside = [
        (start, block)
        for start, piece in pieced.placed()
        for block in piece.tree.blocks
        if block.keyword.text in ("service", "finally")
    ]
    services = [name_of(block) for _, block in beside if block.keyword.text == "service"]
    needs = f"  needs = [{', '.join(services)}]\n" if services else ""
    place = beside[0][0] + beside[0][1].span.start if beside else len(pieced.text)
    yield "Add a stage", [(point(place), f'stage NAME {{\n{needs}  run = ""\n}}\n\n')]


def _name_at(pieced: PiecedText, span: Span) -> str:
    """The stage that is read, without the quotes of `stages["a-b"]`."""
    return pieced.text[span.start : span.end].strip("\"'")


def _taken_out(pieced: PiecedText, found: Placed, span: Span) -> Offers:
    yield f"Don't read it in `{name_of(found[1])}`", without_template(pieced, found, span.start)


def _read_elsewhere(pieced: PiecedText, found: Placed, span: Span, needed: str) -> Offers:
    """A stage that needs another one and shows what is read, behind the block that read it; a
    `finally` stage where it needs none."""
    start, block = found
    edits, read = without_template(pieced, found, span.start), _reference(pieced, found, span)
    if not edits or not read:
        return
    words = set(re.findall(r"[\w-]+", pieced.text.lower()))
    wanted = f"after_{needed or name_of(block)}"
    names = (wanted, *(f"{wanted}_{number}" for number in range(2, 100)))
    name = next((each for each in names if each.lower() not in words), None)
    if name is None:
        return
    keyword, needs = ("stage", f"  needs = [{needed}]\n") if needed else ("finally", "")
    run = f'  run {"  " if needed else ""}= ["echo", {{{{ {read} }}}}]\n'
    end = pieced.text.find("\n", start + block.span.end)
    place = len(pieced.text) if end < 0 else end
    text = f"\n\n{keyword} {name} {{\n{needs}{run}}}"
    where = f"stage after `{needed}`" if needed else "`finally` stage"
    yield f"Read it in a new {where}", [*edits, (point(place), text)]


def _reference(pieced: PiecedText, found: Placed, span: Span) -> str:
    """The reference whose stage stands at a span, as it is written."""
    start, block = found
    own = Span(span.start - start, span.end - start)
    for template in (each for value in values_in(block) for each in templates_in(value)):
        expression = parse_expression(template, pieced.path)
        for late in expression.late if isinstance(expression, Expression) else ():
            if late.stage_span == own:
                return pieced.text[start + late.span.start : start + late.span.end]
    return ""


def _needs_of(block: Block) -> tuple[str, ...]:
    for item in block.body or ():
        if isinstance(item, Setting) and isinstance(item.name, Name) and item.name.text == "needs":
            return names_in(item.value)
    return ()


def _is_bound(pieced: PiecedText, other: Placed, own: str) -> bool:
    """Whether a block has to come after another one even without needing it itself: it reads it, or
    needs what needs it."""
    start, block = other
    text = pieced.text[start + block.span.start : start + block.span.end]
    if re.search(rf"\bstages(?:\.{re.escape(own)}(?![\w-])|\[)", text):
        return True
    needs = {name_of(b): _needs_of(b) for _, piece in pieced.placed() for b in piece.tree.blocks}
    waiting, seen = [each for each in _needs_of(block) if each != own], {own}
    while waiting:
        name = waiting.pop()
        if own in needs.get(name, ()):
            return True
        if name not in seen:
            seen.add(name)
            waiting += needs.get(name, ())
    return False
