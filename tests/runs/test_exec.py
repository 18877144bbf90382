"""`orch exec`: one command with the bounds of a stage, and its output seen while it runs."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orch.cli.main import main
from tests.runs.project import ORCH, PATIENCE_S, Project
from tests.runtime.pool import wait_until


def _run_of(project: Project) -> Path:
    """The folder of the last run of the task `exec`."""
    return max((project.root / ".runs/exec/cli").iterdir())


def _manifest(project: Project) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((_run_of(project) / "manifest.json").read_text())
    return value


def test_both_streams_are_passed_on_as_they_were_written(project: Project) -> None:
    """Every byte, also such as are no text; orch's own words come last, on stderr."""
    script = r"printf 'a\000\377b'; printf 'oh\r\377' >&2; exit 3"
    words = (*ORCH, "exec", "--", "sh", "-c", script)
    done = subprocess.run(
        words, cwd=project.root, capture_output=True, timeout=PATIENCE_S, check=False
    )
    out, err = done.stdout, done.stderr
    assert done.returncode == 1
    assert out == b"a\x00\xffb"
    said, _, last = err.partition(b"\n")
    assert said == b"oh\r\xff"
    run_id = _run_of(project).name
    assert last.startswith("✗ sh exit 3 in ".encode())
    assert last.endswith(f"  run {run_id}\n".encode())
    logs = _run_of(project) / "stages/0000-sh/1"
    assert (logs / "stdout.log").read_bytes() == out
    assert (logs / "stderr.log").read_bytes() == said


def test_output_is_seen_while_the_command_runs(project: Project) -> None:
    """The command waits for what only a reader of its output can do."""
    script = "echo ready; while test ! -e go; do sleep 0.05; done; echo done"
    with project.start("exec", "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (project.root / "go").touch()
        assert process.stdout.read() == "done\n"
    assert process.returncode == 0


def test_words_behind_the_dashes_are_the_command_s(project: Project) -> None:
    """Options, templates, blanks, nothing, a second `--`: each arrives as it is."""
    words = ("--help", "--format", "json", "{{ params.x }}", "a b", "", "--", "$HOME", "-q")
    answer = project.orch("exec", "-q", "--", "printf", "%s|", *words)
    assert answer.stdout == "".join(f"{word}|" for word in words)
    assert answer.stderr == ""
    failing = project.orch("exec", "--task", "", "--", "true", "--format", "json")
    assert (failing.exit_code, failing.stdout) == (2, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no command was given; it stands behind `--`"),
        (("--",), "no command was given; it stands behind `--`"),
        (("make", "-j4"), "the command stands behind `--`: `orch exec [OPTIONS] -- make -j4`"),
        (("--", ""), "the command has an empty name"),
        (("--", "echo", b"a\xff"), "word 2 of the command is not UTF-8, so no plan can hold it"),
        (("--timeout", "5", "--", "true"), "`timeout` of the command line is `5`, not a duration"),
        (("--policy", "timout=5m", "--", "true"), "did you mean `timeout`?"),
        (("--policy", "timeout", "--", "true"), "--policy takes NAME=VALUE, not `timeout`"),
        (("--secret", "A-B", "--", "true"), "--secret takes the name of a variable, not `A-B`"),
        (("--secret", "NOT_SET", "--", "true"), "`$NOT_SET` is not set"),
        (("--task", "a/b", "--", "true"), "Invalid task id"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str | bytes, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With exit code 2, before anything is made."""
    monkeypatch.chdir(tmp_path)
    assert main(["exec", *map(os.fsdecode, words)]) == 2
    out, err = capfd.readouterr()
    assert said in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_there_is_a_failure_with_its_reason(project: Project) -> None:
    """As it is for a stage: exit code 1, and why it could not be started."""
    answer = project.orch("exec", "--", "no-such-program")
    assert answer.exit_code == 1
    assert "✗ no-such-program could not be started" in answer.stderr
    assert "`no-such-program` was not found in PATH" in answer.stderr
    assert _manifest(project)["stages"][0]["reason"] == "spawn"


def test_the_bounds_of_a_stage_hold(project: Project) -> None:
    """Time-out, deadline, retries; orch.toml below the command line."""
    (project.root / "orch.toml").write_text('[policy]\ntimeout = "200ms"\n')
    late = project.orch("exec", "--", "sleep", "300")
    assert late.exit_code == 1
    assert "✗ sleep timed out after " in late.stderr
    dead = project.orch("exec", "--timeout", "5m", "--policy", "deadline=300ms", "--", "sleep", "9")
    assert dead.exit_code == 4
    assert "the deadline of the run passed" in dead.stderr
    retry = ("--policy", "retry.attempts=3", "--policy", "retry.backoff=1ms..1ms")
    script = "echo try; test $ORCH_ATTEMPT = 3"
    again = project.orch("exec", "--timeout", "5m", *retry, "--", "sh", "-c", script)
    assert again.exit_code == 0
    assert again.stdout == "try\ntry\ntry\n"
    assert "(attempt 1 of 3), again in " in again.stderr
    assert "✓ sh exit 0 after 3 attempts in " in again.stderr


def test_nothing_outlives_the_command(project: Project) -> None:
    """What it moved into a session of its own is ended with it, and by a signal too."""
    script = "setsid sleep 300 & echo $! > pid; wait"
    with project.start("exec", "--", "sh", "-c", script) as process:
        wait_until(lambda: project.text("pid").strip(), "the command says what it has started")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143
    assert not Path(f"/proc/{project.text('pid').strip()}").exists()
    quick = project.orch("exec", "--", "sh", "-c", "setsid sleep 300 & echo $! > pid")
    assert quick.exit_code == 0
    assert not Path(f"/proc/{project.text('pid').strip()}").exists()


def test_standard_input_is_empty(project: Project) -> None:
    """Whatever orch's own holds, as a stage has it."""
    words = (*ORCH, "exec", "-q", "--", "wc", "-c")
    done = subprocess.run(
        words, cwd=project.root, input=b"abc", capture_output=True, timeout=60, check=True
    )
    assert done.stdout.strip() == b"0"


def test_a_secret_is_masked_and_kept_out_of_the_plan(project: Project) -> None:
    """On its way to both streams and in the logs; in the words of the command it is refused."""
    project.environment["TOKEN"] = "opensesame"
    script = 'echo "$TOKEN" | tee /dev/stderr'
    answer = project.orch("exec", "-q", "--secret", "TOKEN", "--", "sh", "-c", script)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "***\n", "***\n")
    refused = project.orch("exec", "--secret", "TOKEN", "--", "echo", "x-opensesame")
    assert refused.exit_code == 2
    assert "word 2 of the command holds the secret `TOKEN`" in refused.stderr
    assert "opensesame" not in refused.stderr
    for file in (project.root / ".runs").rglob("*"):
        assert not file.is_file() or b"opensesame" not in file.read_bytes()


def test_programs_get_one_document_and_nothing_else(project: Project) -> None:
    """Which says how the command ended, and where its output is."""
    script = "echo out; echo err >&2; exit 7"
    answer = project.orch("exec", "--format", "json", "--", "sh", "-c", script)
    document = answer.json()
    assert answer.exit_code == document["exit_code"] == 1
    command = document["command"]
    assert command["argv"] == ["sh", "-c", script]
    assert (command["exit_code"], command["signal"], command["reason"]) == (7, None, "failure")
    assert (project.root / command["logs"] / "stdout.log").read_text() == "out\n"
    lines = project.orch("exec", "--format", "jsonl", "--", "true").stdout.splitlines()
    assert json.loads(lines[0])["type"] == "run:started"
    assert json.loads(lines[-1])["type"] == "run:summary"


def test_a_slow_reader_holds_up_nobody(project: Project) -> None:
    """The run is over while nothing was read; then all of it is there, and orch held little."""
    size_bytes = 3_000_000
    words = (*ORCH, "exec", "-q", "--", "head", "-c", str(size_bytes), "/dev/zero")
    with subprocess.Popen(words, cwd=project.root, stdout=subprocess.PIPE) as process:
        project.wait_for_file("out/exec/state.json")
        assert _manifest(project)["status"] == "succeeded"
        assert process.poll() is None
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak_kib = int(next(x for x in status.splitlines() if x.startswith("VmHWM")).split()[1])
        assert process.stdout is not None
        assert process.stdout.read() == bytes(size_bytes)
    assert process.returncode == 0
    assert peak_kib < 60 * 1024


def test_a_reader_that_goes_away_stops_nobody(project: Project) -> None:
    """Neither the command, nor the run."""
    script = "echo first; while test ! -e gone; do sleep 0.05; done; seq 20000; touch finished"
    with project.start("exec", "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        (project.root / "gone").touch()
        assert process.wait(PATIENCE_S) == 0
    assert (project.root / "finished").exists()
    assert _manifest(project)["status"] == "succeeded"


def test_output_past_the_log_is_told_of(project: Project) -> None:
    """It can't be passed on, so whoever reads it must not take it for all: exit code 3."""
    words = ("--policy", "output.log=4KiB", "--", "seq", "10000")
    answer = project.orch("exec", *words)
    assert answer.exit_code == 3
    assert len(answer.stdout) == 4096
    assert "43.7 KiB of stdout are lost: a log holds 4 KiB" in answer.stderr
    assert _manifest(project)["status"] == "succeeded"


def test_it_runs_in_the_current_folder_and_files_under_the_root(project: Project) -> None:
    """As `orch run` does: a sign of a project upwards, else the current folder itself."""
    inner = project.root / "a" / "b"
    inner.mkdir(parents=True)
    words = (*ORCH, "exec", "-q", "--", "pwd")
    alone = subprocess.check_output(words, cwd=inner, text=True)
    assert alone.strip() == str(inner)
    assert (inner / ".runs/exec").is_dir()
    (project.root / "orch.toml").touch()
    below = subprocess.check_output(words, cwd=inner, text=True)
    assert below.strip() == str(inner)
    assert (project.root / ".runs/exec").is_dir()


def test_in_a_terminal_the_last_line_stands_alone(project: Project) -> None:
    """Below a line that the command did not end; bytes of the command are not changed."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        words = (*ORCH, "exec", "--", "printf", r"\033[31mred")
        os.execve(ORCH[0], words, {**project.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    seen = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(master)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    first, second = seen.decode().splitlines()
    assert first == "\x1b[31mred"
    assert "printf" in second
    assert "exit 0" in second


def test_a_detached_command_is_in_its_log(project: Project) -> None:
    """And resumed like any run, by its frozen plan."""
    script = "echo once; test -e mended"
    told = project.orch("exec", "--detach", "--format", "json", "--", "sh", "-c", script).json()
    status = ("status", told["run_id"], "--format", "json")
    wait_until(lambda: project.orch(*status).json()["status"] == "failed", "the run is over")
    assert project.orch("logs", told["run_id"]).stdout == "once\n"
    (project.root / "mended").touch()
    assert project.orch("resume", told["run_id"]).exit_code == 0
