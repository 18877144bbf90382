"""A real run in a cage: every way to escape as a stage of its own, side by side, and a keeper above
orch who sees whatever gets away."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.faults.keeper import below, descendants, line_of, process_table
from tests.faults.ways import WAYS
from tests.runs.project import ORCH, Project

GRACE_S = 0.3
PROMISED_S = (GRACE_S + 2) * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
"""What P5 leaves between the end of orch and the end of all that it owned; longer where more wants
to run than this machine can."""

FOLDER = Path(__file__).parent
SHELL_WAYS = {
    "background": "sleep 3600 &",
    "in_a_session": "setsid sleep 3600 &",
    "nohup": "nohup sleep 3600 >/dev/null 2>&1 &",
    "ignoring_signals": "(trap '' TERM INT HUP QUIT; exec sleep 3600) &",
    "own_groups": "set -m; sleep 3600 & sleep 3600 & set +m",
    "stopped": "sleep 3600 & kill -STOP $!",
    "storm": "trap '' TERM; i=0; while [ $i -lt 60 ]; do sleep 3600 & i=$((i+1)); done",
    "deep": "sh -c 'setsid sh -c \"setsid sleep 3600 & sleep 3600\" & wait' &",
    "on_its_terminal": "nohup sleep 3600 & (trap '' HUP; exec sleep 3600) &",
}
NAMESPACE_WAYS = {
    "pid_namespace": "unshare -rpf sleep 3600 &",
    "own_proc": "unshare -rmpf sh -c 'mount -t tmpfs none /proc; exec sleep 3600' &",
}
PROGRAM_WAYS = {
    way.__name__: f"'{sys.executable}' -IS '{FOLDER / 'ways.py'}' {way.__name__}" for way in WAYS
}


def may_unshare() -> bool:
    """Whether a process may have a PID namespace of its own here."""
    try:
        words = ["unshare", "-rmpf", "true"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def ways() -> dict[str, str]:
    """All ways to escape that this machine allows, as lines of shell."""
    return SHELL_WAYS | PROGRAM_WAYS | (NAMESPACE_WAYS if may_unshare() else {})


@dataclass
class Cage:
    """A run under way. `escaped` are the processes that each way had set free when all were at
    large, `warden_of` the wardens of their stages."""

    project: Project
    keeper: "subprocess.Popen[str]"
    orch: int
    names: tuple[str, ...]
    escaped: dict[str, set[int]]
    warden_of: dict[str, int]

    @classmethod
    def start(cls, project: Project, policy: str) -> "Cage":
        """`orch run` with a stage for each way; `policy` is added to its policy."""
        table = ways()
        for folder in ("ways", "gates", "ready", "held"):
            (project.root / folder).mkdir()
        for name, line in table.items():
            os.mkfifo(project.root / "gates" / name)
            (project.root / "ways" / name).write_text(
                f"{line}\ntouch ready/{name}\nread -r _ <gates/{name} || :\nexit 7\n"
            )
        stages = "\n".join(map(stage_of, table))
        project.write(f"policy {{ grace = {GRACE_S * 1000:.0f}ms\n{policy} }}\n{stages}")
        words = [sys.executable, "-IS", str(FOLDER / "keeper.py"), *ORCH, "run", "demo.pipeline"]
        with (project.root / "said").open("w") as said:
            keeper = subprocess.Popen(
                [*words, "--jobs", "99"],
                cwd=project.root,
                env=project.environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )
        assert keeper.stdout is not None
        return cls(project, keeper, int(keeper.stdout.readline()), tuple(table), {}, {})

    def wait_until_escaped(self) -> None:
        """All are at large, and seen to be: each warden has more below it than its command."""
        for name in self.names:
            self.project.wait_for_file(f"ready/{name}")
        table = process_table()
        for pid in below(self.orch, table):
            line = line_of(pid)
            if line.startswith("sh ways/") and table[pid][1] == pid:
                name, warden = line.split("/")[1].strip(), table[pid][0]
                self.escaped[name] = below(warden, table) - {pid}
                self.warden_of[name] = warden
        assert self.ways_left() == set(self.names)

    def open_gate(self, name: str) -> None:
        """Let the command of a stage end by itself, with exit code 7."""
        os.close(os.open(self.project.root / "gates" / name, os.O_WRONLY))

    def exit_code(self) -> int:
        """That of orch, once it has ended; a signal's number with a minus where it was killed."""
        assert self.keeper.stdout is not None
        return int(self.keeper.stdout.readline())

    def left(self) -> list[str]:
        """Whatever is alive of orch and all below it: a process, or the lock that it holds."""
        found = [f"{pid}: {line}" for pid, line in descendants(self.keeper.pid).items()]
        return found + [f"{name} holds its lock" for name in self._held()]

    def ways_left(self) -> set[str]:
        """The ways of which something is alive that had escaped."""
        living = descendants(self.keeper.pid).keys()
        return self._held() | {name for name, pids in self.escaped.items() if pids & living}

    def _held(self) -> set[str]:
        return {path.name for path in (self.project.root / "held").iterdir() if is_locked(path)}

    def close(self) -> None:
        """End what is left, be it the whole run."""
        self.keeper.communicate()


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stage_of(name: str) -> str:
    tty = "tty = true" if "terminal" in name else ""
    return f'stage {name} {{ run = ["sh", "ways/{name}"] {tty} }}'
