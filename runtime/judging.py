"""Whether a stage may start once all its needs have ended, and why not where it may not.

The needs are judged first: it is skipped, reason ``needs `x`, which failed``, unless each need
succeeded, was allowed to fail, or was skipped by its own `when`; needs whose status its own `when`
reads are left to that `when`. Then its own condition is asked, so a stage that is switched off
still stands between its neighbours.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Any, Callable, Mapping, Sequence
from orch.runtime.facts import status_is_read
from orch.runtime.states import StageStatus


class Judging:
    """A view of the scheduler's own `statuses`. `evaluate(text, facts)` gives the value of a
    run-time expression."""

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        index: Mapping[str, int],
        statuses: Sequence[StageStatus],
        evaluate: Callable[[str, Mapping[str, Any]], Any],
    ) -> None:
        self._stages = stages
        self._index = index
        self._statuses = statuses
        self._evaluate = evaluate
        self._skipped_themselves: set[int] = set()

    def refusal(
        self, index: int, facts: Callable[[], Mapping[str, Any]]
    ) -> tuple[StageStatus, str] | None:
        """How a stage ends that may not start, and why; None for one that may. Asked once a life
        of each stage whose needs have all ended but for services, which start for its sake."""
        stage = self._stages[index]
        for need in stage.needs:
            if not self._lets_start(need, stage):
                status = self._statuses[self._index[need]]
                how = "failed" if status is StageStatus.FAILED else f"was {status.value}"
                return StageStatus.SKIPPED, f"needs `{need}`, which {how}"
        try:
            skip_reason = self._own_skip_reason(stage, facts)
        except ValueError as error:
            return StageStatus.FAILED, f"when: {error}"
        if skip_reason is None:
            return None
        self._skipped_themselves.add(index)
        return StageStatus.SKIPPED, skip_reason

    def _lets_start(self, need: str, stage: PlannedStage) -> bool:
        index = self._index[need]
        if self._stages[index].kind == "service":
            # One that has not started will, for the sake of this stage, if it wants to run at all.
            return self._statuses[index] not in (StageStatus.FAILED, StageStatus.CANCELLED)
        match self._statuses[index]:
            case StageStatus.SUCCEEDED:
                return True
            case StageStatus.FAILED if self._stages[index].allow_failure:
                return True
            case StageStatus.SKIPPED if index in self._skipped_themselves:
                return True
        return stage.when is not None and status_is_read(stage.when, need)

    def _own_skip_reason(
        self, stage: PlannedStage, facts: Callable[[], Mapping[str, Any]]
    ) -> str | None:
        """Why the stage itself doesn't want to run. Raises ValueError if it can't say."""
        if stage.skip is not None or stage.when is None:
            return stage.skip
        answer = self._evaluate(stage.when, facts())
        if answer is False:
            return f"when: `{stage.when}` is false"
        if answer is not True:
            raise ValueError(f"`{stage.when}` is neither true nor false")
        return None
