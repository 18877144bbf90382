"""The graph of a run: boxes say how their stages ended, in words and colours."""

from collections.abc import Iterator, Mapping

from orch.cli.graph_model import Box, Graph, graph_of
from orch.cli.graph_svg import draw_figure
from orch.cli.graph_text import draw_text
from orch.cli.outcome_text import COUNTED
from orch.cli.report.data import Report
from orch.cli.report.markup import Markup, tag, text
from orch.cli.units import count_text
from orch.dsl.record import changed

_MOST_BOXES = 300
_MOST_EDGES = 1500
_MOST_LINES = 400


def draw_graph(report: Report) -> Iterator[Markup]:
    """The picture; layers as text where it would have more than some hundred boxes."""
    statuses = {entry.id: entry.status.value for entry in report.entries}
    graph = graph_of(report.view.plan)
    if len(graph.boxes) <= _MOST_BOXES and len(graph.edges) <= _MOST_EDGES:
        told, outcomes = _told(graph, statuses)
        yield tag("p", "What waits for what, from left to right.")
        svg = Markup(draw_figure(told, outcomes))
        yield tag(
            "div", svg, class_="scroll graph", tabindex="0", role="region", aria_label="Graph"
        )
        return
    lines = draw_text(graph).splitlines()[2:]
    yield tag(
        "p",
        f"A picture of {count_text(len(graph.boxes), 'box')[:-1] + 'es'} would be no help; these "
        "are the layers, each after what it waits for.",
    )
    shown = "\n".join(lines[:_MOST_LINES])
    yield tag("pre", tag("code", text(shown)), tabindex="0", role="region", aria_label="Layers")
    if len(lines) > _MOST_LINES:
        rest = f"{len(lines) - _MOST_LINES:,} lines more: "
        yield tag("p", rest, tag("code", "orch graph FILE"), " draws all of them.")


def _told(graph: Graph, statuses: Mapping[str, str]) -> tuple[Graph, dict[tuple[str, ...], str]]:
    """The graph whose boxes are noted with how their stages ended, and the worst of each."""
    boxes = {}
    outcomes = {}
    for key, box in graph.boxes.items():
        counts = _counts(box, statuses)
        outcomes[key] = next((name for name in _WORST if name in counts), "waiting")
        many = len(box.ids) > 1
        said = ", ".join(f"{counts[n]} {n}" if many else n for n in COUNTED if n in counts)
        kept = tuple(note for note in box.notes if "skipped" not in note)
        boxes[key] = changed(box, notes=(said, *kept))
    return changed(graph, boxes=boxes), outcomes


_WORST = ("failed", "cancelled", "running", "ready", "waiting", "succeeded", "skipped")


def _counts(box: Box, statuses: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stage_id in box.ids:
        name = statuses.get(stage_id, "waiting")
        counts[name] = counts.get(name, 0) + 1
    return counts
