"""A run is held by one living process; the kernel says so."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orch.runtime.files import StorageError
from orch.runtime.owner import OwnerLock, RunIsOwnedError, is_lock_held, read_owner
from tests.runtime.samples import exit_code_of, forked


def hold(path: str) -> Callable[[], None]:
    """What a process does that holds a run until it is killed."""

    def body() -> None:
        OwnerLock.acquire(path, "0.1.0")
        (Path(path).parent / "held").touch()
        time.sleep(60)

    return body


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_owner_says_who_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "owner.json")
    lock = OwnerLock.acquire(path, "0.1.0")
    owner = read_owner(path)
    assert owner == lock.owner
    assert owner is not None
    assert owner.pid == os.getpid()
    assert owner.start_time_ticks > 0
    assert owner.is_of_this_host
    assert is_lock_held(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["owner.json"]


def test_a_held_run_is_refused_and_its_owner_named(tmp_path: Path) -> None:
    """At once, because the owner is seen alive: nobody waits for it."""
    path = str(tmp_path / "owner.json")
    OwnerLock.acquire(path, "0.1.0")
    waits: list[float] = []
    with pytest.raises(RunIsOwnedError, match=f"held by process {os.getpid()} on") as caught:
        OwnerLock.acquire(path, "0.1.0", sleep=waits.append)
    assert caught.value.owner is not None
    assert waits == []


def test_a_released_run_can_be_taken(tmp_path: Path) -> None:
    path = str(tmp_path / "owner.json")
    OwnerLock.acquire(path, "0.1.0").release()
    assert is_lock_held(path) is False
    OwnerLock.acquire(path, "0.2.0")
    owner = read_owner(path)
    assert owner is not None
    assert owner.orch_version == "0.2.0"


def test_the_lock_of_a_killed_owner_is_free_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "owner.json")
    holder = forked(hold(path))
    wait_for(tmp_path / "held")
    assert is_lock_held(path)
    os.kill(holder, signal.SIGKILL)
    assert exit_code_of(holder) == -signal.SIGKILL
    assert is_lock_held(path) is False
    OwnerLock.acquire(path, "0.1.0")


def test_whoever_takes_a_run_over_cleans_up_what_was_half_written(tmp_path: Path) -> None:
    (tmp_path / "errors").mkdir()
    for name in (".manifest.json.1.2.tmp", "errors/.0000-a.1.json.1.2.tmp", ".heartbeat"):
        (tmp_path / name).touch()
    OwnerLock.acquire(str(tmp_path / "owner.json"), "0.1.0")
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"errors", "owner.json", ".heartbeat"}


def test_a_stopped_owner_still_holds_its_run(tmp_path: Path) -> None:
    path = str(tmp_path / "owner.json")
    holder = forked(hold(path))
    wait_for(tmp_path / "held")
    os.kill(holder, signal.SIGSTOP)
    os.waitpid(holder, os.WUNTRACED)
    assert is_lock_held(path)
    with pytest.raises(RunIsOwnedError):
        OwnerLock.acquire(path, "0.1.0")
    os.kill(holder, signal.SIGKILL)
    exit_code_of(holder)


def test_programs_that_are_started_do_not_hold_the_run(tmp_path: Path) -> None:
    path = str(tmp_path / "owner.json")
    lock = OwnerLock.acquire(path, "0.1.0")
    program = ["/bin/sh", "-c", "echo started; cat"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, close_fds=False) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"started\n"
        lock.release()
        assert is_lock_held(path) is False


@pytest.mark.parametrize("left", [None, b"", b"not json", b'{"pid": 1}'])
def test_of_many_that_take_a_run_at_once_exactly_one_wins(
    tmp_path: Path, left: bytes | None
) -> None:
    """Whatever the last owner left: no file, an empty one, or one that says nothing."""
    path = str(tmp_path / "owner.json")
    go, start = os.pipe()

    def try_once() -> None:
        os.read(go, 1)
        try:
            OwnerLock.acquire(path, "0.1.0")
        except RunIsOwnedError:
            os._exit(3)
        time.sleep(60)

    for _ in range(5):
        Path(path).unlink(missing_ok=True)
        if left is not None:
            Path(path).write_bytes(left)
        children = {forked(try_once) for _ in range(8)}
        os.write(start, b"x" * 8)
        for _ in range(7):
            loser, status = os.wait()
            assert os.waitstatus_to_exitcode(status) == 3
            children.remove(loser)
        (winner,) = children
        assert is_lock_held(path)
        owner = read_owner(path)
        assert owner is not None
        assert owner.pid == winner
        os.kill(winner, signal.SIGKILL)
        exit_code_of(winner)


def test_a_look_at_the_lock_never_costs_a_resume_its_run(tmp_path: Path) -> None:
    """While readers ask a thousand times a second, whoever takes a free run gets it."""
    path = str(tmp_path / "owner.json")
    OwnerLock.acquire(path, "0.1.0").release()

    def ask_forever() -> None:
        while True:
            is_lock_held(path)
            time.sleep(0.001)

    readers = [forked(ask_forever) for _ in range(2)]
    for _ in range(100):
        OwnerLock.acquire(path, "0.1.0").release()
    for reader in readers:
        os.kill(reader, signal.SIGKILL)
        exit_code_of(reader)


def test_a_link_in_the_place_of_the_owner_file_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "owner.json").symlink_to(victim)
    with pytest.raises(StorageError, match="symbolic link"):
        OwnerLock.acquire(str(tmp_path / "owner.json"), "0.1.0")
    assert victim.read_text() == "precious"
    assert is_lock_held(str(tmp_path / "owner.json")) is None


def test_a_lock_on_a_file_that_was_replaced_proves_nothing(tmp_path: Path) -> None:
    """The old file may still be open somewhere; only the one under the name counts."""
    path = str(tmp_path / "owner.json")
    Path(path).write_bytes(b"{}")
    with Path(path).open("rb") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        Path(path).rename(tmp_path / "gone")
        assert is_lock_held(path) is None
        OwnerLock.acquire(path, "0.1.0").release()
        assert is_lock_held(path) is False
