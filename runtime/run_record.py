"""What is kept of a run beyond its own folder: a line of metrics and an entry in the task state."""

from orch.dsl.record import as_dictionary, field_names, record
from orch.dsl.type_names import Any
from orch.runtime.manifest import Manifest
from orch.runtime.states import RunStatus, StageStatus

METRICS_SCHEMA = "orch.metrics/1"


@record
class StageCounts:
    """How many stages ended how; the four add up to all stages of a run that has ended."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0


@record
class RunSnapshot:
    """A finished run as `out/<task>/state.json` lists it; `manifest` is where to read more."""

    run_id: str
    pipeline: str
    status: RunStatus
    reason: str | None
    exit_code: int | None
    started_at: str | None
    completed_at: str
    duration_ms: int | None
    stages: StageCounts
    plan_digest: str
    orch_version: str
    manifest: str

    def to_json(self) -> dict[str, Any]:
        return {**as_dictionary(self), "status": self.status.value}


@record
class RunMetrics:
    """A finished run as a line of `.runs/<task>/metrics.json` measures it.

    `attempts` counts the attempts of all stages; the sums and the peak are over the last attempt
    of each.
    """

    run_id: str
    task_id: str
    pipeline: str
    status: RunStatus
    exit_code: int | None
    started_at: str | None
    completed_at: str | None
    duration_ms: int | None
    stages: StageCounts
    attempts: int
    timed_out: int
    cpu_ms: int
    peak_rss_bytes: int
    stdout_bytes: int
    stderr_bytes: int
    resumes: int
    heartbeat_failures: int
    plan_digest: str
    orch_version: str
    schema: str = METRICS_SCHEMA

    def to_json(self) -> dict[str, Any]:
        return {**as_dictionary(self), "status": self.status.value}


def snapshot_of(manifest: Manifest) -> RunSnapshot:
    """The entry of a run that has completed."""
    assert manifest.completed_at is not None, "only a finished run has a snapshot"
    return RunSnapshot(
        run_id=manifest.run_id,
        pipeline=manifest.pipeline,
        status=manifest.status,
        reason=manifest.reason,
        exit_code=manifest.exit_code,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        duration_ms=manifest.duration_ms,
        stages=count_stages(manifest),
        plan_digest=manifest.plan_digest,
        orch_version=manifest.orch_version,
        manifest=manifest.manifest,
    )


def metrics_of(manifest: Manifest) -> RunMetrics:
    """The measures of a run that has completed."""
    entries = manifest.stages
    return RunMetrics(
        run_id=manifest.run_id,
        task_id=manifest.task_id,
        pipeline=manifest.pipeline,
        status=manifest.status,
        exit_code=manifest.exit_code,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        duration_ms=manifest.duration_ms,
        stages=count_stages(manifest),
        attempts=sum(entry.attempts for entry in entries),
        timed_out=sum(entry.timed_out for entry in entries),
        cpu_ms=sum(entry.cpu_ms or 0 for entry in entries),
        peak_rss_bytes=max((entry.peak_rss_bytes or 0 for entry in entries), default=0),
        stdout_bytes=sum(entry.stdout_bytes for entry in entries),
        stderr_bytes=sum(entry.stderr_bytes for entry in entries),
        resumes=manifest.resumes,
        heartbeat_failures=manifest.heartbeat_failures,
        plan_digest=manifest.plan_digest,
        orch_version=manifest.orch_version,
    )


def count_stages(manifest: Manifest) -> StageCounts:
    """How many stages have ended how so far."""
    statuses = [entry.status for entry in manifest.stages]
    return StageCounts(
        succeeded=statuses.count(StageStatus.SUCCEEDED),
        failed=statuses.count(StageStatus.FAILED),
        skipped=statuses.count(StageStatus.SKIPPED),
        cancelled=statuses.count(StageStatus.CANCELLED),
    )


def is_snapshot(value: Any) -> bool:
    """Whether a JSON value is a `RunSnapshot`; it may have more keys. Each run asks it of up to 200
    before, so no record is made of them."""
    return (
        isinstance(value, dict)
        and value.keys() >= _SNAPSHOT_FIELDS
        and isinstance(value["stages"], dict)
        and value["stages"].keys() >= _COUNT_FIELDS
        and all(isinstance(value[name], str) for name in ("run_id", "completed_at", "status"))
        and value["status"] in _STATUSES
    )


_SNAPSHOT_FIELDS = frozenset(field_names(RunSnapshot))
_COUNT_FIELDS = frozenset(field_names(StageCounts))
_STATUSES = frozenset(status.value for status in RunStatus)
