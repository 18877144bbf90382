"""Processes are told apart, and what a dead run left is found and ended."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orch.runtime.processes import (
    ProcessIdentity,
    descendants,
    is_same_process_alive,
    read_identity,
)
from tests.runtime.pool import Attempt, make_spec, new_token, processes_with, start_pool, wait_until

RUN_ID = "2026-11-22T09-55-41-431Z-9574035c"


def test_a_process_is_known_by_start_time_and_boot() -> None:
    """A later process of the same pid, or one of another boot, is another process."""
    own = read_identity(os.getpid())
    assert own is not None
    assert own.start_time_ticks > 0
    assert len(own.boot_id) == 36
    assert is_same_process_alive(own) is True
    earlier = replace(own, start_time_ticks=own.start_time_ticks - 1)
    assert is_same_process_alive(earlier) is False
    assert is_same_process_alive(replace(own, boot_id="another")) is False


def test_what_can_not_be_proven_is_not_claimed() -> None:
    """Without a start time a living pid proves nothing; no pid at all proves nothing either."""
    assert is_same_process_alive(ProcessIdentity(os.getpid(), 0, "")) is None
    assert is_same_process_alive(ProcessIdentity(0, 0, "")) is None
    assert is_same_process_alive(ProcessIdentity(-1, 0, "")) is None


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1, 2**40])
def test_a_pid_that_nobody_has_is_dead(pid: int) -> None:
    """Also one that no kernel would give."""
    assert read_identity(pid) is None
    assert is_same_process_alive(ProcessIdentity(pid, 1, "")) is False


def test_a_process_that_has_ended_is_dead_as_a_zombie_too() -> None:
    """A parent that does not reap keeps nothing alive."""
    process = subprocess.Popen(["sleep", "60"])
    identity = read_identity(process.pid)
    assert identity is not None
    assert is_same_process_alive(identity) is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_same_process_alive(identity) is False
    process.wait()
    assert is_same_process_alive(identity) is False


def test_descendants_are_children_and_theirs() -> None:
    """Parents come before their children."""
    process = subprocess.Popen(["sh", "-c", "sh -c 'sleep 60; :' & sleep 60 & wait"])
    try:
        wait_until(lambda: len(descendants(process.pid)) == 3, "all three have started")
        assert process.pid not in descendants(process.pid)
        assert process.pid in descendants(os.getpid())
    finally:
        for pid in reversed(descendants(process.pid)):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def kill_marked_elsewhere(run_id: str = RUN_ID) -> int:
    """`kill_marked` in a process of its own, which started none of what it is to end."""
    text = f"from orch.runtime.processes import kill_marked\nprint(kill_marked({run_id!r}))"
    result = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60
    )
    return int(result.stdout)


def test_the_processes_of_a_run_are_found_by_their_environment() -> None:
    """And with them what they started with another environment; other runs are not touched."""
    token = new_token()
    script = f"env -i setsid sleep {token} & trap '' TERM; while :; do sleep {token}; done"
    marked = subprocess.Popen(["sh", "-c", script], env={"ORCH_RUN_ID": RUN_ID, **os.environ})
    other = subprocess.Popen(
        ["sleep", new_token()], env={"ORCH_RUN_ID": RUN_ID + "0", **os.environ}
    )
    try:
        wait_until(lambda: len(processes_with(token)) >= 3, "all have started")
        assert kill_marked_elsewhere() == 3
        assert marked.wait(timeout=30) == -signal.SIGKILL
        assert processes_with(token) == []
        assert other.poll() is None
        assert kill_marked_elsewhere() == 0
    finally:
        for process in (marked, other):
            process.kill()
            process.wait()


def test_who_looks_is_spared_with_its_ancestors_and_children() -> None:
    """A run may be resumed from a shell that a stage of it left behind."""
    token = new_token()
    text = f"""
import subprocess
from orch.runtime.processes import kill_marked
child = subprocess.Popen(["sleep", "100"])
print(kill_marked({RUN_ID!r}), child.poll())
child.kill()
child.wait()
"""
    script = f'sleep {token} >/dev/null & "$0" -c "$1"; echo here'
    result = subprocess.run(
        ["sh", "-c", script, sys.executable, text],
        env={"ORCH_RUN_ID": RUN_ID, **os.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # The sleeping sibling is a child of the ancestor, marked, and none of the spared.
    assert result.stdout == "1 None\nhere\n"
    assert processes_with(token) == []


def test_what_a_dead_orch_s_warden_still_owns_is_ended(tmp_path: Path) -> None:
    """In the grace of an attempt whose orch was killed, with nothing in its environment."""
    token = new_token()
    script = f"env -i setsid sh -c \"trap '' TERM; while :; do sleep {token}; done\" & sleep 60"
    env = {"PATH": os.environ["PATH"], "ORCH_RUN_ID": RUN_ID}
    spec = make_spec(tmp_path, script, env=env, grace_ms=60_000)
    pool = start_pool({"only": Attempt(spec)}, limit=1)
    wait_until(lambda: bool(processes_with(f": sleep {token}")), "it has set its child free")
    (warden,) = pool.wardens()
    identity = read_identity(warden)
    assert identity is not None
    pool.abort()
    assert kill_marked_elsewhere() >= 2
    assert processes_with(token) == []
    wait_until(lambda: is_same_process_alive(identity) is False, "the warden has ended too")
