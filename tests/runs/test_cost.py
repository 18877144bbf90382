"""What a run costs, in bytes, system calls and lines written: never in time."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.runs.project import ORCH, Project

MIB = 2**20
SELDOM = "policy { heartbeat { every = 1h persist = 1h stale = 3h } }"

PEAK_OF_CHILDREN = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(code)
"""

COUNTED = """
import json, sys
from orch.runtime import system
counts = {"writes": 0, "bytes": 0, "syncs": 0}
def counted(function, name):
    def count(*words):
        counts[name] += 1
        if name == "writes":
            counts["bytes"] += len(words[1])
        return function(*words)
    return count
system.write = counted(system.write, "writes")
system.fsync = counted(system.fsync, "syncs")
system.sync_content = counted(system.sync_content, "syncs")
from orch.cli.main import main
code = main(sys.argv[1:])
counts["imported"] = sorted({"_ctypes", "hashlib", "shutil", "termios"} & set(sys.modules))
print(json.dumps(counts), file=sys.stderr)
sys.exit(code)
"""


def test_ten_thousand_stages_fit_into_120_mib(project: Project) -> None:
    """By what two runs show, since memory grows by the stage and by nothing else: orch and each of
    its wardens, and every stage leaves its three events and its entry. `make bench` runs them."""
    small, large = 400, 1600
    first, second = (peak_of_a_run(project, size) for size in (small, large))
    assert second + (second - first) * (10_000 - large) / (large - small) < 120 * MIB
    folder = project.run_folder()
    with (folder / "journal.jsonl").open() as journal:
        assert sum(1 for _ in journal) == 3 * large + 3
    assert (folder / "journal.jsonl").stat().st_size < 800 * large
    assert (folder / "manifest.json").stat().st_size < 800 * large


def test_a_hundred_thousand_stages_fit_into_250_mib(project: Project) -> None:
    """By what two runs show again, compiled anew, whose stages are all skipped."""
    small, large = 2_000, 10_000
    peaks: list[int] = []
    for size in (small, large):
        project.write(
            f'stage s {{ matrix {{ n = {{{{ range({size}) }}}} }} when = false run = "true" }}'
        )
        peaks.append(peak_of(project, "run", "demo.pipeline", "-q"))
    assert peaks[1] + (peaks[1] - peaks[0]) * (100_000 - large) / (large - small) < 250 * MIB


def peak_of_a_run(project: Project, size: int) -> int:
    project.write(f'stage s {{ matrix {{ n = {{{{ range({size}) }}}} }} run = "true" }}')
    return peak_of(project, "run", "demo.pipeline", "-q")


@pytest.mark.parametrize("shape", ["wide", "chain"])
def test_what_is_written_and_synced_is_linear_in_the_stages(project: Project, shape: str) -> None:
    """Twice the stages cost at most twice the writes, bytes and syncs; and of stages that need
    nothing of each other the end of each is not waited for."""
    small, large = (counts_of_a_run(project, shape, size) for size in (60, 120))
    for name in ("writes", "bytes", "syncs"):
        assert large[name] <= 2 * small[name], name
    if shape == "wide":
        assert large["syncs"] < 60


def test_stages_that_are_fresh_are_told_of_together(project: Project) -> None:
    """A hundred of them cost no write each, and nothing is imported that only wardens use."""
    (project.root / "in").write_text("1")
    stages = (f'stage s{n} {{ inputs = ["in"] run = "true" }}\n' for n in range(100))
    project.write(f"{SELDOM}\n" + "".join(stages))
    ran, fresh = (counted_run(project, "demo") for _ in range(2))
    assert sum(entry["fresh"] for entry in project.manifest()["stages"]) == 100
    assert ran["writes"] > 100
    assert fresh["writes"] < 50
    assert fresh["imported"] == []


def test_a_run_that_is_over_before_its_first_beat_writes_its_manifest_once(
    project: Project,
) -> None:
    """What is imported while the only command runs takes longer than the command."""
    project.write('stage one { run = "true" }')
    program = """
import os, select
from pathlib import Path
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.runtime.recorder import Watching
from orch.runtime.run import RunOptions, run_plan
def wait_for_the_end():
    pipes = [n for n in range(3, 100) if Path(f"/proc/self/fd/{n}").is_fifo()]
    while not select.select(pipes, [], [], 1)[0]:
        pass
plan = compile_pipeline(Path.cwd(), "demo.pipeline", Request()).plan
watching = Watching(get_ready=wait_for_the_end)
print(run_plan(plan, Path.cwd(), RunOptions(dict(os.environ), watching=watching)).exit_code)
"""
    answer = project.finish(
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=project.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    )
    assert answer.stdout == "0\n", answer.stderr
    assert not (project.run_folder() / ".heartbeat").exists()
    assert project.manifest()["status"] == "succeeded"


def counts_of_a_run(project: Project, shape: str, size: int) -> dict[str, Any]:
    needs = (f"needs = [s{n - 1}]" if n and shape == "chain" else "" for n in range(size))
    stages = (f'stage s{n} {{ {of} run = "true" }}\n' for n, of in enumerate(needs))
    project.write(f"{SELDOM}\n" + "".join(stages))
    return counted_run(project, f"{shape}{size}")


def counted_run(project: Project, task: str) -> dict[str, Any]:
    words = [sys.executable, "-c", COUNTED, "run", "demo.pipeline", "-q", "--task", task]
    answer = subprocess.run(
        words, cwd=project.root, env=project.environment, capture_output=True, text=True, check=True
    )
    counts: dict[str, Any] = json.loads(answer.stderr.splitlines()[-1])
    return counts


def test_memory_stays_flat_while_output_streams(project: Project) -> None:
    """Hundreds of `stage:output` events more leave orch as small as it was."""
    project.write("""
      policy { concurrency = 12 grace = 200ms }
      stage s { matrix { n = {{ range(12) }} } run = "while :; do echo $$; sleep 0.1; done" }
    """)
    assert growth_between(project, "stage:output", 150, 450) < MIB


def test_memory_stays_flat_while_attempts_follow_each_other(project: Project) -> None:
    """Stages that are tried again and again leave nothing in orch but their last attempts."""
    project.write("""
      policy { fail_fast = false grace = 200ms concurrency = 4 }
      stage s {
        matrix { n = {{ range(12) }} }
        retry { attempts = 100 backoff = 1ms..1ms }
        run = "echo fails; exit 1"
      }
    """)
    assert growth_between(project, "stage:retrying", 100, 400) < MIB


CHATTY = """
policy {{ fail_fast = false concurrency = 2 heartbeat {{ every = 500ms persist = 500ms }} }}
stage s {{
  matrix {{ n = {{{{ range({size}) }}}} }}
  run = "cat full; cat full >&2"
}}
stage last {{ run = "test -e mended" }}
"""


def test_memory_is_flat_in_the_excerpts_that_stages_leave(project: Project) -> None:
    """Four times as many stages, each with 128 KiB of excerpts, leave orch as small: while they
    run and the manifest is written again and again, in `status`, and in a resume. Whichever of
    them held the excerpts of these 60 stages more would take 7 MiB more."""
    (project.root / "full").write_bytes(b"x" * 80_000)
    peaks = [peaks_of_a_chatty_run(project, size) for size in (20, 80)]
    for what, few in peaks[0].items():
        assert peaks[1][what] < few + 4 * MIB, what


def peaks_of_a_chatty_run(project: Project, size: int) -> dict[str, int]:
    """The peak memory, in bytes, of a run that fails, of a look at it, and of its resume."""
    project.write(CHATTY.format(size=size))
    task = ("--task", f"chatty{size}")
    peaks = {"run": peak_of(project, "run", "demo.pipeline", "-q", *task, code=1)}
    peaks["status"] = peak_of(project, "status", *task)
    (project.root / "mended").touch()
    peaks["resume"] = peak_of(project, "resume", "last", "-q", *task)
    (project.root / "mended").unlink()
    (manifest,) = project.root.glob(f".runs/chatty{size}/cli/*/manifest.json")
    entries = json.loads(manifest.read_bytes())["stages"]
    for entry in entries[:size]:
        assert (
            min(len(entry[name].encode()) for name in ("stdout_excerpt", "stderr_excerpt")) > 65_000
        )
    return peaks


def peak_of(project: Project, *words: str, code: int = 0) -> int:
    """The peak memory of an orch and what it starts, in bytes. Another process starts it, because
    what a process begins with, and so its peak, is that of the one that made it."""
    answer = subprocess.run(
        [sys.executable, "-c", PEAK_OF_CHILDREN, *ORCH, *words],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code, answer.stderr
    return int(answer.stdout)


def growth_between(project: Project, kind: str, first: int, last: int) -> int:
    """How many bytes the peak memory of orch grows between these events of a kind; the run is then
    interrupted."""
    process = project.start("run", "demo.pipeline", "--format", "jsonl")
    try:
        events = (event for event in events_of(process) if event["type"] == kind)
        assert len(list(islice(events, first))) == first
        before = peak_bytes(process.pid)
        assert len(list(islice(events, last - first))) == last - first
        return peak_bytes(process.pid) - before
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def events_of(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
