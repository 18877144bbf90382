"""`make soak`: real runs whose orch, wardens, or both are killed, wherever chance will have it.

Each round is a project with up to three runs of one task at once. Each is killed, resumed, mostly
killed again, at times by two at once, until it ends; then all that a run promises is looked at. A
round depends on the seed and its number alone, but for the speed of the machine:
`make soak SEED=7 ROUND=12` does one again.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from orch.runtime.paths import RunPaths
from orch.runtime.processes import WARDEN_NAME, children
from tests.faults.cases import PIPELINE, Cases, every_turn, interrupted
from tests.faults.faulty_runs import (
    Ended,
    FaultyProject,
    ForkServer,
    check_status,
    check_the_end,
    fork_server,
    look_at_files,
)

WIDE = '''
pipeline demo { title = "Test" }
policy { concurrency = 3, grace = 200ms }
stage make {
  values { names: list<string> }
  retry { attempts = 3, backoff = 1ms..5ms }
  run = """
    echo $ORCH_RUN_ID make >> $COUNTED
    test $ORCH_ATTEMPT -ge 2
    setsid sleep 31.5 &
    echo 'names=["a", "b"]' > $ORCH_VALUES
  """
}
stage each {
  needs = [make]
  matrix { n = [1, 2, 3, 4] }
  retry { attempts = 3, backoff = 1ms..5ms }
  run = "echo $ORCH_RUN_ID $ORCH_STAGE >> $COUNTED; sleep 0.0{{ matrix.n }}; seq 500"
}
stage keep {
  needs = [each]
  exclusive = "kept"
  artifacts = ["kept/**"]
  retry { attempts = 3, backoff = 1ms..5ms }
  run = """
    echo $ORCH_RUN_ID keep >> $COUNTED
    before=$(cat $COUNTED.holder || echo none)
    if grep -q 31.7 /proc/$before/cmdline; then echo $ORCH_RUN_ID >> $COUNTED.both; fi
    setsid sleep 31.7 &
    echo $! > $COUNTED.holder
    mkdir -p kept
    echo {{ stages.make.values.names | join('+') }} > kept/file
  """
}
finally first { run = "echo $ORCH_RUN_ID first >> $COUNTED" retry { attempts = 2 } }
finally last  { run = "echo $ORCH_RUN_ID last >> $COUNTED; sleep 0.02" retry { attempts = 2 } }
'''

PATIENCE_S = 2.5
"""The grace and 2 s, and something for a busy machine; what is measured is told."""

MOST_LIVES = 6


@dataclass
class Figures:
    """What has happened so far; the lock guards all of it."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumes: int = 0
    rounds: int = 0
    longest_survivor_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def text(self) -> str:
        kills = "".join(f"  {n:6} {place}\n" for place, n in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills in {self.rounds} rounds, {self.runs} runs and "
            f"{self.resumes} resumes:\n{kills}"
            f"survivors 0, longest survivor {self.longest_survivor_s:.2f} s, "
            "stages run twice 0, torn files 0\n"
        )


class Soak:
    """Rounds of one seed, by as many threads as call `work`."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.figures = Figures()
        self.failure: str | None = None
        kinds = {"chain": PIPELINE, "wide": WIDE}
        self._cases = {name: Cases(_made(folder / name), text) for name, text in kinds.items()}
        self._turns = {
            name: {
                "run": list(every_turn(cases.steps())),
                "resume": list(every_turn(cases.steps(interrupted, "resume", "last"))),
            }
            for name, cases in self._cases.items()
        }
        self._numbers = count(1)
        began_s = time.monotonic()
        self._cases["wide"].steps()
        self.run_s = time.monotonic() - began_s
        """How long a run takes here and now, so that kills meet all of it."""

    def work(self, kills: int | None, until_s: float) -> None:
        """Do rounds until enough were killed, or it is late, or one has failed."""
        with fork_server() as server:
            while self.failure is None and not self._is_enough(kills, until_s):
                with self.figures.lock:
                    number = next(self._numbers)
                self.round(number, server)

    def _is_enough(self, kills: int | None, until_s: float) -> bool:
        if kills is not None:
            return self.figures.kills.total() >= kills
        return time.monotonic() > until_s

    def round(self, number: int, server: ForkServer) -> None:
        """One round; a failure is kept, with its project."""
        random = Random(f"{self.seed} {number}")
        kind = random.choice(list(self._cases))
        cases = self._cases[kind]
        place = cases.folder / f"round{number}"
        try:
            Round(FaultyProject(place, cases.template, server), random, self, kind).play()
            shutil.rmtree(place)
        except Exception:  # noqa: BLE001  Whatever it is, it is told with what replays it.
            again = f"SEED={self.seed} ROUND={number}"
            self.failure = f"{traceback.format_exc()}\nmake soak {again}; its files: {place}"
        with self.figures.lock:
            self.figures.rounds += 1

    def turn(self, kind: str, life: str, random: Random) -> tuple[str, int, str]:
        """A step to be killed at."""
        return random.choice(self._turns[kind][life])


@dataclass
class Kill:
    """How one orch is to be killed: at a step, or after `delay_s`; `place` is for the figures."""

    place: str
    watcher: dict[str, Any] | None = None
    delay_s: float | None = None


_Life = tuple[tuple[str, ...], Kill | None]
"""What is asked of an orch, and how it is to be killed."""


class Round:
    """One project, from its first run to the end of all of them."""

    def __init__(self, project: FaultyProject, random: Random, soak: Soak, kind: str) -> None:
        self._project = project
        self._random = random
        self._soak = soak
        self._kind = kind
        self._ended: set[str] = set()
        self._numbers = count(1)

    def play(self) -> None:
        runs = self._random.choice((1, 1, 2, 3))
        words = ("run", "demo.pipeline", "--format", "json")
        kills = [self._kill("run") for _ in range(runs)]
        for ended in self._live([(words, kill) for kill in kills]):
            if ended.code == 0:
                self._ended.add(ended.json()["run_id"])
        self._count(runs=runs)
        if not any("and" in kill.place for kill in kills):
            self._reap()
        for life in range(MOST_LIVES):
            for paths in self._project.runs():
                is_last = life == MOST_LIVES - 1
                if paths.run_id not in self._ended and Path(paths.journal).exists():
                    self._resume(paths, None if is_last or self._is_chance(0.4) else "resume")
        self._reap()
        for paths in self._project.runs():
            if Path(paths.journal).exists():
                check_the_end(self._project, paths)
        both = Path(f"{self._project.counted}.both")
        assert not both.exists(), f"not alone in an exclusive stage: {both.read_text()}"

    def _is_chance(self, part: float) -> bool:
        return self._random.random() < part

    def _resume(self, paths: RunPaths, life: str | None) -> None:
        before = look_at_files(self._project, paths)
        check_status(self._project, paths, before)
        words = ("resume", paths.run_id)
        lives: list[_Life] = [(words, None if life is None else self._kill(life))]
        if self._is_chance(0.2):
            lives.append((words, None))
        codes = [ended.code for ended in self._live(lives)]
        # Of two at once one may find that the other has it; a killed warden may fail a stage.
        allowed = {0, *[2] * (len(lives) > 1), *[-9, 1] * (life is not None)}
        assert set(codes) <= allowed, codes
        self._count(resumes=len(lives))
        if 0 in codes:
            self._ended.add(paths.run_id)
        after = look_at_files(self._project, paths)
        assert before.succeeded() <= after.succeeded()
        for stage in before.succeeded():
            assert after.counts[stage] == before.counts[stage], f"{stage} of {paths.run_id} again"

    def _kill(self, life: str) -> Kill:
        """Chance decides where, whom and when."""
        if self._is_chance(0.5):
            step, occurrence, moment = self._soak.turn(self._kind, life, self._random)
            is_both = step.startswith("warden") and self._is_chance(0.5)
            whom = "orch and a warden" if is_both else step.partition(":")[0]
            told = self._project.folder / f"killed{next(self._numbers)}"
            watcher = {
                "kind": "kill", "step": step, "occurrence": occurrence, "moment": moment,
                "is_both": is_both, "told": str(told),
            }  # fmt: skip
            return Kill(f"{life}: {whom} at a step", watcher)
        whom = self._random.choice(("orch", "warden", "orch and all wardens"))
        return Kill(
            f"{life}: {whom} at a moment", delay_s=self._random.uniform(0, self._soak.run_s)
        )

    def _live(self, lives: list[_Life]) -> list[Ended]:
        """Start all, kill each in its time, and wait for all."""
        began_s = time.monotonic()
        started = [
            (self._project.start(*words, watcher=None if kill is None else kill.watcher), kill)
            for words, kill in lives
        ]
        timed = [(kill.delay_s, pid, kill) for pid, kill in started if kill and kill.delay_s]
        for delay_s, pid, due in sorted(timed, key=lambda one: one[0]):
            time.sleep(max(0, began_s + delay_s - time.monotonic()))
            self._count_kill(due, is_done=_kill_now(pid, due.place))
        ended = [self._project.wait(pid) for pid, _ in started]
        for _, kill in started:
            if kill is not None and kill.watcher is not None:
                self._count_kill(kill, is_done=Path(kill.watcher["told"]).exists())
        return ended

    def _count_kill(self, kill: Kill, *, is_done: bool) -> None:
        with self._soak.figures.lock:
            self._soak.figures.kills[kill.place] += is_done

    def _count(self, runs: int = 0, resumes: int = 0) -> None:
        with self._soak.figures.lock:
            self._soak.figures.runs += runs
            self._soak.figures.resumes += resumes

    def _reap(self) -> None:
        waited_s = self._project.reap(PATIENCE_S)
        with self._soak.figures.lock:
            longest_s = max(self._soak.figures.longest_survivor_s, waited_s)
            self._soak.figures.longest_survivor_s = longest_s


def _kill_now(pid: int, place: str) -> bool:
    """SIGKILL to an orch, to one of its wardens, or to all; whether anybody was there to get it."""
    wardens = [child for child in children(pid) if _is_warden(child)]
    victims = (
        [pid] if "orch at" in place else wardens[:1] if "warden at" in place else [pid, *wardens]
    )
    is_alive = _is_alive(pid)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return is_alive and bool(victims)


def _is_warden(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == WARDEN_NAME
    return False


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> int:
    """Soak as the words say, then tell the seed and the figures."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1000 % 1_000_000)
    parser.add_argument("--round", type=int, help="this round alone")
    words = parser.parse_args()
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="soak", dir=memory if memory.is_dir() else None))
    soak = Soak(words.seed, folder)
    sys.stdout.write(f"seed {words.seed}\n")
    if words.round is not None:
        with fork_server() as server:
            soak.round(words.round, server)
    else:
        until_s = time.monotonic() + words.minutes * 60
        threads = [
            threading.Thread(target=soak.work, args=(words.kills, until_s)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if soak.failure is not None:
        sys.stderr.write(soak.failure + "\n")
        return 1
    sys.stdout.write(soak.figures.text())
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
