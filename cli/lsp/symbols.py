"""What a file declares, as an outline; and where its text can be folded."""

from collections.abc import Iterable, Iterator
from itertools import islice

from orch.cli.lsp.mentions import Names
from orch.cli.lsp.project import Project
from orch.dsl.pieces import PiecedText
from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span
from orch.dsl.tree import Block, Declaration, List, Map, Name, Setting, String, Value

_MOST_FOUND = 500


@record
class Entry:
    """A line of the outline: `kind` is the keyword of a block, or `axis` or `value`. `span` is all
    of it, `name_span` its name."""

    name: str
    kind: str
    detail: str
    span: Span
    name_span: Span
    entries: tuple["Entry", ...] = ()


@record
class Fold:
    """Lines from 0 that can be folded into the first."""

    first: int
    last: int
    is_comment: bool = False


@record
class Place:
    """A declaration somewhere in the project."""

    name: str
    kind: str
    path: str
    span: Span


def outline(pieced: PiecedText) -> list[Entry]:
    """The blocks of a file, with the axes and values that they declare."""
    return [
        _entry(block, start)
        for start, piece in pieced.placed()
        for block in piece.tree.blocks
        if block.label is not None or block.keyword.text == "policy"
    ]


def _entry(block: Block, start: int) -> Entry:
    label = block.alias or block.label
    name = label.text if isinstance(label, Name) else block.keyword.text
    place = label if isinstance(label, Name) else block.keyword
    detail = ""
    if block.alias is not None and isinstance(block.label, String):
        detail = block.label.static_text
    elif block.type is not None:
        detail = _type_text(block)
    inner = tuple(_inner_entries(block, start))
    keyword = block.keyword.text
    return Entry(
        name, keyword, detail, _shifted(block.span, start), _shifted(place.span, start), inner
    )


def _type_text(block: Block) -> str:
    type_ = block.type
    text = ""
    while type_ is not None:
        text += ("<" if text else "") + type_.name.text
        type_ = type_.argument
    return text + ">" * text.count("<")


def _inner_entries(block: Block, start: int) -> Iterator[Entry]:
    for inner in block.body or ():
        if not isinstance(inner, Block) or inner.keyword.text not in ("matrix", "values"):
            continue
        kind = "axis" if inner.keyword.text == "matrix" else "value"
        for item in inner.body or ():
            name = item.name if isinstance(item, Setting | Declaration) else None
            if isinstance(name, Name):
                span = _shifted(item.span, start)
                yield Entry(name.text, kind, "", span, _shifted(name.span, start))


def search(project: Project, word: str) -> list[Place]:
    """The declarations of all files whose names hold a word, in any case."""
    names = Names(project)
    places = (
        Place(each.mention.name, each.mention.kind, path, each.span)
        for path in project.files()
        for each in names.declared(path)
        if word.lower() in each.mention.name.lower()
    )
    return list(islice(places, _MOST_FOUND))


# -- folds ------------------------------------------------------------------------


def folds(pieced: PiecedText) -> list[Fold]:
    """Blocks, lists, maps and block strings of several lines, and comments in a row."""
    source = SourceFile(pieced.path, pieced.text)
    found: list[Fold] = []
    for start, piece in pieced.placed():
        for span in _spans(piece.tree.blocks):
            first = source.position(span.start + start).line - 1
            last = source.position(span.end + start - 1).line - 1
            if last > first:
                found.append(Fold(first, last))
    lines = [
        source.position(comment.span.start + start).line - 1
        for start, piece in pieced.placed()
        for comment in piece.tree.comments
    ]
    return sorted({*found, *_rows(lines)}, key=lambda fold: (fold.first, -fold.last))


def _spans(items: Iterable[object]) -> Iterator[Span]:
    for item in items:
        if isinstance(item, Block):
            yield item.span
            yield from _spans(item.body or ())
        elif isinstance(item, Setting):
            yield from _spans_of(item.value)


def _spans_of(value: Value) -> Iterator[Span]:
    match value:
        case List(items=items):
            yield value.span
            for item in items:
                yield from _spans_of(item)
        case Map() | String(is_block=True):
            yield value.span


def _rows(lines: Iterable[int]) -> Iterator[Fold]:
    """Rows of two or more lines, one directly behind the other."""
    row: list[int] = []
    for line in [*lines, -2]:
        if row and line != row[-1] + 1:
            if len(row) > 1:
                yield Fold(row[0], row[-1], is_comment=True)
            row = []
        row.append(line)


def _shifted(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
