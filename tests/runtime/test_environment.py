"""What a command is told: its own settings over what it inherits, and orch's words over both."""

import os
from pathlib import Path

from orch.dsl.record import changed
from orch.runtime.environment import RunFacts, resolve_environment
from tests.runtime.samples import new_run, sample_stage


def resolved(root: Path, inherited: dict[str, str], env: dict[str, str]) -> dict[str, str]:
    paths = new_run(root)
    stage = changed(sample_stage("build[os=a/b]"), env=env)
    return resolve_environment(inherited, RunFacts(paths, "demo"), stage, 3, {"ORCH_B1": "late"})


def test_a_command_is_told_of_its_run(tmp_path: Path) -> None:
    environment = resolved(tmp_path, {}, {})
    run = Path(environment["ORCH_RUN_DIR"])
    assert environment == {
        "ORCH_RUN_ID": run.name,
        "ORCH_TASK_ID": "demo",
        "ORCH_PIPELINE": "demo",
        "ORCH_STAGE": "build[os=a/b]",
        "ORCH_ATTEMPT": "3",
        "ORCH_RUN_DIR": str(tmp_path / ".runs/demo/cli" / run.name),
        "ORCH_ROOT": str(tmp_path),
        "ORCH_MANIFEST": str(run / "manifest.json"),
        "ORCH_ARTIFACTS": str(run / "artifacts"),
        "MCP_RUNNER_TASK_ID": "demo",
        "ORCH_B1": "late",
    }


def test_the_stage_wins_over_what_is_inherited(tmp_path: Path) -> None:
    environment = resolved(tmp_path, {"PATH": "/bin", "LEVEL": "outer"}, {"LEVEL": "inner"})
    assert environment["PATH"] == "/bin"
    assert environment["LEVEL"] == "inner"


def test_nothing_replaces_what_orch_says(tmp_path: Path) -> None:
    """Neither an outer run's words nor the stage's own."""
    names = ("ORCH_STAGE", "ORCH_RUN_ID", "ORCH_ROOT", "ORCH_B1", "MCP_RUNNER_TASK_ID")
    told = resolved(tmp_path, {}, {})
    environment = resolved(tmp_path, dict.fromkeys(names, "outer"), dict.fromkeys(names, "stage"))
    for name in names:
        if name != "ORCH_RUN_ID":
            assert environment[name] == told[name]
    assert environment["ORCH_RUN_ID"] not in {"outer", "stage"}


def test_what_an_outer_run_bound_for_its_stage_is_not_handed_on(tmp_path: Path) -> None:
    """The places it moved are: a run inside a run keeps its files where the outer one does."""
    outer = {"ORCH_B7": "x", "ORCH_VALUES": "/tmp/v", "ORCH_RUNS_DIR": "/r", "ORCH_BOX": "kept"}
    environment = resolved(tmp_path, outer, {})
    assert "ORCH_B7" not in environment
    assert "ORCH_VALUES" not in environment
    assert environment["ORCH_RUNS_DIR"] == "/r"
    assert environment["ORCH_BOX"] == "kept"


def test_bytes_that_are_no_text_are_handed_on_as_they_are(tmp_path: Path) -> None:
    value = os.fsdecode(b"caf\xe9")
    assert os.fsencode(resolved(tmp_path, {"NAME": value}, {})["NAME"]) == b"caf\xe9"
