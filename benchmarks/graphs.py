"""Graphs to measure with: the same one as a pipeline, a justfile and a dodo.py, of any size."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def written(folder: Path, stages: int) -> None:
    """So many stages, each written out, of which each needs two of those before.

    The justfile has it twice: as just runs it by itself, one recipe after the other, and with
    `[parallel]`, which is what a pipeline means. The dodo.py makes its tasks in a loop, which is
    quicker than to spell them out.
    """
    folder.mkdir(exist_ok=True)
    needs = [sorted({n // 2, n // 3} - {n}) for n in range(stages)]
    blocks = (
        f'stage s{n} {{\n  needs = [{_names("s", of, ", ")}]\n  run   = "echo {n}"\n}}\n'
        for n, of in enumerate(needs)
    )
    _write(folder / "big.pipeline", "pipeline big { }\n" + "".join(blocks))
    everything = f"all: {_names('s', range(stages), ' ')}\n"
    recipes = [f"s{n}: {_names('s', of, ' ')}\n  echo {n}\n" for n, of in enumerate(needs)]
    _write(folder / "in_a_row.just", "\n".join([everything, *recipes]))
    _write(folder / "parallel.just", "\n".join(f"[parallel]\n{r}" for r in [everything, *recipes]))
    _write(folder / "dodo.py", _DODO.format(stages=stages))
    edges = (f"build s{n}: say {_names('s', of, ' ')}\n  n = {n}\n" for n, of in enumerate(needs))
    _write(folder / "build.ninja", "rule say\n  command = echo $n\n" + "".join(edges))
    rules = (f"s{n}: {_names('s', of, ' ')}\n\techo {n}\n" for n, of in enumerate(needs))
    phony = f".PHONY: all {_names('s', range(stages), ' ')}\n{everything}"
    _write(folder / "Makefile", phony + "".join(rules))
    tasks = (
        f"  s{n}: {{deps: [{_names('s', of, ', ')}], cmds: ['echo {n}'], run: once}}\n"
        for n, of in enumerate(needs)
    )
    default = f"  default: {{deps: [{_names('s', range(stages), ', ')}]}}\n"
    _write(folder / "Taskfile.yml", f"version: '3'\ntasks:\n{default}{''.join(tasks)}")


_DODO = """\
def task_s():
    for n in range({stages}):
        needs = sorted({{n // 2, n // 3}} - {{n}})
        yield {{
            "name": str(n),
            "actions": ["echo %d" % n],
            "task_dep": ["s:%d" % need for need in needs],
        }}
"""


def planned(folder: Path, stages: int) -> None:
    """So many stages from matrices of at most 10,000, one after the other behind a gate each."""
    folder.mkdir(exist_ok=True)
    size = min(stages, 10_000)
    # The gate is one of them: it stands for the last combination.
    blocks = (
        f"stage m{n} {{\n  matrix {{ a = {{{{ range({size - 1}) }}}} }}\n"
        f"  {f'needs = [gate{n - 1}]' if n else ''}\n"
        f'  run = "echo {{{{ matrix.a }}}}"\n}}\n'
        f'stage gate{n} {{ needs = [m{n}] run = "true" }}\n'
        for n in range(stages // size)
    )
    _write(folder / "big.pipeline", "pipeline big { }\n" + "".join(blocks))


def used(folder: Path, times: int) -> None:
    """A file of 20 stages, used so often, each time with another argument."""
    folder.mkdir(exist_ok=True)
    stages = "".join(
        f'stage s{n} {{ {f"needs = [s{n // 2}]" if n else ""} run = "echo {{{{ x }}}}" }}\n'
        for n in range(20)
    )
    _write(folder / "part.pipeline", f"param x: int\n{stages}")
    uses = (f'use "part.pipeline" as u{n} {{ with {{ x = {n} }} }}\n' for n in range(times))
    _write(folder / "big.pipeline", "pipeline big { }\n" + "".join(uses))


def run(folder: Path, needs: Sequence[Sequence[int]]) -> None:
    """Stages that do nothing, each with the numbers of those it needs, for every tool that runs
    them. The outputs of ninja's edges never come to be, so each run does all of them; Snakemake
    knows needs by files alone, so it makes empty ones in `made`. make starts `true` without a
    shell, and luigi a shell from each task."""
    folder.mkdir(exist_ok=True)
    everything = _names("s", range(len(needs)), " ")
    numbered = list(enumerate(needs))
    stages = (
        f'stage s{n} {{ needs = [{_names("s", of, ", ")}] run = "true" }}\n' for n, of in numbered
    )
    _write(folder / "graph.pipeline", "pipeline graph { }\n" + "".join(stages))
    edges = (f"build s{n}: nothing {_names('s', of, ' ')}\n" for n, of in numbered)
    _write(folder / "build.ninja", "rule nothing\n  command = true\n" + "".join(edges))
    recipes = (f"[parallel]\ns{n}: {_names('s', of, ' ')}\n  @true\n" for n, of in numbered)
    _write(folder / "justfile", f"[parallel]\nall: {everything}\n" + "".join(recipes))
    tasks = (
        f"  s{n}: {{deps: [{_names('s', of, ', ')}], cmds: ['true'], run: once}}\n"
        for n, of in numbered
    )
    first = f"  default: {{deps: [{everything.replace(' ', ', ')}]}}\n"
    head = f"version: '3'\nsilent: true\ntasks:\n{first}"
    _write(folder / "Taskfile.yml", head + "".join(tasks))
    lists = [list(of) for of in needs]
    _write(folder / "dodo.py", _DODO_RUN.format(needs=lists))
    rules = (f"s{n}: {_names('s', of, ' ')}\n\t@true\n" for n, of in numbered)
    phony = f".PHONY: all {everything}\nall: {everything}\n"
    _write(folder / "Makefile", phony + "".join(rules))
    _write(folder / "Snakefile", _SNAKEFILE_RUN.format(needs=lists))
    _write(folder / "tasks.py", _LUIGI_RUN.format(needs=lists))
    # By itself luigi asks again whether what a task needs is complete; these never say so.
    _write(folder / "luigi.cfg", "[worker]\ncheck_unfulfilled_deps=false\n")


_DODO_RUN = """\
NEEDS = {needs}


def task_s():
    for n, needs in enumerate(NEEDS):
        yield {{
            "name": str(n),
            "actions": ["true"],
            "task_dep": ["s:%d" % need for need in needs],
        }}
"""


_SNAKEFILE_RUN = """\
NEEDS = {needs}


rule all:
    input: [f"made/s{{n}}" for n in range(len(NEEDS))]


for n, needs in enumerate(NEEDS):
    rule:
        name: f"s{{n}}"
        input: [f"made/s{{need}}" for need in needs]
        output: touch(f"made/s{{n}}")
        shell: "true"
"""

_LUIGI_RUN = """\
import subprocess

import luigi

NEEDS = {needs}


class Stage(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return [Stage(number=need) for need in NEEDS[self.number]]

    def run(self):
        subprocess.run(["/bin/sh", "-c", "true"], check=True)

    def complete(self):
        return False


class All(luigi.WrapperTask):
    def requires(self):
        return [Stage(number=n) for n in range(len(NEEDS))]

    def complete(self):
        return False
"""


def _names(prefix: str, numbers: Iterable[int], between: str) -> str:
    return between.join(f"{prefix}{n}" for n in numbers)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
