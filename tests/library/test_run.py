"""`orch.run`: a run in a process of its own, whatever the program that began it is and does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import orch
from tests.runtime.pool import wait_until

DEMO = """\
pipeline demo { }
stage one { run = "echo one" }
stage two { needs = [one], run = "exit 3" }
"""
LONG = """\
pipeline demo { }
stage one { run = "touch begun; sleep 60", grace = 5s }
finally clean { run = "touch cleaned" }
"""
PATIENCE_S = 60


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh project root, as the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def journal(root: Path) -> list[dict[str, object]]:
    """The events of the one run there is."""
    found = list(root.glob(".runs/demo/cli/*/journal.jsonl"))
    return [json.loads(line) for line in found[0].read_bytes().splitlines()] if found else []


def types(events: Iterator[orch.RunEvent]) -> list[str]:
    return [event.payload.type for event in events]


def test_a_run_gives_its_events_and_its_result(here: Path) -> None:
    """Failures of stages are values, and the events are those of the journal, each time anew."""
    run = orch.run(DEMO, root=here)
    told = types(iter(run))
    result = run.result()
    assert (result.status, result.exit_code) == (orch.RunStatus.FAILED, 1)
    assert told[0] == "run:started"
    assert told[-1] == "run:summary"
    assert types(iter(run)) == told == [event["type"] for event in journal(here)]
    assert types(orch.read_events(root=here)) == told
    assert result.manifest.stages[0].stdout_excerpt == "one\n"
    assert orch.read_manifest(run.run_id, root=here) == result.manifest
    assert run.is_over


def test_resume_goes_on_and_tells_its_own_events(here: Path) -> None:
    """Those from `run:resumed` on; of a run that succeeded there are none."""
    with orch.run(DEMO.replace("exit 3", "test -e mended"), root=here) as run:
        assert run.result().status is orch.RunStatus.FAILED
    (here / "mended").touch()
    again = orch.resume(root=here)
    assert types(iter(again))[:3] == ["run:resumed", "stage:ready", "stage:started"]
    assert again.result().status is orch.RunStatus.SUCCEEDED
    more = orch.resume(run.paths, root=here)
    assert (types(iter(more)), more.result().exit_code) == ([], 0)


def test_a_slow_reader_and_one_that_raises_hurt_nothing(here: Path) -> None:
    """The run ends while its reader sleeps on the first event, who misses none of the others."""
    text = "pipeline demo { }\n" + "".join(f'stage s{n} {{ run = "true" }}\n' for n in range(30))
    run = orch.run(text, root=here)
    events = iter(run)
    assert next(events).payload.type == "run:started"
    wait_until(lambda: run.is_over, "the run waits for its reader")
    assert len(list(events)) == len(journal(here)) - 1
    long = orch.run(LONG, root=here)
    with pytest.raises(ZeroDivisionError):
        left_by_an_exception(long, here)
    assert long.result().status is orch.RunStatus.CANCELLED
    assert (here / "cleaned").exists()


def left_by_an_exception(run: orch.Run, here: Path) -> None:
    with run:
        wait_until((here / "begun").exists, "it has begun")
        raise ZeroDivisionError


def test_cancel_ends_a_run_as_sigterm_does(here: Path) -> None:
    """`finally` stages run, and the exit code says it."""
    run = orch.run(LONG, root=here)
    wait_until((here / "begun").exists, "it has begun")
    with pytest.raises(TimeoutError):
        run.result(timeout=0.01)
    run.cancel()
    assert (run.result().status, run.result().exit_code) == (orch.RunStatus.CANCELLED, 143)
    assert (here / "cleaned").exists()
    run.cancel()


def test_a_run_whose_process_is_killed_is_lost_and_can_be_resumed(here: Path) -> None:
    """Its readers come to an end, and nothing is raised."""
    run = orch.run(LONG.replace("sleep 60", "test -e again || sleep 60"), root=here)
    wait_until((here / "begun").exists, "it has begun")
    os.kill(run.pid, signal.SIGKILL)
    assert types(iter(run))[-1] == "stage:started"
    assert run.result().status is orch.RunStatus.LOST
    assert orch.read_manifest(root=here).status is orch.RunStatus.LOST
    (here / "again").touch()
    assert orch.resume(run.paths).result().status is orch.RunStatus.SUCCEEDED


HOST = """
import asyncio, os, signal, sys, threading, time
import orch
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
stop = threading.Event()
for _ in range(3):
    threading.Thread(target=stop.wait, daemon=True).start()

def in_thread(results):
    results.append(orch.run(DEMO).result().exit_code)

async def main():
    loop, results = asyncio.get_running_loop(), []
    threads = [threading.Thread(target=in_thread, args=(results,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1
    ticking = loop.create_task(tick())
    run = await asyncio.to_thread(orch.run, LONG)
    async for event in run:
        if event.payload.type == "stage:started" and event.payload.stage == "one":
            run.cancel()
    result = await asyncio.to_thread(run.result)
    ticking.cancel()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    print(result.exit_code, results, ticks > 3)

asyncio.run(main())
print(handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)])
"""


def test_a_host_with_threads_a_loop_and_signals_of_its_own_keeps_them(here: Path) -> None:
    """Three runs at once, one of them cancelled, and the host's loop turns meanwhile; what it
    ignores and blocks is its own affair."""
    program = f"DEMO = {DEMO!r}\nLONG = {LONG!r}\n{HOST}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=here, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.stdout == "143 [1, 1] True\nTrue\n", done.stderr


@pytest.mark.parametrize("is_detached", [False, True])
def test_a_killed_host_ends_its_runs_unless_they_are_detached(
    here: Path, *, is_detached: bool
) -> None:
    """As by SIGTERM, `finally` included; a detached run goes on to its end."""
    text = LONG.replace("sleep 60", "while ! test -e done; do sleep 0.05; done")
    program = f"import orch, time; orch.run({text!r}, detach={is_detached}); time.sleep(60)"
    host = subprocess.Popen([sys.executable, "-c", program], cwd=here)
    wait_until((here / "begun").exists, "it has begun")
    host.kill()
    host.wait()
    if is_detached:
        time.sleep(1.2)
        (here / "done").touch()
    wait_until(lambda: journal(here)[-1]["type"] == "run:summary", "the run has ended")
    assert journal(here)[-1]["status"] == ("succeeded" if is_detached else "cancelled")
    assert (here / "cleaned").exists()
