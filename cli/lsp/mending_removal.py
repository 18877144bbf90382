"""Edits that take something out: a template out of its block, a name out of a list."""

import re
from collections.abc import Iterator

from orch.cli.lsp.mending_blocks import Edit, Placed, names_in
from orch.compiler.settings import BLOCKS, BlockSpec
from orch.compiler.value_nodes import templates_in
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span
from orch.dsl.tree import Block, List, Map, Setting, String, Template, Value

EMPTY, PROGRAM = '""', '"NAME"'
"""What stands for a value that has to stay, and for a program."""

_BEHIND = re.compile(r"[ \t]*,?[ \t]*")
_REST = re.compile(r"[ \t]*,?[ \t]*(?:\n|\Z)")
_BEFORE = re.compile(r"[ \t]*,?[ \t]*\Z")


def without_template(pieced: PiecedText, found: Placed, offset: int) -> list[Edit]:
    """A block without the template at an offset: its text alone where it stands among other text,
    else the item or setting that it was, or an empty text in the place of what must be there."""
    start, block = found
    for value, setting in _values(block, BLOCKS.get(block.keyword.text)):
        for template in templates_in(value):
            if template.span.start <= offset - start < template.span.end:
                span, text = _without(pieced.text[start:], value, setting, template)
                return [(Span(span.start + start, span.end + start), text)]
    return []


def without_name(pieced: PiecedText, found: Placed, setting: str, name: str) -> list[Edit]:
    """A block in whose list of names one isn't; with no other in it the setting goes too."""
    start, block = found
    for item in block.body or ():
        if not isinstance(item, Setting) or _name(item) != setting:
            continue
        names = names_in(item.value)
        if isinstance(item.value, List) and name in names:
            gone = item if len(names) == 1 else item.value.items[names.index(name)]
            span = removed(pieced.text[start:], gone.span)
            return [(Span(span.start + start, span.end + start), "")]
    return []


def removed(text: str, span: Span) -> Span:
    """A setting or an item with the comma and the blanks that go with it; with its line, where it
    has one for itself."""
    before = text[: span.start]
    line_start = before.rfind("\n") + 1
    rest = _REST.match(text, span.end)
    if rest is not None and not before[line_start:].strip():
        return Span(line_start, rest.end())
    behind = _BEHIND.match(text, span.end)
    assert behind is not None
    gap = _BEFORE.search(before)
    assert gap is not None
    is_first = before[: gap.start()].endswith(("{", "[", "\n")) or gap.start() == 0
    return Span(span.start, behind.end()) if is_first else Span(gap.start(), span.end)


def _name(setting: Setting) -> str:
    return setting.name.static_text if isinstance(setting.name, String) else setting.name.text


def _values(block: Block, spec: BlockSpec | None) -> Iterator[tuple[Value, Setting | None]]:
    """The values of a block and of those in it, each with the setting that may go with it: not one
    that is required, nor an entry that somebody may count on."""
    if block.value is not None:
        yield block.value, None
    for item in block.body or ():
        if isinstance(item, Block):
            inner = None if spec is None else spec.blocks.get(item.keyword.text)
            yield from _values(item, inner)
        elif isinstance(item, Setting):
            known = None if spec is None else spec.settings.get(_name(item))
            yield item.value, None if known is None or known.is_required else item


def _without(text: str, value: Value, setting: Setting | None, template: Template) -> Edit:
    if isinstance(value, List):
        item = next(each for each in value.items if template in templates_in(each))
        if not _is_whole(item, template):
            return template.span, ""
        is_program = setting is None and item is value.items[0]
        return (item.span, PROGRAM) if is_program else (removed(text, item.span), "")
    if isinstance(value, Map):
        value = next(each.value for each in value.entries if template in templates_in(each.value))
        setting = None
    if not _is_whole(value, template):
        return template.span, ""
    return (value.span, EMPTY) if setting is None else (removed(text, setting.span), "")


def _is_whole(value: Value, template: Template) -> bool:
    """Whether a value is nothing but the template."""
    return value == template or (isinstance(value, String) and value.parts == (template,))
