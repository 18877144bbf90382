"""The pool survives what may happen to it: stalls, crashes, signals, deaths, odd beginnings."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.runtime.pool import (
    PATIENCE_S,
    PROGRAM,
    Attempt,
    Pool,
    make_spec,
    new_token,
    processes_with,
    start_pool,
    wait_until,
)

ROOT = PROGRAM.parents[2]


def run_program(text: str, *, shell: str = 'exec "$0" -c "$1"') -> str:
    """Run Python text that drives `Wardens` itself; returns what it printed."""
    preamble = "from tests.runtime.pool import *\nfrom orch.runtime.wardens import *\n"
    result = subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable, preamble + text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert not result.stderr
    return result.stdout


def test_a_stalled_orch_lets_no_attempt_run_on(tmp_path: Path) -> None:
    """The warden's clock ends an attempt in time while orch is stopped, and reports it later."""
    ready = tmp_path / "ready"
    token = new_token()
    script = f"touch '{ready}'; sleep {token}"
    pool = start_pool({"only": Attempt(make_spec(tmp_path, script, timeout_ms=1500))})
    wait_until(ready.exists, "the command runs")
    pool.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: not processes_with(token), "the attempt is ended")
    pool.process.send_signal(signal.SIGCONT)
    pool.wait()
    assert pool.outcome("only").is_timed_out


def test_an_orch_that_does_not_read_holds_no_command_up(tmp_path: Path) -> None:
    """While orch is stopped, lines that are streamed are dropped, the command goes on, and its
    outcome, larger than the pipe, is there when orch reads again."""
    ready, done, go = tmp_path / "ready", tmp_path / "done", tmp_path / "go"
    line = "x" * 390
    script = f"touch '{ready}'; while [ ! -e '{go}' ]; do sleep 0.02; done\n"
    script += f"i=0; while [ $i -lt 25 ]; do echo {line}; sleep 0.05; i=$((i+1)); done\n"
    script += f"head -c 1000000 /dev/zero; touch '{done}'"
    spec = make_spec(tmp_path, script, is_streamed=True, buffer_bytes=1 << 20)
    pool = start_pool({"only": Attempt(spec)})
    wait_until(ready.exists, "the command runs")
    pool.process.send_signal(signal.SIGSTOP)
    go.touch()
    wait_until(done.exists, "the command has written all")
    pool.process.send_signal(signal.SIGCONT)
    pool.wait()
    assert pool.outcome("only").is_success
    assert len(pool.outcome("only").stdout.excerpt) == 1_000_000 + 25 * 391


def test_a_warden_that_breaks_tells_how_and_is_replaced(tmp_path: Path) -> None:
    """Its attempt is lost, the report holds the traceback, the next attempt runs."""
    attempts = {
        "broken": Attempt(make_spec(tmp_path, ":", buffer_bytes="no number")),
        "next": Attempt(make_spec(tmp_path, "echo fine")),
    }
    pool = start_pool(attempts, limit=1)
    pool.wait()
    (ended,) = [r for r in pool.reports if r["key"] == "broken"]
    assert pool.outcome("broken").reason == "warden"
    assert "TypeError" in ended["fault"]
    assert pool.outcome("next").stdout.excerpt == "fine\n"


def test_a_warden_that_dies_at_rest_is_replaced_unnoticed(tmp_path: Path) -> None:
    """`start` finds it dead, or `receive` does; either way the attempt runs."""
    text = f"""
wardens = Wardens(2)
wardens.prefork(9)
pids = children(os.getpid())
for pid in pids:
    os.kill(pid, 9)
time.sleep(0.2)
wardens.start("key", make_spec(Path("{tmp_path}"), "echo ran"))
print(len(pids), [r.outcome.stdout.excerpt for r in until_idle(wardens)])
wardens.close()
print(children(os.getpid()))
"""
    assert run_program(DRIVE + text) == "2 ['ran\\n']\n[]\n"


DRIVE = """
import select
from orch.runtime.processes import children
def until_idle(wardens):
    ended = []
    while wardens.running():
        poller = select.poll()
        for fd in wardens.descriptors():
            poller.register(fd)
        poller = [fd for fd, _ in poller.poll()]
        ended += [r for fd in poller for r in wardens.receive(fd) if isinstance(r, Ended)]
    return ended
"""


def test_close_ends_what_still_runs(tmp_path: Path) -> None:
    """With SIGKILL and without a grace; nothing is left to wait for."""
    token = new_token()
    script = f"trap '' TERM; setsid sleep {token} & touch ready; wait"
    text = f"""
wardens = Wardens(2)
wardens.start("key", make_spec(Path("{tmp_path}"), {script!r}))
while not Path("{tmp_path}/ready").exists():
    time.sleep(0.01)
wardens.close()
print([line for line in processes_with("{token}") if "Wardens" not in line])
print(children(os.getpid()))
"""
    assert run_program(DRIVE + text) == "[]\n[]\n"


def test_orch_may_have_no_standard_descriptors(tmp_path: Path) -> None:
    """Pipes to the wardens never take the places of 0, 1 and 2."""
    answer = tmp_path / "answer"
    text = f"""
wardens = Wardens(2)
wardens.start("key", make_spec(Path("{tmp_path}"), "echo ran; cat"))
ended = until_idle(wardens)
fds = sorted(wardens.descriptors())
Path("{answer}").write_text(ended[0].outcome.stdout.excerpt + str(min(fds) > 2))
wardens.close()
"""
    run_program(DRIVE + text, shell='exec "$0" -c "$1" <&- >&- 2>&-')
    assert answer.read_text() == "ran\nTrue"


def test_a_warden_keeps_nothing_of_orch(tmp_path: Path) -> None:
    """No lock, no file, no other warden's pipe; a session, a name and a folder of its own."""
    text = """
import fcntl
held = open("/dev/zero")
os.set_inheritable(held.fileno(), True)
wardens = Wardens(3)
wardens.prefork(3)
time.sleep(0.3)
for pid in children(os.getpid()):
    fds = Path(f"/proc/{pid}/fd")
    links = sorted(os.readlink(fd).partition(":")[0] for fd in fds.iterdir())
    print(links, os.getsid(pid) == pid, os.readlink(f"/proc/{pid}/cwd"))
    print(Path(f"/proc/{pid}/comm").read_text().strip())
wardens.close()
"""
    one = "['/dev/null', '/dev/null', '/dev/null', 'pipe', 'pipe', 'pipe', 'pipe'] True /\n"
    assert run_program(DRIVE + text) == (one + "orch-warden\n") * 3


def test_what_can_not_be_killed_costs_the_warden_and_not_the_run(tmp_path: Path) -> None:
    """A warden that may not kill what is left (`sudo` makes such processes) gives up in the end,
    reports, and is replaced, so that nothing of one attempt is taken for a part of the next."""
    token = new_token()
    text = f"""
import orch.runtime.ownership as ownership
ownership.UNKILLABLE_S = 0.3
ownership.kill_children = lambda command: None
wardens = Wardens(1)
for script in ("setsid sleep {token} >/dev/null 2>&1 & exit 3", "echo next"):
    wardens.start("key", make_spec(Path("{tmp_path}"), script))
    before = children(os.getpid())
    print(until_idle(wardens)[0].outcome.reason, before == children(os.getpid()))
wardens.close()
"""
    assert run_program(DRIVE + text) == "failure False\nsuccess True\n"
    assert processes_with(token) == [], "orch tried too, and could"


def test_a_warden_imports_nothing_once_it_is_forked(tmp_path: Path) -> None:
    """A stage may remake the very installation that orch runs from."""
    text = f"""
wardens = Wardens(1, get_ready=sys.meta_path.clear)
for key, script, fields in (
    ("all", "cat; echo error >&2; sleep 60 & exit 3", {{"stdin": "text", "is_streamed": True}}),
    ("late", "sleep 60", {{"timeout_ms": 100}}),
    ("flood", "head -c 1000000 /dev/zero", {{"stdout_log": "/proc/none/log"}}),
    ("lost", ("no-such-program",), {{}}),
    ("broken", ":", {{"buffer_bytes": "no number"}}),
):
    wardens.start(key, make_spec(Path("{tmp_path}"), script, **fields))
    for report in until_idle(wardens):
        print(report.outcome.reason, report.fault and report.fault.splitlines()[-1])
wardens.close()
"""
    assert run_program(DRIVE + text).splitlines()[:4] == [
        "failure None", "timeout None", "success None", "spawn None",
    ]  # fmt: skip


def test_wardens_shrug_off_signals(tmp_path: Path) -> None:
    """What a terminal or a hasty `kill` sends does not cost an attempt its warden."""
    ready, go = tmp_path / "ready", tmp_path / "go"
    script = f"touch '{ready}'; while [ ! -e '{go}' ]; do sleep 0.02; done; echo done"
    pool = start_pool({"only": Attempt(make_spec(tmp_path, script))}, limit=1)
    wait_until(ready.exists, "the command runs")
    (warden,) = pool.wardens()
    for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "TSTP", "PIPE", "CHLD"):
        os.kill(warden, getattr(signal, f"SIG{name}"))
    go.touch()
    pool.wait()
    assert pool.outcome("only").stdout.excerpt == "done\n"


def test_children_that_orch_had_before_are_spared(tmp_path: Path) -> None:
    """A shell may `exec orch` with children of its own: they are not ended with a dead warden."""
    mine, theirs = new_token(), new_token()
    script = f"setsid sleep {mine} & touch ready; sleep {mine}"
    text = f"""
wardens = Wardens(1)
wardens.start("key", make_spec(Path("{tmp_path}"), {script!r}))
while not Path("{tmp_path}/ready").exists():
    time.sleep(0.01)
comms = {{pid: Path(f"/proc/{{pid}}/comm").read_text() for pid in children(os.getpid())}}
(warden,) = [pid for pid, comm in comms.items() if "warden" in comm]
os.kill(warden, 9)
print([report.outcome.reason for report in until_idle(wardens)])
for token in ("{mine}", "{theirs}"):
    print(len([line for line in processes_with(token) if "Wardens" not in line]))
wardens.close()
for child in children(os.getpid()):
    os.kill(child, 9)
"""
    shell = f'setsid sleep {theirs} >/dev/null 2>&1 & exec "$0" -c "$1"'
    assert run_program(DRIVE + text, shell=shell) == "['warden']\n0\n1\n"


def test_a_warden_killed_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    """Also while it is being forked, while it spawns, and while it kills."""
    source = random.Random(5)
    for turn in range(15):
        token = new_token()
        script = f"exec >&- 2>&-; setsid sleep {token} & setsid sleep {token} & exit 0"
        fields = {"stdout_log": str(tmp_path / f"{turn}.log")}
        attempts = {str(n): Attempt(make_spec(tmp_path, script, **fields)) for n in range(40)}
        pool = start_pool(attempts)
        wait_until(pool.wardens, "a warden is there")
        time.sleep(source.random() * 0.05)
        for warden in pool.wardens():
            kill_if_there(warden)
        pool.wait()
        assert processes_with(token) == []
        assert {pool.outcome(key).reason for key in attempts} <= {"warden", "success"}


def test_orch_killed_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    """The promise holds from the first fork to the last report."""
    source = random.Random(6)
    tokens = []
    for turn in range(15):
        tokens.append(new_token())
        script = f"setsid sleep {tokens[-1]} & sleep {tokens[-1]}"
        fields = {"stdout_log": str(tmp_path / f"{turn}.log")}
        attempts = {str(n): Attempt(make_spec(tmp_path, script, **fields)) for n in range(4)}
        pool: Pool = start_pool(attempts, limit=4)
        time.sleep(0.05 + source.random() * 0.15)
        pool.abort()
    wait_until(lambda: not any(map(processes_with, tokens)), "everything is ended")


def kill_if_there(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        assert not Path(f"/proc/{pid}").exists()
