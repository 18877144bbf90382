"""What `orch run` does once its words are read: compile, run, say how it went."""

import os

from orch.cli.face import Face
from orch.cli.failure import CommandError, SourcesError
from orch.cli.lasting import Lasting
from orch.cli.project import find_pipeline, relative_path, split_pairs
from orch.cli.sources import Given, load_plan, note_lints
from orch.cli.watch import Watch
from orch.compiler.plan import Plan
from orch.dsl.record import EMPTY, changed, record
from orch.dsl.type_names import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from orch.cli.detach import Begin


@record
class RunWords:
    """The words of `orch run`; `file` may be the name of a pipeline in `pipelines/`."""

    file: str
    given: Given
    root: str
    face: Face
    task: str | None = None
    jobs: int | None = None
    is_keep_going: bool = False
    is_dry: bool = False
    is_forced: bool = False
    only: tuple[str, ...] = ()
    onwards: tuple[str, ...] = ()
    """`--from`: these stages, and all that comes after them."""
    is_detached: bool = False
    junit: str | None = None
    """Where a JUnit report goes."""


def run_pipeline(words: RunWords) -> int:
    """Returns the exit code of the run. Raises `CommandError` and what `run_plan` raises."""
    root, face = words.root, words.face
    if words.junit is not None:
        from orch.cli.junit import begin_report

        begin_report(words.junit)
    path = find_pipeline(root, words.file)
    try:
        plan, lints = load_plan(root, path, words.given, "nothing was run")
    except SourcesError as failure:
        from orch.cli.report_diagnostics import report_failure

        return report_failure(failure, face, root)
    note_lints(lints, path, face)
    plan = _selected(plan, words)
    if words.is_dry:
        from orch.cli.plan import show_plan

        show_plan(plan, face)
        return 0
    with Lasting():
        from orch.runtime.run import keep_going

    if words.is_keep_going:
        plan = keep_going(plan)
    if not words.is_detached:
        return _run(plan, words)
    from orch.cli.detach import detach

    unseen = changed(words, face=face.unseen())
    return detach(lambda begin: _run(plan, unseen, begin), face)


def _run(plan: Plan, words: RunWords, begin: "Begin | None" = None) -> int:
    """Run it in this process; `begin` is told when it has begun."""
    from orch.compiler.plan_cache import plan_text
    from orch.runtime.run import RunOptions, run_plan

    watch = Watch(plan, words.face, words.root, junit=words.junit)
    try:
        watching = changed(watch.watching(), on_begun=begin)
        source, policy = _asked(words)
        options = RunOptions(os.environ, words.jobs, watching, words.is_forced, source, policy)
        # Given away, not held: it may be as large as all that the run needs.
        result = run_plan(
            plan, words.root, options, task=words.task, text=plan_text(words.root, plan)
        )
    finally:
        watch.close()
    return watch.tell(result)


def _asked(words: RunWords) -> tuple[str | None, Mapping[str, str]]:
    """How the plan was asked for, as far as it doesn't hold that; of a saved plan nothing."""
    path = find_pipeline(words.root, words.file)
    if path.endswith(".json"):
        return None, EMPTY
    return relative_path(words.root, path), split_pairs(words.given.policies, "--policy")


def _selected(plan: Plan, words: RunWords) -> Plan:
    if not words.only and not words.onwards:
        return plan
    from orch.compiler.selection import SelectionError, select
    from orch.dsl.suggest import did_you_mean

    try:
        return select(plan, words.only, words.onwards)
    except SelectionError as error:
        help_text = did_you_mean(error.proposal) or f"`orch plan {words.file}` shows the stages"
        raise CommandError(str(error), help_text=help_text) from None
