"""What stands inside the values of the tree: templates, and the values of a whole block."""

from orch.dsl.tree import Block, List, Map, Range, Setting, String, Template, Value


def templates_in(value: Value | None) -> list[Template]:
    """All templates of a value, in written order."""
    match value:
        case Template():
            return [value]
        case String():
            return [part for part in value.parts if isinstance(part, Template)]
        case List():
            return [template for item in value.items for template in templates_in(item)]
        case Map():
            return [template for e in value.entries for template in templates_in(e.value)]
        case Range():
            return [*templates_in(value.low), *templates_in(value.high)]
        case _:
            return []


def values_in(block: Block) -> list[Value]:
    """The values of all settings in a block and the blocks in it."""
    found: list[Value] = []
    for item in block.body or ():
        if isinstance(item, Setting):
            found.append(item.value)
        elif isinstance(item, Block):
            found += values_in(item)
    return found
