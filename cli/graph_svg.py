"""A graph as SVG, without network, fonts or another program: one file that any browser shows.

It follows the reader's light or dark scheme, scales, holds no script, and says in words what it
shows. Text is measured as a monospaced font's, so that it fits wherever it is drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from orch.cli.graph_layout import Layout, Point, Size, lay_out
from orch.cli.graph_model import Box, Edge, Graph, Segments, children_of, counted
from orch.cli.units import count_text
from orch.cli.visible import cut, visible, width_of
from orch.dsl.record import record

_NAME_PX, _NOTE_PX = 8.0, 6.7
"""Widths of a cell at the sizes that names and notes are drawn in."""

_MOST_NAME_CELLS, _MOST_NOTE_CELLS = 34, 46
_PADDING = 16
_STACK = 5
"""By how much the boxes of a matrix show behind each other."""

_FRAME_HEAD = 30
_MARGIN = 24
_TITLE_HEIGHT = 34
_ELLIPSIS = "…"

_STYLE = """\
  svg { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  .paper { fill: #ffffff }
  .box { fill: #f6f8fa; stroke: #57606a; stroke-width: 1.2 }
  .frame { fill: #afb8c1; fill-opacity: 0.13; stroke: #afb8c1 }
  .service .box { fill: #ddf4ff; stroke: #0969da }
  .finally .box { fill: #fff8c5; stroke: #9a6700 }
  .skipped .box { fill: none; stroke-dasharray: 4 3 }
  .skipped text { opacity: 0.65 }
  .line { fill: none; stroke: #8c959f; stroke-width: 1.4 }
  .line.to-service { stroke: #0969da; stroke-dasharray: 5 3 }
  .tip { fill: #8c959f }
  text { fill: #1f2328 }
  .name { font-size: 13px; font-weight: 600 }
  .note { font-size: 11px; fill: #57606a }
  .head { font-size: 15px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 }
    .box { fill: #161b22; stroke: #8b949e }
    .frame { fill: #6e7681; fill-opacity: 0.14; stroke: #484f58 }
    .service .box { fill: #0c2d6b; stroke: #58a6ff }
    .finally .box { fill: #341a00; stroke: #d29922 }
    .line { stroke: #6e7681 }
    .line.to-service { stroke: #58a6ff }
    .tip { fill: #6e7681 }
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
  }
"""


@record
class _Placed:
    """A level of the graph laid out: its children, boxes and frames, with their own levels."""

    children: Sequence[Segments]
    edges: Sequence[Edge]
    layout: Layout
    inner: "Mapping[Segments, _Placed]"


def draw_svg(graph: Graph) -> str:
    """The picture as a whole XML document, ended by a line end."""
    placed = _laid_out(graph)
    size = placed.layout.size
    title = cut(visible(graph.title), 80, _ELLIPSIS)
    width = max(size.width, round(width_of(title) * 9.2)) + 2 * _MARGIN
    height = size.height + 2 * _MARGIN + _TITLE_HEIGHT
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc">',
        f'<title id="title">{_text(graph.title)}</title>',
        f'<desc id="desc">{_text(_description(graph))}</desc>',
        f"<style>\n{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="head" x="{_MARGIN}" y="{_MARGIN + 14}">{_text(title)}</text>',
        *_drawn(placed, graph, (_MARGIN, _MARGIN + _TITLE_HEIGHT), {}),
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines)


def draw_figure(graph: Graph, classes: Mapping[Segments, str]) -> str:
    """The picture as an element of a page that has its styles; `classes` are more names for the
    boxes, for its style sheet."""
    placed = _laid_out(graph)
    width, height = placed.layout.size.width + 4, placed.layout.size.height + 4
    lines = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{_text(_description(graph))}</title>",
        *_drawn(placed, graph, (2, 2), classes),
        "</svg>",
    ]
    return "\n".join(lines)


def _laid_out(graph: Graph) -> _Placed:
    return _place((), graph, children_of(graph), _edges_by_level(graph))


def _description(graph: Graph) -> str:
    stages = sum(len(box.ids) for box in graph.boxes.values())
    kinds = dict.fromkeys(("stage", "service", "finally"), 0)
    skipped = 0
    for box in graph.boxes.values():
        kinds[box.kind] += len(box.ids)
        skipped += len(box.ids) if box.is_skipped else 0
    parts = [count_text(kinds["stage"], "stage")]
    if kinds["service"]:
        parts.append(count_text(kinds["service"], "service"))
    if kinds["finally"]:
        parts.append(f"{count_text(kinds['finally'], 'stage')} at the end")
    skips = f"; {skipped} of {stages} are skipped" if skipped else ""
    return f"The pipeline {graph.name}: {', '.join(parts)}{skips}. Lines lead to what comes later."


# -- placed ----------------------------------------------------------------------


def _edges_by_level(graph: Graph) -> dict[Segments, dict[tuple[Segments, Segments], list[Edge]]]:
    """The edges, each at the innermost frame that holds both ends, as lines between what stands
    directly in that frame."""
    levels: dict[Segments, dict[tuple[Segments, Segments], list[Edge]]] = {}
    for edge in graph.edges:
        depth = 0
        while edge.source[: depth + 1] == edge.target[: depth + 1]:
            depth += 1
        pair = edge.source[: depth + 1], edge.target[: depth + 1]
        levels.setdefault(edge.source[:depth], {}).setdefault(pair, []).append(edge)
    return levels


def _place(
    frame: Segments,
    graph: Graph,
    children: Mapping[Segments, Sequence[Segments]],
    levels: Mapping[Segments, Mapping[tuple[Segments, Segments], list[Edge]]],
) -> _Placed:
    inner = {
        key: _place(key, graph, children, levels)
        for key in children[frame]
        if key not in graph.boxes
    }
    own = children[frame]
    number = {key: at for at, key in enumerate(own)}
    pairs = levels.get(frame, {})
    boxes = [graph.boxes.get(key) for key in own]
    layout = lay_out(
        [
            _size_of(box) if box is not None else _frame_size(key, graph, inner[key])
            for key, box in zip(own, boxes, strict=True)
        ],
        [(number[source], number[target]) for source, target in pairs],
        late=[at for at, box in enumerate(boxes) if box is not None and box.kind == "service"],
        last=[at for at, box in enumerate(boxes) if box is not None and box.kind == "finally"],
    )
    return _Placed(own, [edges[0] for edges in pairs.values()], layout, inner)


def _size_of(box: Box) -> Size:
    name, note = _words(box)
    width = max(width_of(name) * _NAME_PX, width_of(note) * _NOTE_PX)
    stack = _STACK if len(box.ids) > 1 else 0
    return Size(max(72, round(width) + 2 * _PADDING) + 2 * stack, (46 if note else 32) + 2 * stack)


def _words(box: Box) -> tuple[str, str]:
    """What stands in a box: its name, with how many it stands for, and what is to be noted."""
    name = counted(cut(visible(box.name), _MOST_NAME_CELLS, _ELLIPSIS), len(box.ids))
    return name, cut(visible(" · ".join(box.notes)), _MOST_NOTE_CELLS, _ELLIPSIS)


def _frame_words(frame: Segments, graph: Graph) -> str:
    return counted(cut(visible(frame[-1]), _MOST_NAME_CELLS, _ELLIPSIS), graph.frames[frame])


def _frame_size(frame: Segments, graph: Graph, placed: _Placed) -> Size:
    size = placed.layout.size
    words = round(width_of(_frame_words(frame, graph)) * _NAME_PX)
    return Size(max(size.width, words) + 2 * _PADDING, size.height + _FRAME_HEAD + _PADDING)


# -- drawn -----------------------------------------------------------------------


def _drawn(
    placed: _Placed, graph: Graph, origin: Point, classes: Mapping[Segments, str]
) -> Iterator[str]:
    """Lines first, so that boxes stand on them."""
    left, top = origin
    for edge, points in zip(placed.edges, placed.layout.lines, strict=True):
        yield from _line(edge, [(x + left, y + top) for x, y in points])
    for key, (x, y) in zip(placed.children, placed.layout.corners, strict=True):
        if key in graph.boxes:
            yield from _box(graph.boxes[key], (x + left, y + top), classes.get(key, ""))
            continue
        size = _frame_size(key, graph, placed.inner[key])
        yield "<g>"
        yield f"<title>{_text('.'.join(key))}</title>"
        yield (
            f'<rect class="frame" x="{x + left}" y="{y + top}" width="{size.width}" '
            f'height="{size.height}" rx="10"/>'
        )
        yield (
            f'<text class="name" x="{x + left + _PADDING}" y="{y + top + 20}">'
            f"{_text(_frame_words(key, graph))}</text>"
        )
        inner = (x + left + _PADDING, y + top + _FRAME_HEAD)
        yield from _drawn(placed.inner[key], graph, inner, classes)
        yield "</g>"


def _box(box: Box, corner: Point, more: str) -> Iterator[str]:
    x, y = corner
    size = _size_of(box)
    stack = _STACK if len(box.ids) > 1 else 0
    width, height = size.width - 2 * stack, size.height - 2 * stack
    radius = height // 2 if box.kind == "service" else 7
    skipped = " skipped" if box.is_skipped else ""
    yield f'<g class="{f"{box.kind}{skipped} {more}".strip()}">'
    yield f"<title>{_text(_told(box))}</title>"
    for shift in range(2 if stack else 0, 0, -1):
        by = shift * stack
        yield (
            f'<rect class="box" x="{x + by}" y="{y + by}" width="{width}" height="{height}" '
            f'rx="{radius}"/>'
        )
    yield (f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>')
    name, note = _words(box)
    middle = x + width // 2
    yield (
        f'<text class="name" x="{middle}" y="{y + 20}" text-anchor="middle">{_text(name)}</text>'
    )
    if note:
        yield (
            f'<text class="note" x="{middle}" y="{y + 36}" text-anchor="middle">'
            f"{_text(note)}</text>"
        )
    yield "</g>"


def _told(box: Box) -> str:
    """All that a box stands for, for who points at it or can't see it."""
    shown = ", ".join(box.ids[:20])
    more = f" and {len(box.ids) - 20} more" if len(box.ids) > 20 else ""
    return f"{shown}{more}" + "".join(f"\n{note}" for note in box.notes)


def _line(edge: Edge, points: Sequence[Point]) -> Iterator[str]:
    """A line that leaves and arrives level, with a tip at its end."""
    (x, y), *others = points
    tip_x, tip_y = others[-1]
    others[-1] = (tip_x - 7, tip_y)
    path = [f"M{x} {y}"]
    for to_x, to_y in others:
        if to_y == y:
            path.append(f"L{to_x} {to_y}")
        else:
            bend = (x + to_x) // 2
            path.append(f"C{bend} {y} {bend} {to_y} {to_x} {to_y}")
        x, y = to_x, to_y
    kind = " to-service" if edge.is_service else ""
    yield "<g>"
    yield f"<title>{_text('.'.join(edge.source))} → {_text('.'.join(edge.target))}</title>"
    yield f'<path class="line{kind}" d="{"".join(path)}"/>'
    yield f'<path class="tip" d="M{tip_x} {tip_y}l-8 -4v8z"/>'
    yield "</g>"


def _text(text: str) -> str:
    """Text as XML holds it: what acts is spelled out, so that every character is allowed."""
    return escape("\n".join(visible(line) for line in text.split("\n")), {'"': "&quot;"})
