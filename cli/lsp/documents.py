"""A file as an editor has it: its text in pieces, and the diagnostics that are shown for it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from orch.cli.lsp.positions import UTF_16, Area, Positions
from orch.compiler.declarations import check_declarations
from orch.compiler.expression import parse_expression
from orch.compiler.outline import Outline, outline
from orch.compiler.value_nodes import templates_in, values_in
from orch.dsl.diagnostics import Diagnostic, Related, sort_diagnostics
from orch.dsl.pieces import Change, Piece, PiecedText, in_pieces
from orch.dsl.record import changed, record
from orch.dsl.source import Span
from orch.dsl.tree import Block, Template

_BYTE_ORDER_MARK = "\ufeff"
_OF_SCRIPTS = "W0706"
_MOST_REMEMBERED = 16_384
"""Pieces of which is known what was found out about them."""


@record
class Edit:
    """What an editor reports: new text for an area, or for everything where that is None."""

    area: Area | None
    text: str


class Document:
    """A text that is being edited. `shown` are its diagnostics, as far as they are known: those of
    each piece by itself at once, those of the whole from the last check, moved with the text.
    `version` counts what was applied, `editor_version` is the editor's own count;
    `are_scripts_read` says whether ShellCheck saw this version."""

    def __init__(self, path: str, text: str, encoding: str = UTF_16) -> None:
        self._encoding = encoding
        self._take(in_pieces(path, _with_line_feeds(text).removeprefix(_BYTE_ORDER_MARK)))
        self.version = 0
        self.editor_version: int | None = None
        self.are_scripts_read = False
        self.shown = self._own_diagnostics()

    @property
    def path(self) -> str:
        return self.pieced.path

    @property
    def text(self) -> str:
        return self.pieced.text

    def apply(self, edits: Sequence[Edit]) -> int:
        """Take edits in their order; gives how many pieces were parsed for them."""
        parsed = 0
        for edit in edits:
            text = _with_line_feeds(edit.text)
            if edit.area is None:
                text = text.removeprefix(_BYTE_ORDER_MARK)
            else:
                span = self.positions.span(edit.area)
                text = self.text[: span.start] + text + self.text[max(span.start, span.end) :]
            pieced, change = self.pieced.edited(text)
            self._take(pieced)
            self.shown = tuple(_carried(self.shown, change))
            self.are_scripts_read = False
            parsed += len(change.made)
        self.version += 1
        return parsed

    def settle(
        self, version: int, found: Iterable[Diagnostic], has_read_scripts: bool = False
    ) -> bool:
        """Show what a check of the whole found, if it saw this version of the text. What is known
        of scripts stays where it didn't read them."""
        if version != self.version:
            return False
        kept = [] if has_read_scripts else [d for d in self.shown if d.code == _OF_SCRIPTS]
        self.shown = sort_diagnostics([*found, *kept])
        self.are_scripts_read = has_read_scripts
        return True

    def _take(self, pieced: PiecedText) -> None:
        self.pieced = pieced
        self.positions = Positions(pieced.text, self._encoding)

    def _own_diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(d for start, piece in self.pieced.placed() for d in _placed(piece, start))


@lru_cache(_MOST_REMEMBERED)
def outline_of(piece: Piece) -> tuple[Outline, tuple[Diagnostic, ...]]:
    """What a piece declares, and what is wrong with its blocks as far as they tell by
    themselves."""
    declared, found = outline(piece.tree, has_syntax_errors=bool(piece.diagnostics))
    return declared, (*found, *check_declarations(declared))


@lru_cache(_MOST_REMEMBERED)
def own_diagnostics(piece: Piece) -> tuple[Diagnostic, ...]:
    """What is wrong with a piece whatever stands around it: its syntax, its settings, the syntax
    of its templates."""
    found = [*piece.diagnostics, *outline_of(piece)[1]]
    for block in piece.tree.blocks:
        for template in templates_of(block):
            expression = parse_expression(template, piece.tree.source.path)
            if isinstance(expression, Diagnostic):
                found.append(expression)
    return tuple(found)


def templates_of(block: Block) -> list[Template]:
    """All templates of a block, in no certain order."""
    values = [block.value, *values_in(block)]
    return [template for value in values for template in templates_in(value)]


def _carried(shown: Iterable[Diagnostic], change: Change) -> Iterable[Diagnostic]:
    """What is shown after a change: all that it didn't touch, and what its new pieces say by
    themselves in the place of what the old ones said."""
    gone = {d for start, piece in change.gone for d in _placed(piece, start)}
    begin = min((start for start, _ in change.gone), default=0)
    end = max((start + len(piece.text) for start, piece in change.gone), default=0)
    for d in shown:
        if d.span is not None and begin <= d.span.start <= end and d in gone:
            continue
        span = d.span and change.moved(d.span)
        if span is not None or d.span is None:
            related = _moved(d, change) if d.related else ()
            yield Diagnostic(d.code, d.message, d.path, span, d.label, d.help, related)
    for start, piece in change.made:
        yield from _placed(piece, start)


def _moved(diagnostic: Diagnostic, change: Change) -> tuple[Related, ...]:
    """Its related places; those in the same file where they are now."""
    places = [
        (each, change.moved(each.span) if each.path == diagnostic.path else each.span)
        for each in diagnostic.related
    ]
    return tuple(changed(each, span=span) for each, span in places if span is not None)


def _placed(piece: Piece, start: int) -> Iterable[Diagnostic]:
    """The diagnostics of a piece where it stands in its text."""
    for diagnostic in own_diagnostics(piece):
        related = tuple(changed(r, span=_shifted(r.span, start)) for r in diagnostic.related)
        span = diagnostic.span and _shifted(diagnostic.span, start)
        yield changed(diagnostic, span=span, related=related)


def _shifted(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n")
