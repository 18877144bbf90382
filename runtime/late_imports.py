"""What a run imports after its start: while nothing else is to be done, and before it is too late.

A command may replace or remove the very installation that orch runs from. So wardens import nothing
once they are forked, and orch nothing once its first attempts are under way.
"""

from orch.compiler.plan import Plan


def import_what_wardens_need(*, is_fresh_asked: bool) -> None:
    """Import now what is used in wardens alone, which are forked from this process."""
    import fcntl  # noqa: F401 # For wardens alone.
    import hashlib  # noqa: F401 # For wardens alone.
    import shutil  # noqa: F401 # For wardens alone.
    import termios  # noqa: F401 # For wardens alone.

    import orch.compiler.globs
    import orch.runtime.artifacts
    import orch.runtime.terminals  # For wardens alone.

    if is_fresh_asked:
        import orch.runtime.fresh_look  # noqa: F401 # For wardens alone.


def import_what_the_end_needs(plan: Plan) -> None:
    """Import what is used when attempts of this plan end, and when the run does."""
    import orch.runtime.errors
    import orch.runtime.persistence
    import orch.runtime.run_record

    stages = plan.stages
    if any(stage.values for stage in stages):
        import orch.compiler.handed_on
    if any(stage.late or stage.bindings for stage in stages):
        from orch.compiler.late import import_what_evaluating_needs

        import_what_evaluating_needs()
    if any(stage.exclusive is not None for stage in stages):
        import orch.runtime.folders
        import orch.runtime.leftovers  # noqa: F401 # Used later.
