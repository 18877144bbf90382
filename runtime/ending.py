"""How a run ends: what may end it early, who is spared, and the exit code.

**Cancel.** The first request cancels the stages that are not under way, those between two attempts
included, and stops the others with their grace; the `finally` stages follow. What ends by itself
meanwhile counts as it ended, without another try. A second request skips the grace.
`finally` stages are left to finish by the first request, because cleaning up is what they are for.
When a later one finds them at work they are killed, and those not started are cancelled (a resume
owes them still). So two requests get a person out of the stages, and one more out of the cleaning
up.

**Deadline.** Like a first cancel with reason `deadline`, but it isn't counted as a request. What
came first, cancel or deadline, names the end of the run.

**Exit.** The first of these that is true: it was cancelled (130 for SIGINT, else 143); the deadline
passed (failed, 4); a stage failed that was not allowed to (failed, 1, or 3 where one did because
the machine had no room for what orch keeps of it); it succeeded (0).
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Sequence
from orch.runtime.decisions import CancelRequested, DeadlinePassed
from orch.runtime.states import RunStatus, StageStatus

SIGINT = 2
EXIT_SUCCEEDED = 0
EXIT_FAILED = 1
EXIT_SHORTAGE = 3
EXIT_DEADLINE = 4
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class Ending:
    """What has been said so far of the end of a run."""

    def __init__(self) -> None:
        self._failed: list[str] = []
        self._shortage: str | None = None
        self.is_cleaning_up = False
        """Everything but the `finally` stages has ended."""
        self._cause: CancelRequested | DeadlinePassed | None = None
        self._requests = 0
        self._is_hurried = False

    def note_failure(self, stage: str, reason: str | None) -> None:
        """A stage has failed that was not allowed to."""
        self._failed.append(stage)
        if self._shortage is None and reason is not None and reason.startswith("storage: "):
            self._shortage = reason

    def begin_cleaning_up(self) -> None:
        self.is_cleaning_up = True
        self._is_hurried = False

    def is_first_cause(self, event: CancelRequested | DeadlinePassed) -> bool:
        """Take note of a request or the deadline; whether the run now begins to end by it."""
        self._requests += isinstance(event, CancelRequested)
        if self._cause is not None:
            return False
        self._cause = event
        return True

    def is_hurry(self, event: CancelRequested | DeadlinePassed) -> bool:
        """Whether an event that is noted, and not the first cause, is to skip the grace; true once
        in each of the two phases."""
        if self._is_hurried or self._requests < 2 or isinstance(event, DeadlinePassed):
            return False
        self._is_hurried = True
        return True

    def unstarted(
        self, stages: Sequence[PlannedStage], statuses: Sequence[StageStatus]
    ) -> list[int]:
        """The stages of the present phase that were never started, in plan order."""
        return [
            index
            for index, stage in enumerate(stages)
            if (stage.kind == "finally") == self.is_cleaning_up
            and statuses[index] in (StageStatus.WAITING, StageStatus.READY)
        ]

    def stop_reason(self) -> str:
        """Why a stage is cancelled; `finally` stages are stopped by people alone."""
        is_deadline = isinstance(self._cause, DeadlinePassed) and not self.is_cleaning_up
        return "deadline" if is_deadline else "cancelled"

    def status(self) -> RunStatus:
        """`running` before the `finally` stages, then what the run would end with now."""
        return self.verdict()[0] if self.is_cleaning_up else RunStatus.RUNNING

    def verdict(self) -> tuple[RunStatus, str | None, int]:
        """Status, reason and exit code of the run, if all ended now."""
        if isinstance(self._cause, CancelRequested):
            code = EXIT_INTERRUPTED if self._cause.signal == SIGINT else EXIT_TERMINATED
            return RunStatus.CANCELLED, self._cause.reason, code
        if self._cause is not None:
            return RunStatus.FAILED, "deadline", EXIT_DEADLINE
        if self._shortage is not None:
            return RunStatus.FAILED, self._shortage, EXIT_SHORTAGE
        if self._failed:
            others = len(self._failed) - 1
            more = f" and {others} more" if others else ""
            return RunStatus.FAILED, f"`{self._failed[0]}`{more} failed", EXIT_FAILED
        return RunStatus.SUCCEEDED, None, EXIT_SUCCEEDED
