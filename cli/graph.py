"""`orch graph FILE`: what waits for what, drawn for a terminal, a page or another program."""

import click

from orch.cli.face import Face
from orch.cli.options import Command, face_options, given_options, root_option
from orch.cli.sources import Given, load_plan, note_lints


@click.command(
    cls=Command,
    examples=(
        "orch graph pipelines/diagnostics.pipeline",
        "orch graph x.pipeline --format svg > x.svg",
    ),
)
@click.argument("file", metavar="FILE")
@click.option("--expand", is_flag=True, help="Show the stages of a matrix one by one.")
@given_options
@root_option
@face_options("text", "mermaid", "dot", "svg", "json")
def command(*, file: str, expand: bool, given: Given, root: str, face: Face) -> int:
    """Draw what waits for what.

    The stages of a matrix are one box with a count. What a `use` brings in is framed. FILE may be
    a saved plan too.
    """
    from orch.cli.graph_model import graph_of

    plan, lints = load_plan(root, file, given, "there is no graph")
    graph = graph_of(plan, is_expanded=expand)
    match face.format:
        case "text":
            from orch.cli.graph_text import draw_text

            face.say(draw_text(graph, face.out, min(160, face.out.size()[0])))
            note_lints(lints, file, face)
        case "json":
            from orch.cli.graph_text import graph_json

            face.print_json(graph_json(graph))
        case "svg":
            from orch.cli.graph_svg import draw_svg

            face.print_text(draw_svg(graph))
        case "mermaid":
            from orch.cli.graph_languages import draw_mermaid

            face.print_text(draw_mermaid(graph))
        case _:
            from orch.cli.graph_languages import draw_dot

            face.print_text(draw_dot(graph))
    return 0
