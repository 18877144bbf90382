"""Running, stale, lost: the heartbeat is suspicion, the owner's lock is proof (ADR 6)."""

import os
import signal
import time
from pathlib import Path

import pytest

from orch.runtime.clock import utc_text
from orch.runtime.events import RunEvent, RunResumed
from orch.runtime.files import json_line, replace_file
from orch.runtime.journal import Journal, read_journal
from orch.runtime.liveness import judge, observe
from orch.runtime.manifest_file import RunManifestWriter
from orch.runtime.owner import OwnerLock, this_process
from orch.runtime.paths import RunPaths
from orch.runtime.plan_file import write_plan
from orch.runtime.states import RunStatus
from tests.runtime.samples import (
    START_MS,
    as_events,
    exit_code_of,
    forked,
    new_run,
    payloads_of_a_run,
    sample_plan,
)

PLAN = sample_plan("a")
RUNNING, STALE, LOST = RunStatus.RUNNING, RunStatus.STALE, RunStatus.LOST


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    """A run that has started, with a heartbeat of `START_MS` as its last sign of life, whose owner
    is nobody yet."""
    paths = new_run(tmp_path)
    write_plan(paths.plan, PLAN)
    journal = Journal.create(paths.journal)
    for event in as_events(payloads_of_a_run(paths, PLAN)[:3], START_MS - 3):
        journal.append(event)
    journal.close()
    beat = {"time": utc_text(START_MS), "sequence": 1}
    replace_file(paths.heartbeat, json_line(beat))
    return paths


def status(paths: RunPaths, silent_ms: int) -> RunStatus:
    return observe(paths, START_MS + silent_ms).status


def owned_by_a_child(paths: RunPaths) -> int:
    """The pid of a process that holds the run."""

    def body() -> None:
        OwnerLock.acquire(paths.owner, "0.1.0")
        (Path(paths.run) / "held").touch()
        time.sleep(60)

    child = forked(body)
    deadline = time.monotonic() + 30
    while not (Path(paths.run) / "held").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return child


def test_a_living_owner_is_running_then_stale_never_lost(paths: RunPaths) -> None:
    child = owned_by_a_child(paths)
    assert status(paths, 30_000) is RUNNING
    assert status(paths, 30_001) is STALE
    assert status(paths, 10**9) is STALE
    os.kill(child, signal.SIGKILL)
    exit_code_of(child)


def test_a_killed_owner_is_lost_at_once(paths: RunPaths) -> None:
    """A free lock is proof; nobody has to wait until the heartbeat is old."""
    child = owned_by_a_child(paths)
    os.kill(child, signal.SIGKILL)
    exit_code_of(child)
    assert status(paths, 0) is LOST
    assert status(paths, 10**9) is LOST


def test_a_killed_owner_that_nobody_has_waited_for_is_lost(paths: RunPaths) -> None:
    """A zombie holds nothing."""
    child = owned_by_a_child(paths)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert status(paths, 0) is LOST
    exit_code_of(child)


def test_a_stopped_owner_is_stale_never_lost(paths: RunPaths) -> None:
    child = owned_by_a_child(paths)
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    assert status(paths, 10**9) is STALE
    os.kill(child, signal.SIGKILL)
    exit_code_of(child)


def write_owner(paths: RunPaths, **changes: object) -> None:
    value = {
        name: getattr(this_process("0.1.0"), name)
        for name in ("pid", "start_time_ticks", "boot_id", "host", "user", "orch_version")
    }
    Path(paths.owner).write_bytes(json_line({**value, **changes}))


def test_a_foreign_host_is_stale_never_lost(paths: RunPaths) -> None:
    """Its lock is free here, which proves nothing there."""
    write_owner(paths, host="elsewhere.example", boot_id="0" * 36)
    assert status(paths, 1000) is RUNNING
    assert status(paths, 10**9) is STALE


def test_a_renamed_host_is_the_same_while_its_kernel_runs(paths: RunPaths) -> None:
    write_owner(paths, host="old-name.example")
    assert status(paths, 0) is LOST


def test_a_reused_pid_does_not_keep_a_run_alive(paths: RunPaths) -> None:
    """Our own pid is alive, but nobody holds the lock."""
    write_owner(paths, start_time_ticks=1)
    assert status(paths, 0) is LOST


def test_after_a_reboot_a_run_is_lost(paths: RunPaths) -> None:
    write_owner(paths, boot_id="0" * 36)
    assert status(paths, 10**9) is LOST


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff", b'{"pid":"x"}'])
def test_without_a_word_of_the_owner_nothing_is_proven(
    paths: RunPaths, content: bytes | None
) -> None:
    if content is not None:
        Path(paths.owner).write_bytes(content)
    assert status(paths, 1000) is RUNNING
    assert status(paths, 10**9) is STALE


def test_without_a_heartbeat_a_run_is_as_silent_as_its_journal(paths: RunPaths) -> None:
    """The first event comes before the first heartbeat, and a life that has begun isn't stale."""
    Path(paths.heartbeat).unlink()
    assert status(paths, 30_000) is RUNNING
    assert status(paths, 30_001) is STALE


def test_a_resumed_run_is_not_as_silent_as_the_life_before(paths: RunPaths) -> None:
    """Its first event is younger than the heartbeat that the life before has left."""
    journal = Journal.open_for_append(paths.journal, read_journal(paths.journal))
    journal.append(
        RunEvent(4, utc_text(START_MS + 10**6), RunResumed(paths.run_id, 1, "vm", "0.1.0"))
    )
    journal.close()
    assert status(paths, 10**6 + 30_000) is RUNNING
    assert status(paths, 10**6 + 30_001) is STALE


def test_without_any_sign_of_life_a_run_is_stale(paths: RunPaths) -> None:
    Path(paths.heartbeat).unlink()
    Path(paths.journal).write_bytes(b"")
    assert status(paths, 0) is STALE


def test_a_clock_that_was_set_back_makes_nobody_stale(paths: RunPaths) -> None:
    assert status(paths, -(10**9)) is RUNNING


@pytest.mark.parametrize("ended", [s for s in RunStatus if s not in {RUNNING, STALE, LOST}])
def test_what_has_ended_stays_as_it_ended(ended: RunStatus) -> None:
    for is_gone in (True, False, None):
        assert judge(ended, None, 1, is_gone=is_gone) is ended


def test_the_journal_speaks_where_the_manifest_is_behind(paths: RunPaths) -> None:
    """The run ended, and orch was killed before it wrote the manifest."""
    RunManifestWriter(paths).write(observe(paths, START_MS).manifest)
    content = read_journal(paths.journal)
    journal = Journal.open_for_append(paths.journal, content)
    for event in as_events(payloads_of_a_run(paths, PLAN))[3:]:
        journal.append(event)
    journal.close()
    write_owner(paths)
    view = observe(paths, START_MS)
    assert view.status is RunStatus.SUCCEEDED
    assert view.manifest.exit_code == 0
