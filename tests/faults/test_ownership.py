"""Every attempt is owned: all ways to escape by all ways to end, and nothing is left alive.

Each end meets one real run whose stages try every way at once (`cage.py`). Who is left is asked of
the kernel, above orch, so no process can hide by changing what it is.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.cage import NAMESPACE_WAYS, PROMISED_S, Cage, may_unshare
from tests.runs.project import Project
from tests.runtime.pool import wait_until

GO_ON = "fail_fast = false"


@pytest.fixture
def cage(project: Project) -> Iterator[Cage]:
    """A run in which all have escaped."""
    cage = Cage.start(project, GO_ON)
    try:
        cage.wait_until_escaped()
        yield cage
    finally:
        cage.close()


def open_gates(cage: Cage) -> None:
    for name in cage.names:
        cage.open_gate(name)


def cancel(cage: Cage) -> None:
    assert cage.project.orch("cancel", "last").exit_code == 0


def to_group(*numbers: signal.Signals) -> Callable[[Cage], None]:
    def send(cage: Cage) -> None:
        for number in numbers:
            os.killpg(cage.orch, number)
            time.sleep(0.05)

    return send


def to_orch(number: signal.Signals) -> Callable[[Cage], None]:
    return lambda cage: os.kill(cage.orch, number)


def to_wardens(number: signal.Signals) -> Callable[[Cage], None]:
    def send(cage: Cage) -> None:
        for pid in cage.warden_of.values():
            os.kill(pid, number)

    return send


def lose_the_journal(cage: Cage) -> None:
    (cage.project.run_folder() / "journal.jsonl").unlink()
    cage.open_gate(cage.names[0])


GRACEFUL_ENDS = {
    "commands that end by themselves": (open_gates, 1),
    "orch cancel": (cancel, 143),
    "SIGINT to the group": (to_group(signal.SIGINT), 130),
    "two SIGINTs to the group": (to_group(signal.SIGINT, signal.SIGINT), 130),
    "SIGTERM": (to_orch(signal.SIGTERM), 143),
    "SIGHUP to the group": (to_group(signal.SIGHUP), 143),
    "SIGKILL to every warden": (to_wardens(signal.SIGKILL), 1),
    "a storage error of orch": (lose_the_journal, 3),
}
DEATHS = (signal.SIGKILL, signal.SIGQUIT)


@pytest.mark.parametrize("end", GRACEFUL_ENDS)
def test_nothing_is_alive_when_orch_has_ended(cage: Cage, end: str) -> None:
    """Its own end is the claim that all is over, so it is checked in that moment."""
    act, exit_code = GRACEFUL_ENDS[end]
    act(cage)
    assert cage.exit_code() == exit_code
    assert cage.left() == []


@pytest.mark.parametrize("number", DEATHS)
def test_nothing_outlives_orch_when_it_is_killed(cage: Cage, number: signal.Signals) -> None:
    """The wardens see the end of their pipe, end their attempts within the grace and 2 s, and then
    themselves."""
    os.killpg(cage.orch, number)
    assert cage.exit_code() == -number
    since_s = time.monotonic()
    wait_until(lambda: not cage.left(), "nothing is left")
    assert time.monotonic() - since_s < PROMISED_S


def test_nothing_outlives_a_timeout_or_a_deadline(project: Project) -> None:
    """SIGTERM to all, the grace, SIGKILL; of the stage alone, and of the whole run. On a busy
    machine not all may have escaped by then."""
    cages = {}
    for policy, exit_code in (("timeout = 5s\n" + GO_ON, 1), ("deadline = 5s", 4)):
        root = project.root / str(exit_code)
        root.mkdir()
        cages[exit_code] = Cage.start(Project(root), policy)
    try:
        for exit_code, cage in cages.items():
            assert cage.exit_code() == exit_code
            assert cage.left() == []
            assert any((cage.project.root / "ready").iterdir())
    finally:
        for cage in cages.values():
            cage.close()


def test_one_stage_takes_all_of_its_own_along_and_nothing_else(project: Project) -> None:
    """Whether it fails by itself, which with `fail_fast` lets the others go on, or loses its
    warden: what it left is ended, and nobody else is harmed."""
    cage = Cage.start(project, "fail_fast = true")
    try:
        cage.wait_until_escaped()
        failing, orphaned, *others = cage.names
        cage.open_gate(failing)
        wait_until(lambda: failing not in cage.ways_left(), "its own are ended")
        os.kill(cage.warden_of[orphaned], signal.SIGKILL)
        wait_until(lambda: orphaned not in cage.ways_left(), "its own are ended")
        assert cage.ways_left() == set(others)
        for name in others:
            cage.open_gate(name)
        assert cage.exit_code() == 1
        assert cage.left() == []
        reasons = {stage["id"]: stage["reason"] for stage in project.manifest()["stages"]}
        assert reasons.pop(orphaned) == "warden"
        assert set(reasons.values()) == {"failure"}
    finally:
        cage.close()


def test_the_table_sees_whatever_survives(cage: Cage) -> None:
    """The planted failure: with orch and its wardens all dead at one moment nobody is left who
    could end anything, and every single way is seen to have got away."""
    wardens = cage.warden_of.values()
    for pid in (cage.orch, *wardens):
        os.kill(pid, signal.SIGSTOP)
    for pid in (cage.orch, *wardens):
        os.kill(pid, signal.SIGKILL)
    assert cage.exit_code() == -signal.SIGKILL
    assert cage.ways_left() == set(cage.names)


def test_namespaces_are_in_the_table() -> None:
    """Said by name where this machine doesn't allow them."""
    if not may_unshare():
        pytest.skip(f"no PID namespaces for users here, so without {', '.join(NAMESPACE_WAYS)}")
