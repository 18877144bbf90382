"""Lives a scenario through: a virtual clock, a heap of what will happen, a journal that survives.

The world does what a driver does, and nothing of it takes real time. A life that dies leaves what
was durable of its journal, at least all that a launch depended on; the next one goes on from there.
"""

import json
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from orch.compiler.bounds import add_up
from orch.compiler.plan import Bounds, PlannedStage
from orch.runtime.attempt import NOTHING_CAPTURED, AttemptOutcome, Shortcoming, lost_outcome
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
)
from orch.runtime.events import (
    Holder,
    Payload,
    RunCompleted,
    RunEvent,
    RunResumed,
    RunStarted,
    ServiceStarted,
    StageCompleted,
    StageStarted,
    event_from_json,
)
from orch.runtime.fresh_events import FreshStage, FreshStages
from orch.runtime.manifest import Manifest, ManifestFold, fold
from orch.runtime.scheduler import Scheduler
from orch.runtime.states import FINAL_STATUSES, RunStatus, StageStatus
from tests.properties import oracle
from tests.properties.books import Disproved
from tests.properties.monitor import Monitor, each_of
from tests.properties.scenarios import Judge, Life, Scenario, random_scenario

_FAR_MS = 1 << 60
"""When a service ends that nobody stops."""

SchedulerMaker = Callable[..., Scheduler]


def simulate(
    seed: int, make_scheduler: SchedulerMaker = Scheduler, judge: Judge = add_up
) -> list[RunEvent]:
    """Live the scenario of a seed through all its lives; its journal. Raises `Disproved`."""
    scenario = random_scenario(seed, judge)
    random = Random(seed)
    journal: list[RunEvent] = []
    for life in scenario.lives:
        world = World(scenario, life, journal, random, make_scheduler)
        world.live()
        world.compare_with_undisturbed()
        journal = world.what_survives()
        _check_replay(scenario, journal, world.snapshots)
    return journal


def cost_of(scenario: Scenario) -> Bounds:
    """What the one life of a scenario took. Raises `Disproved`."""
    (life,) = scenario.lives
    world = World(scenario, life, [], Random(scenario.seed), Scheduler)
    world.live()
    return Bounds(world.ended_ms, world.most_held_bytes, world.logged_bytes, world.launched)


class World:
    def __init__(
        self,
        scenario: Scenario,
        life: Life,
        journal: list[RunEvent],
        random: Random,
        make_scheduler: SchedulerMaker,
    ) -> None:
        self.scenario = scenario
        self.life = life
        self.random = random
        self.now_ms = 0
        self.heap: list[tuple[int, float, SchedulerInput | tuple[str, int]]] = []
        self.ends_ms: dict[str, tuple[int, str, int]] = {}
        """When the attempt under way of a stage ends, how, and which one it is."""
        self.inputs = 0
        self.launched = 0
        self.ended_ms = 0
        self.logged_bytes = 0
        self.most_held_bytes = 0
        self.journal = journal
        self.durable = len(journal)
        self.fold = ManifestFold(scenario.plan)
        self.snapshots: list[Manifest] = []
        for event in journal:
            self.fold.apply(event)
        self.kept, self.attempts = _what_is_settled(scenario, journal)
        history = None
        if journal:
            history = {
                entry.id: StageHistory(entry.status, entry.attempts, entry.exit_code, entry.values)
                for entry in self.fold.manifest().stages
            }
        outside = Outside(random, "run", lambda i, attempt: f"{i}/{attempt}", oracle.evaluate)
        self.scheduler = make_scheduler(scenario.plan, scenario.concurrency, outside, history)
        self.monitor = Monitor(scenario, self.kept, self.attempts)

    def live(self) -> None:
        """To the end, or to the crash. Raises `Disproved` where the run stands still."""
        self._append(
            RunResumed("run", 1, "host", "0")
            if self.journal
            else RunStarted("run", "task", "simulated", "", "0", "m/manifest.json")
        )
        for time_ms, signal in self.life.cancels:
            self._schedule(time_ms, CancelRequested(signal, "asked"))
        if self.scenario.plan.policy.deadline_ms is not None:
            self._schedule(self.scenario.plan.policy.deadline_ms, DeadlinePassed())
        self._carry_out(self.scheduler.begin())
        while self.heap and not self._is_dead():
            self.now_ms, _, happening = heappop(self.heap)
            if isinstance(happening, tuple):
                self._end_attempt(*happening)
            elif self.monitor.is_finished:
                if self.scheduler.step(happening):
                    raise Disproved(f"{happening} has consequences after the end")
            else:
                self._hand_in(happening)
        if not self._is_dead() and not self.monitor.is_finished:
            raise Disproved("the run stands still")

    def compare_with_undisturbed(self) -> None:
        """In a life that nobody disturbed each stage ends as the oracle says."""
        monitor = self.monitor
        # Whom the end of a service finds at work is a matter of time, which the oracle has none of.
        is_disturbed = monitor.causes or monitor.is_closed or monitor.services.failed
        if not monitor.is_finished or is_disturbed:
            return
        expected = oracle.undisturbed_ends(self.scenario, self.kept, self.attempts)
        if monitor.state != expected:
            raise Disproved(f"the stages end as {monitor.state} where {expected} is right")

    def what_survives(self) -> list[RunEvent]:
        """The journal that the next life finds."""
        if self.life.inputs_until_crash is None:
            return self.journal
        return self.journal[: self.random.randint(self.durable, len(self.journal))]

    def _is_dead(self) -> bool:
        until = self.life.inputs_until_crash
        return until is not None and self.inputs >= until

    def _schedule(self, time_ms: int, happening: SchedulerInput | tuple[str, int]) -> None:
        # What happens at the same instant happens in any order.
        heappush(self.heap, (time_ms, self.random.random(), happening))

    def _hand_in(self, event: SchedulerInput) -> None:
        self.inputs += 1
        self.monitor.note_input(event)
        self._carry_out(self.scheduler.step(event))

    def _carry_out(self, actions: tuple[Action, ...]) -> None:
        answers: list[SchedulerInput] = []
        self._look([action.stage.id for action in actions if isinstance(action, Look)])
        for action in actions:
            self.monitor.note_action(action)
            match action:
                case Emit(payload):
                    self._emit(payload)
                case Claim(stage):
                    answers.append(self._claim(stage))
                case Launch(stage, attempt):
                    self._sync()
                    self._launch(stage.id, attempt)
                case Look():
                    pass
                case WakeLater(stage_id, delay_ms):
                    self._schedule(self.now_ms + delay_ms, RetryDue(stage_id))
                case Stop(stage_id, skip_grace):
                    self._stop(stage_id, skip_grace=skip_grace)
                case Finish():
                    self._finish(action)
        self.monitor.note_end_of_step()
        for answer in answers:
            self._hand_in(answer)

    def _look(self, stages: list[str]) -> None:
        """Any of them may be looked at in one round; a look lasts no time that bounds know of."""
        rounds: list[dict[str, FreshStage | None]] = [{} for _ in range(3)]
        unchanged = FreshStage("unchanged", {"attempt": 0}, None, "key")
        for stage in stages:
            is_fresh = stage in self.scenario.fresh
            self.random.choice(rounds)[stage] = unchanged if is_fresh else None
        for found in filter(None, rounds):
            self._schedule(self.now_ms, Looked(found))

    def _claim(self, stage: PlannedStage) -> Claimed | Busy:
        for begins_ms, ends_ms in self.scenario.foreign.get(stage.exclusive or "", ()):
            if begins_ms <= self.now_ms < ends_ms:
                return Busy(stage.id, Holder("other", stage.id, 1, "host", "then"))
        return Claimed(stage.id)

    def _sync(self) -> None:
        """Nothing starts before the ends of stages that it depends on are durable."""
        for place in range(len(self.journal), self.durable, -1):
            if isinstance(self.journal[place - 1].payload, StageCompleted):
                self.durable = place
                return

    def _launch(self, stage_id: str, attempt: int) -> None:
        stage = self.monitor.stages[stage_id]
        policy = stage.policy
        endings = self.scenario.endings[stage_id]
        ending = endings[(attempt - 1) % len(endings)]
        lasts_ms: int | None = self._at_most(policy.timeout_ms)
        if stage.kind == "service":
            lasts_ms = self._life_of_service(stage, ending)
        elif ending == "timeout":
            lasts_ms = policy.timeout_ms + self._at_most(policy.grace_ms)
        elif ending == "spawn":
            lasts_ms = 0
        self.ends_ms[stage_id] = (_FAR_MS, ending, attempt)
        if lasts_ms is not None:
            self.ends_ms[stage_id] = (self.now_ms + lasts_ms, ending, attempt)
            self._schedule(self.now_ms + lasts_ms, (stage_id, attempt))
        self.launched += 1
        self.logged_bytes += 2 * policy.output.log_bytes
        held_bytes = sum(
            2 * self.monitor.stages[running].policy.output.buffer_bytes for running in self.ends_ms
        )
        self.most_held_bytes = max(self.most_held_bytes, held_bytes)
        self._hold_against_the_bounds()

    def _life_of_service(self, service: PlannedStage, ending: str) -> int | None:
        """How long a service lasts if nobody stops it, None for ever; says when it is ready."""
        timeout_ms = service.ready["timeout_ms"] if service.ready else 0
        ready_ms = self._at_most(timeout_ms)
        if ending in ("spawn", "raise"):
            return 0
        if ending == "dies early":
            return ready_ms
        if ending == "never ready" and service.ready:
            return timeout_ms + self._at_most(service.policy.grace_ms)
        self._schedule(self.now_ms + ready_ms, ServiceIsReady(service.id, ready_ms))
        if ending in ("dies late", "warden"):
            return ready_ms + self.random.randint(1, 400)
        return None

    def _at_most(self, longest_ms: int) -> int:
        return longest_ms if self.scenario.is_worst else self.random.randint(0, longest_ms)

    def _hold_against_the_bounds(self) -> None:
        """What this life took until now, if every attempt fills its log and its buffers."""
        bounds = self.scenario.plan.bounds
        # How long other runs hold what is exclusive no plan can know.
        wall_ms = float("inf") if self.scenario.foreign else bounds.wall_ms
        for what, cost, bound in (
            ("ms", self.now_ms, wall_ms),
            ("bytes of output held", self.most_held_bytes, bounds.buffer_bytes),
            ("bytes of log", self.logged_bytes, bounds.log_bytes),
            ("attempts", self.launched, bounds.attempts),
        ):
            if cost > bound:
                raise Disproved(f"the run took {cost} {what} of at most {bound}")

    def _stop(self, stage_id: str, *, skip_grace: bool) -> None:
        grace_ms = 0 if skip_grace else self.monitor.stages[stage_id].policy.grace_ms
        stopped_ms = self.now_ms + self._at_most(grace_ms)
        ends_ms, _, attempt = self.ends_ms[stage_id]
        if stopped_ms < ends_ms:
            self.ends_ms[stage_id] = (stopped_ms, "stopped", attempt)
            self._schedule(stopped_ms, (stage_id, attempt))

    def _end_attempt(self, stage_id: str, attempt: int) -> None:
        ends_ms, ending, current = self.ends_ms.get(stage_id, (-1, "", 0))
        if (ends_ms, current) != (self.now_ms, attempt):
            return
        del self.ends_ms[stage_id]
        self.monitor.note_landing(stage_id, ending)
        if ending == "raise":
            self._hand_in(ExecutorRaised(stage_id, "OSError", "no more"))
        else:
            is_success = ending in ("success", "fresh")
            error = None if is_success else f"errors/{stage_id}.{attempt}.json"
            values = {"attempt": attempt} if is_success else {}
            reason = "unchanged" if ending == "fresh" else None
            outcome = self.scheduler.judged(stage_id, _outcome(ending))
            ended = AttemptEnded(stage_id, outcome, error, values, fresh_reason=reason)
            self._hand_in(ended)

    def _finish(self, finish: Finish) -> None:
        self._hold_against_the_bounds()
        self.ended_ms = self.now_ms
        completed = RunCompleted("run", finish.status, finish.reason, finish.exit_code, self.now_ms)
        self._append(completed)
        self.durable = len(self.journal)
        manifest = self.fold.manifest()
        if (manifest.status, manifest.exit_code) != (finish.status, finish.exit_code):
            raise Disproved(f"the manifest says {manifest.status} where {finish} was said")
        for entry in manifest.stages:
            if entry.status.value != self.monitor.state[entry.id]:
                raise Disproved(f"the manifest says {entry} at the end")

    def _emit(self, payload: Payload | FreshStages) -> None:
        for told in each_of(payload):
            self._append(told)

    def _append(self, payload: Payload) -> None:
        event = RunEvent(len(self.journal) + 1, f"{self.now_ms:08}", payload)
        self.journal.append(event)
        self.fold.apply(event)
        if self.random.random() < 0.05:
            self.snapshots.append(self.fold.manifest())


def _outcome(ending: str) -> AttemptOutcome:
    if ending == "warden":
        return lost_outcome(1)
    return AttemptOutcome(
        exit_code={
            "success": 0,
            "fresh": 0,
            "values": 0,
            "failure": 1,
            "exit(75)": 75,
            "dies early": 1,
            "dies late": 0,
        }.get(ending),
        signal={"timeout": 15, "signal": 11, "stopped": 15, "never ready": 9}.get(ending),
        spawn_error="no such file" if ending == "spawn" else None,
        is_timed_out=ending in ("timeout", "never ready"),
        is_stopped=ending == "stopped",
        duration_ms=1,
        cpu_ms=1,
        peak_rss_bytes=1,
        survivors=0,
        stdout=NOTHING_CAPTURED,
        stderr=NOTHING_CAPTURED,
        shortcoming=Shortcoming("values", "there are none") if ending == "values" else None,
    )


def _what_is_settled(
    scenario: Scenario, journal: list[RunEvent]
) -> tuple[dict[str, str], dict[str, int]]:
    """What a resume must keep, and the number of each stage's last attempt, read off the journal
    and not off the fold."""
    allowed = {s.id for s in scenario.plan.stages if s.allow_failure}
    services = {s.id for s in scenario.plan.stages if s.kind == "service"}
    kept: dict[str, str] = {}
    attempts: dict[str, int] = {}
    for event in journal:
        match event.payload:
            case StageStarted(stage, attempt) | ServiceStarted(stage, attempt):
                attempts[stage] = attempt
                if kept.pop(stage, None) and stage not in services:
                    raise Disproved(f"{stage} had ended well and is started again")
            case StageCompleted(stage, StageStatus.SUCCEEDED):
                kept[stage] = "succeeded"
            case StageCompleted(stage, StageStatus.FAILED) if stage in allowed:
                kept[stage] = "failed"
            case StageCompleted(stage):
                kept.pop(stage, None)
    for planned in scenario.plan.stages:
        if planned.id not in kept and planned.skip is None:
            # Its services are needed once more, if it is due.
            kept = {
                done: how for done, how in kept.items() if done not in services & set(planned.needs)
            }
    return kept, attempts


def _check_replay(scenario: Scenario, journal: list[RunEvent], snapshots: list[Manifest]) -> None:
    """Any prefix of the journal, read back from its JSON, gives the state there was at that time;
    in it a run has ended exactly if its last event says so, and then every stage has."""
    plan = scenario.plan
    read_back = [event_from_json(json.loads(json.dumps(e.to_json()))) for e in journal]
    if read_back != journal:
        raise Disproved("the journal is not what was written")
    for snapshot in snapshots:
        if snapshot.events > len(journal):
            continue
        replayed = fold(plan, read_back[: snapshot.events])
        if replayed != snapshot:
            raise Disproved(f"replaying {snapshot.events} events gives {replayed}, not {snapshot}")
        has_ended = isinstance(journal[snapshot.events - 1].payload, RunCompleted)
        if has_ended != (snapshot.status is not RunStatus.RUNNING):
            raise Disproved(f"event {snapshot.events} leaves a run that is {snapshot.status}")
        all_ended = all(entry.status in FINAL_STATUSES for entry in snapshot.stages)
        if has_ended and not all_ended:
            raise Disproved("a run has ended before its stages")
