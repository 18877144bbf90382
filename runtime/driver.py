"""Carries out what the scheduler decides: owns the wardens, the clock and the signals of one run.

One thread and one loop: actions are carried out in the order given, then the loop sleeps until a
warden reports, a signal comes, or something is due. A `stage:completed` is durable before a stage
that needs others is launched (runtime.md, section 3); otherwise syncs are grouped.
"""

import heapq
import select

from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.record import EMPTY, changed, record
from orch.dsl.type_names import TYPE_CHECKING, Any, Callable, Mapping, assert_never, deque
from orch.runtime.attempt import AttemptOutcome, Shortcoming
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
    RetryDue,
    SchedulerInput,
    ServiceIsReady,
    Stop,
    WakeLater,
)
from orch.runtime.events import ArtifactStaged, Payload, StageCompleted, StageOutput
from orch.runtime.exclusive import ExclusiveNames
from orch.runtime.files import StorageError
from orch.runtime.fresh_events import FreshStage, FreshStages
from orch.runtime.heartbeat import Heartbeat
from orch.runtime.launch import LaunchPad, handed_on, late_summary, masked_outcome
from orch.runtime.recorder import Recorder
from orch.runtime.scheduler import Scheduler
from orch.runtime.signals import SignalInbox
from orch.runtime.wardens import Ended, Output, Ready, Report, Started, Wardens

if TYPE_CHECKING:
    from orch.runtime.freshness import Freshness

SYNC_PAUSE_MS = 250
"""Longest time for which an event that nothing depends on stays in the kernel's memory alone."""

_LONGEST_SLEEP_MS = 3_600_000
_LONGEST_LOOK_MS = 50
"""Time for which stages are looked at before anything else is seen to."""
_MOST_SAID_AT_ONCE = 1000
"""Events that are told together, so that the first of a large plan don't fill the memory; between
two such, a heart that has begun to beat goes on, and the face is drawn."""


@record
class Crew:
    """What a driver works with. `record_failure((index, stage), attempt, outcome)` writes an error
    record and returns its path, or None where it could not; `get_ready` is called once, while the
    first attempts run, to do what is needed only later. `make_freshness` is given the facts of the
    run as they are whenever it is called."""

    recorder: Recorder
    wardens: Wardens
    exclusive: ExclusiveNames
    heartbeat: Heartbeat
    launch_pad: LaunchPad
    signals: SignalInbox
    record_failure: Callable[[tuple[int, PlannedStage], int, AttemptOutcome], str | None]
    monotonic_ms: Callable[[], int]
    get_ready: Callable[[], None]
    make_freshness: "Callable[[Callable[[], Mapping[str, Any]]], Freshness | None]"


class Driver:
    """One life of a run, from `scheduler.begin()` to `Finish`.

    `deadline_at_ms` is an instant of the crew's monotonic clock. What `on_idle` raises ends it,
    and nothing else.
    """

    def __init__(
        self, plan: Plan, scheduler: Scheduler, crew: Crew, deadline_at_ms: int | None = None
    ) -> None:
        self._scheduler = scheduler
        self._recorder = crew.recorder
        self._wardens = crew.wardens
        self._exclusive = crew.exclusive
        self._heartbeat = crew.heartbeat
        self._launch_pad = crew.launch_pad
        self._secrets = crew.launch_pad.run.secrets
        self._signals = crew.signals
        self._record_failure = crew.record_failure
        self._monotonic_ms = crew.monotonic_ms
        self._get_ready = crew.get_ready
        self._deadline_at_ms = deadline_at_ms
        self._on_idle = crew.recorder.watching.on_idle
        self._idle_ms = crew.recorder.watching.idle_ms
        self._index = {stage.id: index for index, stage in enumerate(plan.stages)}
        self._running: dict[str, tuple[PlannedStage, int]] = {}
        self._unclaimed: dict[str, StorageError] = {}
        self._inputs: deque[SchedulerInput | Ended] = deque()
        self._looks: deque[PlannedStage] = deque()
        self._unsaid: list[Payload | FreshStages] = []
        self._freshness = crew.make_freshness(scheduler.facts)
        self._retries: list[tuple[int, int, str]] = []
        self._finish: Finish | None = None
        self._poller = select.poll()
        self._watched: tuple[int, ...] = ()
        self._sync_at_ms: int | None = None
        self._idle_at_ms = 0
        self.troubles: list[str] = []
        """What orch itself could not do, each as a sentence."""

    def drive(self) -> Finish:
        """Run to the end, of which the last events may not be durable yet. Raises `StorageError`
        where the journal could not be written; attempts may then still be under way, and closing
        the wardens ends them."""
        try:
            return self._drive()
        finally:
            if self._freshness is not None:
                self._freshness.close()
                self.troubles.extend(self._freshness.troubles)

    def _drive(self) -> Finish:
        self._carry_out(self._scheduler.begin())
        self._say()
        self._recorder.tell()
        self._get_ready()
        self._look_at_stages()
        self._take_inputs()
        while self._finish is None:
            self._wait()
            self._take_inputs()
            # Not before what has happened was taken: a run that ends with its first looks, or whose
            # only command is over by now, writes its manifest once.
            if self._finish is None:
                self._do_what_is_due(self._monotonic_ms())
        return self._finish

    def _take_inputs(self) -> None:
        while self._inputs and self._finish is None:
            event = self._inputs.popleft()
            if isinstance(event, Ended):
                self._say()
                event = self._attempt_ended(event.key, event.outcome)
            self._carry_out(self._scheduler.step(event))
        self._say()
        self._recorder.tell()

    def _carry_out(self, actions: tuple[Action, ...]) -> None:
        """Events are said at the latest before anything is done that may depend on them."""
        for action in actions:
            if isinstance(action, Emit):
                self._unsaid.append(action.payload)
                if len(self._unsaid) >= _MOST_SAID_AT_ONCE:
                    self._pause_for_breath()
                continue
            self._say()
            match action:
                case Look(stage):
                    self._looks.append(stage)
                case Launch(stage, attempt):
                    self._launch(stage, attempt)
                case Claim(stage):
                    self._inputs.appendleft(self._claim(stage))
                case WakeLater(stage_id, delay_ms):
                    due_ms = self._monotonic_ms() + delay_ms
                    heapq.heappush(self._retries, (due_ms, self._index[stage_id], stage_id))
                case Stop(stage_id, skip_grace):
                    self._wardens.stop(stage_id, skip_grace=skip_grace)
                case Finish():
                    self._finish = action
                case _:
                    assert_never(action)

    def _pause_for_breath(self) -> None:
        """Between thousands of events: tell of those so far, and do what is due."""
        self._say()
        self._recorder.tell()
        if self._heartbeat.has_begun:
            self._do_what_is_due(self._monotonic_ms())

    def _say(self) -> None:
        """Events with nothing done between them are written together: those of stages that are
        found fresh by one round of looks, for one. They are told once what follows has begun."""
        if not self._unsaid:
            return
        payloads, self._unsaid = self._unsaid, []
        self._recorder.append(*payloads)
        if self._freshness is None:
            return
        for payload in payloads:
            if isinstance(payload, StageCompleted):
                self._freshness.note(payload)
            elif isinstance(payload, FreshStages):
                self._freshness.note_fresh(payload)

    def _claim(self, stage: PlannedStage) -> Claimed | Busy:
        """Where the name can't be claimed at all, the attempt that follows fails."""
        try:
            return self._exclusive.claim(stage)
        except StorageError as error:
            self._unclaimed[stage.id] = error
            return Claimed(stage.id)

    def _launch(self, stage: PlannedStage, attempt: int) -> None:
        if stage.id in self._unclaimed:
            self._refuse_name(stage.id, self._unclaimed.pop(stage.id))
            return
        if stage.needs or stage.kind != "stage":
            self._recorder.sync()
        try:
            place = self._index[stage.id], attempt
            order = None if self._freshness is None else self._freshness.order(stage)
            spec = self._launch_pad.spec(stage, place, self._scheduler.facts(), order)
            self._wardens.start(stage.id, spec, self._exclusive.share(stage.id, attempt))
        except StorageError as error:
            self._refuse_name(stage.id, error)
        except ValueError as error:
            self._exclusive.release(stage.id)
            reason = self._secrets.masked(f"values: {error}")
            self._inputs.append(ExecutorRaised(stage.id, None, reason))
        except OSError as error:
            self._exclusive.release(stage.id)
            self._inputs.append(ExecutorRaised(stage.id, type(error).__name__, str(error)))
        else:
            self._running[stage.id] = (stage, attempt)

    def _refuse_name(self, stage_id: str, error: StorageError) -> None:
        self._exclusive.release(stage_id)
        reason = "storage" if error.is_shortage else "exclusive"
        self._inputs.append(ExecutorRaised(stage_id, None, f"{reason}: {error}"))

    def _wait(self) -> None:
        """Sleep until something happens or is due, and turn what happened into inputs."""
        self._watch_all()
        is_busy = self._inputs or self._looks
        reports: list[Report] = []
        for fd, _ in self._poller.poll(0 if is_busy else self._sleep_ms()):
            if fd == self._signals.fileno():
                for number in self._signals.take():
                    self._inputs.append(CancelRequested(number, "cancelled"))
            else:
                reports += self._wardens.receive(fd)
        # Of what is heard at once the ends of services come last: one that ends together with the
        # last stage that needs it was no longer needed.
        for report in sorted(reports, key=self._is_end_of_service):
            self._hear(report)
        self._look_at_stages()

    def _look_at_stages(self) -> None:
        until_ms = self._monotonic_ms() + _LONGEST_LOOK_MS
        found: dict[str, FreshStage | None] = {}
        while self._looks and self._monotonic_ms() < until_ms:
            stage = self._looks.popleft()
            found[stage.id] = None if self._freshness is None else self._freshness.look(stage)
        if found:
            self._inputs.append(Looked(found))

    def _is_end_of_service(self, report: Report) -> bool:
        return isinstance(report, Ended) and self._running[report.key][0].kind == "service"

    def _watch_all(self) -> None:
        descriptors = (self._signals.fileno(), *self._wardens.descriptors())
        if descriptors != self._watched:
            self._watched = descriptors
            self._poller = select.poll()
            for fd in descriptors:
                self._poller.register(fd, select.POLLIN)

    def _sleep_ms(self) -> int:
        now_ms = self._monotonic_ms()
        due = [now_ms + _LONGEST_SLEEP_MS, self._heartbeat.due_at_ms]
        if self._retries:
            due.append(self._retries[0][0])
        if self._deadline_at_ms is not None:
            due.append(self._deadline_at_ms)
        if not self._recorder.is_durable:
            self._sync_at_ms = self._sync_at_ms or now_ms + SYNC_PAUSE_MS
            due.append(self._sync_at_ms)
        if self._on_idle is not None:
            due.append(self._idle_at_ms)
        return max(0, min(due) - now_ms)

    def _do_what_is_due(self, now_ms: int) -> None:
        while self._retries and self._retries[0][0] <= now_ms:
            self._inputs.append(RetryDue(heapq.heappop(self._retries)[2]))
        if self._deadline_at_ms is not None and now_ms >= self._deadline_at_ms:
            self._deadline_at_ms = None
            self._inputs.append(DeadlinePassed())
        if self._sync_at_ms is not None and now_ms >= self._sync_at_ms:
            self._sync_at_ms = None
            self._recorder.sync()
        if now_ms >= self._heartbeat.due_at_ms:
            self._heartbeat.tick(now_ms)
        if self._on_idle is not None and now_ms >= self._idle_at_ms:
            self._idle_at_ms = now_ms + self._idle_ms
            self._idle()

    def _idle(self) -> None:
        try:
            assert self._on_idle is not None
            self._on_idle()
        except Exception as error:  # noqa: BLE001 # A face that raises is left out, like a listener.
            self._on_idle = None
            self._recorder.listener_errors.append(error)

    def _hear(self, report: Report) -> None:
        match report:
            case Started():
                pass
            case Output(stage_id, stream, text):
                _, attempt = self._running[stage_id]
                self._recorder.announce(StageOutput(stage_id, attempt, stream, text))
            case Ready(stage_id, after_ms):
                self._inputs.append(ServiceIsReady(stage_id, after_ms))
            case Ended(stage_id, _, fault):
                if fault is not None:
                    self.troubles.append(f"the warden of `{stage_id}` failed: {fault}")
                self._inputs.append(report)
            case _:
                assert_never(report)

    def _attempt_ended(self, stage_id: str, outcome: AttemptOutcome) -> AttemptEnded:
        """What the end of an attempt means for the run, with all that happened before it."""
        self._exclusive.release(stage_id, is_signed=outcome.reason == "warden")
        stage, attempt = self._running.pop(stage_id)
        outcome = self._scheduler.judged(stage_id, outcome)
        if outcome.log_error is not None:
            self.troubles.append(f"the log of `{stage_id}` is not whole: {outcome.log_error}")
        error = summary = key = fresh_reason = None
        values: Mapping[str, Any] = EMPTY
        if outcome.is_success and not outcome.is_fresh:
            try:
                values = handed_on(stage, outcome, self._secrets)
            except ValueError as fault:
                outcome = changed(outcome, shortcoming=Shortcoming("values", str(fault)))
        if outcome.is_success:
            summary = late_summary(stage, self._scheduler.facts(), self._secrets)
        else:
            outcome = masked_outcome(outcome, self._secrets)
            place = (self._index[stage_id], stage)
            error = self._record_failure(place, attempt, outcome)
        if outcome.is_success:
            staged = (ArtifactStaged(stage_id, attempt, **kept) for kept in outcome.artifacts)
            self._recorder.append(*staged)
        why: tuple[str, ...] = ()
        if self._freshness is not None:
            why = self._freshness.ended(stage, outcome)
            if outcome.is_success:
                success = self._freshness.succeeded(stage, outcome, values)
                key, values, fresh_reason = success.key, success.values, success.fresh_reason
        return AttemptEnded(stage_id, outcome, error, values, summary, key, why, fresh_reason)
