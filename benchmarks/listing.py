"""The table of looking back: 10,000 runs on the disk, listed and found."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import ORCH, Table

_ALL = (ORCH, "runs", "--limit", "20000")


def _make(folder: Path) -> None:
    """Runs of one task, copies of one that failed, and the index that a first long list leaves."""
    (folder / "some.pipeline").write_text('pipeline some { }\nstage go { run = "exit 1" }\n')
    words = (ORCH, "run", "-q", "some.pipeline")
    subprocess.run(words, cwd=folder, check=False, capture_output=True)
    (run,) = (folder / ".runs/some/cli").iterdir()
    for number in range(10_000):
        copy = run.parent / f"2001-01-01T00-00-00-000Z-{number:08x}"
        copy.mkdir()
        for name in ("journal.jsonl", "plan.json", "manifest.json"):
            os.link(run / name, copy / name)
    subprocess.run(_ALL, cwd=folder, check=True, stdout=subprocess.DEVNULL)


TABLES = (
    Table(
        "list",
        "10,000 runs on the disk",
        _make,
        {
            "orch": (ORCH, "runs"),
            "orch runs --limit 20000": _ALL,
            "orch status last": (ORCH, "status", "last"),
            "the bare interpreter": (sys.executable, "-c", "pass"),
        },
        against="the bare interpreter",
        target=10.0,
        leaves=(),
    ),
)
