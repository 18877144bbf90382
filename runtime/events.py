"""Run events, the border between the runtime and its disk: append-only, sequenced, the one truth.

An event is an envelope (`seq`, `time`) around one payload; its JSON is one flat object,
`{"seq": 17, "time": "…Z", "type": "stage:started", …fields of the payload}` (runtime.md, 3).
Payloads are frozen records whose field names are the keys of the JSON.
"""

from orch.dsl.record import EMPTY, field_names, record
from orch.dsl.type_names import Any, ClassVar, Mapping
from orch.runtime.record_text import plain_value
from orch.runtime.states import RunStatus, StageStatus


@record
class RunStarted:
    type: ClassVar = "run:started"
    run_id: str
    task_id: str
    pipeline: str
    plan_digest: str
    orch_version: str
    manifest: str
    """Path of the manifest, relative to the project root where it lies below it."""
    is_forced: bool = False
    """`--force`: stages run although they are fresh; in every life of the run."""
    source: str | None = None
    """The pipeline file, relative to the project root, with `/`; None where the plan was not
    compiled from a file for this run."""
    policy: Mapping[str, str] = EMPTY
    """The policies that the command line gave, by dotted names, as they were written."""


@record
class RunResumed:
    type: ClassVar = "run:resumed"
    run_id: str
    pid: int
    host: str
    orch_version: str
    plan_digest: str | None = None
    """That of the plan it goes on with, where that is another than before (`--recompile`)."""


@record
class StageReady:
    """All needs have ended; the stage waits for a free slot."""

    type: ClassVar = "stage:ready"
    stage: str


@record
class Holder:
    """Who holds an `exclusive` name: a stage of a run, since when, and which orch runs it."""

    run_id: str
    stage: str
    pid: int
    host: str
    since: str


@record
class StageWaiting:
    """Another run holds what the stage is `exclusive` about; said once in each wait. `held_by` is
    None where the holder has not said who it is."""

    type: ClassVar = "stage:waiting"
    stage: str
    exclusive: str
    held_by: Holder | None

    @property
    def explanation(self) -> str:
        """For people: what it waits for, and who holds it."""
        by = self.held_by
        who = (
            "another run"
            if by is None
            else f"stage {by.stage} of run {by.run_id} (pid {by.pid} on {by.host}, "
            f"since {by.since})"
        )
        return f"waits for `{self.exclusive}`, held by {who}"


@record
class StageStarted:
    type: ClassVar = "stage:started"
    stage: str
    attempt: int
    logs: str
    """Folder of this attempt's logs, relative to the run directory."""


@record
class StageOutput:
    """The last whole or partial line a stage wrote; streamed to listeners, never journalled."""

    type: ClassVar = "stage:output"
    stage: str
    attempt: int
    stream: str
    text: str


@record
class AttemptFigures:
    """What was measured of an attempt, as it stands in `stage:retrying` and `stage:completed`."""

    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    duration_ms: int | None = None
    cpu_ms: int | None = None
    peak_rss_bytes: int | None = None
    stdout_bytes: int = 0
    stderr_bytes: int = 0


@record
class StageRetrying:
    """Attempt `attempt` failed for `reason`, and the next begins in `delay_ms`."""

    type: ClassVar = "stage:retrying"
    stage: str
    attempt: int
    delay_ms: int
    reason: str
    figures: AttemptFigures
    error: str | None
    """Path of the error record, relative to the run directory."""


@record
class ServiceStarted:
    """Instead of `stage:started`; a service has one attempt in each life of a run."""

    type: ClassVar = "service:started"
    stage: str
    attempt: int
    logs: str
    """Folder of this attempt's logs, relative to the run directory."""


@record
class ServiceReady:
    """Its probe has been answered, so long after its start: what waits for it may go on."""

    type: ClassVar = "service:ready"
    stage: str
    attempt: int
    after_ms: int


@record
class ServiceStopped:
    """Follows each `service:started`: nothing of the service is alive. `reason` is the one of the
    `stage:completed` that comes next, or `no longer needed`."""

    type: ClassVar = "service:stopped"
    stage: str
    attempt: int
    reason: str
    figures: AttemptFigures


@record
class StageFresh:
    """Nothing is other than at the stage's last success, so its command isn't run; its
    `stage:completed` follows."""

    type: ClassVar = "stage:fresh"
    stage: str
    reason: str


@record
class StageCompleted:
    """A stage has reached its final status. `figures` are those of its last attempt."""

    type: ClassVar = "stage:completed"
    stage: str
    status: StageStatus
    reason: str | None
    attempts: int
    figures: AttemptFigures
    stdout_excerpt: str = ""
    stderr_excerpt: str = ""
    error: str | None = None
    summary: str | None = None
    values: Mapping[str, Any] = EMPTY
    """What the stage handed on, as JSON: durations in milliseconds, sizes in bytes."""
    key: str | None = None
    """What it passes on to stages that need it, as a text to be compared."""
    why: tuple[str, ...] = ()
    """Why it was run although it declares `inputs`: what had changed, a sentence each."""


@record
class ArtifactStaged:
    """A file was kept with the run, durably. `path` is relative to the run directory, `source` to
    the project root; `sha256` is that of its content, in hexadecimal."""

    type: ClassVar = "artifact:staged"
    stage: str
    attempt: int
    path: str
    source: str
    size_bytes: int
    sha256: str


@record
class HeartbeatFailed:
    type: ClassVar = "heartbeat:failed"
    path: str
    message: str
    failures: int


@record
class SnapshotRetrying:
    """The task state lock was busy."""

    type: ClassVar = "snapshot:retrying"
    what: str
    attempt: int
    delay_ms: int
    message: str


@record
class SnapshotSkipped:
    """One of manifest, metrics and state could not be written; the others were not hurt."""

    type: ClassVar = "snapshot:skipped"
    what: str
    message: str


@record
class SnapshotRepaired:
    """A file was damaged; its bytes were set aside and its content made anew."""

    type: ClassVar = "snapshot:repaired"
    what: str
    message: str


@record
class RunCancelling:
    type: ClassVar = "run:cancelling"
    reason: str
    signal: int | None


@record
class RunCompleted:
    """Fires exactly once for every run that was given an id. `duration_ms` is that of this life;
    a resume begins another."""

    type: ClassVar = "run:completed"
    run_id: str
    status: RunStatus
    reason: str | None
    exit_code: int
    duration_ms: int


@record
class RunSummary:
    """Follows `run:completed`, for readers of the stream: the counts, and where to read on. Only
    `snapshot:*` events may come after it."""

    type: ClassVar = "run:summary"
    run_id: str
    status: RunStatus
    exit_code: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int
    manifest: str


Payload = (
    RunStarted | RunResumed | StageReady | StageWaiting | StageStarted | StageOutput
    | StageRetrying | StageFresh | ServiceStarted | ServiceReady | ServiceStopped | StageCompleted
    | ArtifactStaged | HeartbeatFailed | SnapshotRetrying | SnapshotSkipped | SnapshotRepaired
    | RunCancelling | RunCompleted | RunSummary
)  # fmt: skip

_HOLDER = field_names(Holder)

PAYLOADS: Mapping[str, type[Any]] = {kind.type: kind for kind in Payload.__args__}


@record
class RunEvent:
    """One event of a run. `seq` counts from 1 without gaps in the journal; events that are only
    streamed carry the number of the last journalled one. `time` is UTC, `2026-11-22T09:55:41.431Z`.
    """

    seq: int
    time: str
    payload: Payload

    def to_json(self) -> dict[str, Any]:
        """The flat object; `figures` are merged into it."""
        value: dict[str, Any] = {"seq": self.seq, "time": self.time, "type": self.payload.type}
        for name in field_names(type(self.payload)):
            item = getattr(self.payload, name)
            if isinstance(item, AttemptFigures):
                value.update((n, getattr(item, n)) for n in field_names(AttemptFigures))
            else:
                value[name] = plain_value(item)
        return value


class EventFormatError(ValueError):
    """A JSON value is not an event of a known type with its fields."""


def event_from_json(value: Any) -> RunEvent:
    """Read an event; unknown keys are ignored, so that later versions may add some.

    Raises `EventFormatError`.
    """
    try:
        kind = PAYLOADS[value["type"]]
        given: dict[str, Any] = {}
        for name in field_names(kind):
            if name == "figures":
                names = field_names(AttemptFigures)
                given["figures"] = AttemptFigures(**{n: value[n] for n in names if n in value})
            elif name == "held_by":
                by = value[name]
                given[name] = None if by is None else Holder(**{n: by[n] for n in _HOLDER})
            elif name in value:
                given[name] = value[name]
        if "why" in given:
            given["why"] = tuple(given["why"])
        if "status" in given:
            statuses = StageStatus if kind is StageCompleted else RunStatus
            given["status"] = statuses(given["status"])
        return RunEvent(value["seq"], value["time"], kind(**given))
    except (KeyError, TypeError, ValueError) as error:
        what = (
            f"{error} is missing or unknown" if isinstance(error, KeyError) else "fields are amiss"
        )
        raise EventFormatError(f"not an event of this version of orch: {what}") from None
