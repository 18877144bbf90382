"""Every attempt is owned: all ways to escape by all ways to end, and nothing is left alive.

Each escape marks its processes by a token of its own in their command lines. `Ended` is the claim
that nothing is alive, so it is checked in the moment it is reported; where orch itself is killed
there is no report, and the wardens are given the grace and two seconds.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.runtime.pool import (
    Attempt,
    Pool,
    make_spec,
    new_token,
    processes_with,
    start_pool,
    wait_until,
)

GRACE_MS = 300

DOUBLE_FORK = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        os.chdir("/")
        os.execve("/bin/sleep", ["sleep", "{token}"], {{}})
    os._exit(0)
os.wait()
"""

RABBIT = """
# {token}
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.closerange(0, 256)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        os.setsid()
        if os.fork():
            os._exit(0)
"""

SUBREAPER = """
# {token}
import ctypes, os, signal, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
    time.sleep(60)
"""

ESCAPES = {
    "background": "sleep {token} &",
    "setsid": "setsid sleep {token} &",
    "nohup": "nohup sleep {token} >/dev/null 2>&1 &",
    "double fork": f"python3 -c '{DOUBLE_FORK}'",
    "ignoring TERM": "trap '' TERM; sleep {token} &",
    "own groups": "set -m; sleep {token} & sleep {token} & set +m",
    "stopped": "sleep {token} & kill -STOP $!",
    "storm": "trap '' TERM; i=0; while [ $i -lt 200 ]; do sleep {token} & i=$((i+1)); done",
    "deep": "sh -c 'setsid sh -c \"setsid sleep {token} & sleep {token}\" & wait' &",
    "rabbit": f"python3 -c '{RABBIT}'",
    "subreaper": f"python3 -c '{SUBREAPER}' & sleep 0.3",
}


class Escapes:
    """One attempt for each way to escape, all under way at once."""

    def __init__(self, folder: Path, script_end: str, timeout_ms: int = 60_000) -> None:
        self.tokens = {name: new_token() for name in ESCAPES}
        self.ready = {name: folder / f"{name} ready" for name in ESCAPES}
        self.attempts = {
            name: Attempt(
                make_spec(
                    folder,
                    f"{escape.format(token=self.tokens[name])}\n"
                    f"touch '{self.ready[name]}'\n{script_end.format(token=self.tokens[name])}",
                    grace_ms=GRACE_MS,
                    timeout_ms=timeout_ms,
                    stdout_log=str(folder / f"{name}.out"),
                    stderr_log=str(folder / f"{name}.err"),
                )
            )
            for name, escape in ESCAPES.items()
        }

    def start(self) -> Pool:
        return start_pool(self.attempts, limit=len(self.attempts))

    def wait_until_ready(self) -> None:
        wait_until(lambda: all(p.exists() for p in self.ready.values()), "all have escaped")
        assert all(processes_with(token) for token in self.tokens.values())

    def left(self) -> dict[str, list[str]]:
        """What is alive, by escape."""
        found = {name: processes_with(token) for name, token in self.tokens.items()}
        return {name: lines for name, lines in found.items() if lines}


FOREVER = "sleep {token}"


def test_nothing_outlives_a_command_that_ends_by_itself(tmp_path: Path) -> None:
    """What the command left is ended, and counted, before its end is reported."""
    escapes = Escapes(tmp_path, "exit 7")
    pool = escapes.start()
    pool.wait()
    assert escapes.left() == {}
    for name in ESCAPES:
        outcome = pool.outcome(name)
        assert (outcome.exit_code, outcome.reason) == (7, "failure"), name
        assert outcome.survivors >= 1, name
    assert pool.outcome("storm").survivors == 200


def test_nothing_outlives_a_timeout(tmp_path: Path) -> None:
    """SIGTERM to all, the grace, SIGKILL; what ignores SIGTERM or is stopped is no exception."""
    escapes = Escapes(tmp_path, FOREVER, timeout_ms=3000)
    pool = escapes.start()
    pool.wait()
    assert escapes.left() == {}
    for name in ESCAPES:
        outcome = pool.outcome(name)
        assert outcome.is_timed_out, name
        assert outcome.reason == "timeout", name
        assert outcome.duration_ms >= 3000, name


@pytest.mark.parametrize("kind", ["stop_when", "kill_when"])
def test_nothing_outlives_a_stop(tmp_path: Path, kind: str) -> None:
    """A stop ends everything, with the grace and without."""
    escapes = Escapes(tmp_path, FOREVER)
    for name, attempt in escapes.attempts.items():
        setattr(attempt, kind, escapes.ready[name])
    pool = escapes.start()
    pool.wait()
    assert escapes.left() == {}
    for name in ESCAPES:
        assert pool.outcome(name).reason == "cancelled", name


def test_nothing_outlives_orch_killed_by_sigkill(tmp_path: Path) -> None:
    """The wardens see the end of their pipe, end their attempts, and end themselves."""
    escapes = Escapes(tmp_path, FOREVER)
    pool = escapes.start()
    escapes.wait_until_ready()
    wardens = pool.wardens()
    assert len(wardens) == len(ESCAPES)
    pool.abort()
    time.sleep(GRACE_MS / 1000 + 2)
    assert escapes.left() == {}
    wait_until(lambda: not any(map(is_alive, wardens)), "the wardens are gone")


def test_nothing_outlives_a_killed_warden(tmp_path: Path) -> None:
    """What a dead warden leaves lands with orch, which ends it, reports the attempt as lost, and
    leaves the attempts of other wardens alone."""
    escapes = Escapes(tmp_path, FOREVER)
    bystander_done = tmp_path / "done"
    bystander = make_spec(
        tmp_path,
        f"while [ ! -e '{bystander_done}' ]; do sleep 0.05; done; echo unharmed",
        stdout_log=str(tmp_path / "bystander.log"),
    )
    attempts = {"bystander": Attempt(bystander), **escapes.attempts}
    pool = start_pool(attempts, limit=len(attempts))
    escapes.wait_until_ready()
    for warden in pool.wardens():
        if not owns(warden, str(bystander_done)):
            os.kill(warden, signal.SIGKILL)
    wait_until(lambda: not escapes.left(), "what the wardens left is ended")
    bystander_done.touch()
    pool.wait()
    for name in ESCAPES:
        assert pool.outcome(name).reason == "warden", name
    assert pool.outcome("bystander").stdout.excerpt == "unharmed\n"


def owns(warden: int, token: str) -> bool:
    children = Path(f"/proc/{warden}/task/{warden}/children").read_text().split()
    lines = processes_with(token)
    return any(line.startswith(f"{child}:") for child in children for line in lines)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
