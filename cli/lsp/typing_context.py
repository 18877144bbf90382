"""Where in a text, perhaps a broken one, somebody is typing: what may stand there.

It is told by the tokens before the place, as the block around it is hardly ever sound while it is
typed.
"""

from collections.abc import Sequence
from typing import Literal

from orch.compiler.settings import BLOCKS
from orch.dsl.blocks import is_first_on_line
from orch.dsl.findings import Findings
from orch.dsl.lexer import BAD, Token, lex
from orch.dsl.pieces import Piece
from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span

Kind = Literal["top", "item", "value", "selector", "type", "string", "template"]


@record
class Level:
    """A bracket that is open: `keyword` and `label` are those of a block, else empty; `setting` is
    the one whose value the bracket belongs to; `chain` are the dotted names before a selector."""

    bracket: str
    keyword: str = ""
    label: str = ""
    setting: str = ""
    chain: tuple[str, ...] = ()


@record
class Context:
    """What is being typed: `prefix`, whose span is `span`, counted from the piece's beginning.

    `levels` are the open brackets, `setting` the one whose value is typed. `chain` holds the dotted
    names before the prefix (`web.` of `web.lint`), or the axis whose value a selector is given.
    `text` is what a template holds so far. `keyword` is that of a block whose head is typed.
    """

    kind: Kind
    levels: tuple[Level, ...]
    prefix: str
    span: Span
    setting: str = ""
    chain: tuple[str, ...] = ()
    text: str = ""
    keyword: str = ""

    @property
    def blocks(self) -> tuple[Level, ...]:
        """The open blocks, the outermost first."""
        return tuple(level for level in self.levels if level.keyword)


def context_at(piece: Piece, offset: int) -> Context:
    """What is being typed at an offset of a piece."""
    source = SourceFile(piece.tree.source.path, piece.text)
    tokens, comments = lex(source, Findings(source.path))
    # Behind what was typed last there is often an old word; it doesn't belong to what is typed.
    before = [token for token in tokens if token.end <= offset and token.start < offset]
    inside = next((t for t in tokens if t.start < offset < t.end or _is_open(t, offset)), None)
    if any(c.span.start < offset <= c.span.end for c in comments):
        return Context("string", (), "", Span(offset, offset), "#")
    if inside is not None and inside in before:
        before.remove(inside)
    reader = _Reader(piece.text, tokens)
    if inside is not None and inside.type in ("STRING", "TEMPLATE", BAD):
        reader.read(before)
        if (context := _in_text(piece.text, inside, offset, reader)) is not None:
            return context
    word = inside if inside is not None and inside.type == "NAME" else None
    if word is None and before and before[-1].type in ("NAME", "AS") and before[-1].end == offset:
        word = before.pop()
    start = offset if word is None else word.start
    reader.read(before)
    return reader.context(piece.text[start:offset], Span(start, offset))


def _is_open(token: Token, offset: int) -> bool:
    """Whether a token that ends here is text that was never closed."""
    return token.type == BAD and token.start < offset == token.end


def _in_text(text: str, token: Token, offset: int, reader: "_Reader") -> Context | None:
    """Inside of quotes or of a template's braces; None for text that is neither."""
    written = text[token.start : offset]
    braces = written.rfind("{{")
    if not written.startswith("'") and braces > written.rfind("}}"):
        inner = written[braces + 2 :]
        at = len(inner)
        while at and (inner[at - 1].isalnum() or inner[at - 1] in "_-"):
            at -= 1
        span = Span(offset - (len(inner) - at), offset)
        found = reader.context(inner[at:], span)
        return Context("template", found.levels, inner[at:], span, found.setting, (), inner[:at])
    quotes = next((q for q in ('"""', "'''", '"', "'") if written.startswith(q)), "")
    if not quotes:
        return None
    inner = written[len(quotes) :]
    span = Span(token.start + len(quotes), offset)
    found = reader.context(inner, span)
    return Context("string", found.levels, inner, span, found.setting, keyword=found.keyword)


class _Reader:
    """Walks over the tokens before a place."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text = text
        self._next = dict(zip(map(id, tokens), (*tokens[1:], None), strict=False))
        self._levels: list[Level] = []
        self._head: list[Token] = []
        self._heads: list[list[Token]] = []

    def read(self, tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            match token.type:
                case "LBRACE" | "LSQUARE" | "LPAREN":
                    self._open(token)
                case "RBRACE" | "RSQUARE" | "RPAREN":
                    self._close(token)
                case "NAME" if self._begins(tokens, at):
                    self._head = [token]
                case "COMMA" if self._is_in_block():
                    self._head = []
                case _:
                    self._head.append(token)

    def _is_in_block(self) -> bool:
        return not self._levels or bool(self._levels[-1].keyword)

    def _begins(self, tokens: Sequence[Token], at: int) -> bool:
        """Whether a name begins an item of a block, or a block at the top."""
        if not self._is_in_block():
            return False
        if not self._levels:
            return tokens[at].value in BLOCKS and is_first_on_line(self._text, list(tokens), at)
        behind = self._next.get(id(tokens[at]))
        is_value = bool(self._head) and self._head[-1].type in ("EQUAL", "DOT", "COLON")
        kind = behind.type if behind is not None else ""
        return kind in ("EQUAL", "LBRACE", "COLON") and not is_value

    def _setting(self) -> str:
        is_setting = len(self._head) > 1 and self._head[1].type == "EQUAL"
        return _word(self._head[0]) if is_setting else ""

    def _open(self, token: Token) -> None:
        head = self._head
        is_value = (bool(head) and head[-1].type in ("EQUAL", "COMMA")) or not self._is_in_block()
        if token.type == "LBRACE" and head and not is_value:
            labels = [_word(each) for each in head[1:] if each.type == "NAME"]
            self._levels.append(Level("{", _word(head[0]), labels[-1] if labels else ""))
        else:
            setting = self._setting() or (self._levels[-1].setting if self._levels else "")
            chain = _chain(head) if token.type == "LSQUARE" else ()
            self._levels.append(Level(token.value, setting=setting, chain=chain))
        self._heads.append([*head, token])
        self._head = []

    def _close(self, token: Token) -> None:
        if self._levels:
            was_block = bool(self._levels.pop().keyword)
            self._head = self._heads.pop()
            self._head = [] if was_block else [*self._head, token]

    def context(self, prefix: str, span: Span) -> Context:
        """What may stand behind all that was read."""
        levels, head = tuple(self._levels), self._head
        last = head[-1].type if head else ""
        setting = self._setting() or (levels[-1].setting if levels else "")
        keyword = _word(head[0]) if head and not levels else ""
        if levels and levels[-1].chain and not levels[-1].keyword:
            axis = _word(head[-2]) if last == "EQUAL" and len(head) > 1 else ""
            return Context("selector", levels, prefix, span, setting, (axis,) if axis else ())
        if not self._is_in_block() or last in ("EQUAL", "DOT"):
            chain = _chain(head) if last == "DOT" else ()
            return Context("value", levels, prefix, span, setting, chain, keyword=keyword)
        if last in ("COLON", "LESS"):
            return Context("type", levels, prefix, span, keyword=keyword)
        if levels:
            return Context("item", levels, prefix, span)
        is_new_line = not head or "\n" in self._text[head[-1].end : span.start]
        return Context("top" if is_new_line else "value", (), prefix, span, keyword=keyword)


def _word(token: Token) -> str:
    return token.value if isinstance(token.value, str) else ""


def _chain(head: Sequence[Token]) -> tuple[str, ...]:
    """The dotted names that a row of tokens ends with."""
    names: list[str] = []
    is_dot_due = bool(head) and head[-1].type == "DOT"
    for token in reversed(head):
        if token.type != ("DOT" if is_dot_due else "NAME"):
            break
        if not is_dot_due:
            names.insert(0, _word(token))
        is_dot_due = not is_dot_due
    return tuple(names)
