"""Where the policies of a run came from: its file compiled anew, if that gives the same plan.

A plan holds values only. The journal names the file, and is itself a file that anybody may have
written: so the file is read with every guard of a compilation, and what it gives counts only if
it is the plan that was run, by its digest.
"""

from collections.abc import Iterator, Mapping

from orch.cli.failure import CommandError
from orch.cli.policy_text import Section, policy_sections
from orch.cli.project import read_project_file
from orch.cli.stage_places import is_in_project, run_started
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import NOT_SELECTED, Plan
from orch.compiler.request import Compilation, Given, Request
from orch.compiler.selection import without
from orch.dsl.record import changed, record
from orch.dsl.shown import LONGEST_PATH, shown
from orch.runtime.liveness import RunView
from orch.runtime.run import keep_going

_NO_FILE = "the journal names no pipeline file that this run was made of"


@record
class Origins:
    """The values in force with their origins, or why those are not known, for people."""

    sections: tuple[Section, ...] = ()
    why_not: str = ""


def origins_of(view: RunView) -> Origins:
    """Never raises for what stands in the journal, or in the file that it names."""
    started = run_started(view.paths.journal)
    if started is None:
        return Origins(why_not=_NO_FILE)
    source, policy = _text(started.source), _texts(started.policy)
    if not source or policy is None:
        return Origins(why_not=_NO_FILE)
    named = shown(source, LONGEST_PATH)
    unreadable = Origins(why_not=f"`{named}` can't be compiled as it was for this run")
    if not is_in_project(source):
        return unreadable
    is_whole = False
    try:
        for compilation in _compiled(view, source, policy):
            is_whole = True
            same = _as_it_was_run(compilation, view.plan)
            if same is not None:
                return Origins(tuple(policy_sections(same)))
    except (CommandError, OSError, ValueError):
        return unreadable
    changed_since = Origins(
        why_not=f"`{named}` gives another plan by now; it, or what it uses, seems to have changed"
    )
    return changed_since if is_whole else unreadable


def _compiled(view: RunView, source: str, policy: Mapping[str, str]) -> Iterator[Compilation]:
    """What the file gives by itself, and then with those params of the plan that are others.

    Not with all of them at once: a number stands in texts as the file writes it, `0.50`, which
    a plan doesn't tell."""
    root, params = view.paths.root, view.plan.params
    project_file = read_project_file(root)
    request = Request(is_planned=True, policy=policy, project_file=project_file)
    alone = compile_pipeline(root, source, request)
    if alone.plan is not None:
        yield alone
        own = alone.plan.params
        params = {n: value for n, value in params.items() if n not in own or own[n] != value}
    if params:
        compilation = compile_pipeline(root, source, changed(request, argument_values=params))
        if compilation.plan is not None:
            yield compilation


def _as_it_was_run(compilation: Compilation, ran: Plan) -> Compilation | None:
    """The compilation with the selection and the `--keep-going` of the plan that was run; None
    where it still is another plan."""
    plan = compilation.plan
    assert plan is not None
    left_out = {stage.id for stage in ran.stages if stage.skip == NOT_SELECTED}
    if left_out:
        plan = without(plan, left_out)
    policies = compilation.policies
    if plan.policy.fail_fast and not ran.policy.fail_fast:
        plan = keep_going(plan)
        of_run = {**policies[""], "fail_fast": Given(False, "the command line (--keep-going)")}
        policies = {**policies, "": of_run}
    same = changed(compilation, plan=plan, policies=policies)
    return same if plan.digest == ran.digest else None


def _text(value: object) -> str:
    """A field of an event, which may hold anything, as text; empty where it is none."""
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    return texts if len(texts) == len(value) else None
