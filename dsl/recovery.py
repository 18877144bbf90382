"""Reading on where the syntax is broken: what is faulty is dropped and reported, the rest is read.

A block that the grammar refuses is taken apart into its head and the items of its body, and each is
read alone, so that all its errors are found, each once. Brackets match here (blocks.py saw to it).
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from orch.dsl.blocks import is_first_on_line
from orch.dsl.complaints import complain, complain_of_setting_at_top
from orch.dsl.findings import Findings
from orch.dsl.grammar import read_block, read_item
from orch.dsl.lexer import BAD, Token
from orch.dsl.record import changed
from orch.dsl.source import Span
from orch.dsl.tree import Block, Item

_OPENING = ("LBRACE", "LSQUARE", "LPAREN")
_CLOSING = ("RBRACE", "RSQUARE", "RPAREN")
_WORDS = ("NAME", "STRING", BAD)
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")


class Recovery:
    """Reads the broken blocks of one file. `mended`: see `Rows`.

    `repeated` are the offsets of diagnostics that the lexer made and that repeat an earlier one of
    the same item: a text without quotes may hold many characters that begin no token.
    """

    def __init__(self, text: str, findings: Findings, mended: tuple[int, ...]) -> None:
        self.repeated: set[int] = set()
        self._text = text
        self._findings = findings
        self._mended = mended

    def is_mended(self, span: Span) -> bool:
        """Whether a bracket had to be added or taken away in this span."""
        at = bisect_left(self._mended, span.start)
        return at < len(self._mended) and self._mended[at] < span.end

    def block(self, row: list[Token]) -> Block | None:
        """What can be read of a top-level block that is broken, or has mended brackets."""
        while row and row[-1].type == "COMMA" and row[-1].value == ";":
            row = row[:-1]  # The lexer reported it.
        if not row:
            return None
        read = read_block(row)
        if not isinstance(read, int):
            return self._marked(read)
        if len(row) > 1 and row[0].type == "NAME" and row[1].type in ("EQUAL", "COLON"):
            complain_of_setting_at_top(self._findings, row[0])
            self._drop_repeated(row)
            return None
        return self._take_apart(row, is_top=True)

    def _marked(self, block: Block) -> Block:
        """The block, it and those in it marked as broken if a bracket in them was mended."""
        if not self.is_mended(block.span):
            return block
        body = block.body and tuple(
            self._marked(item) if isinstance(item, Block) else item for item in block.body
        )
        return changed(block, body=body, is_broken=True)

    # -- what is said ---------------------------------------------------------

    def _complain(self, tokens: list[Token], failed: int, begin: int = 0) -> None:
        """Report what doesn't fit in the tokens from `begin` on, unless it was reported already."""
        rest = tokens[begin:]
        is_known = self._has_mended_value(rest) or self._has_lost_value(tokens, failed)
        if is_known or self._is_reported(rest, failed - begin):
            self._drop_repeated(rest)
        else:
            self._drop_repeated(rest, keep=0)
            complain(self._findings, tokens, failed)

    def _is_reported(self, tokens: list[Token], failed: int) -> bool:
        """Whether the lexer said enough: of an unclosed string, a literal, an early character."""
        bad = [at for at, token in enumerate(tokens) if token.type == BAD]
        if not bad:
            return False
        is_one_word = bad[0] == failed + 1 and tokens[failed].end == tokens[bad[0]].start
        return bad[0] <= failed or is_one_word or any(tokens[at].value is None for at in bad)

    def _has_mended_value(self, tokens: list[Token]) -> bool:
        return bool(tokens) and self.is_mended(Span(tokens[0].start, tokens[-1].end))

    def _has_lost_value(self, tokens: Sequence[Token], failed: int) -> bool:
        """Whether a bracket that closes nothing stood behind this `=`; that was reported."""
        if not failed or tokens[failed - 1].type != "EQUAL":
            return False
        blank = _BLANK.match(self._text, tokens[failed - 1].end)
        return blank is not None and self.is_mended(Span(blank.end(), blank.end() + 1))

    def _drop_repeated(self, tokens: list[Token], keep: int = 1) -> None:
        said = [t.value for t in tokens if t.type == BAD and t.value is not None]
        self.repeated.update(said[keep:])

    # -- blocks ---------------------------------------------------------------

    def _take_apart(self, row: list[Token], is_top: bool) -> Block | None:
        brace = _body_begins(row)
        if brace is None:
            return self._head(row, [], is_top)
        end = _closes(row, brace)
        if end + 1 < len(row):
            self._complain(row, end + 1, begin=end + 1)
        items, is_broken = self._items(row[brace + 1 : end])
        block = self._head(row[:brace], [row[brace], row[end]], is_top)
        if block is None:
            return None
        span = Span(block.span.start, row[end].end)
        is_broken = is_broken or block.is_broken or end + 1 < len(row) or self.is_mended(span)
        return changed(block, body=items, span=span, is_broken=is_broken)

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
        self._drop_repeated(head)
        is_known = self._has_mended_value(head) or self._has_lost_value(head, block)
        if not any(t.type == BAD for t in head) and not is_known:
            complain(self._findings, head + braces, block, is_top)
        for length in _cuts(head, min(block, len(head))):
            part = read(head[:length] + braces)
            if isinstance(part, Block):
                return changed(part, is_broken=True)
        return None

    # -- items ----------------------------------------------------------------

    def _items(self, tokens: list[Token]) -> tuple[tuple[Item, ...], bool]:
        """The items of a body, and whether something of them or between them was lost."""
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
                mended = self._broken_item(chunk, item)
                is_broken = is_broken or not isinstance(mended, Block)
                if mended is not None:
                    items.append(mended)
            else:
                items.append(self._marked(item) if isinstance(item, Block) else item)
        return tuple(items), is_broken

    def _broken_item(self, chunk: list[Token], failed: int) -> Item | None:
        brace = _body_begins(chunk)
        if brace is not None and brace <= 2 and all(t.type in _WORDS for t in chunk[:brace]):
            return self._take_apart(chunk, is_top=False)
        self._complain(chunk, failed)
        if failed < len(chunk) and is_first_on_line(self._text, chunk, failed):
            # What a line of its own holds says nothing against the item of the lines before.
            before = read_item(chunk[:failed])
            return None if isinstance(before, int) else before
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
        token, before = tokens[at], tokens[at - 1]
        is_torn = token.type == BAD and before.end == token.start
        if token.type not in _WORDS or before.type == "DOT" or is_torn:
            return False
        match [t.type for t in tokens[at + 1 : at + 3]]:
            case ["EQUAL", *rest]:
                # Behind a colon on its line it is the type of a declaration: `a: int = 3`.
                is_type = before.type == "COLON" and not is_first_on_line(self._text, tokens, at)
                return rest != ["EQUAL"] and not is_type
            case ["COLON", *_]:
                return before.type not in ("COLON", "EQUAL")
            case ["LBRACE", *_]:
                is_label = at == begin + 1 and before.type == "NAME"
                return token.type != "STRING" and not is_label
            case ["NAME" | "STRING", "LBRACE"]:
                return token.type != "STRING" and is_first_on_line(self._text, tokens, at)
            case _:
                return False


def _cuts(head: Sequence[Token], failed: int) -> list[int]:
    """Where a head may be cut so that a block is left: longest first, and few."""
    kinds = [t.type for t in head[:failed]]
    places = {failed, 4, 2, 1}
    places.update(kinds.index(kind) for kind in ("EQUAL", "COLON") if kind in kinds)
    return sorted((place for place in places if place <= failed), reverse=True)


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
