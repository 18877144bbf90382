"""Services as the scheduler keeps them: who needs each, which are ready, what the end of one means.

A service starts when a stage that needs it is due: its other needs have ended well and its own
condition holds. It holds no slot and has one attempt. Stages wait for it until it is ready; when
the last stage that needs it has ended it is dismissed, and however it ends then is a success. One
that ends before that has failed, and so have the stages that need it: those that run are stopped,
those that wait are skipped.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.record import changed, record
from orch.dsl.type_names import Callable, Collection, Sequence
from orch.runtime.attempt import AttemptOutcome, Shortcoming
from orch.runtime.states import StageStatus

NOT_NEEDED = "no stage that is to run needs it"
NO_LONGER_NEEDED = "no longer needed"

_MOST_SAID = 300


@record
class Hands:
    """What of the scheduler is moved when services start and end: its own tables of what is in
    flight, stopped by the end of the run, and waiting for another try, and its ways to do it."""

    in_flight: Collection[int]
    stopped: set[int]
    between: Collection[int]
    refuse: Callable[[int], bool]
    start: Callable[[int], None]
    stop: Callable[[int], None]
    end: Callable[[int, StageStatus, str], None]


class Services:
    """The books of one life. Stages and services are named by their places in the plan; `statuses`
    is a view of the scheduler's own, with which the life begins."""

    def __init__(
        self, stages: Sequence[PlannedStage], statuses: Sequence[StageStatus], hands: Hands
    ) -> None:
        self._stages = stages
        self._statuses = statuses
        self._hands = hands
        index = {stage.id: at for at, stage in enumerate(stages) if stage.kind == "service"}
        self._users: dict[int, list[int]] = {at: [] for at in index.values()}
        self._needed: dict[int, tuple[int, ...]] = {}
        for at, stage in enumerate(stages if index else ()):
            needed = tuple(index[need] for need in stage.needs if need in index)
            if needed and stage.skip is None:
                self._needed[at] = needed
                for service in needed:
                    self._users[service].append(at)
        self._owed = {
            service: sum(not statuses[user].is_final for user in users)
            for service, users in self._users.items()
        }
        self._ready: set[int] = set()
        self._waiting: dict[int, set[int]] = {}
        self._dismissed: set[int] = set()
        self._bereft: dict[int, str] = {}

    def skip_idle(self) -> None:
        """Called when the life begins: end the services that will not start whatever happens."""
        for service in self._users:
            if self._stages[service].skip is not None:
                self._hands.refuse(service)
            elif not self._owed[service] and not self._statuses[service].is_final:
                self._hands.end(service, StageStatus.SKIPPED, NOT_NEEDED)

    def provide_for(self, stage: int) -> bool:
        """Start the services that a stage needs which is due; whether it may go on. While one of
        them is not ready, the stage waits. Where one has failed it may have ended."""
        needed = self._needed.get(stage, ())
        usable = [service for service in needed if not self._hands.refuse(service)]
        if self._statuses[stage] is not StageStatus.WAITING:
            return False
        missing = {service for service in usable if service not in self._ready}
        for service in usable:
            if self._statuses[service] is StageStatus.WAITING:
                self._hands.start(service)
        if missing:
            self._waiting[stage] = missing
        return not missing

    def is_up(self, service: int) -> bool:
        """Whether a service is under way, and nothing ends it."""
        hands = self._hands
        is_ending = service in hands.stopped or service in self._dismissed
        return service in hands.in_flight and not is_ending

    def get_ready(self, service: int) -> list[int]:
        """A service is ready; the stages that waited for nothing else, in plan order."""
        self._ready.add(service)
        freed: list[int] = []
        for user in self._users[service]:
            missing = self._waiting.get(user, set())
            if service in missing:
                missing.remove(service)
                if not missing:
                    del self._waiting[user]
                    freed.append(user)
        return freed

    def leave(self, stage: int) -> None:
        """A stage has ended: dismiss the services that no other one needs."""
        self._waiting.pop(stage, None)
        for service in self._needed.get(stage, ()):
            self._owed[service] -= 1
            if self._owed[service]:
                continue
            if self._statuses[service] is StageStatus.WAITING:
                self._hands.end(service, StageStatus.SKIPPED, NOT_NEEDED)
            elif self.is_up(service):
                self._dismissed.add(service)
                self._hands.stop(service)

    def bereave_users(self, service: int) -> None:
        """A service has failed, and so have the stages that still need it."""
        hands, name = self._hands, self._stages[service].id
        users = self._users.get(service, ())
        for user in users:
            # First, because a stage that fails may close the run to them, for another reason.
            if self._statuses[user] in (StageStatus.WAITING, StageStatus.READY):
                hands.end(user, StageStatus.SKIPPED, f"needs `{name}`, which failed")
        for user in users:
            if user in hands.between:
                hands.end(user, StageStatus.FAILED, f"service: {_without(name)}")
            elif user in hands.in_flight and user not in hands.stopped | self._bereft.keys():
                self._bereft[user] = name
                hands.stop(user)

    def is_being_ended(self, index: int) -> bool:
        """Whether services are the reason for which an attempt has been told to end."""
        return index in self._dismissed or index in self._bereft

    def may_try_again(self, index: int) -> bool:
        """A service is never tried again, nor a stage without one that it needs."""
        return index not in self._users and index not in self._bereft

    def judged(self, index: int, outcome: AttemptOutcome, *, is_cancelled: bool) -> AttemptOutcome:
        """The outcome of an attempt with what a service makes of it. `is_cancelled`: the end of the
        run has stopped it."""
        if outcome.shortcoming is not None:
            return outcome
        shortcoming: Shortcoming | None
        if index in self._bereft:
            if not outcome.is_stopped:
                return outcome
            shortcoming = Shortcoming("service", _without(self._bereft[index]))
        elif index in self._dismissed:
            return changed(outcome, is_dismissed=True)
        elif index not in self._users or (is_cancelled and outcome.is_stopped):
            return outcome
        else:
            shortcoming = _shortcoming(self._stages[index], outcome)
        return outcome if shortcoming is None else changed(outcome, shortcoming=shortcoming)


def _without(service: str) -> str:
    return f"lost `{service}`, which it needs"


def _shortcoming(service: PlannedStage, outcome: AttemptOutcome) -> Shortcoming | None:
    """What is wrong with a service that ended although it was needed; None where the outcome says
    it all."""
    if outcome.reason in ("spawn", "warden"):
        return None
    if outcome.is_timed_out:
        assert service.ready is not None
        told = f": {outcome.complaint}" if outcome.complaint else ""
        limit_s = service.ready["timeout_ms"] / 1000
        return Shortcoming("readiness", f"not ready within {limit_s:g} s{told}")
    how = f"exit code {outcome.exit_code}"
    if outcome.signal is not None:
        how = f"signal {outcome.signal}"
    elif outcome.exit_code == 0:
        how = "exit code 0 (a service stays in the foreground)"
    said = _last_line(outcome.stderr.tail) or _last_line(outcome.stdout.tail)
    told = f": {said}" if said else ""
    return Shortcoming("died", f"ended with {how} while it was needed{told}")


def _last_line(text: str) -> str:
    lines = text.split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return said if len(said) <= _MOST_SAID else f"…{said[-_MOST_SAID:]}"
