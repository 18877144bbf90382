"""A plan as a graph to draw: boxes, boxes around them, and what points from one to another.

The stages of one matrix are one box with a count, unless they are asked for one by one. What a
`use` brings in stands in a box of its own. Where all of such a box needs something, or is needed,
one edge to the whole box says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orch.compiler.plan import Kind, Plan, PlannedStage
from orch.dsl.record import record

Segments = tuple[str, ...]
"""The parts of a stage's id: the aliases of its uses, then its own name."""


@record
class Box:
    """One stage, or all of one matrix. `inside` is the key of the box around it, empty for none."""

    key: Segments
    kind: Kind
    name: str
    ids: tuple[str, ...]
    notes: tuple[str, ...]
    is_skipped: bool

    @property
    def inside(self) -> Segments:
        return self.key[:-1]


@record
class Edge:
    """Points from what is needed to what needs it, each the key of a box or of a box around
    boxes."""

    source: Segments
    target: Segments
    is_service: bool = False


@record
class Graph:
    """`boxes` in run order. `frames` are the boxes around boxes, outer ones first, with how many
    they stand for: more than one for a `use` with a matrix."""

    name: str
    title: str
    boxes: Mapping[Segments, Box]
    frames: Mapping[Segments, int]
    edges: tuple[Edge, ...]


def graph_of(plan: Plan, *, is_expanded: bool = False) -> Graph:
    """The graph of a plan; `is_expanded` shows the stages of a matrix one by one."""
    keys = {stage.id: _key(stage, is_expanded=is_expanded) for stage in plan.stages}
    members: dict[Segments, list[PlannedStage]] = {}
    for stage in plan.stages:
        members.setdefault(keys[stage.id], []).append(stage)
    boxes = {key: _box(key, stages) for key, stages in members.items()}
    edges: dict[tuple[Segments, Segments], Edge] = {}
    for stage in plan.stages:
        for need in stage.needs:
            pair = keys[need], keys[stage.id]
            edges.setdefault(pair, Edge(*pair, boxes[pair[0]].kind == "service"))
    if not is_expanded and (has_circle(boxes, edges) or any(a == b for a, b in edges)):
        # Only a plan that no compiler made: stages of one matrix wait for others of it.
        return graph_of(plan, is_expanded=True)
    frames = _frames(plan, keys)
    return Graph(
        plan.pipeline.name,
        plan.pipeline.title or plan.pipeline.name,
        boxes,
        frames,
        tuple(_lifted(boxes, frames, edges.values())),
    )


def children_of(graph: Graph) -> dict[Segments, list[Segments]]:
    """What stands directly in each frame, in run order; the whole picture is the frame ``()``."""
    children: dict[Segments, dict[Segments, None]] = {(): {}}
    for key in graph.boxes:
        for depth in range(len(key)):
            children.setdefault(key[:depth], {})[key[: depth + 1]] = None
    return {frame: list(inner) for frame, inner in children.items()}


def boxes_of(graph: Graph) -> dict[Segments, list[Box]]:
    """For each box itself, and for each frame the stages somewhere in it, but no services."""
    found: dict[Segments, list[Box]] = {frame: [] for frame in graph.frames}
    for key, box in graph.boxes.items():
        found[key] = [box]
        for depth in range(1, len(key)):
            if box.kind != "service":
                found[key[:depth]].append(box)
    return found


def counted(name: str, count: int) -> str:
    """A name with how many it stands for, if that is more than one."""
    return f"{name} \u00d7{count}" if count > 1 else name


def has_circle(
    nodes: Mapping[Segments, object], edges: Mapping[tuple[Segments, Segments], Edge]
) -> bool:
    """Whether the boxes have no order."""
    unmet = dict.fromkeys(nodes, 0)
    targets: dict[Segments, list[Segments]] = {}
    for source, target in edges:
        unmet[target] += 1
        targets.setdefault(source, []).append(target)
    row = [node for node, count in unmet.items() if count == 0]
    for node in row:
        for target in targets.get(node, ()):
            unmet[target] -= 1
            if unmet[target] == 0:
                row.append(target)
    return len(row) < len(unmet)


# -- names ----------------------------------------------------------------------


def _key(stage: PlannedStage, *, is_expanded: bool) -> Segments:
    parts = list(segments(stage.id))
    if is_expanded:
        return tuple(f"{name}[{row}]" if row else name for name, row in parts)
    return tuple(name for name, _ in parts)


def segments(stage_id: str) -> Iterator[tuple[str, str]]:
    """The names in a stage's id, each with its combination: `lib[os=mac].test` → `lib`, `os=mac`;
    `test`, nothing. An id of another make is one name."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(stage_id):
        end = next((i for i in range(at, len(stage_id)) if stage_id[i] in "[."), len(stage_id))
        name, row = stage_id[at:end], ""
        if end < len(stage_id) and stage_id[end] == "[":
            close = _closing(stage_id, end)
            if close is None:
                return iter([(stage_id, "")])
            row = stage_id[end + 1 : close]
            end = close + 1
        found.append((name, row))
        if end < len(stage_id) and (stage_id[end] != "." or end + 1 == len(stage_id)):
            return iter([(stage_id, "")])
        at = end + 1
    if not found or not all(name for name, _ in found):
        return iter([(stage_id, "")])
    return iter(found)


def _closing(text: str, opening: int) -> int | None:
    """Where the bracket ends, past values that stand as JSON strings."""
    at = opening + 1
    while at < len(text):
        if text[at] == "]":
            return at
        if text[at] == '"':
            try:
                _, at = json.JSONDecoder().raw_decode(text, at)
            except ValueError:
                return None
            continue
        at += 1
    return None


# -- boxes ----------------------------------------------------------------------


def _box(key: Segments, stages: Sequence[PlannedStage]) -> Box:
    first = stages[0]
    titles = {stage.title for stage in stages}
    skipped = sum(stage.skip is not None for stage in stages)
    notes: list[str] = []
    if first.kind != "stage":
        notes.append(first.kind)
    if skipped:
        notes.append("skipped" if skipped == len(stages) else f"{skipped} skipped")
    if len(stages) > 1 and first.matrix:
        # As written: a plan that was stored holds its keys in the order of the alphabet.
        axes = sorted(first.matrix, key=lambda axis: first.id.find(f"{axis}="))
        notes.append(", ".join(axes))
    if any(stage.when is not None for stage in stages):
        notes.append("conditional")
    if all(stage.allow_failure for stage in stages):
        notes.append("may fail")
    if len(titles) == 1 and first.title:
        notes.append(first.title)
    return Box(
        key,
        first.kind,
        key[-1],
        tuple(stage.id for stage in stages),
        tuple(notes),
        is_skipped=skipped == len(stages),
    )


def _frames(plan: Plan, keys: Mapping[str, Segments]) -> dict[Segments, int]:
    """All frames, outer ones first, with how many combinations of a `use` each stands for."""
    rows: dict[Segments, dict[Segments, None]] = {}
    for stage in plan.stages:
        key = keys[stage.id]
        row = tuple(row for _, row in segments(stage.id))
        for depth in range(1, len(key)):
            rows.setdefault(key[:depth], {})[row[:depth]] = None
    return {frame: len(found) for frame, found in rows.items()}


# -- edges to whole frames ---------------------------------------------------------


def _lifted(
    boxes: Mapping[Segments, Box], frames: Iterable[Segments], edges: Iterable[Edge]
) -> Iterator[Edge]:
    """Edges to and from every stage of a frame become one, to or from the frame; the outermost
    frame for which that is so. A service has no needs, and who needs a frame waits for its
    stages."""
    sizes = dict.fromkeys(frames, 0)
    for key, box in boxes.items():
        if box.kind != "service":
            for depth in range(1, len(key)):
                sizes[key[:depth]] += 1
    edges = _ends_lifted(edges, sizes, is_target=True)
    return iter(_ends_lifted(edges, sizes, is_target=False))


def _ends_lifted(
    edges: Iterable[Edge], sizes: Mapping[Segments, int], *, is_target: bool
) -> list[Edge]:
    """One end of every edge, moved to the outermost frame all of whose stages have that edge."""
    edges = list(edges)
    found: dict[tuple[Segments, Segments], set[Segments]] = {}
    for edge in edges:
        if not edge.is_service:
            end, other = (edge.target, edge.source) if is_target else (edge.source, edge.target)
            for frame in _frames_between(end, other):
                found.setdefault((frame, other), set()).add(end)
    lifted: dict[Edge, None] = {}
    for edge in edges:
        end, other = (edge.target, edge.source) if is_target else (edge.source, edge.target)
        whole = (
            frame
            for frame in _frames_between(end, other)
            if 0 < sizes[frame] == len(found.get((frame, other), ()))
        )
        outermost = next(whole, None)
        if outermost is None:
            lifted[edge] = None
        else:
            lifted[Edge(other, outermost) if is_target else Edge(outermost, other)] = None
    return list(lifted)


def _frames_between(end: Segments, other: Segments) -> Iterator[Segments]:
    """The frames around one end of an edge that don't hold its other end, outer ones first."""
    for depth in range(1, len(end)):
        if other[:depth] != end[:depth]:
            yield end[:depth]
