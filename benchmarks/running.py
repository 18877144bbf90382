"""The tables of running: small runs beside the peers that do the same."""

import subprocess
import sys
import time
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


def make_fresh(folder: Path) -> None:
    """1,000 stages with an input and an output each, all of them fresh: both tools have run once,
    and once more when no file is too young to be trusted by its times."""
    (folder / "src").mkdir()
    for number in range(1000):
        (folder / f"src/{number}.c").write_text(f"{number}\n")
    stages = "".join(
        f'stage s{n} {{ inputs = ["src/{n}.c"] outputs = ["{{0}}/{n}.o"] '
        f'run = "mkdir -p {{0}}; cp src/{n}.c {{0}}/{n}.o" }}\n'
        for n in range(1000)
    )
    (folder / "fresh.pipeline").write_text("pipeline fresh { }\n" + stages.replace("{0}", "a"))
    (folder / "dodo.py").write_text(_FRESH_DODO)
    for _ in range(2):
        for command in (_FRESH, _DOIT):
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        time.sleep(1)


_FRESH = (ORCH, "run", "-q", "fresh.pipeline")
_DOIT = (str(PEERS / "doit"),)
_FRESH_DODO = """\
def task_s():
    for n in range(1000):
        yield {
            "name": str(n),
            "actions": ["mkdir -p b; cp src/%d.c b/%d.o" % (n, n)],
            "file_dep": ["src/%d.c" % n],
            "targets": ["b/%d.o" % n],
        }
"""

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
    Table(
        "fresh",
        "1,000 stages with an input and an output, all fresh",
        make_fresh,
        {"orch": _FRESH, "doit": _DOIT},
        "doit",
        1.0,
    ),
)
