"""The tables of running: small runs beside the peers that do the same."""

import sys
from pathlib import Path

from benchmarks.measuring import ORCH, PEERS, Table


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
