"""Programs measured side by side: their time, CPU time and peak memory, as Markdown tables.

Wall time is the median, a ratio is that of medians of one and the same session. CPU time and peak
memory are the kernel's (`wait4`), with those of every process the program waited for.
"""

import os
import shutil
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
MAKE = shutil.which("make") or "/usr/bin/make"
LUIGI = (
    *(str(PEERS / "python"), "-m", "luigi", "--module", "tasks", "All"),
    *("--local-scheduler", "--log-level", "ERROR"),
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to measure, in a folder of its own below the table's. If `is_cold`, what orch
    remembers there is removed before each run; what it `leaves` is after each."""

    command: tuple[str, ...]
    folder: str = "."
    is_cold: bool = False
    leaves: tuple[str, ...] = (".runs",)


@dataclass(frozen=True, slots=True)
class Table:
    """Tools that do the same work; the ratio to hold is that of orch to `against`."""

    name: str
    title: str
    make: Callable[[Path], None]
    commands: Mapping[str, tuple[str, ...]]
    against: str
    target: float
    is_cold: bool = False
    leaves: tuple[str, ...] = (".runs",)

    def tools(self) -> Mapping[str, Tool]:
        """What to run, by the name in the table."""
        return {
            name: Tool(command, is_cold=self.is_cold, leaves=self.leaves)
            for name, command in self.commands.items()
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """One command over graphs of several sizes, each in a folder named after its number of stages;
    ten times the stages should cost ten times as much, less what every start costs."""

    name: str
    title: str
    make: Callable[[Path], None]
    command: tuple[str, ...]
    sizes: tuple[int, ...]
    most_rounds: int = 11

    def tools(self) -> Mapping[str, Tool]:
        """What to run, by the number of stages."""
        return {str(size): Tool(self.command, str(size), is_cold=True) for size in self.sizes}


@dataclass(frozen=True, slots=True)
class Sample:
    wall_ms: float
    cpu_ms: float
    peak_bytes: int


def measured_in_a_folder(
    make: Callable[[Path], None], tools: Mapping[str, Tool], rounds: int
) -> dict[str, list[Sample]]:
    """The samples of each tool, interleaved, over files that `make` makes in a new folder."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-") as name:
        make(Path(name))
        samples: dict[str, list[Sample]] = {tool: [] for tool in tools}
        for number in range(rounds + 1):
            for tool, what in tools.items():
                os.chdir(Path(name, what.folder))
                if what.is_cold:
                    shutil.rmtree(".orch", ignore_errors=True)
                sample = run(what.command)
                for left in what.leaves:
                    _remove(Path(left))
                if number:
                    samples[tool].append(sample)
        os.chdir(ROOT)
    return samples


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
    base_wall, base_cpu = _walls(samples[table.against]), _cpus(samples[table.against])
    rounds = len(samples[table.against])
    against = table.against
    print(f"\n### {table.title} ({rounds} rounds)\n")
    print(f"| tool | wall, median | least…most | ratio to {against} | cpu | ratio | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for tool, taken in samples.items():
        walls = [sample.wall_ms for sample in taken]
        print(
            f"| {tool} | {median(walls):.1f} ms | {min(walls):.1f}…{max(walls):.1f}"
            f" | {_walls(taken) / base_wall:.2f} | {_cpus(taken):.0f} ms"
            f" | {_cpus(taken) / base_cpu:.2f} | {_peak_mib(taken):.0f} MiB |"
        )
    ratio = _walls(samples["orch"]) / base_wall
    said = "met" if ratio <= table.target else "missed"
    print(f"\norch / {against}: {ratio:.2f}, target at most {table.target}: {said}")


def show_growth(growth: Growth, samples: Mapping[str, list[Sample]]) -> None:
    """A Markdown table with what each stage costs beyond the start of the smallest."""
    print(f"\n### {growth.title} ({len(samples[str(growth.sizes[0])])} rounds)\n")
    print("| stages | wall, median | cpu | cpu for each further stage | peak memory |")
    print("|---|---|---|---|---|")
    before: tuple[int, float] | None = None
    for size in growth.sizes:
        taken = samples[str(size)]
        each = ""
        if before is not None:
            each = f"{(_cpus(taken) - before[1]) * 1000 / (size - before[0]):.0f} µs"
        before = (size, _cpus(taken))
        print(
            f"| {size:,} | {_walls(taken):.0f} ms | {_cpus(taken):.0f} ms"
            f" | {each} | {_peak_mib(taken):.0f} MiB |"
        )


def _walls(samples: list[Sample]) -> float:
    return median(sample.wall_ms for sample in samples)


def _cpus(samples: list[Sample]) -> float:
    return median(sample.cpu_ms for sample in samples)


def _peak_mib(samples: list[Sample]) -> float:
    return max(sample.peak_bytes for sample in samples) / 2**20
