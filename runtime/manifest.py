"""The manifest of a run: exactly what its events say, folded (runtime.md, sections 3 and 4)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter

from orch.compiler.plan import Plan
from orch.dsl.json_text import canonical_json
from orch.dsl.record import EMPTY, field_names, record
from orch.dsl.type_names import Any
from orch.runtime.events import (
    ArtifactStaged,
    AttemptFigures,
    HeartbeatFailed,
    RunCancelling,
    RunCompleted,
    RunEvent,
    RunResumed,
    RunStarted,
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
from orch.runtime.record_text import plain_value, record_speller
from orch.runtime.settled import settled
from orch.runtime.states import RunStatus, StageStatus

SCHEMA = "orch.manifest/1"


class ManifestFormatError(ValueError):
    """A file is not a manifest of this schema."""


class EventMismatchError(ValueError):
    """An event speaks of something that the plan doesn't have."""


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


WholeEntries = Callable[[Iterable[StageEntry]], Iterator[StageEntry]]


@record
class Manifest:
    """One run. The ids are empty until `run:started`; paths are as `RunStarted.manifest` is:
    relative to the project root where they lie below it.

    `status` is `running` from the first event to `run:completed`; whether a running one is stale
    or lost is for `orch.runtime.liveness`. `events` is the number of the last event folded.
    """

    run_id: str
    task_id: str
    pipeline: str
    plan_digest: str
    orch_version: str
    status: RunStatus
    reason: str | None
    exit_code: int | None
    started_at: str | None
    updated_at: str | None
    completed_at: str | None
    duration_ms: int | None
    resumes: int
    heartbeat_failures: int
    events: int
    manifest: str
    artifact_root: str
    log_path: str
    """The journal; each stage's own logs are in its `logs`."""
    stages: tuple[StageEntry, ...]
    is_forced: bool = False
    """`--force`: stages run although they are fresh."""
    schema: str = SCHEMA

    def json_parts(self, whole: WholeEntries = iter) -> Iterator[str]:
        """What `json_line` makes of `to_json`, in parts: a long run is not held twice. `whole`
        gives the entries with their excerpts, where `stages` are without."""
        before, _, after = canonical_json({**self._run_json(), "stages": []}).partition(
            '"stages":[]'
        )
        yield before + '"stages":['
        for at, entry in enumerate(whole(self.stages)):
            yield ("," if at else "") + _entry_text(entry)
        yield f"]{after}\n"

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        stages = [{n: plain_value(getattr(e, n)) for n in _STAGE_FIELDS} for e in self.stages]
        return {**self._run_json(), "stages": stages}

    def _run_json(self) -> dict[str, Any]:
        """All but the stages."""
        return {name: plain_value(getattr(self, name)) for name in _RUN_FIELDS if name != "stages"}


_RUN_FIELDS = field_names(Manifest)
_ADDED_LATER = frozenset({"is_forced", "key", "why", "ready_after_ms"})
"""Fields that manifests of earlier versions don't have."""
_STAGE_FIELDS = field_names(StageEntry)
_stage_values = attrgetter(*_STAGE_FIELDS)
_DEFAULTS = dict(zip(_STAGE_FIELDS, _stage_values(StageEntry("", "")), strict=True))
_entry_text = record_speller(_STAGE_FIELDS, _stage_values)
_ARTIFACT = ("path", "source", "size_bytes", "sha256")
_FIGURES = field_names(AttemptFigures)
_figures = attrgetter(*_FIGURES)

_Change = (
    StageReady | StageWaiting | StageStarted | StageRetrying | StageFresh | ArtifactStaged
    | ServiceStarted | ServiceReady | ServiceStopped
)  # fmt: skip
_CHANGES = _Change.__args__


def fold(plan: Plan, events: Iterable[RunEvent]) -> Manifest:
    """The manifest of a run after these events, any prefix of its journal; pure.

    Raises `EventMismatchError` for a stage that the plan doesn't have.
    """
    state = ManifestFold(plan)
    for event in events:
        state.apply(event)
    return state.manifest()


class ManifestFold:
    """`fold`, one event at a time and each in constant time: `manifest()` after `apply`ing events
    is `fold` of them. The fold records and never judges: what may happen is the scheduler's."""

    def __init__(self, plan: Plan) -> None:
        # None of a stage that nothing has been told of since there was a plan.
        self._entries: dict[str, StageEntry | None] = dict.fromkeys(s.id for s in plan.stages)
        # While a stage changes it is a row of fields here, until its end or the next `manifest`;
        # fields that are as they are by default are left out.
        self._rows: dict[str, dict[str, Any]] = {}
        self._kinds = {stage.id: stage.kind for stage in plan.stages}
        self._plan = plan
        self._run: dict[str, Any] = {
            "run_id": "",
            "task_id": "",
            "pipeline": plan.pipeline.name,
            "plan_digest": plan.digest,
            "orch_version": "",
            "status": RunStatus.RUNNING,
            "reason": None,
            "exit_code": None,
            "started_at": None,
            "updated_at": None,
            "completed_at": None,
            "duration_ms": None,
            "resumes": 0,
            "heartbeat_failures": 0,
            "events": 0,
            "manifest": "",
            "artifact_root": "",
            "log_path": "",
            "is_forced": False,
        }

    def manifest(self) -> Manifest:
        """A snapshot; linear in the number of stages that have changed since the last."""
        for stage_id, row in self._rows.items():
            self._entries[stage_id] = StageEntry(**row)
        self._rows.clear()
        return Manifest(**self._run, stages=tuple(map(self._entry, self._entries)))

    def _entry(self, stage_id: str) -> StageEntry:
        entry = self._entries[stage_id]
        if entry is None:
            entry = self._entries[stage_id] = StageEntry(stage_id, self._kinds[stage_id])
        return entry

    def apply(self, event: RunEvent) -> None:
        """Fold one event in, of those that are journalled.

        Raises `EventMismatchError`, and changes nothing then.
        """
        payload = event.payload
        if isinstance(payload, StageCompleted):
            row = self._row(event, payload.stage)
            self._entries[payload.stage] = _completed_entry(row, event, payload)
            del self._rows[payload.stage]
        elif isinstance(payload, _CHANGES):
            _change_stage(self._row(event, payload.stage), event, payload)
        else:
            self._apply_to_run(event)
        self._run["events"] = event.seq
        self._run["updated_at"] = event.time

    def _apply_to_run(self, event: RunEvent) -> None:
        match event.payload:
            case RunStarted() as started:
                self._start_run(event, started)
            case RunResumed(plan_digest=plan_digest):
                for name in ("reason", "exit_code", "completed_at", "duration_ms"):
                    self._run[name] = None
                self._run["status"] = RunStatus.RUNNING
                self._run["resumes"] += 1
                self._run["plan_digest"] = plan_digest or self._run["plan_digest"]
                self._forget_what_is_judged_anew()
            case RunCancelling(reason=reason):
                self._run["reason"] = reason
            case HeartbeatFailed():
                self._run["heartbeat_failures"] += 1
            case RunCompleted() as completed:
                self._run.update(
                    status=completed.status,
                    reason=completed.reason,
                    exit_code=completed.exit_code,
                    completed_at=event.time,
                    duration_ms=completed.duration_ms,
                )
            case _:
                pass

    def _forget_what_is_judged_anew(self) -> None:
        """Of what isn't settled only the number of attempts is still true."""
        entries = self.manifest().stages
        kept_ids = settled(self._plan.stages, {entry.id: entry.status for entry in entries})
        for entry in entries:
            if entry.id not in kept_ids:
                forgotten = StageEntry(entry.id, entry.kind, attempts=entry.attempts)
                self._entries[entry.id] = forgotten

    def _row(self, event: RunEvent, stage_id: str) -> dict[str, Any]:
        """The row of a stage, begun where there is none. Raises `EventMismatchError`."""
        try:
            row = self._rows.get(stage_id)
            if row is not None:
                return row
            entry = self._entries[stage_id]
        except (KeyError, TypeError):
            raise EventMismatchError(
                f"event {event.seq} speaks of stage {stage_id!r}, which the plan doesn't have"
            ) from None
        if entry is None:
            row = {"id": stage_id, "kind": self._kinds[stage_id]}
        else:
            values = zip(_STAGE_FIELDS, _stage_values(entry), strict=True)
            row = {n: v for n, v in values if v is not _DEFAULTS[n]}
        self._rows[stage_id] = row
        return row

    def _start_run(self, event: RunEvent, payload: RunStarted) -> None:
        folder = payload.manifest.rpartition("/")[0]
        below = f"{folder}/" if folder else ""
        self._run.update(
            run_id=payload.run_id,
            task_id=payload.task_id,
            pipeline=payload.pipeline,
            plan_digest=payload.plan_digest,
            orch_version=payload.orch_version,
            started_at=event.time,
            manifest=payload.manifest,
            artifact_root=f"{below}artifacts",
            log_path=f"{below}journal.jsonl",
            is_forced=payload.is_forced,
        )


def manifest_from_json(value: Any) -> Manifest:
    """Read a manifest; unknown keys are ignored, so that later versions may add some. Types of
    single fields are judged by the published schema alone. Raises `ManifestFormatError`."""
    try:
        if value["schema"] != SCHEMA:
            raise ManifestFormatError(f"schema {value['schema']!r} instead of {SCHEMA!r}")
        names = (n for n in _RUN_FIELDS if n in value or n not in _ADDED_LATER)
        given = {name: value[name] for name in names}
        given["status"] = RunStatus(value["status"])
        given["stages"] = tuple(_entry(row) for row in value["stages"])
        return Manifest(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestFormatError(f"not a manifest: {error}") from None


def _entry(value: Any) -> StageEntry:
    row = {n: value[n] for n in _STAGE_FIELDS if n in value or n not in _ADDED_LATER}
    row["status"] = StageStatus(row["status"])
    row["artifacts"] = tuple(row["artifacts"])
    row["why"] = tuple(row.get("why", ()))
    return StageEntry(**row)


def _change_stage(row: dict[str, Any], event: RunEvent, payload: _Change) -> None:
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


def _completed_entry(row: dict[str, Any], event: RunEvent, payload: StageCompleted) -> StageEntry:
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


def _set_figures(row: dict[str, Any], figures: AttemptFigures) -> None:
    row.update(zip(_FIGURES, _figures(figures), strict=True))
