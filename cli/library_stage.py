"""One command as a stage, without a run around it: owned, bounded and recorded."""

from collections.abc import Mapping

from orch.cli.library_errors import UsageError
from orch.cli.library_process import OwnerProcess, first_report
from orch.compiler.plan import Plan
from orch.runtime.command_stage import StageOutcome, broken_outcome
from orch.runtime.paths import RunPaths


def run_command_stage(
    plan: Plan,
    stage: str,
    paths: RunPaths,
    *,
    attempt: int = 1,
    environment: Mapping[str, str] | None = None,
) -> StageOutcome:
    """Carry out one attempt of the stage `stage` of a plan, and wait for its end.

    It is what a run does for an attempt: the command is owned, so nothing it starts outlives it;
    its time, output and log are bounded by the stage's policy; its logs and artifacts are kept in
    the run directory of `paths`, which is made where it isn't there, and a failure leaves an error
    record. Needs, `when` and retries are the caller's: nothing is run before or after. Expressions
    that read other stages have no value here.

    A failure is a value, of whatever kind; where something other than the command failed,
    `exception` and `message` say what was raised. An exception in the calling program, such as
    KeyboardInterrupt, ends the attempt before it goes on. Raises `UsageError` where the plan has no
    such stage or it is a service, or a secret is missing, and `MachineError` where no process could
    be started. May be called from any thread.
    """
    kinds = {each.id: each.kind for each in plan.stages}
    if kinds.get(stage, "service") == "service":
        what = "is a service" if stage in kinds else "is no stage of this plan"
        raise UsageError(f"`{stage}` {what}")
    request = {
        "do": "stage",
        "plan": plan.to_json(),
        "stage": stage,
        "attempt": attempt,
        "paths": {
            "root": paths.root,
            "task_id": paths.task_id,
            "run_id": paths.run_id,
            "runs": paths.runs,
            "out": paths.out,
        },
    }
    process = OwnerProcess(request, paths.root, environment)
    try:
        report = process.last_report()
    except BaseException:
        process.terminate()
        process.last_report()
        raise
    if report is None and not process.last_words:
        return broken_outcome(stage, attempt, None, "the process that owned the attempt was killed")
    return StageOutcome.from_json(first_report(process)["outcome"])
