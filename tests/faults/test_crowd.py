"""Many runs of one task at once, and what holds the lock of its state for long.

One store, and who waits how long: `tests/runtime/test_task_state.py`, `test_metrics.py` there.
"""

import json
import signal
import subprocess
import sys

from tests.runs.project import Project
from tests.runtime.pool import wait_until

RUNS = 50

HOLDER = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def hold_state_lock(project: Project) -> "subprocess.Popen[str]":
    """Another program that holds the lock until it is killed."""
    (project.root / "out/demo").mkdir(parents=True)
    words = [sys.executable, "-IS", "-c", HOLDER, str(project.root / "out/demo/state.json.lock")]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_of_fifty_runs_at_once_nothing_is_lost(project: Project) -> None:
    """Each ends as its stages deserve, and is in `state.json` (or waits in `pending/`, for the next
    run to enter it) and in `metrics.json`, once."""
    project.write('stage a { run = "true" }')
    file = str(project.root / "demo.pipeline")
    words = ["run", file, "--format", "json", "--root", str(project.root)]
    program = [sys.executable, "-m", "tests.faults.zygote", json.dumps([words] * RUNS), "together"]
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    answers = json.loads(done.stdout)
    assert {exit_code for exit_code, _, _ in answers} == {0}
    ids = {json.loads(out)["run_id"] for _, out, _ in answers}
    assert len(ids) == RUNS
    ids.add(project.run().json()["run_id"])
    assert {run["run_id"] for run in project.state()["runs"]} == ids
    assert len(project.state()["runs"]) == RUNS + 1
    lines = project.text(".runs/demo/metrics.json").splitlines()
    assert sorted(json.loads(line)["run_id"] for line in lines) == sorted(ids)


def test_a_lock_that_is_never_let_go_costs_a_run_three_seconds_at_most(project: Project) -> None:
    """The run gives up by the default policy, keeps its snapshot, and succeeds all the same."""
    project.write('stage a { run = "true" }')
    holder = hold_state_lock(project)
    with holder:
        answer = project.run()
        holder.kill()
    assert answer.exit_code == 0
    assert "gave up after 5 attempts" in answer.stderr
    waits = [e["delay_ms"] for e in project.events() if e["type"] == "snapshot:retrying"]
    assert waits == [100, 200, 400, 800]
    second = project.run()
    assert {run["run_id"] for run in project.state()["runs"]} == {
        answer.json()["run_id"],
        second.json()["run_id"],
    }


def test_a_lock_whose_holder_is_killed_is_free_at_once(project: Project) -> None:
    """A run that is waiting for it gets it, and nothing is left in `pending/`."""
    project.write('stage a { run = "true" }')
    holder = hold_state_lock(project)
    with holder:
        process = project.start("run", "demo.pipeline", "--format", "json")
        wait_until(lambda: list(project.root.glob(".runs/demo/cli/*/journal.jsonl")), "it began")
        journal = project.run_folder() / "journal.jsonl"
        wait_until(lambda: "snapshot:retrying" in journal.read_text(), "it waits")
        holder.send_signal(signal.SIGKILL)
    answer = project.finish(process)
    assert answer.exit_code == 0
    assert [run["run_id"] for run in project.state()["runs"]] == [answer.json()["run_id"]]
    assert not (project.root / "out/demo/pending").exists()
