"""The scheduler's border: its inputs, its actions, a stage's past, and what it asks of the world.

The driver hands in one input at a time and carries the actions out in the order given. An `Emit`
comes before the actions that depend on it: whoever makes `stage:completed` durable before the
next `Launch` keeps the promise of runtime.md section 3.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.record import EMPTY, record
from orch.dsl.type_names import Any, Callable, Mapping
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.events import Holder, Payload
from orch.runtime.fresh_events import FreshEnd, FreshStage, FreshStages
from orch.runtime.ids import RandomBits
from orch.runtime.states import RunStatus, StageStatus


@record
class AttemptEnded:
    """The attempt under way of `stage` has ended. `outcome` is as `Scheduler.judged` gives it.

    `error` is the path of its error record, relative to the run directory, where it failed.
    `values` are what it handed on, as JSON, `summary` its evaluated summary (None: the planned
    text), `key` what it passes on (`orch.runtime.fresh_keys`); these count only for a success.
    `why` says why it was run although it declares `inputs`; `fresh_reason`, for people, that its
    warden found it fresh, and no command was run.
    """

    stage: str
    outcome: AttemptOutcome
    error: str | None = None
    values: Mapping[str, Any] = EMPTY
    summary: str | None = None
    key: str | None = None
    why: tuple[str, ...] = ()
    fresh_reason: str | None = None


@record
class Looked:
    """What one round of looks has found, by stage: None where it is to run, or its warden must look
    closer. What comes after a stage has ended is ignored."""

    found: Mapping[str, FreshStage | None]


@record
class ExecutorRaised:
    """What was to carry out the attempt of `stage` raised, before or after the command began.

    `exception_type` and `message` stand in the reason of the failure. It is never tried again.
    Where that was foreseen, there is no type, and `message` is the whole reason.
    """

    stage: str
    exception_type: str | None
    message: str
    error: str | None = None


@record
class Claimed:
    """The name that `stage` is exclusive about is held by this run now, until its attempt ends."""

    stage: str


@record
class Busy:
    """Another run holds that name: `by` whom, as far as it is known."""

    stage: str
    by: Holder | None


@record
class RetryDue:
    """The wait of a `WakeLater` is over. One that comes after the stage has ended is ignored."""

    stage: str


@record
class ServiceIsReady:
    """The probe of the service `stage` has been answered, so long after its start."""

    stage: str
    after_ms: int


@record
class CancelRequested:
    """Someone wants the run to end. Without a signal it counts as SIGTERM (runtime.md, 7)."""

    signal: int | None
    reason: str


@record
class DeadlinePassed:
    """The whole run has taken longer than `policy.deadline` allows."""


SchedulerInput = (
    AttemptEnded
    | Looked
    | ExecutorRaised
    | Claimed
    | Busy
    | RetryDue
    | ServiceIsReady
    | CancelRequested
    | DeadlinePassed
)


@record
class Emit:
    """Append to the journal and tell the listeners."""

    payload: Payload | FreshStages


@record
class Claim:
    """Take the name that `stage` is exclusive about from all other runs, without waiting. `Claimed`
    or `Busy` must be handed in before anything else is."""

    stage: PlannedStage


@record
class Launch:
    """Start an attempt; `AttemptEnded` or `ExecutorRaised` must follow, exactly once."""

    stage: PlannedStage
    attempt: int


@record
class Look:
    """Look whether a stage that declares `inputs` is fresh; a `Looked` with it must follow, exactly
    once. It takes no slot meanwhile."""

    stage: PlannedStage


@record
class WakeLater:
    """Hand in `RetryDue(stage)` after `delay_ms`."""

    stage: str
    delay_ms: int


@record
class Stop:
    """End the attempt under way: SIGTERM, grace, SIGKILL, or with `skip_grace` SIGKILL at once.

    May be said twice of one attempt, the second time with `skip_grace`. An attempt that has ended
    meanwhile is left as it is.
    """

    stage: str
    skip_grace: bool


@record
class Finish:
    """Every stage has ended. Said exactly once, as the last action of all."""

    status: RunStatus
    reason: str | None
    exit_code: int


Action = Emit | Claim | Launch | Look | WakeLater | Stop | Finish


def emit_fresh(actions: list[Action], end: FreshEnd) -> None:
    """Say last of all that a stage is fresh, together with others of which that was said last."""
    last = actions[-1] if actions else None
    if isinstance(last, Emit) and isinstance(last.payload, FreshStages):
        last.payload.ends.append(end)
    else:
        actions.append(Emit(FreshStages([end])))


@record
class StageHistory:
    """What the journal of an interrupted run says of a stage.

    `attempts` is the number of the last attempt that was started, 0 for none. `exit_code` and
    `values` are those of the last attempt, read by the run-time expressions of later stages; `key`
    is what it passes on to them.
    """

    status: StageStatus
    attempts: int = 0
    exit_code: int | None = None
    values: Mapping[str, Any] = EMPTY
    key: str | None = None


@record
class Outside:
    """All that a scheduler asks of the world; each answer must depend on the question alone.

    `evaluate(text, facts)` gives the value of a run-time expression, or raises ValueError with a
    sentence for people. `logs_folder(index, attempt)` names the folder of an attempt's logs
    relative to the run directory; `index` is the stage's place in the plan, from 0. `is_forced`:
    a stage runs although it is fresh.
    """

    random: RandomBits
    run_id: str
    logs_folder: Callable[[int, int], str]
    evaluate: Callable[[str, Mapping[str, Any]], Any]
    is_forced: bool = False
