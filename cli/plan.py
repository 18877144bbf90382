"""`orch plan FILE`: what a run would do, and what it can cost at most."""

from pathlib import Path

import click

from orch.cli.face import Face
from orch.cli.options import Command, face_options, given_options, root_option
from orch.cli.sources import Given, load_plan, note_lints
from orch.compiler.plan import Plan, canonical_json


@click.command(
    cls=Command,
    examples=(
        "orch plan pipelines/diagnostics.pipeline",
        "orch plan x.pipeline -p level=full --format json > plan.json",
    ),
)
@click.argument("file", metavar="FILE")
@given_options
@root_option
@face_options("text", "json")
def command(*, file: str, given: Given, root: Path, face: Face) -> int:
    """Show what a run would do, in which order, and its bounds; nothing is run.

    As JSON it is the plan itself, which `orch run PLAN.json` executes as it is. FILE may be such a
    saved plan too.
    """
    plan, lints = load_plan(root, file, given, "there is no plan")
    note_lints(lints, file, face)
    show_plan(plan, face)
    return 0


def show_plan(plan: Plan, face: Face) -> None:
    """The plan on stdout: drawn, or as its canonical JSON."""
    if face.is_text:
        from orch.cli.plan_text import draw_plan

        face.say(draw_plan(plan, face.out, min(160, face.out.size()[0])))
    else:
        face.print_line(canonical_json(plan.to_json()))
