"""Reading on where the syntax is broken: what is faulty is dropped and reported, the rest is read.

A block that the grammar refuses is taken apart into its head and the items of its body, and each is
read alone, so that all its errors are found, each once. Brackets match here (blocks.py saw to it).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from orch.dsl.blocks import is_first_on_line
from orch.dsl.complaints import complain
from orch.dsl.grammar import read_block, read_item
from orch.dsl.lexer import BAD, Token
from orch.dsl.source import Span
from orch.dsl.strings import Findings
from orch.dsl.tree import Block, Item

_OPENING = ("LBRACE", "LSQUARE", "LPAREN")
_CLOSING = ("RBRACE", "RSQUARE", "RPAREN")
_WORDS = ("NAME", "STRING", BAD)


class Recovery:
    """Reads the broken blocks of one file. `mended`: see `Rows`."""

    def __init__(self, text: str, findings: Findings, mended: tuple[int, ...]) -> None:
        self._text = text
        self._findings = findings
        self._mended = mended

    def is_mended(self, span: Span) -> bool:
        """Whether a bracket had to be added or taken away in this span."""
        at = bisect_left(self._mended, span.start)
        return at < len(self._mended) and self._mended[at] < span.end

    def block(self, row: list[Token]) -> Block | None:
        """What can be read of a top-level block that is broken, or has mended brackets."""
        read = read_block(row)
        if not isinstance(read, int):
            return self._marked(read)
        if len(row) > 1 and row[0].type == "NAME" and row[1].type in ("EQUAL", "COLON"):
            self._findings.add(
                "E0101", row[0].span,
                f"`{row[0].value}` can't be set at the top of a file", "",
                "settings stand in a block, such as `policy { … }` or `stage NAME { … }`; "
                "a constant is written `let NAME = …`",
            )  # fmt: skip
            return None
        before = len(self._findings.found)
        block = self._take_apart(row, is_top=True)
        if len(self._findings.found) == before and not any(t.type == BAD for t in row):
            complain(self._findings, row, read)
        return block

    def _marked(self, block: Block) -> Block:
        """The block, it and those in it marked as broken if a bracket in them was mended."""
        if not self.is_mended(block.span):
            return block
        body = block.body and tuple(
            self._marked(item) if isinstance(item, Block) else item for item in block.body
        )
        return replace(block, body=body, is_broken=True)

    # -- blocks ---------------------------------------------------------------

    def _take_apart(self, row: list[Token], is_top: bool) -> Block | None:
        brace = _body_begins(row)
        if brace is None:
            return self._head(row, [], is_top)
        end = _closes(row, brace)
        if end + 1 < len(row) and not any(t.type == BAD for t in row[end + 1 :]):
            complain(self._findings, row, end + 1)
        items, is_broken = self._items(row[brace + 1 : end])
        block = self._head(row[:brace], row[brace : brace + 1] + row[end : end + 1], is_top)
        if block is None:
            return None
        span = Span(block.span.start, row[end].end)
        lost = is_broken or end + 1 < len(row) or block.is_broken or self.is_mended(span)
        return replace(block, body=items, span=span, is_broken=lost)

    def _head(self, head: list[Token], braces: list[Token], is_top: bool) -> Block | None:
        """The block that the head makes, with an empty body if there is one.

        Of a faulty head the longest part is taken that makes one, so that the block's name stays
        known, and references to it aren't reported too.
        """
        read = read_block if is_top else read_item
        block = read(head + braces)
        if isinstance(block, Block):
            return block
        if not isinstance(block, int):
            return None
        if not any(t.type == BAD for t in head):
            complain(self._findings, head + braces, block)
        for length in range(min(block, len(head)), 0, -1):
            part = read(head[:length] + braces)
            if isinstance(part, Block):
                return replace(part, is_broken=True)
        return None

    # -- items ----------------------------------------------------------------

    def _items(self, tokens: list[Token]) -> tuple[tuple[Item, ...], bool]:
        """The items of a body, and whether something between or of them was lost."""
        items: list[Item] = []
        is_broken = False
        may_separate = False
        for begin, end in self._divide(tokens):
            chunk = tokens[begin:end]
            if chunk[0].type == "COMMA":
                if not may_separate:
                    is_broken = True
                    complain(self._findings, tokens, begin)
                may_separate = False
                continue
            may_separate = True
            item = read_item(chunk)
            if isinstance(item, int):
                item_or_none = self._broken_item(chunk, item)
                is_broken = is_broken or not isinstance(item_or_none, Block)
                if item_or_none is not None:
                    items.append(item_or_none)
            else:
                items.append(self._marked(item) if isinstance(item, Block) else item)
        return tuple(items), is_broken

    def _broken_item(self, chunk: list[Token], failed: int) -> Item | None:
        brace = _body_begins(chunk)
        if brace is not None and brace <= 2 and all(t.type in _WORDS for t in chunk[:brace]):
            return self._take_apart(chunk, is_top=False)
        if not any(t.type == BAD for t in chunk):
            complain(self._findings, chunk, failed)
        return None

    def _divide(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """Begin and end of each item, and of each comma between them."""
        rows: list[tuple[int, int]] = []
        begin = 0
        depth = 0
        is_block_over = False
        for at, token in enumerate(tokens):
            if depth == 0 and at > begin:
                is_comma = "COMMA" in (token.type, tokens[begin].type)
                if is_comma or is_block_over or self._begins_item(tokens, begin, at):
                    rows.append((begin, at))
                    begin = at
            depth += (token.type in _OPENING) - (token.type in _CLOSING)
            is_block_over = depth == 0 and token.type == "RBRACE"
        if begin < len(tokens):
            rows.append((begin, len(tokens)))
        return rows

    def _begins_item(self, tokens: list[Token], begin: int, at: int) -> bool:
        """Whether a new item begins at `at`, as far as the tokens behind it can tell."""
        if tokens[at].type not in _WORDS:
            return False
        kinds = [t.type for t in tokens[at + 1 : at + 3]]
        if kinds[:1] == ["EQUAL"]:
            return True
        if tokens[at].type == "STRING" or tokens[at - 1].type == "DOT":
            return False
        if kinds[:1] == ["COLON"]:
            return tokens[at - 1].type != "COLON"
        if kinds[:1] == ["LBRACE"]:
            is_label = at == begin + 1 and tokens[begin].type == "NAME"
            return not is_label
        is_labelled_block = kinds in (["NAME", "LBRACE"], ["STRING", "LBRACE"])
        return is_labelled_block and is_first_on_line(self._text, tokens, at)


def _body_begins(row: Sequence[Token]) -> int | None:
    """The index of the brace that begins the body: the first that is no value."""
    depth = 0
    for at, token in enumerate(row):
        if token.type == "LBRACE" and depth == 0 and at and row[at - 1].type != "EQUAL":
            return at
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
    return None


def _closes(row: Sequence[Token], brace: int) -> int:
    """The index of the bracket that closes the one at `brace`."""
    depth = 0
    for at in range(brace, len(row)):
        depth += (row[at].type in _OPENING) - (row[at].type in _CLOSING)
        if depth == 0:
            return at
    raise AssertionError("brackets match here")
