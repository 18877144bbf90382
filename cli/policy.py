"""`orch policy FILE`: every policy value in force, and the place it came from."""

import click

from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.options import Command, face_options, given_options, root_option
from orch.cli.sources import Given, compile_anew, note_lints
from orch.compiler.late import is_meant_by
from orch.compiler.plan import Plan


@click.command(
    cls=Command,
    examples=(
        "orch policy pipelines/diagnostics.pipeline",
        "orch policy x.pipeline --stage test        all that holds for one stage",
    ),
)
@click.argument("file", metavar="FILE")
@click.option(
    "--stage",
    metavar="NAME",
    help="All values of one stage, or of the stages of one matrix; -v shows all of every stage.",
)
@given_options
@root_option
@face_options("text", "json")
def command(*, file: str, stage: str | None, given: Given, root: str, face: Face) -> int:
    """Show every policy value in force, with the file and line it came from.

    First what holds for the run and for stages that say nothing of their own; then the stages
    for which something else holds, those for which the same holds together.
    """
    from orch.cli.policy_text import draw_policies, policies_json

    compilation = compile_anew(root, file, given, "there are no policies in force")
    assert compilation.plan is not None
    chosen = None if stage is None else _stages_named(compilation.plan, stage)
    if face.is_text:
        face.say(draw_policies(compilation, face.out, chosen, is_whole=face.verbosity > 0))
    else:
        face.print_json(policies_json(compilation, chosen))
    note_lints(compilation.diagnostics, file, face)
    return 0


def _stages_named(plan: Plan, name: str) -> list[str]:
    """The ids that a name stands for: that of a stage, or of a matrix, or of a `use`."""
    found = [stage.id for stage in plan.stages if is_meant_by(name, stage.id)]
    if found:
        return found
    from orch.dsl.suggest import near_miss

    hint = near_miss(name, [s.id for s in plan.stages])
    raise CommandError(
        f"there is no stage `{name}` in `{plan.pipeline.name}`"
        + (f"; did you mean `{hint}`?" if hint else ""),
        help_text="`orch plan` shows the stages, `orch policy -v` all values of each.",
    )
