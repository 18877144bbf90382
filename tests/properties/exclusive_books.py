"""The books of what is exclusive: who holds a name, who claims it, who waits for another run."""

from collections.abc import Callable

from orch.compiler.plan import PlannedStage
from orch.runtime.decisions import Busy, Claimed, WakeLater
from orch.runtime.row import CLAIM_PAUSE_MS

Expect = Callable[[bool, str], None]


class ExclusiveBooks:
    """`expect(condition, message)` objects to what isn't so."""

    def __init__(self, expect: Expect) -> None:
        self._expect = expect
        self._turn: dict[str, str] = {}
        """Who holds a name in this run, or waits for another run to let go of it."""
        self._elsewhere: dict[str, bool] = {}
        """The stages that wait for another run, and whether they are to claim again."""
        self._claiming: set[str] = set()
        self._claimed: set[str] = set()
        self._refused: set[str] = set()

    def claims(self, stage: PlannedStage) -> None:
        self._expect(stage.exclusive is not None, f"{stage.id} claims nothing")
        self._turn[stage.exclusive or ""] = stage.id
        self._claiming.add(stage.id)

    def note_answer(self, answer: Claimed | Busy) -> None:
        self._claiming.remove(answer.stage)
        answered = self._claimed if isinstance(answer, Claimed) else self._refused
        answered.add(answer.stage)

    def note_due(self, stage: str) -> bool:
        """A wait is over; whether it was one for another run."""
        if stage in self._elsewhere:
            self._elsewhere[stage] = True
        return stage in self._elsewhere

    def says_that_it_waits(self, stage: str) -> None:
        self._expect(stage in self._refused, f"{stage} waits for nobody")
        self._expect(stage not in self._elsewhere, f"{stage} says again that it waits")
        self._elsewhere[stage] = True

    def waits(self, action: WakeLater) -> None:
        stage = action.stage
        self._expect(stage in self._refused, f"{action} out of the blue")
        self._expect(self._elsewhere.get(stage, False), f"{stage} waits in silence")
        self._expect(action.delay_ms == CLAIM_PAUSE_MS, f"{action}: how long?")
        self._elsewhere[stage] = False
        self._refused.remove(stage)

    def starts(self, stage: str) -> None:
        self._expect(stage in self._claimed, f"{stage} starts without its name")
        self._claimed.remove(stage)
        self._elsewhere.pop(stage, None)

    def lets_go(self, stage: str) -> None:
        self._elsewhere.pop(stage, None)
        self._turn = {name: other for name, other in self._turn.items() if other != stage}

    def may_claim(self, stage: PlannedStage) -> bool:
        """Whether nothing exclusive keeps a stage from its slots now."""
        is_asked = stage.id not in self._claiming and self._elsewhere.get(stage.id, True)
        return is_asked and self._turn.get(stage.exclusive or "", stage.id) == stage.id

    def note_end_of_step(self) -> None:
        self._expect(not self._claimed, f"{self._claimed} could start and do not")
        self._expect(not self._refused, f"{self._refused} have been refused, and then?")
