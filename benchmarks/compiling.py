"""The tables of compiling: checking and planning large graphs, beside peers, and how cost grows."""

from pathlib import Path

from benchmarks.graphs import planned, used, written
from benchmarks.measuring import MAKE, ORCH, PEERS, Growth, Table

# ShellCheck is a program of other people's, which just and doit don't run either.
_CHECK = (ORCH, "check", "--no-shellcheck", "big.pipeline")
_MANY = 10_000
_WRITTEN = (100, 1_000, 10_000)
_PLANNED = (1_000, 10_000, 100_000)
_USED = (100, 1_000, 10_000)
_JUST = (str(PEERS / "just"), "--dry-run", "--justfile")


def _ten_thousand(folder: Path) -> None:
    written(folder, _MANY)


def _written_growth(folder: Path) -> None:
    for stages in _WRITTEN:
        written(folder / str(stages), stages)


def _planned_growth(folder: Path) -> None:
    for stages in _PLANNED:
        planned(folder / str(stages), stages)


def _used_growth(folder: Path) -> None:
    for stages in _USED:
        used(folder / str(stages), stages // 20)


TABLES = (
    Table(
        "cold",
        "10,000 written stages checked cold",
        _ten_thousand,
        {
            "orch": _CHECK,
            "just, in parallel": (*_JUST, "parallel.just", "all"),
            "just, in a row": (*_JUST, "in_a_row.just", "all"),
        },
        against="just, in parallel",
        target=1.0,
        is_cold=True,
    ),
    Table(
        "cached",
        "10,000 written stages, unchanged",
        _ten_thousand,
        {
            "orch": _CHECK,
            "orch run --dry-run": (ORCH, "run", "--dry-run", "big.pipeline"),
            "make": (MAKE, "-n"),
            "ninja": (str(PEERS / "ninja"), "-n"),
            "doit": (str(PEERS / "doit"), "list", "--all"),
            "just": (*_JUST, "parallel.just", "all"),
            "go-task": (str(PEERS / "task"), "--dry"),
        },
        against="doit",
        target=0.33,
    ),
)

GROWTHS = (
    Growth("written", "Written stages, checked cold", _written_growth, _CHECK, _WRITTEN),
    Growth(
        "planned",
        "Stages from matrices, planned cold",
        _planned_growth,
        (ORCH, "plan", "--format", "json", "big.pipeline"),
        _PLANNED,
    ),
    Growth("used", "A file of 20 stages used often, checked cold", _used_growth, _CHECK, _USED),
)
