"""Watches one life of a run, action by action, and objects to whatever the pages don't allow.

It keeps its own books and looks neither into the scheduler nor at its rows and counters.
"""

from collections.abc import Iterable, Mapping

from orch.compiler.plan import PlannedStage
from orch.runtime.decisions import (
    Action,
    Busy,
    CancelRequested,
    Claim,
    Claimed,
    DeadlinePassed,
    Emit,
    Finish,
    Launch,
    Look,
    Looked,
    RetryDue,
    SchedulerInput,
    ServiceIsReady,
    Stop,
    WakeLater,
)
from orch.runtime.events import (
    Payload,
    RunCancelling,
    ServiceReady,
    ServiceStarted,
    ServiceStopped,
    StageCompleted,
    StageFresh,
    StageReady,
    StageRetrying,
    StageStarted,
    StageWaiting,
)
from orch.runtime.fresh_events import FreshStage, FreshStages
from tests.properties import oracle
from tests.properties.books import Books


class Monitor(Books):
    """The rules. They look into nothing but their own books."""

    # What happens from outside.

    def note_input(self, event: SchedulerInput) -> None:
        match event:
            case CancelRequested(signal):
                self.causes.append(signal)
                if self._requests() >= 2 and self._is_cleaning_up():
                    self.is_killed = True
            case DeadlinePassed():
                self.causes.append("deadline")
            case Looked(found):
                self._looked(found)
            case ServiceIsReady(stage):
                if self.state[stage] == "running" and stage not in self.asked_to_stop:
                    self.services.answered.add(stage)
            case Claimed() | Busy():
                self._answered(event)
            case RetryDue(stage):
                self._due_again(stage)

    def _looked(self, found: Mapping[str, FreshStage | None]) -> None:
        for stage, fresh in found.items():
            if self.state[stage] == "looking":
                self.state[stage] = "run" if fresh is None else "fresh"

    def _answered(self, answer: Claimed | Busy) -> None:
        self.exclusive.note_answer(answer)
        if isinstance(answer, Busy):
            self._count(self.stages[answer.stage], -1)

    def _due_again(self, stage: str) -> None:
        if not self.exclusive.note_due(stage) and self.state[stage] == "between":
            self.state[stage] = "due"

    def note_landing(self, stage: str, ending: str) -> None:
        """The attempt under way has ended so; `stopped` if orch ended it."""
        self.state[stage] = "landed"
        self._count(self.stages[stage], -1)
        self.exclusive.lets_go(stage)
        self.landed[stage] = ending

    # What the scheduler does.

    def note_action(self, action: Action) -> None:
        self._expect(not self.is_finished, f"{action} after the end")
        if self._was_due(action):
            return
        match action:
            case Claim(stage):
                self._claims(stage)
            case WakeLater():
                self.exclusive.waits(action)
            case Look(stage):
                self._look(stage)
            case Emit(ServiceStarted() | ServiceReady() | ServiceStopped() as told):
                self._told_of_service(told)
            case Emit(payload):
                for each in each_of(payload):
                    self._emitted(each)
            case Stop(stage, skip_grace):
                self._stopped(self.stages[stage], skip_grace=skip_grace)
            case Finish(status, _, exit_code):
                self._finished(status.value, exit_code)
            case _:
                self._object(f"{action} out of the blue")

    def _emitted(self, payload: Payload) -> None:
        match payload:
            case StageFresh(stage):
                self._fresh(stage)
            case StageWaiting(stage):
                self.exclusive.says_that_it_waits(stage)
            case StageReady(stage):
                self._ready(self.stages[stage])
            case StageStarted(stage, attempt):
                self._started(self.stages[stage], attempt)
            case StageRetrying() as retrying:
                self._retrying(self.stages[retrying.stage], retrying)
            case StageCompleted() as completed:
                self._completed(self.stages[completed.stage], completed)
            case RunCancelling():
                self.cancelling += 1
                self._expect(bool(self.causes), "cancelled by nobody")
            case _:
                self._object(f"{payload} out of the blue")

    def _was_due(self, action: Action) -> bool:
        """Whether an action is the one that an event before it has announced."""
        due, self.due = self.due, None
        self._expect(due is None or action == due, f"{action} where {due} is due")
        return due is not None

    def note_end_of_step(self) -> None:
        """Nothing that could be done may be left undone."""
        self._expect(self.due is None, f"{self.due} is missing")
        self._expect(
            "landed" not in self.state.values(), "an attempt that ended has no consequence"
        )
        self.exclusive.note_end_of_step()
        for stage in self.plan.stages:
            state = self.state[stage.id]
            waits_for_services = not self.services.are_up(stage)
            is_seen_to = state != "fresh" and (state != "run" or waits_for_services)
            self._expect(is_seen_to, f"the look at {stage.id} has no consequence")
            is_due = self._is_due(stage) and (stage.inputs or not waits_for_services)
            self._expect(
                state != "waiting" or not is_due or stage.kind == "service",
                f"{stage.id} could be judged",
            )
            self._expect(not self._could_start(stage), f"{stage.id} could start and does not")
            if self._is_ended_early(stage):
                ended = self._has_ended(stage.id) or state == "running"
                self._expect(ended, f"{stage.id} is {state} in a run that is being stopped")
                may_run = state != "running" or stage.id in self.asked_to_stop
                self._expect(may_run, f"{stage.id} was not stopped")
        self.services.note_end_of_step(self.asked_to_stop, self._due_for_services())
        all_ended = all(map(self._has_ended, self.stages))
        self._expect(all_ended == self.is_finished, "all have ended, and the run has not")

    # The rules.

    def _ready(self, stage: PlannedStage) -> None:
        before = "run" if stage.inputs else "waiting"
        self._expect(self.state[stage.id] == before, f"{stage.id} is ready again, or unseen")
        self._expect(not self._is_shut(stage), f"{stage.id} is ready after the run was closed")
        if not stage.inputs:
            # What was looked at was judged before that; a cancel that came meanwhile may give its
            # own condition another answer, and changes nothing.
            self._expect_start(stage)
        self._expect(self.services.are_up(stage), f"{stage.id} is ready before its services are")
        self.state[stage.id] = "ready"

    def _look(self, stage: PlannedStage) -> None:
        self._expect(bool(stage.inputs), f"{stage.id} is looked at for nothing")
        self._expect(self.state[stage.id] == "waiting", f"{stage.id} is looked at again")
        self._expect_start(stage)
        self.state[stage.id] = "looking"

    def _fresh(self, stage: str) -> None:
        is_found = self.state[stage] == "fresh" or self.landed.get(stage) == "fresh"
        self._expect(is_found, f"{stage} is fresh by itself")
        self.told_fresh.add(stage)

    def _expect_start(self, stage: PlannedStage) -> None:
        """The rules for a stage that is judged to run."""
        self._expect(self._is_due(stage), f"{stage.id} is ready before its needs have ended")
        self._expect(not self._is_shut(stage), f"{stage.id} is ready after the run was closed")
        blocking = oracle.blocking_needs(self.plan, stage, self._ends_of_needs(stage))
        self._expect(not blocking, f"{stage.id} is ready in spite of {blocking}")
        self._expect(
            oracle.own_verdict(stage, self._facts()) == "run", f"{stage.id} does not want to run"
        )

    def _may_start(self, stage: PlannedStage) -> None:
        """All that must be true of a stage that takes its slots now."""
        before = self.state[stage.id]
        self._expect(before in ("ready", "due"), f"{stage.id} starts while it is {before}")
        self._expect(
            not self._is_shut(stage) or before == "due", f"{stage.id} starts in a closed run"
        )
        self._expect(
            not self.causes or stage.kind == "finally", f"{stage.id} starts after a cancel"
        )
        self._expect(self._could_start(stage), f"{stage.id} starts above a limit")
        for other in self.plan.stages:
            state = self.state[other.id]
            earlier = self.order[other.id] < self.order[stage.id]
            passed_over = (state == "due" and (before == "ready" or earlier)) or (
                state == "ready" and before == "ready" and earlier
            )
            self._expect(
                not passed_over or not self._could_start(other),
                f"{stage.id} starts out of turn, before {other.id}",
            )

    def _claims(self, stage: PlannedStage) -> None:
        self._may_start(stage)
        self._count(stage, 1)
        self.exclusive.claims(stage)

    def _started(self, stage: PlannedStage, attempt: int) -> None:
        if stage.exclusive is None:
            self._may_start(stage)
            self._count(stage, 1)
        else:
            self.exclusive.starts(stage.id)
        used = self.attempts.get(stage.id, 0)
        self._expect(attempt == used + 1, f"attempt {attempt} of {stage.id} follows {used}")
        self.attempts[stage.id] = attempt
        self.tries[stage.id] += 1
        allowed = stage.policy.retry.attempts
        self._expect(
            self.tries[stage.id] <= allowed, f"{stage.id} is tried more than {allowed} times"
        )
        self.state[stage.id] = "running"
        self.asked_to_stop.pop(stage.id, None)
        self.due = Launch(stage, attempt)

    def _told_of_service(self, told: ServiceStarted | ServiceReady | ServiceStopped) -> None:
        match told:
            case ServiceStarted(stage, attempt):
                self._service_started(self.stages[stage], attempt)
            case ServiceReady():
                self.services.told_ready(told)
            case ServiceStopped():
                self.services.told_stopped(told)

    def _service_started(self, service: PlannedStage, attempt: int) -> None:
        self._expect(not self.causes, f"{service.id} starts after a cancel")
        self.services.begin(service, self._facts(), self._due_for_services())
        used = self.attempts.get(service.id, 0)
        self._expect(attempt == used + 1, f"attempt {attempt} of {service.id} follows {used}")
        self.attempts[service.id] = attempt
        self.state[service.id] = "running"
        self.due = Launch(service, attempt)

    def _retrying(self, stage: PlannedStage, event: StageRetrying) -> None:
        ending = self._take_landing(stage)
        retry = stage.policy.retry
        self._expect(self._has_another_try(stage, ending), f"{stage.id} is tried again: {ending}")
        self._expect(
            stage.id not in self.asked_to_stop, f"{stage.id} is tried again after a cancel"
        )
        self._expect(event.attempt == self.attempts[stage.id], f"{event} names another attempt")
        longest = oracle.longest_delay_ms(retry, self.tries[stage.id])
        shortest = {"none": longest, "full": 0, "equal": longest // 2}[retry.jitter]
        self._expect(
            shortest <= event.delay_ms <= longest, f"{event.delay_ms} is no wait of {retry}"
        )
        self.state[stage.id] = "between"
        self.due = WakeLater(stage.id, event.delay_ms)

    def _completed(self, stage: PlannedStage, event: StageCompleted) -> None:
        state = self.state[stage.id]
        self._expect(not self._has_ended(stage.id), f"{stage.id} ends twice")
        self._expect(event.attempts == self.attempts.get(stage.id, 0), f"{event}: wrong attempts")
        if state == "landed" and stage.kind == "service":
            was_asked, word = self._is_ended_early(stage), self._early_word(stage)
            landing = self._take_landing(stage)
            expected = self.services.end(stage.id, landing, was_asked=was_asked, word=word)
        elif state == "landed":
            expected = self._end_of_landing(stage, self._take_landing(stage))
        elif self._is_ended_early(stage):
            expected = "cancelled", self._stop_word(stage)
        elif state == "fresh":
            expected = "succeeded", ""
        elif state in ("between", "due") and self.services.lost_by(stage):
            expected = "failed", "service: lost "
        else:
            may_end = state in ("waiting", "ready", "looking", "run")
            self._expect(may_end, f"{stage.id} ends while it is {state}")
            expected = self._end_unstarted(stage)
        status, reason = expected
        self._expect(
            event.status.value == status and (event.reason or "").startswith(reason),
            f"{stage.id} is {event.status.value} ({event.reason}) where {expected} is right",
        )
        self._expect((event.reason is None) == (status == "succeeded"), f"{event}: reason")
        self.state[stage.id] = status
        self.exclusive.lets_go(stage.id)
        self.reasons[stage.id] = event.reason
        failed = status == "failed" and not stage.allow_failure and stage.kind != "finally"
        self.is_closed = self.is_closed or (failed and self.plan.policy.fail_fast)
        if failed and stage.kind == "service":
            self.services.failed.add(stage.id)

    def _end_of_landing(self, stage: PlannedStage, ending: str) -> tuple[str, str]:
        is_told = stage.id in self.told_fresh
        self._expect(is_told == (ending == "fresh"), f"{stage.id} is told to be fresh: {is_told}")
        if ending in ("success", "fresh"):
            return "succeeded", ""
        another = self._has_another_try(stage, ending)
        if ending == "stopped" and stage.id in self.services.bereft:
            return "failed", "service: lost "
        if ending == "stopped" or (another and stage.id in self.asked_to_stop):
            return "cancelled", self._stop_word(stage)
        self._expect(not another, f"{stage.id} gives up with a try left")
        words = {"exit(75)": "failure", "raise": "executor: OSError: no more"}
        return "failed", words.get(ending, ending)

    def _end_unstarted(self, stage: PlannedStage) -> tuple[str, str]:
        if self.services.lost_by(stage):
            return "skipped", "needs `c"
        if stage.kind == "service" and not self.services.is_needed(stage.id):
            return self.services.end_unstarted(stage, self._facts())
        if self._is_shut(stage):
            return "skipped", "fail_fast"
        if stage.kind == "service":
            return self.services.end_unstarted(stage, self._facts())
        self._expect(self._is_due(stage), f"{stage.id} ends before its needs have")
        self._expect(self.state[stage.id] == "waiting", f"{stage.id} was ready and never ran")
        blocking = oracle.blocking_needs(self.plan, stage, self._ends_of_needs(stage))
        if blocking:
            return "skipped", f"needs `{blocking[0]}`, which"
        verdict = oracle.own_verdict(stage, self._facts())
        self._expect(verdict != "run", f"{stage.id} should have run")
        return verdict, "when"

    def _stopped(self, stage: PlannedStage, *, skip_grace: bool) -> None:
        is_running = self.state[stage.id] == "running"
        self._expect(is_running, f"{stage.id} is stopped, and is not running")
        if not self._is_ended_early(stage):
            self._stopped_by_services(stage)
        self._expect(skip_grace == (self._requests() >= 2), f"the grace of {stage.id} is wrong")
        before = self.asked_to_stop.get(stage.id)
        self._expect(before is None or before < skip_grace, f"{stage.id} is stopped again")
        self.asked_to_stop[stage.id] = skip_grace

    def _stopped_by_services(self, stage: PlannedStage) -> None:
        if stage.kind == "service":
            is_idle = not self.services.is_needed(stage.id)
            self._expect(is_idle, f"{stage.id} is stopped, and needed")
            self.services.dismissed.add(stage.id)
        else:
            lost = self.services.lost_by(stage)
            self._expect(lost, f"{stage.id} is stopped for no reason")
            self.services.bereft.add(stage.id)

    def _finished(self, status: str, exit_code: int) -> None:
        for stage in self.stages:
            self._expect(
                self._has_ended(stage), f"the run ends while {stage} is {self.state[stage]}"
            )
        expected = oracle.verdict(self.plan, self.state, self.causes)
        got = status, exit_code
        self._expect(got == expected, f"the run ends as {got} where {expected} is right")
        self.is_finished = True


def each_of(payload: Payload | FreshStages) -> Iterable[Payload]:
    """What is emitted, one payload after the other."""
    return payload.payloads() if isinstance(payload, FreshStages) else (payload,)
