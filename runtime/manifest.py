"""The manifest of a run: exactly what its events say, folded (runtime.md, sections 3 and 4)."""

from orch.compiler.plan import Plan
from orch.dsl.json_text import canonical_json
from orch.dsl.record import field_names, record
from orch.dsl.type_names import Any, Callable, Iterable, Iterator
from orch.runtime.events import (
    HeartbeatFailed,
    RunCancelling,
    RunCompleted,
    RunEvent,
    RunResumed,
    RunStarted,
    StageCompleted,
)
from orch.runtime.fresh_events import FreshEnd, FreshEvents
from orch.runtime.record_text import plain_value, record_speller
from orch.runtime.settled import settled
from orch.runtime.stage_entry import (
    CHANGES,
    StageEntry,
    change_stage,
    completed_entry,
    fresh_entry,
)
from orch.runtime.states import RunStatus, StageStatus

SCHEMA = "orch.manifest/1"


class ManifestFormatError(ValueError):
    """A file is not a manifest of this schema."""


class EventMismatchError(ValueError):
    """An event speaks of something that the plan doesn't have."""


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


def _stage_values(e: StageEntry) -> tuple[Any, ...]:
    """All its fields in their order, in half the time of `attrgetter`."""
    return (
        e.id, e.kind, e.status, e.reason, e.attempts, e.exit_code, e.signal, e.timed_out,
        e.started_at, e.completed_at, e.duration_ms, e.cpu_ms, e.peak_rss_bytes,
        e.stdout_bytes, e.stderr_bytes, e.stdout_excerpt, e.stderr_excerpt, e.logs, e.error,
        e.values, e.artifacts, e.fresh, e.summary, e.key, e.why, e.ready_after_ms,
    )  # fmt: skip


_DEFAULTS = dict(zip(_STAGE_FIELDS, _stage_values(StageEntry("", "")), strict=True))
_entry_text = record_speller(_STAGE_FIELDS, _stage_values)


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
        # Of one that was found fresh: how it ended, and when.
        self._entries: dict[str, StageEntry | tuple[FreshEnd, str] | None]
        self._entries = dict.fromkeys(s.id for s in plan.stages)
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
        elif isinstance(entry, tuple):
            entry = self._entries[stage_id] = fresh_entry(self._kinds[stage_id], *entry)
        return entry

    def apply(self, event: RunEvent) -> None:
        """Fold one event in, of those that are journalled.

        Raises `EventMismatchError`, and changes nothing then.
        """
        payload = event.payload
        if isinstance(payload, StageCompleted):
            row = self._row(event, payload.stage)
            self._entries[payload.stage] = completed_entry(row, event, payload)
            del self._rows[payload.stage]
        elif isinstance(payload, CHANGES):
            change_stage(self._row(event, payload.stage), event, payload)
        else:
            self._apply_to_run(event)
        self._run["events"] = event.seq
        self._run["updated_at"] = event.time

    def apply_fresh(self, events: FreshEvents) -> None:
        """`apply` each of these events; of a stage of which nothing was told before only this is
        kept until somebody asks."""
        for place, end in enumerate(events.ends):
            if end[0] in self._rows or self._entries.get(end[0], end) is not None:
                for event in events.pair(place):
                    self.apply(event)
            else:
                self._entries[end[0]] = end, events.time
        self._run["events"] = events.last_seq
        self._run["updated_at"] = events.time

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
            entry = self._entries[stage_id] and self._entry(stage_id)
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
