"""The row in which stages wait for their slots, by their places in the plan.

**Exclusive across runs.** A stage that has its slots, and is exclusive, claims its name before it
starts. Where another run holds the name it gives back all slots but that of the name itself, which
keeps its turn before the others of this run, and stands in the row again a moment later.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Mapping, Sequence
from orch.runtime.slots import Limits, Slots

CLAIM_PAUSE_MS = 100
"""After so long a stage claims again what another run holds."""


class Row:
    """Who waits for which limits, and who has slots of which."""

    def __init__(
        self, stages: Sequence[PlannedStage], concurrency: int, pools: Mapping[str, int]
    ) -> None:
        self._stages = stages
        self._slots = Slots(concurrency, pools)
        self._taken: dict[int, Limits] = {}
        self._has_turn: set[int] = set()

    def stand(self, index: int, *, is_first_attempt: bool) -> None:
        """Let a stage stand in the row, for all that it hasn't got yet."""
        stage = self._stages[index]
        name = () if index in self._has_turn else _exclusive_of(stage)
        self._slots.wait(index, _pool_of(stage) + name, is_first_attempt=is_first_attempt)

    def take(self) -> int | None:
        """The next stage that may start, or claim its name; it has its slots now."""
        taken = self._slots.take()
        if taken is None:
            return None
        index, self._taken[index] = taken
        return index

    def leave(self, index: int) -> None:
        """The slots of a stage are free: its attempt has ended, or there was none to start."""
        limits = self._taken.pop(index)
        if index in self._has_turn:
            self._has_turn.remove(index)
            limits += _exclusive_of(self._stages[index])
        self._slots.give_back(limits)

    def wait_elsewhere(self, index: int) -> bool:
        """Another run holds the name that a stage has claimed: only its turn is left to it. Whether
        this is the first time in its wait."""
        del self._taken[index]
        self._slots.give_back(_pool_of(self._stages[index]))
        is_first = index not in self._has_turn
        self._has_turn.add(index)
        return is_first

    def drop_turn(self, index: int) -> None:
        """A stage has ended, and waits for no other run any more."""
        if index in self._has_turn:
            self._has_turn.remove(index)
            self._slots.release(_exclusive_of(self._stages[index]))


def _pool_of(stage: PlannedStage) -> Limits:
    return () if stage.pool is None else (("pool", stage.pool),)


def _exclusive_of(stage: PlannedStage) -> Limits:
    return () if stage.exclusive is None else (("exclusive", stage.exclusive),)
