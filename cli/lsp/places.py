"""What stands at a place of a sound text: the blocks around it, and the setting that it is in."""

from collections.abc import Sequence

from orch.compiler.settings import BLOCKS, BlockSpec, SettingSpec
from orch.dsl.pieces import Piece
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import Block, Item, Name, Setting


@record
class Spot:
    """`blocks` are those around the place, the outermost first, and `specs` what the language knows
    of each, as far as it does. `item` is the innermost thing that holds the place."""

    blocks: tuple[Block, ...]
    specs: tuple[BlockSpec, ...]
    item: Item | None

    @property
    def word(self) -> Span | None:
        """The keyword of the block, or the name of the setting, that the place is in."""
        match self.item:
            case Block(keyword=Name(span=span)) | Setting(name=Name(span=span)):
                return span
        return None

    @property
    def setting(self) -> SettingSpec | None:
        """The setting that the place is in, if the language knows it."""
        if isinstance(self.item, Setting) and isinstance(self.item.name, Name):
            is_known = len(self.specs) == len(self.blocks)
            return self.specs[-1].settings.get(self.item.name.text) if is_known else None
        return None


def spot_in(piece: Piece, offset: int) -> Spot:
    """What stands at an offset of a piece, or right before it."""
    blocks: list[Block] = []
    specs: list[BlockSpec] = []
    items: Sequence[Item] = piece.tree.blocks
    known = BLOCKS
    item: Item | None = None
    while (found := _holding(items, offset)) is not None:
        item = found
        if not isinstance(found, Block):
            break
        spec = known.get(found.keyword.text)
        if spec is not None and len(specs) == len(blocks):
            specs.append(spec)
            known = dict(spec.blocks)
        blocks.append(found)
        items = found.body or ()
    return Spot(tuple(blocks), tuple(specs), item)


def _holding(items: Sequence[Item], offset: int) -> Item | None:
    return next((each for each in items if each.span.start <= offset <= each.span.end), None)
