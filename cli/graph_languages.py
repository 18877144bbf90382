"""A graph in the languages of other programs: Mermaid and Graphviz's DOT.

Boxes get names of our own making (`n1`), so nothing that a plan holds is ever read as syntax; what
it holds stands in quotes.
"""

from collections.abc import Iterator, Mapping, Sequence

from orch.cli.graph_model import Box, Graph, Segments, boxes_of, children_of, counted
from orch.cli.visible import visible

_Nested = tuple[Graph, Mapping[Segments, Sequence[Segments]]]
"""A graph, and what stands directly in each of its frames."""

_MERMAID_CLASSES = (
    "classDef service fill:#ddf4ff,stroke:#0969da,color:#1f2328",
    "classDef finally fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "classDef skipped stroke-dasharray:4 3,opacity:0.6",
)


# -- Mermaid -----------------------------------------------------------------------


def draw_mermaid(graph: Graph) -> str:
    """A flowchart as GitHub and others draw it."""
    names = _names(graph)
    lines = ["flowchart LR", f"  accTitle: {_plain(graph.title)}"]
    lines += [f"  {line}" for line in _MERMAID_CLASSES]
    lines += _mermaid_level((), (graph, children_of(graph)), names, "  ")
    for edge in graph.edges:
        arrow = "-.->" if edge.is_service else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    return "".join(f"{line}\n" for line in lines)


def _mermaid_level(
    frame: Segments, nested: _Nested, names: Mapping[Segments, str], indent: str
) -> Iterator[str]:
    graph, children = nested
    for key in children[frame]:
        box = graph.boxes.get(key)
        if box is None:
            yield f'{indent}subgraph {names[key]}["{_entities(_frame_label(key, graph))}"]'
            yield from _mermaid_level(key, nested, names, indent + "  ")
            yield f"{indent}end"
            continue
        label = "<br/>".join(_entities(line) for line in _labels(box))
        opening, closing = {
            ("service", False): ('(["', '"])'),
            ("service", True): ('(["', '"])'),
            ("stage", True): ('[["', '"]]'),
            ("finally", True): ('[["', '"]]'),
        }.get((box.kind, len(box.ids) > 1), ('["', '"]'))
        yield f"{indent}{names[key]}{opening}{label}{closing}"
        if box.kind != "stage":
            yield f"{indent}class {names[key]} {box.kind}"
        if box.is_skipped:
            yield f"{indent}class {names[key]} skipped"


def _entities(text: str) -> str:
    """Text inside Mermaid's quotes. All but letters, digits and a few harmless signs become
    entities in its own spelling, so neither its syntax nor its Markdown or HTML is ever met."""
    shown = visible(text)
    return "".join(
        # A sign before a blank could begin a list of Markdown: `1. `, `- `.
        char if _is_harmless(char) and not (char in ".-+" and after == " ") else f"#{ord(char)};"
        for char, after in zip(shown, shown[1:] + " ", strict=True)
    )


def _is_harmless(char: str) -> bool:
    return char.isalnum() or char in " .,_-/:+=\u00d7\u00b7\u2026"


def _plain(text: str) -> str:
    """Text to the end of a line, where Mermaid knows neither quotes nor entities."""
    kept = "".join(char if _is_harmless(char) else " " for char in visible(text))
    return " ".join(kept.split()) or "pipeline"


# -- DOT ----------------------------------------------------------------------------


def draw_dot(graph: Graph) -> str:
    """A digraph for Graphviz."""
    names = _names(graph)
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        f"  graph [rankdir=LR, compound=true, fontname=Helvetica, label={_quoted(graph.title)}]",
        "  node [shape=box, style=rounded, fontname=Helvetica]",
        '  edge [color="#57606a"]',
        *_dot_level((), (graph, children_of(graph)), names, "  "),
    ]
    inside = boxes_of(graph)
    for edge in graph.edges:
        # Graphviz joins boxes only: a line to a frame is one to a box in it, cut at the frame.
        source, target = inside[edge.source][0].key, inside[edge.target][0].key
        marks = ["style=dashed"] if edge.is_service else []
        if source != edge.source:
            marks.append(f"ltail=cluster_{names[edge.source]}")
        if target != edge.target:
            marks.append(f"lhead=cluster_{names[edge.target]}")
        attributes = f" [{', '.join(marks)}]" if marks else ""
        lines.append(f"  {names[source]} -> {names[target]}{attributes}")
    return "".join(f"{line}\n" for line in [*lines, "}"])


def _dot_level(
    frame: Segments, nested: _Nested, names: Mapping[Segments, str], indent: str
) -> Iterator[str]:
    graph, children = nested
    for key in children[frame]:
        box = graph.boxes.get(key)
        if box is None:
            yield f"{indent}subgraph cluster_{names[key]} {{"
            label = _quoted(_frame_label(key, graph))
            yield f'{indent}  graph [label={label}, style="rounded,filled", fillcolor="#afb8c120"]'
            yield from _dot_level(key, nested, names, indent + "  ")
            yield f"{indent}}}"
            continue
        styles = ["rounded"]
        marks = [f"label={_quoted(*_labels(box))}"]
        if box.kind == "service":
            marks += ['fillcolor="#ddf4ff"', 'color="#0969da"']
        elif box.kind == "finally":
            marks += ['fillcolor="#fff8c5"', 'color="#9a6700"']
        if box.kind != "stage":
            styles.append("filled")
        if box.is_skipped:
            styles.append("dashed")
            marks.append('fontcolor="#6e7781"')
        if len(box.ids) > 1:
            marks.append("peripheries=2")
        marks.append(f'style="{",".join(styles)}"')
        yield f"{indent}{names[key]} [{', '.join(marks)}]"


def _quoted(*lines: str) -> str:
    r"""A quoted string of DOT: a quote is `\"`, and a backslash, which begins escapes of labels,
    is doubled; lines are parted by `\n`."""
    quoted = (visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(quoted) + '"'


# -- both ----------------------------------------------------------------------------


def _names(graph: Graph) -> dict[Segments, str]:
    return {key: f"n{at}" for at, key in enumerate([*graph.boxes, *graph.frames], start=1)}


def _labels(box: Box) -> list[str]:
    return [counted(box.name, len(box.ids)), *([" · ".join(box.notes)] if box.notes else [])]


def _frame_label(key: Segments, graph: Graph) -> str:
    return counted(key[-1], graph.frames[key])
