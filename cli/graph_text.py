"""A graph drawn for a terminal: layer by layer, each box with what it comes after."""

from orch.cli.graph_layout import layers
from orch.cli.graph_model import Box, Graph, Segments, boxes_of
from orch.cli.terminal import PLAIN, Terminal
from orch.cli.units import count_text
from orch.cli.visible import cut, cut_middle, visible, width_of

_MOST_NAME_CELLS = 40
_MOST_SOURCES = 8


def draw_text(graph: Graph, terminal: Terminal = PLAIN, width: int = 100) -> str:
    """Lines for people, each ended by a line end."""
    boxes = list(graph.boxes.values())
    inside = boxes_of(graph)
    number = {box.key: at for at, box in enumerate(boxes)}
    pairs = [
        (number[source.key], number[target.key])
        for edge in graph.edges
        for source in inside[edge.source]
        for target in inside[edge.target]
    ]
    services = [number[box.key] for box in boxes if box.kind == "service"]
    layer = layers(len(boxes), pairs, services)
    behind = max((layer[number[b.key]] for b in boxes if b.kind != "finally"), default=-1) + 1
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        at = behind if box.kind == "finally" else layer[number[box.key]]
        rows.setdefault(at, []).append(box)
    sources: dict[Segments, list[str]] = {}
    depth: dict[Segments, int] = {}
    for edge in sorted(graph.edges, key=lambda edge: -len(edge.target)):
        for target in inside[edge.target]:
            # What comes after another stage of its frame comes after all that the frame does.
            if depth.setdefault(target.key, len(edge.target)) == len(edge.target):
                sources.setdefault(target.key, []).append(".".join(edge.source))
    stages = sum(len(box.ids) for box in boxes)
    title = f": {visible(graph.title)}" if graph.title != graph.name else ""
    lines = [
        terminal.paint(visible(graph.name), "bold") + title,
        terminal.paint(f"{count_text(stages, 'stage')} in {count_text(len(rows), 'layer')}", "dim"),
        "",
    ]
    column = min(_MOST_NAME_CELLS, max((width_of(_name(box)) for box in boxes), default=0))
    for at in sorted(rows):
        for place, box in enumerate(rows[at]):
            head = str(at + 1) if place == 0 else ""
            lines.append(_line(head, box, sources.get(box.key, []), (column, width), terminal))
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _line(
    head: str, box: Box, sources: list[str], widths: tuple[int, int], terminal: Terminal
) -> str:
    column, width = widths
    ellipsis = terminal.mark("ellipsis")
    name = cut_middle(_name(box), column, ellipsis)
    blank = " " * (column - width_of(name))
    words = []
    if sources:
        more = f" and {len(sources) - _MOST_SOURCES} more" if len(sources) > _MOST_SOURCES else ""
        words.append(f"after {', '.join(sources[:_MOST_SOURCES])}{more}")
    words += box.notes
    room = max(20, width - column - 8)
    dot = f" {terminal.mark('dot')} "
    details = terminal.paint(cut(visible(dot.join(words)), room, ellipsis), "dim")
    style = "dim" if box.is_skipped else "bold"
    return f"{terminal.paint(f'{head:>4}', 'dim')}  {terminal.paint(name, style)}{blank}  {details}"


def _name(box: Box) -> str:
    count = f" x{len(box.ids)}" if len(box.ids) > 1 else ""
    return visible(".".join(box.key)) + count


def graph_json(graph: Graph) -> dict[str, object]:
    """`{"name", "title", "boxes", "edges"}`: boxes with `key`, `kind`, `ids`, `notes` and
    `is_skipped`; edges from `source` to `target`, keys of boxes or of what a `use` brings in."""
    return {
        "name": graph.name,
        "title": graph.title,
        "boxes": [
            {
                "key": ".".join(box.key),
                "inside": ".".join(box.inside) or None,
                "kind": box.kind,
                "ids": list(box.ids),
                "notes": list(box.notes),
                "is_skipped": box.is_skipped,
            }
            for box in graph.boxes.values()
        ],
        "edges": [
            {"source": ".".join(edge.source), "target": ".".join(edge.target)}
            for edge in graph.edges
        ],
    }
