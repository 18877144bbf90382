"""The table of nothing to do: 1,000 stages with an input and an output each, all of them fresh."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import LUIGI, MAKE, ORCH, PEERS

_STAGES = 1000

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "orch": (ORCH, "run", "-q", "fresh.pipeline"),
    "ninja": (str(PEERS / "ninja"),),
    "make": (MAKE, "-s"),
    "go-task": (str(PEERS / "task"), "--silent"),
    "doit": (str(PEERS / "doit"),),
    "luigi": LUIGI,
    "snakemake": (str(PEERS / "snakemake"), "--quiet", "all", "-j", "2"),
}


def make(folder: Path) -> None:
    """Every tool has run once, with outputs in a folder of its own, and once more when no file is
    too young to be trusted by its times."""
    (folder / "src").mkdir()
    for number in range(_STAGES):
        (folder / f"src/{number}.c").write_text(f"{number}\n")
    for tool in COMMANDS:
        (folder / tool).mkdir()
    (folder / "fresh.pipeline").write_text(
        "pipeline fresh { }\n"
        + "".join(
            f'stage s{n} {{ inputs = ["src/{n}.c"] outputs = ["orch/{n}.o"]'
            f' run = "cp src/{n}.c orch/{n}.o" }}\n'
            for n in range(_STAGES)
        )
    )
    (folder / "build.ninja").write_text(
        "rule copy\n  command = cp $in $out\n"
        + "".join(f"build ninja/{n}.o: copy src/{n}.c\n" for n in range(_STAGES))
    )
    outputs = " ".join(f"make/{n}.o" for n in range(_STAGES))
    (folder / "Makefile").write_text(
        f"all: {outputs}\n"
        + "".join(f"make/{n}.o: src/{n}.c\n\t@cp $< $@\n" for n in range(_STAGES))
    )
    (folder / "Taskfile.yml").write_text(
        "version: '3'\nsilent: true\ntasks:\n"
        f"  default: {{deps: [{', '.join(f's{n}' for n in range(_STAGES))}]}}\n"
        + "".join(
            f"  s{n}: {{sources: [src/{n}.c], generates: [go-task/{n}.o],"
            f" cmds: ['cp src/{n}.c go-task/{n}.o']}}\n"
            for n in range(_STAGES)
        )
    )
    (folder / "dodo.py").write_text(_DODO)
    (folder / "tasks.py").write_text(_LUIGI)
    (folder / "Snakefile").write_text(_SNAKEFILE)
    for _ in range(2):
        for command in COMMANDS.values():
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        time.sleep(1)
    os.sync()  # The thousands of files made here would be written at orch's first sync.


_DODO = """\
def task_s():
    for n in range(1000):
        yield {
            "name": str(n),
            "actions": ["cp src/%d.c doit/%d.o" % (n, n)],
            "file_dep": ["src/%d.c" % n],
            "targets": ["doit/%d.o" % n],
        }
"""

_LUIGI = """\
import shutil

import luigi


class Copy(luigi.Task):
    number = luigi.IntParameter()

    def output(self):
        return luigi.LocalTarget(f"luigi/{self.number}.o")

    def run(self):
        shutil.copy(f"src/{self.number}.c", self.output().path)


class All(luigi.WrapperTask):
    def requires(self):
        return [Copy(number=n) for n in range(1000)]
"""

_SNAKEFILE = """\
rule all:
    input: [f"snakemake/{n}.o" for n in range(1000)]


rule copy:
    input: "src/{n}.c"
    output: "snakemake/{n}.o"
    shell: "cp {input} {output}"
"""
