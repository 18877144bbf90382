"""Runs looked at from another process while they go on: `orch logs --follow` and `orch status
--watch`."""

import os
import pty
import signal
import subprocess
from pathlib import Path

from tests.cli.emulator import orch_window
from tests.runs.project import ORCH, PATIENCE_S, Project
from tests.runtime.pool import wait_until

TWO = """
stage one {
  retry { attempts = 2, backoff = 1ms..1ms }
  run = "echo one; while test ! -e one-may-go; do sleep 0.05; done; test $ORCH_ATTEMPT = 2"
}
stage two {
  needs = [one]
  run = "echo two; echo more >&2; while test ! -e two-may-go; do sleep 0.05; done; printf last"
}
"""
ONE = """
stage talk { run = "echo first; while test ! -e go; do sleep 0.05; done; printf 'x\\\\ay'" }
"""


def _following(project: Project, *words: str) -> "subprocess.Popen[str]":
    wait_until(lambda: project.orch("status").exit_code == 0, "there is a run")
    return project.start("logs", "last", "-f", *words)


def test_a_run_is_followed_to_its_end(project: Project) -> None:
    """Every attempt that begins meanwhile, both streams, with a headline where the log changes."""
    project.write(TWO)
    run = project.start("run", "demo.pipeline")
    process = _following(project)
    assert process.stdout is not None
    assert process.stdout.readline() == "== one, attempt 1, stdout ==\n"
    assert process.stdout.readline() == "one\n"
    (project.root / "one-may-go").touch()
    said = [process.stdout.readline() for _ in range(6)]
    assert said[:2] == ["== one, attempt 2, stdout ==\n", "one\n"]
    of_two = ["== two, attempt 1, stdout ==\n", "two\n", "== two, attempt 1, stderr ==\n", "more\n"]
    assert sorted(said[2:]) == sorted(of_two)
    assert process.poll() is None
    (project.root / "two-may-go").touch()
    rest, told = process.communicate(timeout=PATIENCE_S)
    assert rest == "== two, attempt 1, stdout ==\nlast"
    assert told.startswith("✓ demo succeeded in ")
    assert process.returncode == 0
    project.finish(run)


def test_one_log_alone_is_bare_and_ended_ones_are_printed(project: Project) -> None:
    """Without headlines; of a run that has ended it is what `orch logs` prints."""
    project.write(ONE)
    run = project.start("run", "demo.pipeline")
    process = _following(project, "talk", "--stdout")
    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
    (project.root / "go").touch()
    assert process.communicate(timeout=PATIENCE_S) == ("x\ay", "")
    project.finish(run)
    assert project.orch("logs", "last", "-f", "talk", "--stdout").stdout == "first\nx\ay"
    silent = project.orch("logs", "last", "-f", "talk", "--stderr")
    assert (silent.stdout, silent.stderr) == ("", "nothing was written\n")
    wrong = project.orch("logs", "last", "-f", "--format", "json")
    assert wrong.exit_code == 2
    assert "--follow and --format json exclude each other" in wrong.stderr


def test_in_a_terminal_it_is_harmless(project: Project) -> None:
    """Control characters are shown, not obeyed, and a reader that leaves ends it."""
    project.write(ONE)
    (project.root / "go").touch()
    project.run()
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        environment = {**project.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        os.execve(ORCH[0], (*ORCH, "logs", "last", "-f"), environment)
    seen = b""
    while b"y" not in seen.partition(b"first")[2]:
        seen += os.read(master, 65536)
    os.close(master)
    os.waitpid(pid, 0)
    assert b"\a" not in seen


def test_a_reader_that_leaves_ends_it(project: Project) -> None:
    """The run goes on, and nobody waits for the next line in vain."""
    project.write(ONE)
    run = project.start("run", "demo.pipeline")
    with _following(project) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0
    assert run.poll() is None
    (project.root / "go").touch()
    assert project.finish(run).exit_code == 0


def test_a_run_that_is_lost_ends_it(project: Project) -> None:
    """What was written until then is printed, and the way to go on."""
    project.write(ONE)
    run = project.start("run", "demo.pipeline")
    process = _following(project, "talk", "--stdout")
    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
    os.kill(run.pid, signal.SIGKILL)
    project.finish(run)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert f"run {project.run_folder().name} is lost: its owner is gone" in said
    assert Path(project.root / "go").exists() is False


def test_the_status_of_a_run_is_watched_to_its_end(project: Project) -> None:
    """The lines that its own terminal shows, then the screen of how it ended."""
    project.write(TWO)
    run = project.start("run", "demo.pipeline")
    wait_until(lambda: project.orch("status").exit_code == 0, "there is a run")
    process = project.start("status", "last", "--watch")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("demo  2 stages  run ")
    (project.root / "one-may-go").touch()
    assert "one exit 1 (attempt 1 of 2), again in" in process.stdout.readline()
    assert process.stdout.readline().startswith("✓ one ")
    assert process.poll() is None
    (project.root / "two-may-go").touch()
    rest, _ = process.communicate(timeout=PATIENCE_S)
    assert rest.startswith("✓ two ")
    assert "✓ demo succeeded in " in rest
    assert process.returncode == 0
    project.finish(run)
    wrong = project.orch("status", "--watch", "--format", "json")
    assert wrong.exit_code == 2
    assert "--watch and --format json exclude each other" in wrong.stderr


def test_in_a_terminal_the_status_is_live(project: Project) -> None:
    """With the age that a stage really has, and the block gone in the end."""
    project.write(ONE)
    run = project.start("run", "demo.pipeline")
    wait_until(lambda: project.orch("status").exit_code == 0, "there is a run")
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        environment = {**project.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8", "CI": ""}
        os.execve(ORCH[0], (*ORCH, "status", "last", "--watch"), environment)
    seen = b""
    while b"1 running" not in seen:
        seen += os.read(master, 65536)
    (project.root / "go").touch()
    while True:
        try:
            seen += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "succeeded in" in seen.decode().rpartition("\x1b[J")[2]
    project.finish(run)


def test_who_stops_watching_stops_nothing_else(project: Project) -> None:
    """Ctrl-C takes the block away and says that the run goes on, as it does."""
    project.write(ONE)
    run = project.start("run", "demo.pipeline")
    wait_until(lambda: project.orch("status").exit_code == 0, "there is a run")
    words = ("status", "last", "--watch")
    with orch_window(*words, cwd=project.root, columns=100, CI="") as window:
        window.wait_for("1 running")
        window.press("\x03")
        assert window.finish() == 130
        shown = window.lines()
    assert shown[0].startswith("demo  1 stage  run ")
    assert shown[1:] == [f"the run goes on; `orch cancel {project.run_folder().name}` ends it"]
    (project.root / "go").touch()
    assert project.finish(run).exit_code == 0
