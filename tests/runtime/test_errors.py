"""Error records of attempts: exactly the fields of runtime.md section 4."""

import json
from pathlib import Path
from typing import Any

import pytest

from orch.dsl.record import changed
from orch.runtime.attempt import NOTHING_CAPTURED, AttemptOutcome, CapturedStream, lost_outcome
from orch.runtime.errors import append_command_error
from orch.runtime.files import StorageError
from tests.runtime.samples import new_run, sample_stage

STAGE = sample_stage("test[python=3.11]")
FAILED = AttemptOutcome(
    exit_code=7,
    signal=None,
    spawn_error=None,
    is_timed_out=False,
    is_stopped=False,
    duration_ms=12,
    cpu_ms=3,
    peak_rss_bytes=4096,
    survivors=0,
    stdout=CapturedStream("out", "out", 100, 97, 0),
    stderr=CapturedStream("boom\n", "boom\n", 5, 0, 0),
)


def written(root: Path, outcome: AttemptOutcome) -> dict[str, Any]:
    paths = new_run(root)
    name = append_command_error(paths, (3, STAGE), 2, outcome, "2026-11-22T09:55:41.431Z")
    assert name == "errors/0003-test-python-3.11.2.json"
    record: dict[str, Any] = json.loads((Path(paths.run) / name).read_bytes())
    assert record.pop("run_id") == paths.run_id
    return record


def test_a_record_has_exactly_its_fields(tmp_path: Path) -> None:
    assert written(tmp_path, FAILED) == {
        "task_id": "demo",
        "stage": "test[python=3.11]",
        "attempt": 2,
        "command": ["/bin/sh", "-eu", "-c", "true"],
        "reason": "failure",
        "exit_code": 7,
        "signal": None,
        "timed_out": False,
        "stderr": "boom\n",
        "stderr_bytes": 5,
        "stderr_truncated_bytes": 0,
        "stdout_bytes": 100,
        "stdout_truncated_bytes": 97,
        "created_at": "2026-11-22T09:55:41.431Z",
    }


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (changed(FAILED, exit_code=None, signal=9), "signal"),
        (changed(FAILED, is_timed_out=True), "timeout"),
        (changed(FAILED, is_stopped=True), "cancelled"),
        (lost_outcome(5), "warden"),
    ],
)
def test_the_reason_is_that_of_the_outcome(
    tmp_path: Path, outcome: AttemptOutcome, reason: str
) -> None:
    assert written(tmp_path, outcome)["reason"] == reason


def test_what_could_not_be_started_says_why(tmp_path: Path) -> None:
    outcome = changed(FAILED, exit_code=None, spawn_error="no such file", stderr=NOTHING_CAPTURED)
    record = written(tmp_path, outcome)
    assert (record["reason"], record["stderr"], record["stderr_bytes"]) == (
        "spawn",
        "no such file",
        0,
    )


@pytest.mark.parametrize(
    ("tail", "total", "missing"),
    [
        ("x" * 8192, 20_000, 11_808),
        ("é" * 4095, 20_000, 11_810),
        ("\ufffd" * 8192, 20_000, 11_808),
        ("\ufffd" * 3000, 3000, 0),
        ("x" * 8192, 8192, 0),
    ],
)
def test_the_bytes_before_the_tail_are_counted(
    tmp_path: Path, tail: str, total: int, missing: int
) -> None:
    """Cut at a character; a replaced byte counts as one."""
    outcome = changed(FAILED, stderr=CapturedStream("", tail, total, 0, 0))
    assert written(tmp_path, outcome)["stderr_truncated_bytes"] == missing


def test_a_file_in_the_way_is_an_error_for_people(tmp_path: Path) -> None:
    paths = new_run(tmp_path)
    Path(paths.errors).write_text("in the way")
    with pytest.raises(StorageError, match="errors"):
        append_command_error(paths, (0, STAGE), 1, FAILED, "now")
