"""What orch costs beside its peers: `make bench`, or `make bench ARGS="--rounds 11 --only one"`.

Each table runs all its tools in turn, round after round, so that a busy moment of the machine hits
them alike; the first round warms up and isn't counted. Wall time is the median, the ratio is that
of medians of one and the same session. CPU time and peak memory are the kernel's (`wait4`), with
those of every process the tool waited for. Nothing of orch is switched off.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
ORCH = str(ROOT / ".venv" / "bin" / "orch")
PEERS = ROOT / ".venv-bench" / "bin"


@dataclass(frozen=True, slots=True)
class Table:
    """Tools that do the same work; the ratio to hold is that of orch to `against`."""

    name: str
    title: str
    make: Callable[[Path], None]
    commands: Mapping[str, tuple[str, ...]]
    against: str
    target: float


@dataclass(frozen=True, slots=True)
class Sample:
    wall_ms: float
    cpu_ms: float
    peak_bytes: int


def main() -> int:
    """Print every table asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds counted (default 7)")
    parser.add_argument("--only", choices=[table.name for table in TABLES], help="one table")
    words = parser.parse_args()
    for table in TABLES:
        if words.only in {None, table.name}:
            with tempfile.TemporaryDirectory(prefix="orch-bench-") as folder:
                samples = measure(table, Path(folder), words.rounds)
                os.chdir(ROOT)
            show(table, samples)
    return 0


def measure(table: Table, folder: Path, rounds: int) -> dict[str, list[Sample]]:
    """The samples of each tool, interleaved, with `folder` as working directory."""
    table.make(folder)
    os.chdir(folder)
    samples: dict[str, list[Sample]] = {tool: [] for tool in table.commands}
    for number in range(rounds + 1):
        for tool, command in table.commands.items():
            sample = run(command)
            if number:
                samples[tool].append(sample)
    return samples


def run(command: tuple[str, ...]) -> Sample:
    """One run, output thrown away. Ends the benchmark where the command fails."""
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    errors = "stderr.txt"
    silent.append((os.POSIX_SPAWN_OPEN, 2, errors, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _pid, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        said = Path(errors).read_text(encoding="utf-8", errors="replace")
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall * 1000, cpu * 1000, usage.ru_maxrss * unit)


def show(table: Table, samples: Mapping[str, list[Sample]]) -> None:
    """A Markdown table, and whether the target is met."""
    base = median(sample.wall_ms for sample in samples[table.against])
    rounds = len(samples[table.against])
    print(f"\n### {table.title} ({rounds} rounds)\n")
    print(f"| tool | wall, median | least…most | ratio to {table.against} | cpu | peak memory |")
    print("|---|---|---|---|---|---|")
    for tool, taken in samples.items():
        walls = [sample.wall_ms for sample in taken]
        print(
            f"| {tool} | {median(walls):.1f} ms | {min(walls):.1f}…{max(walls):.1f}"
            f" | {median(walls) / base:.2f} | {median(s.cpu_ms for s in taken):.0f} ms"
            f" | {max(s.peak_bytes for s in taken) / 2**20:.0f} MiB |"
        )
    ratio = median(sample.wall_ms for sample in samples["orch"]) / base
    said = "met" if ratio <= table.target else "missed"
    print(f"\norch / {table.against}: {ratio:.2f}, target at most {table.target}: {said}")


def make_one(folder: Path) -> None:
    """One stage that does nothing."""
    (folder / "one.pipeline").write_text('pipeline one { }\nstage only { run = "true" }\n')
    (folder / "dodo.py").write_text('def task_only():\n    return {"actions": ["true"]}\n')


def make_thousand(folder: Path) -> None:
    """1,000 stages that do nothing and need nothing; ninja's outputs never come to be."""
    stages = "".join(f'stage s{n} {{ run = "true" }}\n' for n in range(1000))
    (folder / "thousand.pipeline").write_text(f"pipeline thousand {{ }}\n{stages}")
    edges = "".join(f"build s{n}: nothing\n" for n in range(1000))
    (folder / "build.ninja").write_text(f"rule nothing\n  command = true\n{edges}")


TABLES = (
    Table(
        "one",
        "One no-op stage, warm",
        make_one,
        {
            "orch": (ORCH, "run", "one.pipeline"),
            "doit": (str(PEERS / "doit"),),
            "the bare interpreter": (sys.executable, "-c", "pass"),
        },
        "doit",
        1.0,
    ),
    Table(
        "thousand",
        "1,000 independent no-op stages, two jobs",
        make_thousand,
        {
            "orch": (ORCH, "run", "-j", "2", "thousand.pipeline"),
            "ninja": (str(PEERS / "ninja"), "-j", "2"),
        },
        "ninja",
        2.5,
    ),
)


if __name__ == "__main__":
    sys.exit(main())
