"""Real workflows of other projects, rewritten: clean, planned as the originals, commands alike.

What the originals do stands in `originals.py`; how they compare, and their licences, in README.md.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from orch.cli.under_test import PlanUnderTest, ProjectUnderTest
from tests.real import originals

HERE = Path(__file__).parent
FILES = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*.pipeline"))

# For each pipeline: sets of arguments, and what they are for.
PLANS: dict[str, tuple[str, dict[str, Any]]] = {
    "pip-whole": ("pip/ci.pipeline", {}),
    "pip-change": ("pip/ci.pipeline", {"base": "v25.3", "pythons": ["3.14"], "install_bzr": True}),
    "prettier-whole": ("prettier/prod.pipeline", {}),
    "prettier-one": ("prettier/prod.pipeline", {"nodes": ["10"], "workers": 8}),
    "ripgrep-whole": ("ripgrep/ci.pipeline", {}),
    "ripgrep-one": ("ripgrep/ci.pipeline", {"toolchains": ["stable"], "cross_version": "v0.3.0"}),
}


def planned(orch: ProjectUnderTest, name: str) -> PlanUnderTest:
    path, arguments = PLANS[name]
    folder, _, file = path.partition("/")
    return orch.at(HERE / folder).plan(file, arguments)


@pytest.mark.parametrize("path", FILES)
def test_a_rewritten_pipeline_is_clean(path: str, orch: ProjectUnderTest) -> None:
    """No error and no lint, and its head says whose work it was."""
    folder, _, file = path.partition("/")
    assert orch.at(HERE / folder).check(file) == []
    head = (HERE / path).read_text(encoding="utf-8").partition("\n\n")[0]
    assert "Original: https://github.com/" in head or "see ../" in head


@pytest.mark.parametrize("name", PLANS)
def test_its_plan_moves_only_with_its_meaning(
    name: str, orch: ProjectUnderTest, snapshot: SnapshotAssertion
) -> None:
    """Several sets of arguments, one file a plan."""
    assert planned(orch, name) == snapshot


def test_pip_is_tested_on_the_interpreters_of_the_original(orch: ProjectUnderTest) -> None:
    """Unit tests and functional tests for each, the second behind the first of the same one."""
    stages = planned(orch, "pip-whole").stages
    for kind in ("unit", "functional"):
        found = [s.matrix["python"] for s in stages.values() if s.id.startswith(f"{kind}[")]
        assert tuple(found) == originals.PIP_PYTHONS
    for python in originals.PIP_PYTHONS:
        assert f"unit[python={python}]" in stages[f"functional[python={python}]"].needs
        assert commands(stages, f"unit[python={python}]", f"functional[python={python}]") == (
            originals.pip_test_steps(python)
        )
    for job, steps in originals.PIP_JOBS.items():
        assert commands(stages, job.removeprefix("tests-")) == steps


def test_pip_tests_what_a_pull_request_touches(orch: ProjectUnderTest) -> None:
    """As the original's `determine-changes`: all on a branch, and else what hangs on the paths."""
    whole, change = planned(orch, "pip-whole").stages, planned(orch, "pip-change").stages
    assert whole["changes"].skip is not None
    assert [stage.id for stage in whole.values() if stage.when is not None] == []
    assert change["changes"].skip is None
    assert {stage.id: stage.when for stage in change.values() if stage.when is not None} == {
        "vendoring": "stages.changes.values.vendoring",
        "unit[python=3.14]": "stages.changes.values.tests",
        "functional[python=3.14]": "stages.changes.values.tests",
        "zipapp": "stages.changes.values.tests",
    }


def test_prettier_is_tested_on_the_versions_of_the_original(orch: ProjectUnderTest) -> None:
    """Every version that its include and exclude leave on Linux, and the slow tests on one."""
    stages = planned(orch, "prettier-whole").stages
    found = [s.id.partition("]")[0].partition("=")[2] for s in stages.values() if ".dist" in s.id]
    assert found == originals.prettier_nodes()
    for node in found:
        kinds = ("old-engine", "dist", "standalone", "fallback-resolve")
        ids = [f"test[node={node}].{kind}" for kind in kinds]
        assert [
            step.removeprefix(f"volta run --node {node} ") for step in commands(stages, *ids)
        ] == originals.prettier_test_steps(node)
        is_full = node == originals.PRETTIER_FULL["node"]
        assert stages[ids[1]].env["FULL_TEST"] == ("true" if is_full else "")
        assert stages[ids[1]].policy.timeout_ms == 90 * 60_000
    assert commands(stages, "install", "build") == originals.PRETTIER_JOBS["build"]
    assert commands(stages, "lint") == originals.PRETTIER_JOBS["lint"]


def test_ripgrep_is_built_as_often_as_in_the_original(orch: ProjectUnderTest) -> None:
    """Every toolchain here, and every target with the stable one."""
    stages = planned(orch, "ripgrep-whole").stages
    found = {
        (stage.env["RUSTUP_TOOLCHAIN"], stage.argv[-1] if "--target" in stage.argv else "")
        for stage in stages.values()
        if stage.id.endswith("].build")
    }
    assert found == set(originals.RIPGREP_BUILDS.values())


def commands(stages: Any, *ids: str) -> list[str]:
    """What stages run that aren't skipped, a line for each command."""
    found: list[str] = []
    for stage in (stages[id_] for id_ in ids):
        if stage.skip is None:
            is_script = stage.shell is not None
            lines = stage.argv[-1].splitlines() if is_script else [" ".join(stage.argv)]
            found += [line.replace("'", "") for line in lines]
    return found


# -- for real, with stand-ins --------------------------------------------------

RECORD = """\
#!/bin/sh
{ printf '%s' "${0##*/}"; for word; do printf ' %s' "$word"; done; echo; } >> "$RECORD/$ORCH_STAGE"
"""


def run_with_stand_ins(
    folder: str, file: str, place: Path, programs: tuple[str, ...], *words: str
) -> dict[str, list[str]]:
    """Run a pipeline with programs that only write down how they were called, by stage."""
    root, bin_, record = place / "project", place / "bin", place / "record"
    shutil.copytree(HERE / folder, root)
    bin_.mkdir()
    record.mkdir()
    for program in programs:
        path = root / program if "/" in program else bin_ / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORD, encoding="utf-8")
        path.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "RECORD": str(record),
    }
    done = subprocess.run(
        [sys.executable, "-m", "orch.cli.main", "run", "--root", ".", "-j", "4", file, *words],
        cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_text().splitlines() for path in sorted(record.iterdir())}


def test_the_commands_of_ripgrep_arrive_as_in_the_original(tmp_path: Path) -> None:
    """Cargo and cross are called with the words of the workflow, on every toolchain and target."""
    said = run_with_stand_ins(
        "ripgrep", "ci.pipeline", tmp_path,
        (
            "cargo", "rustup", "curl", "tar", "target/cross/cross",
            "ci/test-complete", "ci/ubuntu-install-packages",
        ),
    )  # fmt: skip
    for toolchain, target in originals.RIPGREP_BUILDS.values():
        use = f"cross[target={target}]" if target else f"native[rust={toolchain}]"
        kinds = ("build", "build-pcre2", "test", "completions", "hostname", "short-flags")
        steps = [line for kind in kinds for line in said.get(f"{use}.{kind}", [])]
        assert steps == originals.ripgrep_test_steps(target)
    assert said["packages"] == originals.RIPGREP_JOBS["packages"]
    assert said["wasm"] == originals.RIPGREP_JOBS["wasm"]
    assert said["format"][1:] == originals.RIPGREP_JOBS["rustfmt"]
    assert said["docs"] == originals.RIPGREP_JOBS["docs"]
    url = "https://github.com/cross-rs/cross/releases/download/v0.2.5"
    file = "cross-x86_64-unknown-linux-musl.tar.gz"
    assert said["cross-tool"] == [f"curl -L -O {url}/{file}", f"tar xf {file}"]
