"""A wall clock that jumps while a run goes on. No test may set the machine's clock, so the one
that orch asks (`time.time_ns`) is offset by what the file `offset` says at that moment; the
monotonic clock is the kernel's own."""

import json
import subprocess
import sys

from tests.runs.project import Answer, Project

DAY_NS = 86_400 * 10**9

PROGRAM = """
import os, time
from pathlib import Path
real, offset = time.time_ns, Path("offset")
time.time_ns = lambda: real() + int(offset.read_text() or 0)
from orch.cli.main import program
program()
"""

STAGES = f"""
  policy {{ heartbeat {{ every = 100ms, persist = 100ms, stale = 1h }} }}
  stage one {{ run = "echo {2 * DAY_NS} >new; mv new offset; sleep 0.3" }}
  stage two {{ needs = [one] run = "echo {-2 * DAY_NS} >new; mv new offset; sleep 0.3" }}
"""


def run_by_offset(project: Project, *words: str) -> Answer:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=project.root,
        env=project.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_clock_that_jumps_changes_stamps_alone(project: Project) -> None:
    """Two days ahead, then four back: durations stay what they were, heartbeats count on, the run
    is complete in every file, and `last_run_at` never goes back."""
    project.write(STAGES)
    (project.root / "offset").write_text(str(DAY_NS))
    before = run_by_offset(project, "run", "demo.pipeline", "--format", "json")
    last_run_at = project.state()["last_run_at"]
    (project.root / "offset").write_text("0")
    after = run_by_offset(project, "run", "demo.pipeline", "--format", "json")
    for answer in (before, after):
        assert answer.exit_code == 0, answer.stderr
    ids = {answer.json()["run_id"] for answer in (before, after)}
    assert {run["run_id"] for run in project.state()["runs"]} == ids
    assert project.state()["last_run_at"] >= last_run_at
    for run_id in ids:
        folder = project.run_folder(run_id)
        manifest = json.loads((folder / "manifest.json").read_text())
        assert 600 <= manifest["duration_ms"] < 3_600_000
        assert all(300 <= stage["duration_ms"] < 3_600_000 for stage in manifest["stages"])
        assert json.loads((folder / ".heartbeat").read_text())["sequence"] >= 3
        lines = (folder / "journal.jsonl").read_text().splitlines()
        numbers = [json.loads(line)["seq"] for line in lines]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_run_from_the_future_lives_and_resumes(project: Project) -> None:
    """A clock that was set back makes a heartbeat of tomorrow neither stale nor lost while its
    owner lives, and a lost run of tomorrow is resumed today."""
    project.write('stage a { run = "touch started; test -e go || sleep 60" grace = 100ms }')
    (project.root / "offset").write_text(str(DAY_NS))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run", "demo.pipeline", "-q"],
        cwd=project.root,
        env=project.environment,
        stdin=subprocess.DEVNULL,
    )
    project.wait_for_file("started")
    assert project.orch("status", "last", "--format", "json").json()["status"] == "running"
    process.kill()
    process.wait()
    assert project.orch("status", "last", "--format", "json").json()["status"] == "lost"
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.manifest()["duration_ms"] >= 0
