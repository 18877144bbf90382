"""The tables of running: small runs and floods beside the peers that do the same, and how the cost
of a run grows."""

import sys
from pathlib import Path

from benchmarks import fresh, graphs
from benchmarks.measuring import LUIGI, MAKE, ORCH, PEERS, Growth, Table

_RUN = (ORCH, "run", "-j", "2", "graph.pipeline")
_LEFT = (".runs", "made", ".snakemake")
_SIZES = (100, 1_000, 10_000, 100_000)
_GIBIBYTE = 2**30
_FLOOD = f"head -c {_GIBIBYTE} /dev/zero"


def _one(folder: Path) -> None:
    graphs.run(folder, [()])


def _thousand(folder: Path) -> None:
    graphs.run(folder, [()] * 1000)


def _layers(folder: Path) -> None:
    """10 layers of 100, each stage of which needs two of the layer before."""
    graphs.run(folder, [_two_before(n) if n >= 100 else () for n in range(1000)])


def _two_before(number: int) -> tuple[int, int]:
    below = number - 100
    return below, below - below % 100 + (below + 1) % 100


def _chain(folder: Path) -> None:
    graphs.run(folder, [(n - 1,) if n else () for n in range(200)])


def _flood(folder: Path) -> None:
    """All of it goes to the log, as a redirect has all of it in its file."""
    policy = "policy { output { log = 2GiB } }"
    stage = f'stage flood {{ run = "{_FLOOD}" }}'
    (folder / "flood.pipeline").write_text(f"pipeline flood {{ }}\n{policy}\n{stage}\n")
    (folder / "build.ninja").write_text(f"rule flood\n  command = {_FLOOD}\nbuild x: flood\n")


def _sizes(folder: Path) -> None:
    for size in _SIZES:
        graphs.run(folder / str(size), [()] * size)


def _peers(jobs: str) -> dict[str, tuple[str, ...]]:
    """Those that run a graph, so many stages at once; just starts as many as it can."""
    return {
        "ninja": (str(PEERS / "ninja"), "-j", jobs),
        "make": (MAKE, "-s", "-j", jobs),
        "just": (str(PEERS / "just"), "all"),
        "go-task": (str(PEERS / "task"), "-C", jobs),
        "doit": (str(PEERS / "doit"), "-n", jobs),
        "luigi": (*LUIGI, "--workers", jobs),
        "snakemake": (str(PEERS / "snakemake"), "--quiet", "all", "-j", jobs),
    }


def _floor(jobs: int, times: int, free: int) -> dict[str, tuple[str, ...]]:
    """Bare loops of Python, which show what spawning, owning and telling cost at least; all but
    `free` commands wait for others."""
    program = (sys.executable, str(Path(__file__).with_name("floor.py")))
    return {
        "a bare loop": (*program, "bare_loop", str(jobs), str(times)),
        "bare owners": (*program, "owned", str(jobs), str(times)),
        "owners told in JSON": (*program, "told", str(jobs), str(times), str(free)),
    }


TABLES = (
    Table(
        "one",
        "One no-op stage, warm",
        _one,
        {
            "orch": (ORCH, "run", "graph.pipeline"),
            **_peers("1"),
            "the bare interpreter": (sys.executable, "-c", "pass"),
        },
        against="the bare interpreter",
        target=4.0,
        leaves=_LEFT,
    ),
    Table(
        "thousand",
        "1,000 independent no-op stages, two jobs",
        _thousand,
        {"orch": _RUN, **_peers("2"), **_floor(2, 1000, 1000)},
        against="ninja",
        target=1.3,
        leaves=_LEFT,
    ),
    Table(
        "layers",
        "10 layers of 100 no-op stages, two jobs",
        _layers,
        {"orch": _RUN, **_peers("2"), **_floor(2, 1000, 100)},
        against="ninja",
        target=1.5,
        leaves=_LEFT,
    ),
    Table(
        "chain",
        "A chain of 200 no-op stages",
        _chain,
        {"orch": _RUN, **_peers("2"), **_floor(1, 200, 1)},
        against="ninja",
        target=1.4,
        leaves=_LEFT,
    ),
    Table(
        "flood",
        "1 GiB of output, all of it logged",
        _flood,
        {
            "orch": (ORCH, "run", "flood.pipeline"),
            "a redirect": ("/bin/sh", "-c", f"{_FLOOD} > flood.txt"),
            "a pipe": ("/bin/sh", "-c", f"{_FLOOD} | cat > flood.txt"),
            "ninja": (str(PEERS / "ninja"),),
        },
        against="a redirect",
        target=1.15,
        leaves=(".runs", "flood.txt"),
    ),
    Table(
        "fresh",
        "1,000 stages with an input and an output, all fresh",
        fresh.make,
        fresh.COMMANDS,
        "doit",
        0.5,
    ),
)

GROWTHS = (
    Growth("runs", "No-op stages in one run, two jobs", _sizes, _RUN, _SIZES, most_rounds=1),
)
