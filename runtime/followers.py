"""Who waits for whom: the stages whose last need has ended, one after the other."""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Iterator, Mapping, Sequence, deque
from orch.runtime.states import StageStatus


class Followers:
    """Counts the needs of each stage that have not ended; services are not counted. `unended` is
    how many stages have not, services among them."""

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        index: Mapping[str, int],
        statuses: Sequence[StageStatus],
    ) -> None:
        self.unended = sum(not status.is_final for status in statuses)
        self._unended_needs = [0] * len(stages)
        self._of: dict[int, list[int]] = {}
        self._ended: deque[int] = deque()
        for follower, stage in enumerate(stages):
            for need in stage.needs:
                needed = index[need]
                if stages[needed].kind != "service":
                    self._unended_needs[follower] += not statuses[needed].is_final
                    self._of.setdefault(needed, []).append(follower)

    def waits(self, index: int) -> bool:
        """Whether some of its needs have not ended."""
        return self._unended_needs[index] > 0

    def note_end(self, index: int) -> None:
        self.unended -= 1
        self._ended.append(index)

    def freed(self) -> Iterator[int]:
        """Every stage whose last need has ended, also of those that end while this goes on."""
        while self._ended:
            for index in self._of.get(self._ended.popleft(), ()):
                self._unended_needs[index] -= 1
                if self._unended_needs[index] == 0:
                    yield index
