"""What is known of one stage of a run, and what each of its events adds to it."""

from operator import attrgetter

from orch.dsl.record import EMPTY, field_names, record
from orch.dsl.type_names import Any, Mapping
from orch.runtime.events import (
    ArtifactStaged,
    AttemptFigures,
    RunEvent,
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
from orch.runtime.fresh_events import AS_IT_WAS, FreshEnd
from orch.runtime.states import StageStatus


@record
class StageEntry:
    """What is known of one stage.

    Everything but `attempts` and `status` is of its last attempt: `started_at`, the figures, the
    excerpts and `logs`. A stage whose attempt was cut off with its run is `running`. While it
    waits to be tried again it is `running` too, with the figures of the attempt that failed.
    """

    id: str
    kind: str
    status: StageStatus = StageStatus.WAITING
    reason: str | None = None
    attempts: int = 0
    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    started_at: str | None = None
    completed_at: str | None = None
    duration_ms: int | None = None
    cpu_ms: int | None = None
    peak_rss_bytes: int | None = None
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    stdout_excerpt: str = ""
    stderr_excerpt: str = ""
    logs: str | None = None
    """Folder of its logs, relative to the run directory; there only if there was output."""
    error: str | None = None
    """Path of its error record, relative to the run directory."""
    values: Mapping[str, Any] = EMPTY
    artifacts: tuple[Mapping[str, Any], ...] = ()
    """Files kept of it: `path` relative to the run directory, `source`, `size_bytes`, `sha256`."""
    fresh: bool = False
    """Nothing had changed since its last success, so its command was not run."""
    summary: str | None = None
    key: str | None = None
    """What it passes on to stages that need it, as a text to be compared."""
    why: tuple[str, ...] = ()
    """Why it was run although it declares `inputs`: what had changed, a sentence each."""
    ready_after_ms: int | None = None
    """How long after its start a service was ready; None where it never was, and for all else."""


_ARTIFACT = ("path", "source", "size_bytes", "sha256")
_FIGURES = field_names(AttemptFigures)
_figures = attrgetter(*_FIGURES)

Change = (
    StageReady | StageWaiting | StageStarted | StageRetrying | StageFresh | ArtifactStaged
    | ServiceStarted | ServiceReady | ServiceStopped
)  # fmt: skip
CHANGES = Change.__args__
"""What is told of a stage that goes on."""


def change_stage(row: dict[str, Any], event: RunEvent, payload: Change) -> None:
    """Fold in an event of a stage that goes on."""
    match payload:
        case StageStarted() | ServiceStarted():
            _start_stage(row, event, payload)
        case StageReady() | StageWaiting():
            _let_wait(row, payload)
        case StageFresh():
            row.update(fresh=True, reason=payload.reason)
        case StageRetrying():
            _set_figures(row, payload.figures)
            row.update(attempts=payload.attempt, reason=payload.reason, error=payload.error)
        case ArtifactStaged():
            kept = {name: getattr(payload, name) for name in _ARTIFACT}
            row["artifacts"] = (*row.get("artifacts", ()), kept)
        case ServiceReady(after_ms=after_ms):
            row["ready_after_ms"] = after_ms
        case ServiceStopped():
            _set_figures(row, payload.figures)


def _let_wait(row: dict[str, Any], payload: StageReady | StageWaiting) -> None:
    if isinstance(payload, StageReady):
        row["status"] = StageStatus.READY
    elif row.get("status") is StageStatus.READY:
        # One that waits for another try keeps the reason of its last failure.
        row["reason"] = payload.explanation


def _start_stage(
    row: dict[str, Any], event: RunEvent, payload: StageStarted | ServiceStarted
) -> None:
    """All that is known of an earlier attempt goes; its own events keep it."""
    kept = {"id": row["id"], "kind": row["kind"]}
    row.clear()
    row.update(
        kept,
        status=StageStatus.RUNNING,
        attempts=payload.attempt,
        started_at=event.time,
        logs=payload.logs,
    )


def completed_entry(row: dict[str, Any], event: RunEvent, payload: StageCompleted) -> StageEntry:
    """What is known of a stage that has ended. By names its fields would take twice as long."""
    figures, reason, is_fresh = payload.figures, payload.reason, row.get("fresh", False)
    if reason is None and is_fresh:
        reason = row.get("reason")
    return StageEntry(
        row["id"], row["kind"], payload.status, reason, payload.attempts,
        figures.exit_code, figures.signal, figures.timed_out,
        row.get("started_at"), event.time,
        figures.duration_ms, figures.cpu_ms, figures.peak_rss_bytes,
        figures.stdout_bytes, figures.stderr_bytes,
        payload.stdout_excerpt, payload.stderr_excerpt,
        row.get("logs"), payload.error, payload.values, row.get("artifacts", ()), is_fresh,
        payload.summary, payload.key, payload.why, row.get("ready_after_ms"),
    )  # fmt: skip


def fresh_entry(kind: str, end: FreshEnd, time: str) -> StageEntry:
    """What both events of a fresh stage come to, where nothing was told of it before."""
    stage_id, attempts, fresh = end
    # By names the last would take half as long again.
    return StageEntry(
        stage_id, kind, StageStatus.SUCCEEDED, fresh.reason, attempts, AS_IT_WAS.exit_code,
        None, False, None, time, None, None, None, 0, 0, "", "", None, None, fresh.values, (),
        True, fresh.summary, fresh.key,
    )  # fmt: skip


def _set_figures(row: dict[str, Any], figures: AttemptFigures) -> None:
    row.update(zip(_FIGURES, _figures(figures), strict=True))
