"""Whoever looks on and is slow, or never reads at all, costs the run nothing and loses nothing."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runs.project import PATIENCE_S, Project
from tests.runtime.pool import wait_until


def noisy(stages: int) -> str:
    """So many MiB of events, and a stage whose time-out has to fire meanwhile."""
    return (
        "policy { concurrency = 2 heartbeat { every = 100ms } output { buffer = 1MiB } }\n"
        + "".join(
            f"stage noisy{number} {{ run = \"head -c 1048576 /dev/zero | tr '\\\\000' x\" }}\n"
            for number in range(stages)
        )
        + 'stage late { run = "sleep 60", timeout = 300ms }\n'
    )


NOISY = noisy(10)


@contextmanager
def unread(kind: str, folder: Path) -> Iterator[tuple[int, Callable[[int], bytes]]]:
    """The end to write to of something that nobody reads yet, and how to read it."""
    if kind == "socket":
        here, there = socket.socketpair()
        with here, there:
            yield there.fileno(), here.recv
        return
    if kind == "terminal":
        reader, end = pty.openpty()
    elif kind == "named pipe":
        os.mkfifo(folder / "fifo")
        reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        end = os.open(folder / "fifo", os.O_WRONLY)
        os.set_blocking(reader, True)
    else:
        reader, end = os.pipe()
    yield end, lambda size: os.read(reader, size)
    os.close(end)
    os.close(reader)


def journal(project: Project, last_bytes: int = 1 << 30) -> bytes:
    """The last part of the journal of the one run there is; nothing where there is none yet."""
    found = list(project.root.glob(".runs/demo/cli/*/journal.jsonl"))
    if not found:
        return b""
    with found[0].open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
        return file.read()


def wait_for_end(project: Project) -> None:
    wait_until(lambda: b'"run:summary"' in journal(project, 2000), "the run hangs on its reader")


def read_rest(read: Callable[[int], bytes], process: "subprocess.Popen[str]") -> bytes:
    """All that a run still writes until its last line, read by and by."""
    got = [b"", b""]
    while b'"run:summary"' not in got[-2][-100:] + got[-1]:
        got.append(read(1 << 20))
    while process.poll() is None and not got[-1].endswith(b"\n"):
        got.append(read(1 << 20))
    assert process.wait(PATIENCE_S) == 1
    return b"".join(got)


@pytest.mark.parametrize("kind", ["pipe", "named pipe", "socket"])
def test_a_run_never_waits_for_the_reader_of_its_events_who_misses_none(
    kind: str, project: Project
) -> None:
    """The run ends while nobody reads, its time-out fires, its heart beats; afterwards the reader
    gets the whole journal."""
    project.write(NOISY)
    with unread(kind, project.root) as (end, read):
        process = project.start("run", "demo.pipeline", "--format", "jsonl", stdout=end, stderr=end)
        wait_for_end(project)
        assert process.poll() is None, "it waits for its reader, now that the run has ended"
        beat = json.loads((project.run_folder() / ".heartbeat").read_text())
        assert beat["sequence"] > 2
        lines = read_rest(read, process).splitlines(keepends=True)
    kept = [line for line in lines if b'"type":"stage:output"' not in line and line[:1] == b"{"]
    assert b"".join(kept) == journal(project)
    late = next(entry for entry in project.manifest()["stages"] if entry["id"] == "late")
    assert late["timed_out"]


def test_events_that_nobody_reads_are_not_kept_in_memory(project: Project) -> None:
    """16 MiB of them leave the run as small as 4 MiB do, neither of which any pipe holds."""
    few_kib, many_kib = (peak_of_an_unread_run(project, stages) for stages in (4, 16))
    assert many_kib < few_kib + 4 * 1024


def peak_of_an_unread_run(project: Project, stages: int) -> int:
    """The peak memory of a run that nobody reads to its end."""
    project.write(noisy(stages))
    with unread("pipe", project.root) as (end, read):
        process = project.start("run", "demo.pipeline", "--format", "jsonl", stdout=end, stderr=end)
        wait_for_end(project)
        peak_kib = int(status_line(process.pid, "VmHWM"))
        read_rest(read, process)
    (project.run_folder() / "journal.jsonl").rename(project.root / "earlier")
    return peak_kib


def status_line(pid: int, name: str) -> str:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(line.split()[1] for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_a_run_never_waits_for_whoever_watches_it(kind: str, project: Project) -> None:
    """Its lines and its live view, on a pipe or terminal that nobody reads; cancelling works."""
    # Where the machine is busy `late` fails before `long` has a slot.
    going_on = NOISY.replace("concurrency = 2", "concurrency = 2 fail_fast = false")
    project.write(going_on + 'stage long { run = "sleep 60" }\n')
    with unread(kind, project.root) as (end, _read):
        process = project.start("run", "demo.pipeline", "-v", stdout=end, stderr=end)
        wait_until(
            lambda: journal(project).count(b'"stage:completed"') == 11, "a stage waits for a reader"
        )
        process.terminate()
        wait_for_end(project)
        process.kill()
        process.wait()
    assert project.events()[-1]["status"] == "cancelled"


def test_a_listener_that_raises_is_left_out_and_told_of(project: Project) -> None:
    """The stages, the other listeners and the files of the run know nothing of it."""
    project.write('stage one { run = "true" }\nstage two { needs = [one], run = "true" }\n')
    program = """
import os
from pathlib import Path
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.runtime.recorder import Watching
from orch.runtime.run import RunOptions, run_plan
def bad(event): raise RuntimeError("no more")
heard = []
plan = compile_pipeline(Path.cwd(), "demo.pipeline", Request()).plan
watching = Watching((bad, lambda event: heard.append(event.payload.type)))
result = run_plan(plan, Path.cwd(), RunOptions(dict(os.environ), watching=watching))
print(result.exit_code, heard.count("stage:completed"), result.notes)
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
    assert answer.stdout == "0 2 (\"a listener raised RuntimeError('no more')\",)\n", answer.stderr
