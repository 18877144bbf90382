"""Runs that go on in the background: who they belong to, what they let go of, how they end."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runs.project import ORCH, PATIENCE_S, Project
from tests.runtime.pool import wait_until

LONG = 'stage build { run = "touch began; exec sleep 300" }\n'
WAITING = 'stage build { run = "touch began; while test ! -e go; do sleep 0.05; done" }\n'


def _detached(project: Project, *words: str) -> dict[str, Any]:
    answer = project.orch("run", "demo.pipeline", "--detach", "--format", "json", *words)
    assert answer.exit_code == 0, answer.stderr
    return answer.json()


def _status(project: Project, run_id: str = "last") -> str:
    status: str = project.orch("status", run_id, "--format", "json").json()["status"]
    return status


def _wait_for(project: Project, status: str) -> None:
    wait_until(lambda: _status(project) == status, f"the run is {status}")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name: state, parent, group, session, terminal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_a_detached_run_belongs_to_nobody(project: Project) -> None:
    """The command returns while it runs; its process is no child of it, leads a session without a
    terminal, reads and writes no stream of the caller, holds the run, and can be cancelled."""
    project.write(LONG)
    told = _detached(project)
    project.wait_for_file("began")
    folder = project.run_folder(told["run_id"])
    owner = json.loads((folder / "owner.json").read_text())
    pid = owner["pid"]
    assert told["pid"] == pid
    assert told["status"] == _status(project) == "running"
    assert (project.root / told["manifest"]).is_file()
    state, parent, _, session, terminal, *_ = _stat(pid)
    assert state in "SR"
    assert int(parent) != os.getpid()
    assert int(session) == pid
    assert terminal == "0"
    streams = [Path(f"/proc/{pid}/fd/{fd}").readlink() for fd in range(3)]
    assert streams == [Path("/dev/null"), folder / "orch.log", folder / "orch.log"]
    assert project.events()[0]["type"] == "run:started"
    assert project.orch("cancel", told["run_id"]).exit_code == 0
    _wait_for(project, "cancelled")
    # The last screen is drawn a moment after the end is in the journal.
    log = project.root / told["orch_log"]
    wait_until(lambda: "■ demo cancelled" in log.read_text(), "the log tells the end")


def test_people_are_told_how_to_go_on(project: Project) -> None:
    """Id, manifest, and the commands that follow, which can be copied as they are printed."""
    project.write('stage build { run = "echo built" }')
    answer = project.orch("run", "demo.pipeline", "--detach")
    run_id = project.run_folder().name
    assert answer.stdout.splitlines() == [
        f"run {run_id} has begun in the background",
        "",
        f"  orch status {run_id}   how it stands",
        f"  orch logs {run_id} -f  what its stages write",
        f"  orch cancel {run_id}   end it",
        f"  .runs/demo/cli/{run_id}/manifest.json",
    ]
    assert answer.stderr == ""
    assert answer.exit_code == 0
    _wait_for(project, "succeeded")
    assert project.orch("logs", run_id).stdout == "built\n"


def test_every_format_says_the_run(project: Project) -> None:
    """jsonl is the first event alone, and -q the run id alone."""
    project.write('stage build { run = "true" }')
    line = project.orch("run", "demo.pipeline", "--detach", "--format", "jsonl").stdout
    event = json.loads(line)
    assert event["type"] == "run:started"
    assert (project.root / event["manifest"]).is_file()
    bare = project.orch("run", "demo.pipeline", "--detach", "-q").stdout
    assert bare == f"{project.run_folder().name}\n"
    both = project.orch("run", "demo.pipeline", "--detach", "--dry-run")
    assert both.exit_code == 2
    assert "--detach and --dry-run exclude each other" in both.stderr
    _wait_for(project, "succeeded")


@pytest.mark.parametrize(
    ("text", "words", "environment", "exit_code"),
    [
        ('stage build { run = "true", needs = [nobody] }', (), {}, 2),
        ('stage build { run = "true" }', ("--task", "a/b"), {}, 2),
        ('stage build { run = "true" }', (), {"MCP_RUNNER_TASK_ID": ""}, 2),
        (
            'secret TOKEN { env = "NOT_SET" }\nstage b { run = "true", secrets = [TOKEN] }',
            (),
            {},
            2,
        ),
        ('stage build { run = "true" }', (), {"ORCH_RUNS_DIR": "/proc/nowhere"}, 3),
        ('stage build { run = "true" }', (), {"ORCH_RUNS_DIR": "demo.pipeline"}, 3),
    ],
)
def test_what_is_refused_is_refused_in_the_foreground(
    project: Project, text: str, words: tuple[str, ...], environment: dict[str, str], exit_code: int
) -> None:
    """With the words and the exit code of a run that is watched, and nothing is left of it."""
    project.write(text)
    project.environment |= environment
    watched = project.orch("run", "demo.pipeline", *words)
    detached = project.orch("run", "demo.pipeline", "--detach", *words)
    assert detached == watched
    assert detached.exit_code == exit_code
    assert detached.stderr
    assert not (project.root / ".runs").exists()
    document = project.orch("run", "demo.pipeline", "--detach", "--format", "json", *words)
    assert document.exit_code == exit_code
    assert document.json()


def test_a_run_outlives_its_terminal(project: Project) -> None:
    """The window is closed, and its shell with it; the run goes on to its end."""
    project.write(WAITING)
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        words = (*ORCH, "run", "--detach", "demo.pipeline")
        shell = ("sh", "-c", '"$@"; echo told; sleep 300', "sh", *words)
        os.execve("/bin/sh", shell, {**project.environment, "TERM": "xterm"})
    seen = b""
    while b"told" not in seen:
        seen += os.read(master, 65536)
    assert b"has begun in the background" in seen
    os.close(master)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGHUP
    project.wait_for_file("began")
    assert _status(project) == "running"
    (project.root / "go").touch()
    _wait_for(project, "succeeded")


def test_nothing_that_the_caller_holds_stays_open(project: Project) -> None:
    """Started without any of the three streams, as bad starters do, and with a lock: the lock is
    free when the command has ended, though the run goes on."""
    project.write(WAITING)
    starting = 'exec 9> lock; flock 9; "$@" <&- >&- 2>&-'
    words = ("/bin/bash", "-c", starting, "bash", *ORCH, "run", "demo.pipeline", "--detach")
    assert subprocess.run(
        words, cwd=project.root, env=project.environment, timeout=PATIENCE_S, check=True
    )
    project.wait_for_file("began")
    subprocess.run(("flock", "-n", "lock", "true"), cwd=project.root, check=True)
    (project.root / "go").touch()
    _wait_for(project, "succeeded")
    assert "demo succeeded" in (project.run_folder() / "orch.log").read_text()


def test_what_orch_could_not_do_is_in_its_log(project: Project) -> None:
    """The state can't be written; the run succeeds, and its log says what is missing."""
    project.write('stage build { run = "true" }')
    (project.root / "out").write_text("in the way")
    told = _detached(project)
    _wait_for(project, "succeeded")
    log = project.root / told["orch_log"]
    wait_until(lambda: "demo succeeded" in log.read_text(), "the end is in the log")
    assert "state was not written" in log.read_text()


def test_sigkill_leaves_nothing_and_resume_can_be_detached_too(project: Project) -> None:
    """What the killed owner had started is gone; the run goes on under another one, whose words are
    added to the log."""
    project.write(
        'stage build { run = "touch began; echo $$ > pid; test -e go || exec sleep 300" }'
    )
    told = _detached(project)
    project.wait_for_file("began")
    wait_until(lambda: project.text("pid").strip(), "the command says who it is")
    os.kill(told["pid"], signal.SIGKILL)
    command = Path("/proc") / project.text("pid").strip()
    wait_until(lambda: not command.exists(), "the command is gone")
    _wait_for(project, "lost")
    (project.root / "go").touch()
    again = project.orch("resume", "last", "--detach", "--format", "json").json()
    assert (again["run_id"], again["manifest"]) == (told["run_id"], told["manifest"])
    assert again["pid"] != told["pid"]
    _wait_for(project, "succeeded")
    log = project.root / told["orch_log"]
    wait_until(lambda: "demo succeeded" in log.read_text(), "the end is in the log")
    assert f"run {told['run_id']}" in log.read_text()
    assert f"resuming {told['run_id']}" in log.read_text()
    done = project.orch("resume", "last", "--detach")
    assert done.exit_code == 0
    assert "the run had succeeded; nothing was run" in done.stderr


def test_a_living_run_is_refused_in_the_foreground(project: Project) -> None:
    """`orch resume --detach` of a run that somebody holds."""
    project.write(WAITING)
    _detached(project)
    answer = project.orch("resume", "last", "--detach")
    assert answer.exit_code == 2
    assert "can't be resumed: the run is held by process" in answer.stderr
    (project.root / "go").touch()
    _wait_for(project, "succeeded")


def test_a_detached_run_in_a_stage_is_told_of(project: Project) -> None:
    """All that a stage starts ends with it; whoever expects otherwise reads why."""
    project.write('stage build { run = "true" }', "inner.pipeline")
    words = " ".join(ORCH)
    project.write(f'stage outer {{ run = "{words} run inner.pipeline --task inner --detach" }}')
    assert project.run().exit_code == 0
    said = project.orch("logs", "last", "outer", "--task", "demo", "--stderr").stdout
    assert f"this is a stage of run {project.run_folder().name}" in said


ACTING = """
import os, sys, time
from orch.cli.detach import detach
from orch.cli.face import make_face

def act(begin):
    {act}

try:
    detach(act, make_face("text", "never", 0))
except Exception as error:
    print(error.exit_code, error.message)
"""


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("return 0", "3 the run ended before it had begun"),
        (
            "os._exit(7)",
            "3 the process of the run ended before the run had begun, with exit code 7",
        ),
        ("os.kill(os.getpid(), 9)", "before the run had begun, by signal 9"),
        ("raise OSError(28, 'No space left on device', 'x')", "3 can't go on: x: no space left"),
    ],
)
def test_a_process_that_ends_too_early_is_told_of(act: str, said: str) -> None:
    """Whatever becomes of it before the run has begun, the command doesn't wait forever."""
    script = ACTING.format(act=act)
    done = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, timeout=60, check=True
    )
    assert said in done.stdout


def test_an_interrupt_before_the_run_has_begun_is_passed_on(tmp_path: Path) -> None:
    """The process that was to become the owner gets the signal, and the command ends with it."""
    act = f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}.'); time.sleep(300)"
    started = subprocess.Popen(
        (sys.executable, "-c", ACTING.format(act=act)), stdout=subprocess.PIPE, text=True
    )
    pid_file = tmp_path / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("."), "it has started")
    started.send_signal(signal.SIGTERM)
    said, _ = started.communicate(timeout=PATIENCE_S)
    assert said.startswith("143 interrupted before the run had begun")
    process = Path("/proc") / pid_file.read_text().rstrip(".")
    wait_until(lambda: not process.exists(), "the process has ended")
