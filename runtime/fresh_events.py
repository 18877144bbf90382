"""What one round of looks has found, told together: two events for each stage that is fresh, and no
object for either until somebody asks for it."""

from orch.dsl.record import record
from orch.dsl.type_names import Any, Iterator, Mapping
from orch.runtime.events import AttemptFigures, Payload, RunEvent, StageCompleted, StageFresh
from orch.runtime.states import StageStatus

AS_IT_WAS = AttemptFigures(exit_code=0)
"""Of a stage that is fresh nothing is measured, but it has succeeded."""


@record
class FreshStage:
    """A stage that needs no command: nothing is other than at its last success, from which
    `values` and `key` are. `reason` says so for people, `summary` is that of the stage now."""

    reason: str
    values: Mapping[str, Any]
    summary: str | None
    key: str | None


FreshEnd = tuple[str, int, FreshStage]
"""The id of a stage, how often it has been tried in earlier lives of the run, and why it ends."""


@record
class FreshStages:
    """What is told of stages that are fresh, instead of a payload for each event; its list grows
    while the scheduler draws its consequences, and never after that."""

    ends: list[FreshEnd]

    def payloads(self) -> Iterator[Payload]:
        """A `stage:fresh` and a `stage:completed` for each stage."""
        for end in self.ends:
            yield from _payloads(end)


@record
class FreshEvents:
    """The events of these stages, two for each, numbered from `seq` on; they have one time."""

    seq: int
    time: str
    ends: list[FreshEnd]

    @property
    def last_seq(self) -> int:
        return self.seq + 2 * len(self.ends) - 1

    def __iter__(self) -> Iterator[RunEvent]:
        for place in range(len(self.ends)):
            yield from self.pair(place)

    def pair(self, place: int) -> tuple[RunEvent, RunEvent]:
        """Both events of the stage at this place, from 0."""
        seq = self.seq + 2 * place
        fresh, completed = _payloads(self.ends[place])
        return RunEvent(seq, self.time, fresh), RunEvent(seq + 1, self.time, completed)


def _payloads(end: FreshEnd) -> tuple[StageFresh, StageCompleted]:
    stage, attempts, fresh = end
    return StageFresh(stage, fresh.reason), StageCompleted(
        stage,
        StageStatus.SUCCEEDED,
        None,
        attempts,
        AS_IT_WAS,
        summary=fresh.summary,
        values=fresh.values,
        key=fresh.key,
    )
