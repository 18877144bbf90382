"""`orch plan FILE`: what a run would do, and what it can cost at most."""

import click

from orch.cli.face import Face
from orch.cli.options import Command, bundled, face_options, given_options, root_option
from orch.cli.sources import Given, load_plan, note_lints
from orch.compiler.plan import Plan
from orch.dsl.record import record


@record
class Against:
    """What a plan is compared with, and whether the exit code tells of a difference."""

    other: str | None
    is_told_by_exit: bool


@click.command(
    cls=Command,
    examples=(
        "orch plan pipelines/diagnostics.pipeline",
        "orch plan x.pipeline --diff HEAD~1        what has changed since then",
    ),
)
@click.argument("file", metavar="FILE")
@bundled(
    "against",
    Against,
    {
        "other": click.option(
            "--diff",
            "other",
            metavar="OTHER",
            help="What FILE changes against OTHER: a file, a saved plan, or a revision of git such "
            "as HEAD~1 or main:pipelines/x.pipeline.",
        ),
        "is_told_by_exit": click.option(
            "--exit-code",
            "is_told_by_exit",
            is_flag=True,
            help="With --diff: exit with 1 if anything changes.",
        ),
    },
)
@given_options
@root_option
@face_options("text", "json")
def command(*, file: str, against: Against, given: Given, root: str, face: Face) -> int:
    """Show what a run would do, in which order, and its bounds; nothing is run.

    As JSON it is the plan itself, which `orch run PLAN.json` executes as it is. FILE may be such a
    saved plan too.
    """
    if against.is_told_by_exit and against.other is None:
        raise click.UsageError("--exit-code says whether --diff found a change: give both")
    plan, lints = load_plan(root, file, given, "there is no plan")
    note_lints(lints, file, face)
    if against.other is None:
        show_plan(plan, face)
        return 0
    from orch.cli.comparison import plan_to_compare

    is_changed = show_diff(plan_to_compare(root, file, against.other, given), plan, face)
    return 1 if is_changed and against.is_told_by_exit else 0


def show_diff(old: Plan, new: Plan, face: Face) -> bool:
    """What `new` changes against `old`, on stdout; whether that is anything."""
    from orch.cli.plan_diff import diff_json, diff_of

    diff = diff_of(old, new)
    if face.is_text:
        from orch.cli.diff_text import draw_diff

        face.say(draw_diff(diff, (old, new), face.out, min(160, face.out.size()[0])))
    else:
        face.print_json(diff_json(diff, old, new))
    return not diff.is_empty


def show_plan(plan: Plan, face: Face) -> None:
    """The plan on stdout: drawn, or as its canonical JSON."""
    if face.is_text:
        from orch.cli.plan_text import draw_plan

        face.say(draw_plan(plan, face.out, min(160, face.out.size()[0])))
    else:
        face.print_parts(plan.canonical_parts())
