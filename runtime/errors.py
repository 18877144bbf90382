"""Error records: one file for each attempt that failed, `errors/<NNNN-slug>.<attempt>.json`."""

from orch.compiler.plan import PlannedStage
from orch.dsl.record import as_dictionary, record
from orch.dsl.type_names import Any
from orch.runtime.attempt import AttemptOutcome, CapturedStream
from orch.runtime.files import json_line, make_folder, replace_file
from orch.runtime.paths import RunPaths, refuse_ways_out


@record
class ErrorRecord:
    """How an attempt failed (runtime.md, section 4).

    `stderr` is the last part of what it wrote, at most `output.error` bytes, and
    `stderr_truncated_bytes` what is missing before it; an attempt that couldn't be started wrote
    nothing, so `stderr` says why. `stdout_truncated_bytes` is what the excerpt in the manifest
    leaves out. `reason` is a word of `retry.on`, or `warden`, `cancelled`, `values`,
    `outputs`; `message` says what a command left undone that exited with 0.
    """

    run_id: str
    task_id: str
    stage: str
    attempt: int
    command: tuple[str, ...]
    reason: str
    exit_code: int | None
    signal: int | None
    timed_out: bool
    stderr: str
    stderr_bytes: int
    stderr_truncated_bytes: int
    stdout_bytes: int
    stdout_truncated_bytes: int
    created_at: str
    message: str | None = None

    def to_json(self) -> dict[str, Any]:
        value = as_dictionary(self)
        if self.message is None:
            del value["message"]
        return value


def append_command_error(
    paths: RunPaths,
    place: tuple[int, PlannedStage],
    attempt: int,
    outcome: AttemptOutcome,
    created_at: str,
) -> str:
    """Write the record of a failed attempt, durably; returns its path relative to the run
    directory.

    `place` is the stage and its index in the plan. Raises `StorageError` and `PlaceError`.
    """
    refuse_ways_out(paths.runs, paths.errors)
    index, stage = place
    error_bytes = stage.policy.output.error_bytes
    content = ErrorRecord(
        run_id=paths.run_id,
        task_id=paths.task_id,
        stage=stage.id,
        attempt=attempt,
        command=stage.argv,
        reason=outcome.reason,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        timed_out=outcome.is_timed_out,
        stderr=outcome.stderr.tail if outcome.spawn_error is None else outcome.spawn_error,
        stderr_bytes=outcome.stderr.total_bytes,
        stderr_truncated_bytes=_missing_bytes(outcome.stderr, error_bytes),
        stdout_bytes=outcome.stdout.total_bytes,
        stdout_truncated_bytes=outcome.stdout.truncated_bytes,
        created_at=created_at,
        message=None if outcome.shortcoming is None else outcome.shortcoming.message,
    )
    path = paths.error_record(index, stage.id, attempt)
    make_folder(paths.errors)
    replace_file(path, json_line(content.to_json()))
    return paths.within_run(path)


def _missing_bytes(stream: CapturedStream, error_bytes: int) -> int:
    """Bytes of a stream before its tail. A broken byte became a longer replacement character, so
    of a tail with such the length in bytes is only known to be at most `error_bytes`."""
    shown_bytes = stream.total_bytes - stream.masked_bytes
    if shown_bytes <= error_bytes:
        return 0
    return shown_bytes - min(error_bytes, len(stream.tail.encode(errors="replace")))
