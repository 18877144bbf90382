"""What the pages demand of services, for the monitor: language.md section 5.

It shares the monitor's books of states and reasons, and keeps those of services itself.
"""

from collections.abc import Callable, Mapping

from orch.compiler.plan import Plan, PlannedStage
from orch.runtime.events import ServiceReady, ServiceStopped
from tests.properties import oracle

ENDED = ("succeeded", "failed", "skipped", "cancelled")
WORDS = {"never ready": "readiness", "dies early": "died", "dies late": "died"}
"""The reason in which a service ended so that was needed."""


class ServiceRules:
    """`state` and `reasons` are the monitor's own; `expect` objects to what isn't so."""

    def __init__(
        self,
        plan: Plan,
        state: Mapping[str, str],
        reasons: Mapping[str, str | None],
        expect: Callable[[bool, str], None],
    ) -> None:
        self._plan = plan
        self._state = state
        self._reasons = reasons
        self._expect = expect
        self.ids = {s.id for s in plan.stages if s.kind == "service"}
        self.ready: set[str] = set()
        self.answered: set[str] = set()
        """Services whose probe was answered while nothing ended them."""
        self.failed: set[str] = set()
        self.dismissed: set[str] = set()
        self.bereft: set[str] = set()
        """Stages that were stopped because a service had failed."""
        self.stopped: str | None = None
        """A service of which `service:stopped` was told, and not yet how it ended."""

    def of(self, stage: PlannedStage) -> list[str]:
        return [need for need in stage.needs if need in self.ids]

    def lost_by(self, stage: PlannedStage) -> bool:
        """Whether a service that the stage needs has failed."""
        return stage.skip is None and not self.failed.isdisjoint(stage.needs)

    def is_needed(self, service: str) -> bool:
        """Whether a stage that has not ended needs it."""
        return any(service in s.needs and not self._has_ended(s.id) for s in self._users())

    def are_up(self, stage: PlannedStage) -> bool:
        """Whether a stage waits for none: each is ready, or doesn't want to run."""
        return all(self._state[s] == "skipped" or s in self.ready for s in self.of(stage))

    def begin(self, service: PlannedStage, facts: oracle.Facts, due: list[PlannedStage]) -> None:
        """It starts; `due` are the stages that wait for nothing but services."""
        state = self._state[service.id]
        self._expect(state == "waiting", f"{service.id} starts while it is {state}")
        is_wanted = any(service.id in stage.needs for stage in due)
        self._expect(is_wanted, f"{service.id} starts, and no stage is due that needs it")
        verdict = oracle.own_verdict(service, facts)
        self._expect(verdict == "run", f"{service.id} does not want to run")

    def told_ready(self, event: ServiceReady) -> None:
        service = event.stage
        self._expect(self._state[service] == "running", f"{service} is ready and not running")
        self._expect(service in self.answered, f"{service} is ready, and nobody said so")
        self._expect(service not in self.ready, f"{service} is ready twice")
        self.ready.add(service)

    def told_stopped(self, event: ServiceStopped) -> None:
        service = event.stage
        self._expect(self._state[service] == "landed", f"{service} has stopped, and lives")
        self.stopped = service

    def end(self, service: str, landing: str, *, was_asked: bool, word: str) -> tuple[str, str]:
        """Status and beginning of the reason of a service whose process has ended. `was_asked`: the
        end of the run has stopped it, as `word` says."""
        self._expect(self.stopped == service, f"{service} ends before it was told to have stopped")
        self.stopped = None
        if landing == "raise":
            return "failed", "executor: OSError: no more"
        if service in self.dismissed:
            return "succeeded", ""
        if landing == "stopped":
            self._expect(was_asked, f"{service} was stopped, and needed")
            return "cancelled", word
        return "failed", WORDS.get(landing, landing)

    def end_unstarted(self, service: PlannedStage, facts: oracle.Facts) -> tuple[str, str]:
        if not self.is_needed(service.id):
            return "skipped", service.skip or "no stage that is to run needs it"
        verdict = oracle.own_verdict(service, facts)
        self._expect(verdict != "run", f"{service.id} should have run")
        return verdict, service.skip or "when"

    def note_end_of_step(self, asked_to_stop: Mapping[str, bool], due: list[PlannedStage]) -> None:
        """Nothing about services that could be done may be left undone."""
        self._expect(self.stopped is None, f"{self.stopped} has stopped, and not ended")
        for service in self.ids:
            state = self._state[service]
            is_idle = state in ("waiting", "running") and service not in asked_to_stop
            needed = self.is_needed(service)
            self._expect(needed or not is_idle, f"{service} goes on, and nobody needs it")
            if state == "waiting":
                wanted = [stage.id for stage in due if service in stage.needs]
                self._expect(not wanted, f"{service} does not start for {wanted}")
            is_up = state == "running" and service in self.answered
            self._expect(not is_up or service in self.ready, f"{service} is not told to be ready")
        for stage in self._users():
            if self.lost_by(stage) and not self._has_ended(stage.id):
                is_stopped = self._state[stage.id] == "running" and stage.id in asked_to_stop
                self._expect(is_stopped, f"{stage.id} goes on without its service")

    def _users(self) -> list[PlannedStage]:
        return [s for s in self._plan.stages if s.skip is None and self.of(s)]

    def _has_ended(self, stage: str) -> bool:
        return self._state[stage] in ENDED
