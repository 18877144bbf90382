"""A scheduler on the table: small plans, and a hand that plays the driver one input at a time."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from orch.compiler.plan import (
    Bounds,
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    PipelineInfo,
    Plan,
    PlannedStage,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
)
from orch.runtime.attempt import NOTHING_CAPTURED, AttemptOutcome
from orch.runtime.decisions import (
    Action,
    AttemptEnded,
    CancelRequested,
    Emit,
    Finish,
    Launch,
    Outside,
    SchedulerInput,
    StageHistory,
    Stop,
    WakeLater,
)
from orch.runtime.events import StageCompleted, StageStarted
from orch.runtime.scheduler import Scheduler

ALL_REASONS = ("failure", "timeout", "signal", "spawn")


def retry(attempts: int, on: tuple[str, ...] = ALL_REASONS, **settings: Any) -> RetryPolicy:
    policy = RetryPolicy(attempts, (100, 3000), 2.0, "none", on)
    return replace(policy, **settings)


def stage(
    stage_id: str, needs: str = "", tries: RetryPolicy | None = None, **fields: Any
) -> PlannedStage:
    """A stage that needs the stages named, with blanks between them."""
    plain = PlannedStage(
        id=stage_id,
        kind="stage",
        title=None,
        needs=tuple(needs.split()),
        matrix={},
        argv=("true",),
        shell=None,
        env={},
        cwd=".",
        stdin=None,
        tty=False,
        skip=None,
        when=None,
        bindings={},
        policy=StagePolicy(1000, 100, tries or retry(1), OutputPolicy(1024, 256, 1024)),
        secrets=(),
        values={},
        inputs=(),
        outputs=(),
        artifacts=(),
        pool=None,
        exclusive=None,
        allow_failure=False,
        summary=None,
        ready=None,
    )
    return replace(plain, **fields)


def closing(stage_id: str, **fields: Any) -> PlannedStage:
    return stage(stage_id, kind="finally", **fields)


def plan(
    *stages: PlannedStage, fail_fast: bool = False, pools: Mapping[str, int] | None = None
) -> Plan:
    heartbeat, lock = HeartbeatPolicy(5000, 30_000, 30_000), LockPolicy(5, (100, 1000))
    return Plan(
        pipeline=PipelineInfo("table", None, None, (), None),
        params={},
        secrets=(),
        pools=pools or {},
        policy=RunPolicy(None, fail_fast, None, heartbeat, lock),
        stages=stages,
        bounds=Bounds(0, 0, 0, 0),
    )


def outcome(exit_code: int | None = 0, **fields: Any) -> AttemptOutcome:
    plain = AttemptOutcome(
        exit_code, None, None, False, False, 5, 1, 1, 0, NOTHING_CAPTURED, NOTHING_CAPTURED
    )
    return replace(plain, **fields)


STOPPED = outcome(None, signal=15, is_stopped=True)


class Table:
    """Starts the run at once. `seen` holds all actions so far, `last` those of the last input."""

    def __init__(
        self,
        planned: Plan,
        concurrency: int = 99,
        *,
        history: Mapping[str, StageHistory] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._answers = answers or {}
        outside = Outside(
            Random(1), "run-1", lambda index, attempt: f"logs/{index}/{attempt}", self._evaluate
        )
        self.scheduler = Scheduler(planned, concurrency, outside, history)
        self.last = self.scheduler.begin()
        self.seen: list[Action] = list(self.last)

    def hand_in(self, event: SchedulerInput) -> "Table":
        self.last = self.scheduler.step(event)
        self.seen.extend(self.last)
        return self

    def end(self, stage_id: str, how: AttemptOutcome | int = 0, **fields: Any) -> "Table":
        """The attempt of a stage ends, with an exit code or an outcome."""
        ended = outcome(how) if isinstance(how, int) else how
        judged = self.scheduler.judged(stage_id, ended)
        return self.hand_in(AttemptEnded(stage_id, judged, **fields))

    def cancel(self, signal: int | None = 2) -> "Table":
        return self.hand_in(CancelRequested(signal, "cancelled"))

    @property
    def launched(self) -> list[str]:
        """What the last input started."""
        return [action.stage.id for action in self.last if isinstance(action, Launch)]

    @property
    def stops(self) -> list[tuple[str, bool]]:
        return [(a.stage, a.skip_grace) for a in self.last if isinstance(a, Stop)]

    @property
    def waits(self) -> list[tuple[str, int]]:
        return [(a.stage, a.delay_ms) for a in self.last if isinstance(a, WakeLater)]

    @property
    def ends(self) -> dict[str, tuple[str, str | None]]:
        """Status and reason of every stage that has ended."""
        return {e.stage: (e.status.value, e.reason) for e in self.completed.values()}

    @property
    def completed(self) -> dict[str, StageCompleted]:
        payloads = [action.payload for action in self.seen if isinstance(action, Emit)]
        return {p.stage: p for p in payloads if isinstance(p, StageCompleted)}

    @property
    def attempts(self) -> list[tuple[str, int]]:
        payloads = [action.payload for action in self.seen if isinstance(action, Emit)]
        return [(p.stage, p.attempt) for p in payloads if isinstance(p, StageStarted)]

    @property
    def finish(self) -> tuple[str, str | None, int] | None:
        ends = [action for action in self.seen if isinstance(action, Finish)]
        assert len(ends) <= 1, "a run ends once"
        return (ends[0].status.value, ends[0].reason, ends[0].exit_code) if ends else None

    def _evaluate(self, text: str, facts: Mapping[str, Any]) -> Any:
        stages = {name: dict(fact) for name, fact in facts["stages"].items()}
        self.asked.append((text, {"stages": stages, "run": facts["run"]}))
        answer = self._answers[text]
        if isinstance(answer, Exception):
            raise answer
        return answer
