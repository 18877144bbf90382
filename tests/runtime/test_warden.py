"""A warden starts a command cleanly, captures it within bounds, and tells how it ended."""

import signal
import sys
from pathlib import Path

import pytest

from orch.runtime.attempt import AttemptOutcome, AttemptSpec
from tests.runtime.pool import Attempt, make_spec, new_token, processes_with, run_one, start_pool

SHOW_SIGNALS = """
import signal
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
ignored = [s.name for s in signal.Signals if signal.getsignal(s) is signal.SIG_IGN]
print(sorted(s.name for s in blocked), sorted(set(ignored) - {"SIGPIPE", "SIGXFSZ"}))
"""


@pytest.mark.parametrize("code", [0, 1, 75, 255])
def test_an_exit_code_is_reported(tmp_path: Path, code: int) -> None:
    """Exit is truth."""
    outcome = run_one(make_spec(tmp_path, f"exit {code}"))
    assert (outcome.exit_code, outcome.signal, outcome.spawn_error) == (code, None, None)
    assert outcome.is_success == (code == 0)


def test_a_signal_is_reported(tmp_path: Path) -> None:
    """A command that a signal ended has no exit code."""
    outcome = run_one(make_spec(tmp_path, "kill -SEGV $$"))
    assert (outcome.exit_code, outcome.signal, outcome.reason) == (None, signal.SIGSEGV, "signal")


def test_time_and_memory_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    """CPU time and peak memory count children, also those that the command did not wait for."""
    burn = "import pathlib, time\na = b'x' * 90_000_000\nwhile time.process_time() < 0.3: pass\n"
    burn += "pathlib.Path('done').touch()"
    script = f'( {sys.executable} -c "{burn}" & )\nwhile [ ! -e done ]; do sleep 0.05; done'
    outcome = run_one(make_spec(tmp_path, script))
    assert outcome.peak_rss_bytes > 90_000_000
    assert outcome.cpu_ms >= 250


def test_both_streams_are_captured_and_logged(tmp_path: Path) -> None:
    """Excerpts in memory, the whole in the logs."""
    outcome = run_one(make_spec(tmp_path, "echo out; echo err >&2"))
    assert (outcome.stdout.excerpt, outcome.stderr.tail) == ("out\n", "err\n")
    assert (tmp_path / "logs" / "stdout.log").read_text() == "out\n"
    assert (tmp_path / "logs" / "stderr.log").read_text() == "err\n"


def test_a_silent_command_leaves_no_files(tmp_path: Path) -> None:
    """Logs and their folder are made only when there is output."""
    run_one(make_spec(tmp_path, ":"))
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_can_not_be_written_fails_nothing(tmp_path: Path) -> None:
    """The reason is reported beside the outcome."""
    outcome = run_one(make_spec(tmp_path, "echo out", stdout_log="/proc/none/stdout.log"))
    assert outcome.is_success
    assert outcome.stdout.excerpt == "out\n"
    assert outcome.stdout.unlogged_bytes == 4
    assert outcome.log_error is not None
    assert outcome.log_error.startswith("/proc/none/stdout.log: ")


def test_a_command_starts_clean(tmp_path: Path) -> None:
    """Descriptors 0, 1 and 2 and no others, its own session, no terminal, no blocked or ignored
    signal, its own environment and folder."""
    outcome = run_one(make_spec(tmp_path, "exec ls -l /proc/self/fd"))
    lines = [line for line in outcome.stdout.excerpt.splitlines() if "->" in line]
    opened = [line.split()[-3] + " " + line.split()[-1] for line in lines]
    assert opened[0] == "0 /dev/null"
    assert [line.partition(":")[0] for line in opened[1:3]] == ["1 pipe", "2 pipe"]
    assert opened[3].endswith("/fd"), "the folder that ls itself reads"
    assert len(opened) == 4
    outcome = run_one(make_spec(tmp_path, (sys.executable, "-c", SHOW_SIGNALS)))
    assert outcome.stdout.excerpt == "[] []\n"
    script = "pwd; read -r pid _ _ _ group session tty _ </proc/$$/stat; "
    script += 'echo "$((pid == group)) $((pid == session)) $tty"'
    outcome = run_one(make_spec(tmp_path, script))
    assert outcome.stdout.excerpt == f"{tmp_path}\n1 1 0\n"
    environment = {"A": "1", "NOT_UTF8": "\udcff"}
    outcome = run_one(make_spec(tmp_path, ("/usr/bin/env", "-0"), env=environment))
    assert outcome.stdout.excerpt == "A=1\0NOT_UTF8=\ufffd\0"


def test_stdin_is_empty_unless_text_is_given(tmp_path: Path) -> None:
    """A command that reads sees the end at once, or the text and then the end."""
    assert run_one(make_spec(tmp_path, "cat; echo end")).stdout.excerpt == "end\n"
    outcome = run_one(make_spec(tmp_path, "cat; echo end", stdin="två\nrader\0"))
    assert outcome.stdout.excerpt == "två\nrader\0end\n"


def test_stdin_that_is_not_read_holds_nothing_up(tmp_path: Path) -> None:
    """More text than any pipe holds, read by nobody or in part."""
    text = "x" * (1 << 20)
    assert run_one(make_spec(tmp_path, ":", stdin=text)).is_success
    assert run_one(make_spec(tmp_path, "head -c 3", stdin=text)).stdout.excerpt == "xxx"
    assert run_one(make_spec(tmp_path, "wc -c", stdin=text)).stdout.excerpt.split() == ["1048576"]


def test_a_command_may_close_its_output_and_go_on(tmp_path: Path) -> None:
    """The end of both streams is not the end of the command."""
    outcome = run_one(make_spec(tmp_path, "echo out; exec >&- 2>&-; sleep 0.3; exit 5"))
    assert (outcome.exit_code, outcome.stdout.excerpt) == (5, "out\n")
    assert outcome.duration_ms >= 300


def test_a_background_child_never_hangs_an_attempt(tmp_path: Path) -> None:
    """After the command has ended, what it left may write for half a second more."""
    token = new_token()
    script = f"( sleep 0.2; echo late; sleep {token}; echo never ) & echo early"
    outcome = run_one(make_spec(tmp_path, script))
    assert outcome.stdout.excerpt == "early\nlate\n"
    assert outcome.is_success
    assert outcome.survivors >= 1
    assert 500 <= outcome.duration_ms < 30_000
    assert processes_with(token) == []


def test_a_command_may_tidy_up_within_the_grace(tmp_path: Path) -> None:
    """SIGTERM reaches the whole tree, and what a handler does and writes still counts."""
    script = """
    trap 'sleep 0.2; echo tidied; exit 9' TERM
    sh -c 'trap "echo told; exit" TERM; sleep 60 & wait' &
    sleep 60 & wait
    """
    outcome = run_one(make_spec(tmp_path, script, timeout_ms=1000, grace_ms=20_000))
    assert (outcome.exit_code, outcome.is_timed_out, outcome.reason) == (9, True, "timeout")
    assert sorted(outcome.stdout.excerpt.split()) == ["tidied", "told"]
    assert outcome.duration_ms < 20_000


def test_the_grace_ends(tmp_path: Path) -> None:
    """SIGTERM is not obeyed, so SIGKILL comes after the grace."""
    script = "trap '' TERM; while :; do sleep 60; done"
    outcome = run_one(make_spec(tmp_path, script, timeout_ms=100, grace_ms=400))
    assert (outcome.signal, outcome.is_timed_out) == (signal.SIGKILL, True)
    assert outcome.duration_ms >= 500
    assert outcome.survivors == 0, "the command itself had not ended"


def spawn_error(outcome: AttemptOutcome) -> str:
    assert (outcome.exit_code, outcome.signal, outcome.reason) == (None, None, "spawn")
    assert outcome.spawn_error is not None
    return outcome.spawn_error


def test_a_command_that_can_not_start_says_why(tmp_path: Path) -> None:
    """Each reason in words for people, with the name and what to do."""
    (tmp_path / "text").write_text("echo no first line\n")
    (tmp_path / "lost").write_text("#!/opt/no/such/thing -x\n")
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "folder").mkdir()
    for name in ("text", "lost"):
        (tmp_path / name).chmod(0o755)
    cases = {
        ("no-such-program",): "`no-such-program` was not found in PATH (/usr/bin, /bin); install",
        ("./no-such-program",): f"no such program: `./no-such-program`, seen from `{tmp_path}`",
        ("./plain",): "`./plain` is not executable; `chmod +x ./plain`",
        ("./plain/x",): "no such program: `./plain/x`",
        ("./folder",): "`./folder` is a folder, not a program",
        ("./text",): "`./text` is neither a program of this machine nor a script",
        ("./lost",): "`./lost` names `/opt/no/such/thing` in its first line",
        ("",): "the name of the program is empty",
        ("true", "x" * 3_000_000): "the arguments or the environment of `/usr/bin/true` are larger",
        ("true", "a\0b"): "`true` can't be started: its arguments",
    }
    env = {"PATH": "/usr/bin:/bin"}
    here = f"{tmp_path}/."  # So a stage that names no folder of its own is started.
    specs = [make_spec(tmp_path, argv, env=env, cwd=here) for argv in cases]
    attempts = {str(at): Attempt(spec) for at, spec in enumerate(specs)}
    pool = start_pool(attempts, limit=1)
    pool.wait()
    for key, beginning in zip(attempts, cases.values(), strict=True):
        assert spawn_error(pool.outcome(key)).startswith(beginning)


def test_a_folder_that_can_not_be_entered_says_so(tmp_path: Path) -> None:
    """The working directory is judged before the program."""
    (tmp_path / "file").touch()
    missing, file = str(tmp_path / "none"), str(tmp_path / "file")
    error = spawn_error(run_one(make_spec(tmp_path, ":", cwd=missing)))
    assert error.startswith(f"no such folder: `{missing}`")
    error = spawn_error(run_one(make_spec(tmp_path, ":", cwd=file)))
    assert error == f"`{file}`, in which the command was to run, is not a folder"


def test_a_program_is_looked_up_by_the_command_s_own_path(tmp_path: Path) -> None:
    """Relative folders of PATH are seen from its folder; what is not executable is passed by."""
    for folder, mode in (("a", 0o644), ("b", 0o755), ("c", 0o755)):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / "tool"
        program.write_text(f"#!/bin/sh\necho {folder}\n")
        program.chmod(mode)
    spec = make_spec(tmp_path, ("tool",), env={"PATH": "/nonexistent:a:b:c"})
    assert run_one(spec).stdout.excerpt == "b\n"
    spec = make_spec(tmp_path, ("tool",), env={"PATH": "a"})
    assert spawn_error(run_one(spec)).startswith("`a/tool` is not executable")
    assert run_one(make_spec(tmp_path, ("true",), env={})).is_success


def test_a_flood_is_counted_whole_within_bounded_memory(tmp_path: Path) -> None:
    """64 MiB without a line end, NULs and broken UTF-8 among them, on both streams."""
    flood = "import os\nb = bytes(range(256)) * 256\nfor n in range({count}):\n"
    flood += " os.write(1, b); os.write(2, b)"

    def flood_spec(name: str, count: int, buffer_bytes: int) -> AttemptSpec:
        script = f"{sys.executable} -c '{flood.format(count=count)}'\n"
        script += f"grep VmHWM /proc/$PPID/status >'{tmp_path}/{name}'"
        bounds = {"buffer_bytes": buffer_bytes, "error_bytes": 256, "log_bytes": 1 << 20}
        logs = {f"{s}_log": str(tmp_path / f"{name} {s}.log") for s in ("stdout", "stderr")}
        return make_spec(tmp_path, script, **bounds, **logs)

    # The first attempt touches the pages of the warden that every attempt touches.
    attempts = {
        "warm": Attempt(flood_spec("warm", 32, 1024)),
        "before": Attempt(flood_spec("before", 32, 1024)),
        "after": Attempt(flood_spec("after", 512, 1 << 20)),
    }
    pool = start_pool(attempts, limit=1)
    pool.wait()
    outcome = pool.outcome("after")
    for name, stream in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
        assert stream.total_bytes == 512 * 65536
        assert stream.unlogged_bytes == 512 * 65536 - (1 << 20)
        assert (tmp_path / f"after {name}.log").stat().st_size == 1 << 20
        assert f"\n… {stream.truncated_bytes} bytes left out …\n" in stream.excerpt
        assert len(stream.excerpt) < (1 << 20) + 100
    grown_kib = high_water_kib(tmp_path / "after") - high_water_kib(tmp_path / "before")
    assert 1024 <= grown_kib <= 2 * 1024 + 64


def high_water_kib(path: Path) -> int:
    return int(path.read_text().split()[1])


def test_the_largest_excerpts_get_through(tmp_path: Path) -> None:
    """Two full buffers of 16 MiB arrive as they were, which no pipe holds at once."""
    size = 16 << 20
    spec = make_spec(
        tmp_path,
        f"yes o | head -c {size}; yes e | head -c {size} >&2",
        buffer_bytes=size,
        log_bytes=0,
    )
    pool = start_pool({"only": Attempt(spec)}, limit=1)
    pool.wait()
    outcome = pool.outcome("only")
    assert outcome.stdout.excerpt == "o\n" * (size // 2)
    assert outcome.stderr.excerpt == "e\n" * (size // 2)


def test_the_last_line_is_streamed_while_the_command_runs(tmp_path: Path) -> None:
    """Only when asked for, and bounded in length."""
    seen = tmp_path / "seen"
    script = f"echo first; printf 'par'; sleep 0.3; printf 'tial'; sleep 0.3; touch '{seen}'\n"
    script += "head -c 5000 /dev/zero | tr '\\0' x; sleep 0.3; echo error >&2; sleep 0.3"
    spec = make_spec(tmp_path, script, is_streamed=True)
    silent = make_spec(tmp_path, "echo one", stdout_log=str(tmp_path / "other.log"))
    pool = start_pool({"streamed": Attempt(spec), "silent": Attempt(silent)})
    pool.wait()
    outputs = [report for report in pool.reports if report["report"] == "Output"]
    texts = [report["text"] for report in outputs if report["stream"] == "stdout"]
    assert "partial" in texts
    assert texts[-1] == "x" * 400
    assert [r["text"] for r in outputs if r["stream"] == "stderr"] == ["error"]
    assert {report["key"] for report in outputs} == {"streamed"}


def test_started_comes_before_ended_with_the_pid_of_the_command(tmp_path: Path) -> None:
    """The pid is the command's own; a command that can't start was not started. One that is over at
    once may be told by its end alone, so this one lasts."""
    attempts = {
        "runs": Attempt(make_spec(tmp_path, "echo $$; sleep 0.3")),
        "fails": Attempt(make_spec(tmp_path, ("no-such-program",))),
    }
    pool = start_pool(attempts, limit=1)
    pool.wait()
    assert [(r["report"], r["key"]) for r in pool.reports] == [
        ("Started", "runs"),
        ("Ended", "runs"),
        ("Ended", "fails"),
    ]
    assert pool.outcome("runs").stdout.excerpt == f"{pool.reports[0]['pid']}\n"


def test_many_attempts_leave_no_descriptor_behind(tmp_path: Path) -> None:
    """Neither a warden nor orch collects descriptors, and every report is for its own key."""
    # The warden closes its ends of the command's pipes after the command has begun.
    count_fds = "sleep 0.3; ls /proc/$PPID/fd | wc -l"
    fields = {"stdin": "x", "log_bytes": 0}
    specs = {str(n): make_spec(tmp_path, f"exit {n % 200}", **fields) for n in range(200)}
    specs = {
        "first": make_spec(tmp_path, count_fds, log_bytes=0),
        **specs,
        "lost": make_spec(tmp_path, ("no-such-program",), **fields),
        "last": make_spec(tmp_path, count_fds, log_bytes=0),
    }
    pool = start_pool({key: Attempt(spec) for key, spec in specs.items()}, limit=1)
    pool.wait()
    assert pool.outcome("first").stdout.excerpt == pool.outcome("last").stdout.excerpt
    assert all(pool.outcome(str(n)).exit_code == n for n in range(200))
