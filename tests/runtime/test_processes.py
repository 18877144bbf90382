"""Processes are told apart, and what a dead run left is found and ended."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
@pytest.mark.parametrize("before", ["", "import _ctypes; del _ctypes.call_function"])
def test_a_process_becomes_a_subreaper_with_ctypes_or_without(before: str) -> None:
    """The kernel says so: 37 asks it."""
    program = f"""
import sys
{before}
from orch.runtime.processes import become_subreaper
print(become_subreaper(), "ctypes" in sys.modules)
import ctypes
is_one = ctypes.c_int()
ctypes.CDLL(None).prctl(37, ctypes.byref(is_one), 0, 0, 0)
print(is_one.value)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["True", str(bool(before)), "1"]


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
        # A shell ends by itself once what it waits for is gone.
        for pid in reversed(descendants(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def kill_marked_elsewhere(run: str = "", stage: str | None = None) -> int:
    """`kill_marked` in a process of its own, which started none of what it is to end."""
    mark = (RUN_ID, run) if stage is None else (RUN_ID, run, stage, 1)
    text = f"from orch.runtime.leftovers import *\nprint(kill_marked(Mark{mark!r}))"
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


def test_a_copy_of_a_run_and_another_attempt_are_others(tmp_path: Path) -> None:
    """Ended is what says so of the folder, whatever link leads there, or of one that is gone; and
    of one attempt nothing but that attempt."""
    here, copy, link = tmp_path / "run", tmp_path / "copy", tmp_path / "link"
    here.mkdir()
    copy.mkdir()
    link.symlink_to(here)

    def start(run: Path, stage: str, attempt: int = 1) -> "subprocess.Popen[bytes]":
        marks = {"ORCH_RUN_ID": RUN_ID, "ORCH_RUN_DIR": str(run)}
        marks |= {"ORCH_STAGE": stage, "ORCH_ATTEMPT": str(attempt)}
        return subprocess.Popen(["sleep", new_token()], env={**os.environ, **marks})

    started = [start(copy, "a"), start(link, "a"), start(here, "a", 2), start(tmp_path / "no", "b")]
    try:
        assert kill_marked_elsewhere(str(here), "a") == 1
        assert [process.poll() is None for process in started] == [True, False, True, True]
        assert kill_marked_elsewhere(str(here)) == 2
        assert [process.poll() is None for process in started] == [True, False, False, False]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_process_is_found_while_it_changes_its_program() -> None:
    """In that moment it shows no environment."""
    again = """exec "$0" -c "$1" "$0" "$1" """
    for _ in range(5):
        restless = subprocess.Popen(
            ["/bin/sh", "-c", again, "/bin/sh", again], env={"ORCH_RUN_ID": RUN_ID}
        )
        try:
            assert kill_marked_elsewhere() == 1
        finally:
            restless.kill()
            restless.wait()


def test_who_looks_is_spared_with_its_ancestors_and_children() -> None:
    """A run may be resumed from a shell that a stage of it left behind."""
    token = new_token()
    text = f"""
import subprocess
from orch.runtime.leftovers import Mark, kill_marked
child = subprocess.Popen(["sleep", "100"])
print(kill_marked(Mark({RUN_ID!r}, "")), child.poll())
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
