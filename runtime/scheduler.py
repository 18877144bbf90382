"""The scheduler: which stage starts when, and how each one and the whole run ends.

It is pure. It does no I/O and has no clock; randomness, the evaluation of run-time expressions
and the names of log folders are given to it. The same plan, history, random seed and inputs give
the same actions, so a simulator can live ten thousand strange runs in seconds.

**Starting.** A stage is judged when all its needs have ended: `orch.runtime.judging`. One that
declares `inputs` is looked at then, which takes no slot, and succeeds at once if it is fresh; its
warden may find that later too. Stages that may start do so in plan order, each as soon as the
limits have a slot for it. The bounds of a plan count on that order where stages of different
lengths need nothing of each other (docs/manual/bounds.md). Exclusive names: `orch.runtime.row`.

**Services.** `orch.runtime.services`. A stage that may start but for services that it needs waits
for them, and they start at once.

**Failing.** A stage fails when its last allowed attempt has failed, or the failure isn't one of
`retry.on`. With `fail_fast` every stage that was never started is then skipped, reason
`fail_fast`; what runs, or waits for its retry, goes on. `finally` stages are neither stopped by
a failure nor stop each other.

**The end.** The `finally` stages start when everything else has ended, in plan order under the
limits; `Finish` is said when they have ended too. Cancel and deadline: `orch.runtime.ending`.

**Resume.** What is settled (`orch.runtime.settled`) is kept: nothing is emitted or started for it.
All others are judged anew, and skipped ones too, because what they waited for may end otherwise.
Attempt numbers go on from the history; the allowance of retries starts anew. So a run that
succeeded finishes at once, and `finally` stages run if they never succeeded.
"""

from orch.compiler.plan import Plan
from orch.dsl.type_names import Any, Mapping, assert_never
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.backoff import is_retried, wait_ms
from orch.runtime.completion import FailedAttempt, completion, figures_of
from orch.runtime.decisions import (
    Action,
    AttemptEnded,
    Busy,
    CancelRequested,
    Claim,
    Claimed,
    DeadlinePassed,
    Emit,
    ExecutorRaised,
    Finish,
    Launch,
    Look,
    Looked,
    Outside,
    RetryDue,
    SchedulerInput,
    ServiceIsReady,
    StageHistory,
    Stop,
    WakeLater,
    emit_fresh,
)
from orch.runtime.ending import Ending
from orch.runtime.events import (
    RunCancelling,
    ServiceReady,
    ServiceStarted,
    ServiceStopped,
    StageFresh,
    StageReady,
    StageRetrying,
    StageStarted,
    StageWaiting,
)
from orch.runtime.facts import StageFacts
from orch.runtime.followers import Followers
from orch.runtime.fresh_events import AS_IT_WAS, FreshStage
from orch.runtime.judging import Judging
from orch.runtime.row import CLAIM_PAUSE_MS, Row
from orch.runtime.services import NO_LONGER_NEEDED, Hands, Services
from orch.runtime.settled import recalled
from orch.runtime.states import StageStatus, next_status


class Scheduler:
    """One life of a run: `begin` once, then `step` for each input, until `Finish` has been said."""

    def __init__(
        self,
        plan: Plan,
        concurrency: int,
        outside: Outside,
        history: Mapping[str, StageHistory] | None = None,
    ) -> None:
        self._plan = plan
        self._stages = plan.stages
        self._outside = outside
        self._row = Row(plan.stages, concurrency, plan.pools)
        self._index = {stage.id: index for index, stage in enumerate(plan.stages)}
        self._statuses = [StageStatus.WAITING] * len(plan.stages)
        self._attempts = [0] * len(plan.stages)
        self._facts = StageFacts(plan.stages, self._index, self._statuses)
        self._judging = Judging(plan.stages, self._index, self._statuses, outside.evaluate)
        for index, past, is_kept in recalled(plan.stages, history or {}):
            self._attempts[index] = past.attempts
            if is_kept:
                self._statuses[index] = past.status
                self._facts.record(index, past.exit_code, past.values)
        self._earlier_attempts = tuple(self._attempts)

        self._followers = Followers(plan.stages, self._index, self._statuses)
        unended = (s for at, s in enumerate(plan.stages) if not self._statuses[at].is_final)
        self._owed_finally = sum(stage.kind == "finally" for stage in unended)
        self._in_flight: dict[int, None] = {}
        self._stopped: set[int] = set()
        self._between: dict[int, FailedAttempt] = {}
        hands = Hands(
            self._in_flight, self._stopped, self._between, self._refuse, self._start_service,
            self._stop_one, self._end,
        )  # fmt: skip
        self._services = Services(plan.stages, self._statuses, hands)

        self._unsaid_ready: set[int] = set()
        self._is_closed = self._is_finished = False
        self._ending = Ending()
        self._actions: list[Action] = []

    def begin(self) -> tuple[Action, ...]:
        """What is to be done first; everything, where nothing is left to run."""
        self._services.skip_idle()
        for index, stage in enumerate(self._stages):
            if stage.kind == "stage" and not self._followers.waits(index):
                self._judge(index)
        return self._decide()

    def step(self, event: SchedulerInput) -> tuple[Action, ...]:
        """What is to be done now that `event` has happened. After `Finish` nothing is."""
        if self._is_finished:
            return ()
        match event:
            case AttemptEnded():
                self._attempt_ended(event)
            case Looked(found):
                self._looked(found)
            case ExecutorRaised():
                self._executor_raised(event)
            case RetryDue(stage):
                index = self._index[stage]
                is_first_attempt = self._statuses[index] is StageStatus.READY
                self._row.stand(index, is_first_attempt=is_first_attempt)
            case Claimed() | Busy():
                self._claim_answered(event)
            case ServiceIsReady():
                self._service_is_ready(event)
            case CancelRequested(signal, reason):
                self._end_early(event, reason, signal)
            case DeadlinePassed():
                self._end_early(event, "deadline", None)
            case _:
                assert_never(event)
        return self._decide()

    def judged(self, stage_id: str, outcome: AttemptOutcome) -> AttemptOutcome:
        """The outcome of the attempt under way, as it counts in a run with services."""
        index = self._index[stage_id]
        return self._services.judged(index, outcome, is_cancelled=index in self._stopped)

    def facts(self) -> dict[str, Any]:
        """What run-time expressions read: `stages`, those that have ended, and `run`.

        `run.status` is `running`, and in `finally` stages what the run would end with now.
        """
        run = {"id": self._outside.run_id, "status": self._ending.status().value}
        return {"stages": self._facts, "run": run}

    def _decide(self) -> tuple[Action, ...]:
        """Draw all consequences of what has been recorded, and hand over the actions."""
        self._follow_needs()
        if not self._ending.is_cleaning_up and self._followers.unended == self._owed_finally:
            self._ending.begin_cleaning_up()
            for index, stage in enumerate(self._stages):
                if stage.kind == "finally":
                    self._judge(index)
            self._follow_needs()
        self._launch()
        self._say_ready()
        if self._followers.unended == 0:
            self._is_finished = True
            self._actions.append(Finish(*self._ending.verdict()))
        actions, self._actions = tuple(self._actions), []
        return actions

    def _follow_needs(self) -> None:
        for index in self._followers.freed():
            self._judge(index)

    def _judge(self, index: int) -> None:
        """Settle whether a stage may start, now that all its needs have ended but for services."""
        if self._refuse(index):
            return
        if self._stages[index].inputs:
            self._actions.append(Look(self._stages[index]))
        else:
            self._make_ready(index)

    def _looked(self, found: Mapping[str, FreshStage | None]) -> None:
        """Those that are fresh end first: no service that others need now concerns them."""
        for stage, fresh in found.items():
            if fresh is not None and self._statuses[self._index[stage]] is StageStatus.WAITING:
                self._end_fresh(self._index[stage], fresh)
        for stage, fresh in found.items():
            if fresh is None and self._statuses[self._index[stage]] is StageStatus.WAITING:
                self._make_ready(self._index[stage])

    def _end_fresh(self, index: int, fresh: FreshStage) -> None:
        self._say_ready()
        self._statuses[index] = next_status(self._statuses[index], StageStatus.SUCCEEDED)
        self._facts.record(index, AS_IT_WAS.exit_code, fresh.values)
        emit_fresh(self._actions, (self._stages[index].id, self._attempts[index], fresh))
        self._followers.note_end(index)
        self._services.leave(index)

    def _refuse(self, index: int) -> bool:
        """Let a stage end that may not start; whether it has ended, now or before."""
        if self._statuses[index] is StageStatus.WAITING:
            refusal = self._judging.refusal(index, self.facts)
            if refusal is None:
                return False
            self._end(index, *refusal)
        return self._statuses[index].is_final

    def _make_ready(self, index: int) -> None:
        """Let a stage that may start stand in the row, or wait for its services first."""
        if self._services.provide_for(index):
            self._admit(index)

    def _admit(self, index: int) -> None:
        self._statuses[index] = next_status(self._statuses[index], StageStatus.READY)
        self._unsaid_ready.add(index)
        self._row.stand(index, is_first_attempt=True)

    def _say_ready(self, *indices: int) -> None:
        """Said of those that start now before they do, and of the others, `()`, after that."""
        # To go through a set that was large once takes as long when it is empty.
        for index in indices or (sorted(self._unsaid_ready) if self._unsaid_ready else ()):
            if index in self._unsaid_ready:
                self._unsaid_ready.remove(index)
                self._actions.append(Emit(StageReady(self._stages[index].id)))

    def _launch(self) -> None:
        while (index := self._row.take()) is not None:
            if self._statuses[index] is not StageStatus.READY and index not in self._between:
                # It has ended while it stood in the row, which nobody searches for it.
                self._row.leave(index)
            elif self._stages[index].exclusive is None:
                self._start(index)
            else:
                self._say_ready(index)
                self._actions.append(Claim(self._stages[index]))

    def _start(self, index: int) -> None:
        """Start an attempt of a stage that has all that it waited for."""
        if self._statuses[index] is StageStatus.READY:
            self._say_ready(index)
            self._statuses[index] = next_status(StageStatus.READY, StageStatus.RUNNING)
        else:
            del self._between[index]
        self._begin_attempt(index)

    def _begin_attempt(self, index: int) -> None:
        stage = self._stages[index]
        self._attempts[index] += 1
        attempt = self._attempts[index]
        self._in_flight[index] = None
        started = ServiceStarted if stage.kind == "service" else StageStarted
        logs = self._outside.logs_folder(index, attempt)
        self._actions.append(Emit(started(stage.id, attempt, logs)))
        self._actions.append(Launch(stage, attempt))

    def _start_service(self, index: int) -> None:
        for status in (StageStatus.READY, StageStatus.RUNNING):
            self._statuses[index] = next_status(self._statuses[index], status)
        self._begin_attempt(index)

    def _service_is_ready(self, event: ServiceIsReady) -> None:
        index = self._index[event.stage]
        if self._services.is_up(index):
            attempt = self._attempts[index]
            self._actions.append(Emit(ServiceReady(event.stage, attempt, event.after_ms)))
            for user in self._services.get_ready(index):
                self._admit(user)

    def _claim_answered(self, event: Claimed | Busy) -> None:
        index = self._index[event.stage]
        if isinstance(event, Claimed):
            self._start(index)
        else:
            if self._row.wait_elsewhere(index):
                name = self._stages[index].exclusive or ""
                self._actions.append(Emit(StageWaiting(event.stage, name, event.by)))
            self._actions.append(WakeLater(event.stage, CLAIM_PAUSE_MS))

    def _attempt_ended(self, event: AttemptEnded) -> None:
        index = self._land(event.stage)
        policy = self._stages[index].policy.retry
        outcome = event.outcome
        failures = self._attempts[index] - self._earlier_attempts[index]
        if outcome.is_success:
            if event.fresh_reason is not None:
                self._actions.append(Emit(StageFresh(event.stage, event.fresh_reason)))
            self._end(index, StageStatus.SUCCEEDED, None, event)
        elif outcome.reason == "cancelled" and index in self._stopped:
            self._end(index, StageStatus.CANCELLED, self._ending.stop_reason(), event)
        elif failures >= policy.attempts or not self._is_retried(index, outcome):
            self._end(index, StageStatus.FAILED, outcome.explanation, event)
        elif index in self._stopped:
            self._end(index, StageStatus.CANCELLED, self._ending.stop_reason(), event)
        else:
            self._retry_later(index, wait_ms(policy, failures, self._outside.random), event)

    def _is_retried(self, index: int, outcome: AttemptOutcome) -> bool:
        policy = self._stages[index].policy.retry
        return self._services.may_try_again(index) and is_retried(policy, outcome)

    def _retry_later(self, index: int, delay_ms: int, event: AttemptEnded) -> None:
        last = self._between[index] = FailedAttempt(figures_of(event.outcome), event.error)
        reason, attempt = event.outcome.explanation, self._attempts[index]
        retrying = StageRetrying(event.stage, attempt, delay_ms, reason, last.figures, last.error)
        self._actions.append(Emit(retrying))
        self._actions.append(WakeLater(event.stage, delay_ms))

    def _executor_raised(self, event: ExecutorRaised) -> None:
        index = self._land(event.stage)
        how = event.exception_type
        reason = event.message if how is None else f"executor: {how}: {event.message}"
        self._end(index, StageStatus.FAILED, reason, event)

    def _land(self, stage_id: str) -> int:
        """The plan index of a stage whose attempt is no longer under way."""
        index = self._index[stage_id]
        assert index in self._in_flight, f"no attempt of {stage_id} is under way"
        del self._in_flight[index]
        if self._stages[index].kind != "service":
            self._row.leave(index)
        return index

    def _end(
        self,
        index: int,
        status: StageStatus,
        reason: str | None,
        event: AttemptEnded | ExecutorRaised | None = None,
    ) -> None:
        """Let a stage reach its final status; `event` is the end of its last attempt."""
        stage = self._stages[index]
        self._say_ready()
        self._statuses[index] = next_status(self._statuses[index], status)
        past = self._between.pop(index, None)
        self._row.drop_turn(index)
        completed = completion(stage, status, reason, self._attempts[index], event or past)
        if isinstance(event, AttemptEnded):
            self._facts.record(index, completed.figures.exit_code, completed.values)
        if event is not None and stage.kind == "service":
            why, attempt = reason or NO_LONGER_NEEDED, self._attempts[index]
            self._actions.append(Emit(ServiceStopped(stage.id, attempt, why, completed.figures)))
        self._actions.append(Emit(completed))
        self._followers.note_end(index)
        self._services.leave(index)
        if status is StageStatus.FAILED and not stage.allow_failure:
            self._services.bereave_users(index)
            self._ending.note_failure(stage.id, reason)
            if self._plan.policy.fail_fast and stage.kind != "finally" and not self._is_closed:
                self._is_closed = True
                for other in self._ending.unstarted(self._stages, self._statuses):
                    if not self._statuses[other].is_final:
                        self._end(other, StageStatus.SKIPPED, "fail_fast")

    def _end_early(
        self, event: CancelRequested | DeadlinePassed, reason: str, signal: int | None
    ) -> None:
        if self._ending.is_first_cause(event):
            self._actions.append(Emit(RunCancelling(reason, signal)))
            if not self._ending.is_cleaning_up:
                self._stop(skip_grace=False)
        elif self._ending.is_hurry(event):
            self._actions.append(Emit(RunCancelling("grace skipped", signal)))
            self._stop(skip_grace=True)

    def _stop(self, *, skip_grace: bool) -> None:
        """Cancel what is not under way in the present phase, and stop what is."""
        reason = self._ending.stop_reason()
        self._stopped.update(self._in_flight)
        for index in [*self._between, *self._ending.unstarted(self._stages, self._statuses)]:
            if not self._statuses[index].is_final:
                self._end(index, StageStatus.CANCELLED, reason)
        for index in self._in_flight:
            if skip_grace or not self._services.is_being_ended(index):
                self._stop_one(index, skip_grace=skip_grace)

    def _stop_one(self, index: int, *, skip_grace: bool = False) -> None:
        self._actions.append(Stop(self._stages[index].id, skip_grace))
