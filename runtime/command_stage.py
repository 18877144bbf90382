"""One attempt of one stage, without a run around it: owned, bounded and recorded as in a run."""

import select
import time

from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.record import EMPTY, as_dictionary, changed, record
from orch.dsl.type_names import Any, Callable, Mapping
from orch.runtime import clock
from orch.runtime.attempt import AttemptOutcome, Shortcoming
from orch.runtime.completion import figures_of
from orch.runtime.environment import RunFacts
from orch.runtime.errors import append_command_error
from orch.runtime.events import AttemptFigures
from orch.runtime.files import StorageError, make_folder
from orch.runtime.late_imports import import_what_wardens_need
from orch.runtime.launch import LaunchPad, handed_on, masked_outcome
from orch.runtime.paths import RunPaths, logs_name
from orch.runtime.run import RunRefusedError
from orch.runtime.secrets import SecretError, Secrets, resolve_secrets
from orch.runtime.signals import SignalInbox
from orch.runtime.states import StageStatus
from orch.runtime.wardens import Ended, Wardens

_LOOK_MS = 500


@record
class StageOutcome:
    """How an attempt of a stage ended.

    `status` is succeeded, failed or cancelled; `reason` is None for a success, else a word of
    `retry.on`, or `warden`, `cancelled`, `values`, `outputs`, `artifacts`, or `executor`: then what
    was to carry the attempt out failed itself, `exception` names the type of what it raised, and
    `message` says what. `logs` and `error` are paths relative to the run directory; there are logs
    only if there was output, and an error record only of a failure.
    """

    stage: str
    attempt: int
    status: StageStatus
    reason: str | None
    figures: AttemptFigures
    stdout_excerpt: str = ""
    stderr_excerpt: str = ""
    values: Mapping[str, Any] = EMPTY
    artifacts: tuple[Mapping[str, Any], ...] = ()
    logs: str | None = None
    error: str | None = None
    exception: str | None = None
    message: str | None = None

    @property
    def is_success(self) -> bool:
        return self.status is StageStatus.SUCCEEDED

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        value = as_dictionary(self)
        return {**value, "status": self.status.value, "values": dict(self.values)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "StageOutcome":
        """What `to_json` gave, read again."""
        given = {
            **value,
            "status": StageStatus(value["status"]),
            "figures": AttemptFigures(**value["figures"]),
            "artifacts": tuple(value["artifacts"]),
        }
        return cls(**given)


def broken_outcome(stage: str, attempt: int, exception: str | None, message: str) -> StageOutcome:
    """The outcome of an attempt whose executor failed."""
    return StageOutcome(
        stage, attempt, StageStatus.FAILED, "executor", AttemptFigures(),
        exception=exception, message=message,
    )  # fmt: skip


@record
class Attempt:
    """Which attempt is wanted: `stage` is the id of one in the plan, `number` counts from 1, and
    its files go to the run directory of `paths`."""

    plan: Plan
    stage: str
    paths: RunPaths
    number: int


def attempt_stage(
    attempt: Attempt, environment: Mapping[str, str], look: Callable[[], None]
) -> StageOutcome:
    """Carry out one attempt and return its outcome, which is a value whatever fails.

    SIGINT and SIGTERM end it. `look` is called every half second. Must be called in the main
    thread of a process without other threads. Raises `RunRefusedError` for a secret
    that is missing.
    """
    plan = attempt.plan
    others = frozenset(each.id for each in plan.stages) - {attempt.stage}
    try:
        secrets = resolve_secrets(plan, attempt.paths.root, environment, others)
    except SecretError as error:
        raise RunRefusedError(str(error)) from None
    try:
        with SignalInbox() as signals:
            return _Executor(attempt, secrets).carry_out(environment, signals, look)
    except Exception as error:  # noqa: BLE001 # An executor that raises is a failure like others.
        message = secrets.masked(str(error))
        return broken_outcome(attempt.stage, attempt.number, type(error).__name__, message)


class _Executor:
    def __init__(self, attempt: Attempt, secrets: Secrets) -> None:
        self._plan = attempt.plan
        stages = attempt.plan.stages
        self._index = next(at for at, each in enumerate(stages) if each.id == attempt.stage)
        self._stage: PlannedStage = stages[self._index]
        self._paths = attempt.paths
        self._number = attempt.number
        self._secrets = secrets

    def carry_out(
        self, environment: Mapping[str, str], signals: SignalInbox, look: Callable[[], None]
    ) -> StageOutcome:
        facts = RunFacts(self._paths, self._plan.pipeline.name, self._secrets)
        pad = LaunchPad(facts, environment, is_streamed=False)
        place = (self._index, self._number)
        spec = pad.spec(self._stage, place, {"stages": {}, "run": {}})
        make_folder(self._paths.run)
        import_what_wardens_need(is_fresh_asked=False)
        wardens = Wardens(1, self._secrets.mask)
        try:
            wardens.start(self._stage.id, spec)
            outcome = self._awaited(wardens, signals, look)
        finally:
            wardens.close()
        return self._recorded(outcome)

    def _awaited(
        self, wardens: Wardens, signals: SignalInbox, look: Callable[[], None]
    ) -> AttemptOutcome:
        is_stopped = False
        look_at_s = 0.0
        while True:
            poller = select.poll()
            for fd in (signals.fileno(), *wardens.descriptors()):
                poller.register(fd, select.POLLIN)
            ready = [fd for fd, _ in poller.poll(_LOOK_MS)]
            for fd in ready:
                if fd == signals.fileno():
                    for _ in signals.take():
                        wardens.stop(self._stage.id, skip_grace=is_stopped)
                        is_stopped = True
                    continue
                for report in wardens.receive(fd):
                    if isinstance(report, Ended):
                        return report.outcome
            if time.monotonic() >= look_at_s:
                look_at_s = time.monotonic() + _LOOK_MS / 1000
                look()

    def _recorded(self, outcome: AttemptOutcome) -> StageOutcome:
        """The outcome as it is told, with an error record where it is a failure."""
        stage, values, error = self._stage, EMPTY, None
        message = None
        if outcome.is_success:
            try:
                values = handed_on(stage, outcome, self._secrets)
            except ValueError as fault:
                outcome = changed(outcome, shortcoming=Shortcoming("values", str(fault)))
        if not outcome.is_success:
            outcome = masked_outcome(outcome, self._secrets)
            shortcoming = outcome.shortcoming
            message = outcome.spawn_error if shortcoming is None else shortcoming.message
            told = changed(stage, argv=tuple(map(self._secrets.masked, stage.argv)))
            place = (self._index, told)
            now = clock.utc_text(clock.wall_ms())
            try:
                error = append_command_error(self._paths, place, self._number, outcome, now)
            except StorageError as fault:
                message = f"{message}; {fault}" if message else str(fault)
        status = StageStatus.SUCCEEDED if outcome.is_success else StageStatus.FAILED
        return StageOutcome(
            stage.id,
            self._number,
            StageStatus.CANCELLED if outcome.is_stopped else status,
            None if outcome.is_success else outcome.reason,
            figures_of(outcome),
            outcome.stdout.excerpt,
            outcome.stderr.excerpt,
            values,
            outcome.artifacts if outcome.is_success else (),
            self._logs(outcome),
            error,
            message=message,
        )

    def _logs(self, outcome: AttemptOutcome) -> str | None:
        has_output = outcome.stdout.total_bytes or outcome.stderr.total_bytes
        return logs_name(self._index, self._stage.id, self._number) if has_output else None
