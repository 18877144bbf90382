"""What is known of one life of a run while it is watched: states, reasons, attempts, requests."""

from collections.abc import Mapping
from typing import NoReturn

from orch.compiler.plan import PlannedStage
from orch.runtime.decisions import Action
from tests.properties import oracle
from tests.properties.exclusive_books import ExclusiveBooks
from tests.properties.scenarios import Scenario
from tests.properties.service_rules import ServiceRules


class Disproved(AssertionError):  # noqa: N818 - It is no error of the program but what a test shows.
    """The scheduler did what it must not, or left undone what it must."""


class Books:
    """`kept` are the stages that an earlier life has settled, with their statuses; `attempts` the
    number of the last attempt of each stage, over all lives."""

    def __init__(
        self, scenario: Scenario, kept: Mapping[str, str], attempts: Mapping[str, int]
    ) -> None:
        self.plan = scenario.plan
        self.scenario = scenario
        self.stages = {s.id: s for s in scenario.plan.stages}
        self.order = {s.id: place for place, s in enumerate(scenario.plan.stages)}
        self.state = {s.id: kept.get(s.id, "waiting") for s in scenario.plan.stages}
        self.reasons: dict[str, str | None] = {}
        self.attempts = dict(attempts)
        self.running = 0
        self.in_pool = dict.fromkeys(scenario.plan.pools, 0)
        self.tries = dict.fromkeys(self.stages, 0)
        self.landed: dict[str, str] = {}
        self.told_fresh: set[str] = set()
        self.asked_to_stop: dict[str, bool] = {}
        self.causes: list[int | str | None] = []
        self.is_closed = False
        self.is_finished = False
        self.is_killed = False
        """A second or later request found the `finally` stages at work."""
        self.due: Action | None = None
        self.cancelling = 0
        self.exclusive = ExclusiveBooks(self._expect)
        self.services = ServiceRules(self.plan, self.state, self.reasons, self._expect)

    def _has_ended(self, stage: str) -> bool:
        return self.state[stage] in ("succeeded", "failed", "skipped", "cancelled")

    def _is_cleaning_up(self) -> bool:
        return all(self._has_ended(s.id) for s in self.plan.stages if s.kind != "finally")

    def _is_due(self, stage: PlannedStage) -> bool:
        if stage.kind == "finally":
            return self._is_cleaning_up()
        return all(need in self.services.ids or self._has_ended(need) for need in stage.needs)

    def _due_for_services(self) -> list[PlannedStage]:
        """The stages that wait for nothing but their services."""
        facts = self._facts()
        return [
            stage
            for stage in self.plan.stages
            if self.state[stage.id] == ("run" if stage.inputs else "waiting")
            and self.services.of(stage)
            and self._is_due(stage)
            and not self._is_shut(stage)
            and not oracle.blocking_needs(self.plan, stage, self._ends_of_needs(stage))
            and oracle.own_verdict(stage, facts) == "run"
        ]

    def _ends_of_needs(self, stage: PlannedStage) -> dict[str, tuple[str, str | None]]:
        return {
            need: (self.state[need], self.reasons.get(need))
            for need in stage.needs
            if need not in self.services.ids or self._has_ended(need)
        }

    def _is_shut(self, stage: PlannedStage) -> bool:
        return self.is_closed and stage.kind != "finally"

    def _could_start(self, stage: PlannedStage) -> bool:
        """Whether it stands in the row, and its limits have room."""
        is_waiting = self.state[stage.id] in ("ready", "due")
        return is_waiting and self.exclusive.may_claim(stage) and self._has_room(stage)

    def _has_room(self, stage: PlannedStage) -> bool:
        if self.running >= self.scenario.concurrency:
            return False
        return stage.pool is None or self.in_pool[stage.pool] < self.plan.pools[stage.pool]

    def _count(self, stage: PlannedStage, change: int) -> None:
        if stage.kind == "service":
            return
        self.running += change
        if stage.pool is not None:
            self.in_pool[stage.pool] += change

    def _has_another_try(self, stage: PlannedStage, ending: str) -> bool:
        retry = stage.policy.retry
        left = self.tries[stage.id] < retry.attempts
        left = left and not self.services.lost_by(stage)
        return left and ending != "stopped" and oracle.is_tried_again(retry, ending)

    def _take_landing(self, stage: PlannedStage) -> str:
        self._expect(self.state[stage.id] == "landed", f"no attempt of {stage.id} has ended")
        return self.landed.pop(stage.id)

    def _requests(self) -> int:
        return sum(cause != "deadline" for cause in self.causes)

    def _is_ended_early(self, stage: PlannedStage) -> bool:
        return self.is_killed if stage.kind == "finally" else bool(self.causes)

    def _early_word(self, stage: PlannedStage) -> str:
        return self._stop_word(stage) if self._is_ended_early(stage) else ""

    def _stop_word(self, stage: PlannedStage) -> str:
        is_deadline = self.causes[0] == "deadline" and stage.kind != "finally"
        return "deadline" if is_deadline else "cancelled"

    def _facts(self) -> Mapping[str, str]:
        run, _ = oracle.verdict(self.plan, self.state, self.causes)
        return {**self.state, "run": run}

    def _expect(self, condition: bool, message: str) -> None:
        if not condition:
            self._object(message)

    def _object(self, message: str) -> NoReturn:
        raise Disproved(message)
