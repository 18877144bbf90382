"""Names in a text: where each is declared and where it is meant, and what it then stands for.

What a piece mentions is found by itself; which declaration is meant, perhaps in another file, is
told by `Names`, which knows the files that are used.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from posixpath import dirname, join, normpath
from typing import Literal

from orch.cli.lsp.documents import templates_of
from orch.cli.lsp.project import Project
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Expression, LateReference, NameReference
from orch.compiler.outline import NODE_KEYWORDS
from orch.compiler.settings import BLOCKS
from orch.compiler.shapes import Names as NamesShape
from orch.dsl.pieces import Piece, PiecedText
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import Block, Declaration, List, Map, Name, Reference, Setting, String, Value

Kind = Literal["node", "constant", "secret", "pool", "pipeline", "axis", "value", "file"]
"""A node is a stage, a service, a `finally` stage or an alias; a constant a param or a let."""


@record
class Mention:
    """A name where it stands; `span` counts from the beginning of its piece.

    `owner` is the node that an axis or a value belongs to; `via` are the aliases that lead to the
    file in which the name is declared, from this one on.
    """

    kind: Kind
    name: str
    span: Span
    is_declaration: bool = False
    owner: str = ""
    via: tuple[str, ...] = ()


@record
class Symbol:
    """What a name stands for: a declaration of the file `path`."""

    path: str
    kind: Kind
    owner: str
    name: str


@record
class Found:
    """A mention with the place where it stands in the whole text of a file."""

    path: str
    span: Span
    mention: Mention


_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(NODE_KEYWORDS, "node"), "param": "constant", "let": "constant",
    "secret": "secret", "pool": "pool", "pipeline": "pipeline",
}  # fmt: skip
_KINDS_OF_SHAPES: Mapping[str, Kind] = {"stage": "node", "secret": "secret", "pool": "pool"}
_MATRIX_KEYS = ("include", "exclude")
_WORD = r"[A-Za-z_][A-Za-z0-9_-]*"


class Names:
    """The names of a project's files."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def at(self, path: str, offset: int) -> Found | None:
        """The mention that an offset stands in, or right behind; of several the innermost."""
        pieced = self._project.pieced(path)
        if pieced is None:
            return None
        start, piece = pieced.at(offset)
        here = [
            each
            for each in mentions_in(piece)
            if each.span.start <= offset - start <= each.span.end
        ]
        best = min(here, key=lambda each: each.span.end - each.span.start, default=None)
        return None if best is None else Found(path, _shifted(best.span, start), best)

    def symbol(self, path: str, mention: Mention) -> Symbol | None:
        """What a mention in the file `path` stands for; None where a file on the way is unknown."""
        for alias in mention.via:
            target = self.target(path, alias)
            if target is None:
                return None
            path = target
        if mention.kind == "file":
            return Symbol(normpath(join(dirname(path), mention.name)), "file", "", "")
        return Symbol(path, mention.kind, mention.owner, mention.name)

    def target(self, path: str, alias: str) -> str | None:
        """The file that an alias of the file `path` brings in."""
        section = self.block(Symbol(path, "node", "", alias))
        label = section.label if section is not None else None
        if not isinstance(label, String) or not label.is_static:
            return None
        return normpath(join(dirname(path), label.static_text))

    def block(self, symbol: Symbol) -> Block | None:
        """The block at the top of a file that declares something, or holds its declaration; its
        spans count from the beginning of its piece."""
        name = symbol.owner or symbol.name
        for _, piece in self._pieces(symbol.path, name):
            for block in piece.tree.blocks:
                label = block.alias or block.label
                kind = _KINDS.get(block.keyword.text)
                is_kind = kind == ("node" if symbol.owner else symbol.kind)
                if is_kind and isinstance(label, Name) and label.text == name:
                    return block
        return None

    def declaration(self, symbol: Symbol) -> Found | None:
        """Where a symbol is declared; the beginning of a file for the file."""
        if symbol.kind == "file":
            whole = Mention("file", symbol.path, Span(0, 0), is_declaration=True)
            is_there = self._project.pieced(symbol.path) is not None
            return Found(symbol.path, whole.span, whole) if is_there else None
        found = self.references_in(symbol, symbol.path)
        return next((each for each in found if each.mention.is_declaration), None)

    def references(self, symbol: Symbol) -> list[Found]:
        """All mentions of a symbol in all files of the project, its declaration among them."""
        paths = dict.fromkeys([symbol.path, *self._project.files()])
        return [each for path in paths for each in self.references_in(symbol, path)]

    def declared(self, path: str) -> Iterator[Found]:
        """All that a file declares, in written order."""
        for start, piece in self._pieces(path, ""):
            for mention in mentions_in(piece):
                if mention.is_declaration:
                    yield Found(path, _shifted(mention.span, start), mention)

    def references_in(self, symbol: Symbol, path: str) -> Iterator[Found]:
        """The mentions of a symbol in one file."""
        word = symbol.name or symbol.path.rpartition("/")[2]
        for start, piece in self._pieces(path, word):
            for mention in mentions_in(piece):
                is_like = (mention.kind, mention.owner) == (symbol.kind, symbol.owner)
                if is_like and symbol.name in (mention.name, "") and (
                    self.symbol(path, mention) == symbol
                ):  # fmt: skip
                    yield Found(path, _shifted(mention.span, start), mention)

    def _pieces(self, path: str, word: str) -> Iterable[tuple[int, Piece]]:
        """The pieces of a file that hold a word, with the offsets at which they begin."""
        pieced: PiecedText | None = self._project.pieced(path)
        placed = () if pieced is None else pieced.placed()
        return ((start, piece) for start, piece in placed if word in piece.text)


# -- what one piece mentions ------------------------------------------------------


@lru_cache(16_384)
def mentions_in(piece: Piece) -> tuple[Mention, ...]:
    """All names in a piece, in no certain order."""
    path = piece.tree.source.path
    return tuple(m for block in piece.tree.blocks for m in _in_block(block, piece.text, path))


def _in_block(block: Block, text: str, path: str) -> Iterator[Mention]:
    kind = _KINDS.get(block.keyword.text)
    label = block.alias or block.label
    own = label.text if isinstance(label, Name) else ""
    if kind is not None and isinstance(label, Name):
        yield Mention(kind, own, label.span, is_declaration=True)
    if block.keyword.text == "use" and isinstance(block.label, String) and block.label.is_static:
        yield Mention("file", block.label.static_text, _inside(block.label.span, text))
    yield from _in_items(block, own)
    for template in templates_of(block):
        expression = parse_expression(template, path)
        if isinstance(expression, Expression):
            for name in expression.names:
                yield from _constant_or_axis(name, own, text)
            for late in expression.late:
                yield from _late(late, text)


def _in_items(block: Block, own: str) -> Iterator[Mention]:
    spec = BLOCKS.get(block.keyword.text)
    for item in block.body or ():
        if isinstance(item, Setting) and isinstance(item.name, Name) and spec is not None:
            setting = spec.settings.get(item.name.text)
            if setting is not None and isinstance(setting.shape, NamesShape):
                yield from _references(item.value, _KINDS_OF_SHAPES[setting.shape.of])
        elif isinstance(item, Block):
            yield from _in_inner(item, own)


def _in_inner(block: Block, own: str) -> Iterator[Mention]:
    """The names that `matrix`, `values` and `with` hold."""
    for item in block.body or ():
        name = item.name if isinstance(item, Setting | Declaration) else None
        if not isinstance(name, Name):
            continue
        match block.keyword.text:
            case "matrix" if name.text in _MATRIX_KEYS and isinstance(item, Setting):
                yield from _axes_of_rows(item.value, own)
            case "matrix":
                yield Mention("axis", name.text, name.span, is_declaration=True, owner=own)
            case "values":
                yield Mention("value", name.text, name.span, is_declaration=True, owner=own)
            case "with":
                yield Mention("constant", name.text, name.span, via=(own,))


def _axes_of_rows(value: Value, own: str) -> Iterator[Mention]:
    for row in value.items if isinstance(value, List) else ():
        for entry in row.entries if isinstance(row, Map) else ():
            if isinstance(entry.key, Name):
                yield Mention("axis", entry.key.text, entry.key.span, owner=own)


def _references(value: Value, kind: Kind) -> Iterator[Mention]:
    for item in value.items if isinstance(value, List) else (value,):
        if not isinstance(item, Reference):
            continue
        via: tuple[str, ...] = ()
        for segment in item.segments:
            name = segment.name
            yield Mention(kind, name.text, name.span, via=via)
            for selector in segment.selectors:
                axis = selector.key
                yield Mention("axis", axis.text, axis.span, owner=name.text, via=via)
            via = (*via, name.text)


def _constant_or_axis(name: NameReference, own: str, text: str) -> Iterator[Mention]:
    span = _inside(name.name_span, text)
    if name.root in ("", "params", "lets"):
        yield Mention("constant", name.name, span)
    elif name.root == "matrix":
        yield Mention("axis", name.name, span, owner=own)
    elif name.root == "secrets":
        yield Mention("secret", name.name, span)


def _late(late: LateReference, text: str) -> Iterator[Mention]:
    """The names in `stages.web.lint.values.version`, where they stand as they are written."""
    if late.stage is None:
        return
    span = _inside(late.stage_span, text)
    written = text[span.start : span.end]
    words = list(re.finditer(rf"(?:^|\.)({_WORD})(?:\[[^\]]*\])?(?=\.|$)", written))
    if ".".join(word[0].lstrip(".") for word in words) != late.stage:
        return
    via: tuple[str, ...] = ()
    for word in words:
        here = Span(span.start + word.start(1), span.start + word.end(1))
        yield Mention("node", word[1], here, via=via)
        via = (*via, word[1])
    if late.value is not None:
        place = _inside(late.field_span, text)
        yield Mention("value", late.value, place, owner=via[-1], via=via[:-1])


def _inside(span: Span, text: str) -> Span:
    """A span without the quotes that it begins and ends with."""
    is_quoted = text[span.start : span.start + 1] in ("'", '"') and span.end - span.start > 1
    return Span(span.start + 1, span.end - 1) if is_quoted else span


def _shifted(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
