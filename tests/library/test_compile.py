"""`orch.compile`: from a file or a text to a plan, or to one exception that holds all findings."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

import orch

DEMO = """\
pipeline demo { }
param level: string { in = ["quick", "full"] }
param wait: duration = 1s
stage build { run = ["build", "{{ params.level }}"], timeout = {{ params.wait }} }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "demo.pipeline").write_text(DEMO, encoding="utf-8")
    return tmp_path


def test_a_file_and_its_text_give_the_same_plan(root: Path) -> None:
    """Arguments are Python values."""
    given = {"level": "full", "wait": timedelta(minutes=2)}
    plan = orch.compile("demo.pipeline", given, root=root)
    assert plan.stages[0].argv == ("build", "full")
    assert plan.stages[0].policy.timeout_ms == 120_000
    assert orch.compile(DEMO, given, root=root) == plan
    assert orch.compile(root / "demo.pipeline", given, root=root) == plan


def test_a_text_uses_files_of_the_project(root: Path) -> None:
    """Seen from the root, and no further than that."""
    text = 'pipeline whole { }\nuse "demo.pipeline" as demo { with { level = "quick" } }\n'
    assert orch.compile(text, root=root).stages[0].id == "demo.build"
    with pytest.raises(orch.CompileError) as caught:
        orch.compile(text.replace("demo.pipeline", "../demo.pipeline"), root=root)
    assert caught.value.diagnostics[0].code == "E0004"


def test_the_exception_holds_the_diagnostics_and_draws_them(root: Path) -> None:
    """As data for programs, as a text for people."""
    with pytest.raises(orch.CompileError) as caught:
        orch.compile("demo.pipeline", {"level": "slow"}, root=root)
    (found,) = caught.value.diagnostics
    assert (found.code, found.path, found.is_error) == ("E0402", "demo.pipeline", True)
    assert "error[E0402]" in str(caught.value)
    with pytest.raises(orch.CompileError, match="`timeout` of the argument `policy` is `soon`"):
        orch.compile("demo.pipeline", {"level": "full"}, root=root, policy={"timeout": "soon"})
    with pytest.raises(orch.CompileError) as caught:
        orch.compile("none.pipeline", root=root)
    assert caught.value.diagnostics[0].code == "E0001"


def test_what_is_asked_wrongly_is_a_usage_error(root: Path) -> None:
    """In words for people, not those of a library."""
    with pytest.raises(orch.UsageError, match="which is no folder"):
        orch.compile("demo.pipeline", root=root / "none")
    with pytest.raises(orch.UsageError, match="lies outside the project root"):
        orch.compile("/dev/null", root=root)
    plan = orch.compile(DEMO, {"level": "full"}, root=root)
    with pytest.raises(orch.UsageError, match="takes no arguments"):
        orch.run(plan, {"level": "full"}, root=root)
    with pytest.raises(orch.UsageError, match="no run in"):
        orch.read_manifest(root=root)
    for jobs in (0, -1, 1025, True):
        with pytest.raises(orch.UsageError, match="no whole number from 1 to 1024"):
            orch.run(plan, root=root, jobs=jobs)
    with pytest.raises(orch.UsageError, match="Invalid task id"):
        orch.run(plan, root=root, task="../x")


def test_compiling_works_in_many_threads_at_once(root: Path) -> None:
    """Each gets the plan of its own arguments."""
    got: dict[int, str] = {}

    def compile_one(number: int) -> None:
        plan = orch.compile("demo.pipeline", {"level": "full", "wait": f"{number}s"}, root=root)
        got[number] = plan.digest

    threads = [threading.Thread(target=compile_one, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got.values())) == 8
