"""Compile cost grows with the size of the sources and no faster, counted in steps, not seconds.

A step is a line or a call of Python, as the interpreter's own tracing sees them. Twice the input
takes at most 2.2 times the steps, so that a pass over pairs can't slip in; what is the same for
every input only lowers the ratio.
"""

import gc
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request

SCALE = int(os.environ.get("ORCH_GROWTH_SCALE", "1"))
"""Larger inputs for the same claim: `ORCH_GROWTH_SCALE=10 make test ARGS=…` takes minutes."""

SIZES = (50 * SCALE, 100 * SCALE, 200 * SCALE)
MOST_GROWTH = 2.2

Files = dict[str, str]
Result = TypeVar("Result")


def joined(n: int, line: Callable[[int], str]) -> str:
    return "".join(line(i) for i in range(n))


def written_stages(n: int) -> Files:
    """A tree of stages, each with a script and a title."""
    stages = joined(
        n,
        lambda i: f'stage s{i} {{ title = "T" needs = [s{i // 2}, s{i // 3}] run = "echo {i}" }}\n',
    )
    return {"main": "pipeline p { }\n" + stages.replace("needs = [s0, s0]", "")}


def a_chain_against_the_order(n: int) -> Files:
    """Each stage needs the one written after it."""
    stages = joined(n, lambda i: f'stage s{i} {{ needs = [s{i + 1}] run = "true" }}\n')
    return {"main": f'pipeline p {{ }}\n{stages}stage s{n} {{ run = "true" }}\n'}


def stages_that_read_each_other(n: int) -> Files:
    """Values handed on down a chain, each with a condition."""
    stages = joined(
        n,
        lambda i: (
            f"stage s{i + 1} {{ needs = [s{i}] values {{ v: string }}\n"
            f'  when = {{{{ stages.s{i}.values.v != "x" }}}}\n'
            f'  run = "echo {{{{ stages.s{i}.status }}}}" }}\n'
        ),
    )
    return {
        "main": f'pipeline p {{ }}\nstage s0 {{ values {{ v: string }} run = "true" }}\n{stages}'
    }


def a_matrix(n: int) -> Files:
    """One stage for each number, all different, and one that needs them all."""
    text = f"""
    pipeline p {{ }}
    stage each {{ matrix {{ x = {{{{ range({n}) }}}} }} run = "echo {{{{ matrix.x }}}}"
      env {{ X = "{{{{ matrix.x }}}}" }} when = {{{{ matrix.x != 3 }}}} retry {{ attempts = 2 }} }}
    stage all {{ needs = [each] run = "true" }}
    """
    return {"main": text}


def a_file_used_often(n: int) -> Files:
    """Each use with an argument of its own, after the one before."""
    part = 'param n: int\nstage a { run = "echo {{ n }}" }\nstage b { needs = [a] run = "true" }\n'
    uses = joined(
        n,
        lambda i: (
            f'use "part.pipeline" as u{i} {{ with {{ n = {i} }} '
            + (f"needs = [u{i - 1}.b] }}\n" if i else "}\n")
        ),
    )
    return {"main": f"pipeline p {{ }}\n{uses}", "part": part}


def many_files(n: int) -> Files:
    """Each used once."""
    parts = {f"part{i}": 'stage a { run = "true" }\n' for i in range(n)}
    uses = joined(n, lambda i: f'use "part{i}.pipeline" as u{i} {{ }}\n')
    return {"main": f"pipeline p {{ }}\n{uses}", **parts}


def declarations(n: int) -> Files:
    """Params, lets, secrets and pools, each let made of the one before, all of them used."""
    lines = joined(
        n,
        lambda i: (
            f"param p{i}: int = {i} {{ in = 0..{n} }}\n"
            f'let l{i} = "{{{{ {f"l{i - 1}" if i % 20 else "p0"} }}}}{{{{ p{i} }}}}"\n'
            f"secret S{i}\npool q{i} {{ slots = 1 }}\n"
            f'stage s{i} {{ pool = q{i} secrets = [S{i}] run = "echo {{{{ l{i} }}}}" }}\n'
        ),
    )
    return {"main": f"pipeline p {{ }}\n{lines}"}


def one_large_stage(n: int) -> Files:
    """Needs, variables, patterns, and a script of many lines with a value in each."""
    stages = joined(n, lambda i: f'stage s{i} {{ run = "true" }}\n')
    names = ", ".join(f"s{i}" for i in range(n))
    variables = joined(n, lambda i: f'V{i} = "x"\n')
    globs = ", ".join(f'"src/{i}/*.py"' for i in range(n))
    script = joined(n, lambda i: f'  echo "{{{{ x }}}}" {i} # comment\n')
    text = f"""{stages}stage big {{ needs = [{names}]
    env {{ {variables} }}
    inputs = [{globs}]
    run = \"\"\"
    {script}\"\"\" }}
    """
    return {"main": f'pipeline p {{ }}\nlet x = "1"\n{text}'}


def nothing_but_mistakes(n: int) -> Files:
    """Unknown names and settings, wrong types, names given twice."""
    lines = joined(
        n,
        lambda i: (
            f'stage twice {{ needs = [nobody{i}] run = "echo {{{{ unknown{i} }}}}" timeout = "x" '
            f"rnu = 1 pool = none{i} }}\n"
        ),
    )
    return {"main": f"pipeline p {{ }}\n{lines}"}


def broken_syntax(n: int) -> Files:
    """Blocks that no rule fits, strings and brackets left open."""
    lines = joined(n, lambda i: f'stage s{i} {{ run = "open\n needs = [a b }}\nlet x = = {i};\n')
    return {"main": f"pipeline p {{ }}\n{lines}"}


KINDS = (
    written_stages,
    a_chain_against_the_order,
    stages_that_read_each_other,
    a_matrix,
    a_file_used_often,
    many_files,
    declarations,
    one_large_stage,
    nothing_but_mistakes,
    broken_syntax,
)
WRONG = (nothing_but_mistakes, broken_syntax)


def place(files: Files, root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / f"{name}.pipeline").write_text(text, encoding="utf-8")
    return root


def steps(act: Callable[..., Result], *given: Any) -> tuple[int, Result]:
    """How many lines and calls of Python something takes, and what it gives."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event != "return"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = act(*given)
    finally:
        sys.settrace(before)
    return count, result


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_twice_the_input_takes_twice_the_steps(
    kind: Callable[[int], Files], tmp_path: Path
) -> None:
    """Whatever there is much of, and whether it is right or wrong."""
    counts = []
    for size in SIZES:
        root = place(kind(size), tmp_path / str(size))
        count, found = steps(compile_pipeline, root, "main.pipeline", Request())
        assert found.is_valid == (kind not in WRONG), found.diagnostics[:3]
        counts.append(count)
    ratios = [large / small for small, large in pairwise(counts)]
    assert max(ratios) <= MOST_GROWTH, counts


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_circle_of_references_keeps_what_was_compiled(
    kind: Callable[[int], Files], tmp_path: Path
) -> None:
    """A command looks for no garbage while it compiles, nor later in what it has compiled: what
    isn't needed for the plan would stay in memory for as long as the plan runs."""
    root = place(kind(SIZES[0]), tmp_path)
    compile_pipeline(str(root), "main.pipeline", Request())
    gc.collect()
    compile_pipeline(str(root), "main.pipeline", Request())
    assert gc.collect() < SIZES[0]


def test_a_pass_over_pairs_would_be_seen() -> None:
    """The test can fail: two steps for each pair are enough, beside 300 for each thing."""

    def work(n: int) -> None:
        for _ in range(150 * n):
            pass
        for one in range(n):
            for other in range(n):
                assert one * other >= 0

    counts = [steps(work, n)[0] for n in SIZES]
    assert counts[2] / counts[1] > MOST_GROWTH
