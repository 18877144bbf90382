"""`orch.run_command_stage`: one attempt, owned, bounded and recorded; whatever fails is a value."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import orch
from tests.runtime.pool import wait_until

TEXT = """\
pipeline demo { }
secret TOKEN { env = "DEMO_TOKEN" }
stage good { run = "echo hello; echo version=3 > $ORCH_VALUES"  values { version: int } }
stage bad { needs = [good], run = "echo no >&2; exit 3" }
stage slow { run = "touch begun; sleep 60 & sleep 60", timeout = 60s, grace = 100ms }
stage late { run = "sleep 60", timeout = 100ms, grace = 100ms }
stage none { run = ["no-such-program"] }
stage hidden { run = "echo $TOKEN", secrets = [TOKEN] }
"""


@pytest.fixture
def paths(tmp_path: Path) -> orch.RunPaths:
    return orch.resolve_run_paths(tmp_path, "task", "2026-11-22T09-55-41-431Z-9574035c", {})


@pytest.fixture
def plan(tmp_path: Path) -> orch.Plan:
    return orch.compile(TEXT, root=tmp_path)


def test_a_success_hands_on_its_output_and_values(plan: orch.Plan, paths: orch.RunPaths) -> None:
    """And its logs stand where those of a run would."""
    outcome = orch.run_command_stage(plan, "good", paths, attempt=2)
    assert outcome.is_success
    assert (outcome.reason, outcome.stdout_excerpt, outcome.values) == (
        None, "hello\n", {"version": 3},
    )  # fmt: skip
    assert outcome.logs is not None
    assert (Path(paths.run) / outcome.logs / "stdout.log").read_text() == "hello\n"
    assert outcome.logs.endswith("/2")
    assert outcome.figures.exit_code == 0


@pytest.mark.parametrize(
    ("stage", "reason"), [("bad", "failure"), ("late", "timeout"), ("none", "spawn")]
)
def test_a_failure_is_a_value_with_an_error_record(
    stage: str, reason: str, plan: orch.Plan, paths: orch.RunPaths
) -> None:
    """Whatever the command did, and where it couldn't be started."""
    outcome = orch.run_command_stage(plan, stage, paths)
    assert (outcome.status, outcome.reason) == (orch.StageStatus.FAILED, reason)
    assert outcome.error is not None
    record = json.loads((Path(paths.run) / outcome.error).read_text())
    assert (record["stage"], record["reason"], record["attempt"]) == (stage, reason, 1)
    assert (outcome.message is not None) == (reason == "spawn")


def test_an_executor_that_raises_is_a_failure_like_others(
    plan: orch.Plan, paths: orch.RunPaths
) -> None:
    """With the type of what it raised, and its message."""
    Path(paths.runs).mkdir()
    Path(paths.task_runs).write_text("in the way")
    outcome = orch.run_command_stage(plan, "good", paths)
    assert (outcome.status, outcome.reason) == (orch.StageStatus.FAILED, "executor")
    assert outcome.exception == "StorageError"
    assert str(paths.task_runs) in str(outcome.message)


def test_what_can_not_be_asked_for_is_a_usage_error(plan: orch.Plan, paths: orch.RunPaths) -> None:
    """Nothing is made then."""
    with pytest.raises(orch.UsageError, match="is no stage of this plan"):
        orch.run_command_stage(plan, "godo", paths)
    with pytest.raises(orch.UsageError, match="DEMO_TOKEN"):
        orch.run_command_stage(plan, "hidden", paths, environment={})
    assert not Path(paths.runs).exists()


def test_a_secret_reaches_the_command_and_is_masked(plan: orch.Plan, paths: orch.RunPaths) -> None:
    """As in a run."""
    given = {**os.environ, "DEMO_TOKEN": "quite-secret"}
    outcome = orch.run_command_stage(plan, "hidden", paths, environment=given)
    assert outcome.stdout_excerpt == "***\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_an_attempt_outlives_its_host(
    number: signal.Signals, paths: orch.RunPaths
) -> None:
    """An exception ends it before the host goes on; so does the death of the host."""
    program = f"""
import orch, sys
plan = orch.compile({TEXT!r})
paths = orch.resolve_run_paths(__import__("pathlib").Path.cwd(), "task", {paths.run_id!r}, {{}})
try:
    orch.run_command_stage(plan, "slow", paths)
except KeyboardInterrupt:
    print("interrupted")
"""
    mark = f"mark-{os.getpid()}-{number}"
    host = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=paths.root, env={**os.environ, "MARK": mark}, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    wait_until((Path(paths.root) / "begun").exists, "the stage runs")
    assert living(mark)
    host.send_signal(number)
    said, _ = host.communicate(timeout=60)
    if number is signal.SIGINT:
        assert said == "interrupted\n"
        assert not living(mark)
    wait_until(lambda: not living(mark), "nothing is left")


def living(mark: str) -> list[str]:
    """Processes whose environment holds this mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found
