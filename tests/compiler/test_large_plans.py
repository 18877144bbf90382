"""Large plans: what the limits let through is planned in bounded memory, and what they don't let
through is told without being laid out."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan
from orch.compiler.request import Compilation, Request

# The peak of `getrusage` would be that of the tests, if theirs is higher: it outlives `exec`.
MEASURED = """
import re, sys
from pathlib import Path
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
plan = compile_pipeline(Path(sys.argv[1]), "main.pipeline", Request()).plan
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(len(plan.stages), int(peak[1]) // 1024)
"""


def compiled(root: Path, text: str) -> Compilation:
    (root / "main.pipeline").write_text(text, encoding="utf-8")
    return compile_pipeline(str(root), "main.pipeline", Request())


def planned(root: Path, text: str) -> Plan:
    compilation = compiled(root, text)
    assert compilation.plan is not None, compilation.diagnostics
    return compilation.plan


def codes(root: Path, text: str) -> list[str]:
    return [diagnostic.code for diagnostic in compiled(root, text).diagnostics]


def test_ten_thousand_stages_of_a_matrix_are_planned_in_little_memory(tmp_path: Path) -> None:
    """In a process of their own: 100 MiB at most, the interpreter's 20 included."""
    (tmp_path / "main.pipeline").write_text(
        "pipeline p { }\n"
        "stage each { matrix { a = {{ range(100) }} b = {{ range(100) }} }\n"
        '  run = "echo {{ matrix.a }}" }\n'
        'stage gate { needs = [each] run = "true" }\n'
        'stage more { needs = [gate] run = "true" }\n',
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    count, peak_mib = map(int, done.stdout.split())
    assert count == 10_002
    assert peak_mib < 100


def test_matrices_that_need_each_other_whole_are_refused(tmp_path: Path) -> None:
    """10,000 stages that each need 10,000 would be a hundred million needs; a gate between them
    makes it 20,000, as the help says."""
    matrix = "matrix { a = {{ range(100) }} b = {{ range(100) }} }"
    compilation = compiled(
        tmp_path,
        "pipeline p { }\n"
        f'stage one {{ {matrix} run = "true" }}\n'
        f'stage two {{ {matrix} needs = [one] run = "true" }}\n',
    )
    (diagnostic,) = compilation.diagnostics
    assert diagnostic.code == "E0307"
    assert diagnostic.help is not None
    assert "between two large matrices" in diagnostic.help


def test_a_thousand_stages_that_each_need_a_thousand_are_planned(tmp_path: Path) -> None:
    """A million needs are within the limit, and one row of ids stands for all that agree."""
    axis = "matrix { a = {{ range(1000) }} }"
    plan = planned(
        tmp_path,
        "pipeline p { }\n"
        f'stage one {{ {axis} run = "true" }}\n'
        f'stage two {{ {axis} needs = [one] run = "true" }}\n',
    )
    assert sum(len(stage.needs) for stage in plan.stages) == 1_000_000
    assert len({id(stage.needs) for stage in plan.stages if stage.needs}) == 1


def test_a_file_used_500_times_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed and outlined once, expanded for each use."""
    import orch.compiler.compile
    import orch.compiler.load

    read: list[str] = []
    for module, name in ((orch.compiler.load, "parse"), (orch.compiler.compile, "outline")):
        original = getattr(module, name)

        def counted(first: Any, original: Any = original, **more: Any) -> Any:
            read.append(getattr(first, "path", "") or "a tree")
            return original(first, **more)

        monkeypatch.setattr(module, name, counted)
    (tmp_path / "part.pipeline").write_text(
        "param n: int\n"
        + "".join(f'stage s{i} {{ run = "echo {{{{ n }}}}" }}\n' for i in range(4)),
        encoding="utf-8",
    )
    uses = "".join(f'use "part.pipeline" as u{n} {{ with {{ n = {n} }} }}\n' for n in range(500))
    plan = planned(tmp_path, f"pipeline p {{ }}\n{uses}")
    assert len(plan.stages) == 2000
    assert sorted(read) == ["a tree", "a tree", "main.pipeline", "part.pipeline"]
    assert plan.stages[-1].argv[-1] == "echo 499"


def uses_that_fan_out(root: Path, levels: int, fan: int) -> str:
    """Files of which each uses the next one `fan` times; the last one has a stage."""
    for level in range(levels):
        uses = "".join(f'use "l{level + 1}.pipeline" as u{n} {{ }}\n' for n in range(fan))
        (root / f"l{level}.pipeline").write_text(uses, encoding="utf-8")
    (root / f"l{levels}.pipeline").write_text('stage s { run = "true" }\n', encoding="utf-8")
    return 'pipeline p { }\nuse "l0.pipeline" as top { }\n'


def test_sixteen_levels_of_uses_that_fan_out_are_refused_unrolled(tmp_path: Path) -> None:
    """2^15 files are inlined; 3^15 are 14 million, which are counted and not tried."""
    assert len(planned(tmp_path, uses_that_fan_out(tmp_path, 15, 1)).stages) == 1
    assert len(planned(tmp_path, uses_that_fan_out(tmp_path, 8, 2)).stages) == 2**8
    assert codes(tmp_path, uses_that_fan_out(tmp_path, 15, 3)) == ["E0307"]
    assert codes(tmp_path, uses_that_fan_out(tmp_path, 16, 1)) == ["E0308"]


def test_more_than_100_000_stages_are_refused(tmp_path: Path) -> None:
    """Ten matrices of 10,000 fit; one stage more doesn't, and the rest is still checked."""
    matrices = "".join(
        f'stage s{n} {{ matrix {{ a = {{{{ range(10000) }}}} }} run = "true" }}\n'
        for n in range(10)
    )
    text = f"pipeline p {{ }}\n{matrices}"
    found = codes(tmp_path, f'{text}stage more {{ needs = [nobody] run = "true" }}\n')
    assert found == ["E0307", "E0201"]
