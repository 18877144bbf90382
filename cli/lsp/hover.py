"""What is said of a word when the pointer rests on it: what it is, its value, what is in force."""

from collections.abc import Iterator, Sequence

from orch.cli.lsp.documents import templates_of
from orch.cli.lsp.insight import Insight, Instance
from orch.cli.lsp.mentions import Found, Names, Symbol
from orch.cli.lsp.places import Spot, spot_in
from orch.cli.lsp.project import Project
from orch.cli.lsp.wording import (
    block_words,
    fenced,
    function_words,
    setting_words,
)
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Call, Expression
from orch.dsl.pieces import Piece
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import Block

_MOST_LISTED = 12
_MOST_INSTANCES = 4


@record
class Hover:
    """Markdown about a span of the text."""

    text: str
    span: Span


def hover(project: Project, path: str, offset: int) -> Hover | None:
    """What can be said of the word at an offset; None where there is nothing."""
    names = Names(project)
    found = names.at(path, offset)
    if found is not None:
        symbol = names.symbol(path, found.mention)
        text = None if symbol is None else _of_symbol(project, names, symbol)
        return None if text is None else Hover(text, found.span)
    pieced = project.pieced(path)
    if pieced is None:
        return None
    start, piece = pieced.at(offset)
    spot = spot_in(piece, offset - start)
    found_here = _of_function(piece, offset - start) or _of_word(
        project, path, spot, offset - start
    )
    if found_here is None:
        return None
    span = found_here.span
    return Hover(found_here.text, Span(span.start + start, span.end + start))


# -- words of the language ------------------------------------------------------------


def _of_word(project: Project, path: str, spot: Spot, offset: int) -> Hover | None:
    word = spot.word
    if word is None or not word.start <= offset <= word.end:
        return None
    if isinstance(spot.item, Block):
        is_known = len(spot.specs) == len(spot.blocks)
        return Hover(block_words(spot.specs[-1]), word) if is_known else None
    setting = spot.setting
    if setting is None:
        return None
    text = setting_words(setting)
    in_force = _in_force(project, path, spot)
    return Hover(f"{text}\n\n{in_force}" if in_force else text, word)


def _in_force(project: Project, path: str, spot: Spot) -> str:
    """Where the setting is one of policy: its value in the stage, or in the run, and its origin."""
    setting = spot.setting
    assert setting is not None
    inner = [block.keyword.text for block in spot.blocks[1:] if block.keyword.text != "policy"]
    name = ".".join([*inner, setting.name])
    label = spot.blocks[0].label
    owner = "" if spot.blocks[0].keyword.text == "policy" else getattr(label, "text", "")
    for insight in project.insights(path):
        for stage, values in insight.policies.items():
            if name in values and (stage == owner or stage.startswith(f"{owner}[")):
                return f"In force: `{values[name].text}`, from {values[name].origin}"
    return ""


def _of_function(piece: Piece, offset: int) -> Hover | None:
    for block in piece.tree.blocks:
        for template in templates_of(block):
            if not template.span.start <= offset <= template.span.end:
                continue
            expression = parse_expression(template, piece.tree.source.path)
            nodes = expression.nodes if isinstance(expression, Expression) else ()
            for node in nodes:
                if isinstance(node, Call) and node.name_span.start <= offset <= node.name_span.end:
                    text = function_words(node.name)
                    return None if text is None else Hover(text, node.name_span)
    return None


# -- names ------------------------------------------------------------------------


def _of_symbol(project: Project, names: Names, symbol: Symbol) -> str | None:
    declared = names.declaration(symbol)
    if declared is None:
        return None
    head = _declaration_text(project, declared)
    parts = [fenced(head)] if head else [f"the file `{symbol.path}`"]
    parts += _comment_above(project, declared)
    parts += _resolved(project, names, symbol)
    if symbol.kind == "file":
        title = [f"`{each.mention.name}`" for each in names.declared(symbol.path)]
        parts.append("Declares " + " ".join(title[:_MOST_LISTED]))
    return "\n\n".join(parts)


def _declaration_text(project: Project, declared: Found) -> str:
    """A declaration up to the brace of its body; all of one that stands inside a block."""
    pieced = project.pieced(declared.path)
    if pieced is None or declared.mention.kind == "file":
        return ""
    start, piece = pieced.at(declared.span.start)
    item = spot_in(piece, declared.span.start - start).item
    if item is None:
        return ""
    text = piece.text[item.span.start : item.span.end]
    if declared.mention.kind in ("axis", "value"):
        return text
    line = text.partition("\n")[0]
    return line.rstrip("{ ") if line != text else line


def _comment_above(project: Project, declared: Found) -> list[str]:
    """The comment that stands directly above a declaration."""
    pieced = project.pieced(declared.path)
    if pieced is None or declared.mention.kind == "file":
        return []
    above = pieced.text[: declared.span.start].split("\n")[:-1]
    lines: list[str] = []
    while above and above[-1].lstrip().startswith("#"):
        lines.insert(0, above.pop().strip().lstrip("# "))
    return [" ".join(lines)] if lines else []


def _resolved(project: Project, names: Names, symbol: Symbol) -> Iterator[str]:
    """What the last check found out about a name: values, combinations, policies."""
    seen: dict[str, None] = {}
    for insight in project.insights(symbol.path):
        for instance in insight.instances:
            if instance.path == symbol.path:
                seen |= dict.fromkeys(_in_instance(insight, instance, symbol))
        if seen:
            break
    yield from list(seen)[:_MOST_INSTANCES]
    if symbol.kind == "constant":
        block = names.block(symbol)
        yield from () if block is None else _help_of(block)


def _in_instance(insight: Insight, instance: Instance, symbol: Symbol) -> Iterator[str]:
    where = f" in `{instance.prefix.rstrip('.')}`" if instance.prefix else ""
    if symbol.kind == "constant" and symbol.name in instance.values:
        value = instance.values[symbol.name]
        yield f"Value{where}: `{value.text}`" + (f", of type `{value.type}`" if value.type else "")
    rows = instance.rows.get(symbol.owner or symbol.name)
    if symbol.kind == "axis" and rows is not None:
        yield f"Values{where}: {_listed(rows.axes.get(symbol.name, ()))}"
    elif symbol.kind == "node":
        if rows is not None:
            yield f"{rows.count} combinations{where}: {_listed(rows.first, rows.count)}"
        yield from _policies_of(insight, f"{instance.prefix}{symbol.name}")


def _policies_of(insight: Insight, stage: str) -> Iterator[str]:
    """The policy values of a stage that are not the built-in ones, each with its origin."""
    for each, values in insight.policies.items():
        if each == stage or each.startswith(f"{stage}["):
            rows = [
                f"- `{name} = {value.text}` from {value.origin}"
                for name, value in values.items()
                if value.origin != "built-in"
            ]
            if rows:
                yield "In force:\n" + "\n".join(rows)
            return


def _help_of(block: Block) -> Iterator[str]:
    for item in block.body or ():
        text = getattr(getattr(item, "value", None), "static_text", None)
        if getattr(getattr(item, "name", None), "text", "") == "help" and text:
            yield text


def _listed(words: Sequence[str], count: int = 0) -> str:
    """Words in a row; with a `count` there are so many in all."""
    shown = " ".join(f"`{word}`" for word in words[:_MOST_LISTED])
    more = max(count, len(words)) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
