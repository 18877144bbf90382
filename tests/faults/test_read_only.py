"""Folders that can't be written to, for real: file systems mounted read-only, which hold for root
too."""

import json

from tests.faults.evidence import (
    SECRET,
    WITH_SECRET,
    assert_ended_honestly,
    assert_no_secret,
    assert_spoken_like_people,
)
from tests.faults.mounts import ask_among_mounts
from tests.runs.project import Project

STAGES = f"""
  {WITH_SECRET}
  policy {{ fail_fast = false }}
  stage a {{ secrets = [TOKEN] run = 'echo "$TOKEN"; touch ran-a' }}
  stage lock_up {{ needs = [a] run = "test ! -e lock-up || sh lock-up" }}
  stage b {{ needs = [lock_up] run = "touch ran-b" }}
"""


def prepared(project: Project, variable: str) -> Project:
    project.write(STAGES)
    project.environment |= {"TOKEN": SECRET, variable: "small"}
    return project


def test_read_only_runs_are_refused_before_any_stage(project: Project) -> None:
    """Exit 3, which folder and why; nothing has run."""
    answers = ask_among_mounts(
        prepared(project, "ORCH_RUNS_DIR"),
        """
        mount -t tmpfs -o ro none small
        ask run run demo.pipeline --format json
        """,
    )
    assert answers["run"].exit_code == 3
    assert_spoken_like_people(answers["run"])
    assert f"{project.root / 'small'}" in answers["run"].stderr
    assert "read-only" in answers["run"].stderr
    assert not (project.root / "ran-a").exists()


def test_runs_that_become_read_only_are_told_and_made_good(project: Project) -> None:
    """The journal is open and goes on, so the run ends as its stages deserve; what could not be
    replaced is said, `status` is true, and `resume` writes it when it can be written."""
    (project.root / "lock-up").write_text(
        "mount --bind small small; mount -o remount,bind,ro small"
    )
    answers = ask_among_mounts(
        prepared(project, "ORCH_RUNS_DIR"),
        """
        mount -t tmpfs none small
        ask run run demo.pipeline --format jsonl
        ask status status last --format json
        ask too_early resume last
        umount small
        ask resume resume last
        cp -a small kept
        """,
    )
    assert assert_ended_honestly(answers["run"], exit_code=0) == ["a", "lock_up", "b"]
    for name in ("manifest", "metrics"):
        assert f"{name} was not written" in answers["run"].stderr
    assert answers["status"].json()["status"] == "succeeded"
    assert answers["too_early"].exit_code == 3
    assert "read-only" in answers["too_early"].stderr
    assert answers["resume"].exit_code == 0
    (manifest,) = project.root.glob("kept/demo/cli/*/manifest.json")
    assert json.loads(manifest.read_text())["status"] == "succeeded"
    for answer in answers.values():
        assert_no_secret(answer, project.root / "kept", project.root / "out")


def test_a_stage_whose_values_have_no_place_fails_by_orch_s_fault(project: Project) -> None:
    """Its command isn't started, what follows is cleaned up, and the exit code is 3."""
    (project.root / "lock-up").write_text(
        "mount --bind small small; mount -o remount,bind,ro small"
    )
    prepared(project, "ORCH_RUNS_DIR").write("""
  stage lock_up { run = "test ! -e lock-up || sh lock-up" }
  stage says { needs = [lock_up] values { v: int } run = "touch ran; echo v=1 > $ORCH_VALUES" }
  finally clean { run = "touch cleaned" }
""")
    answers = ask_among_mounts(
        project,
        """
        mount -t tmpfs none small
        ask run run demo.pipeline --format jsonl
        ask status status last --format json
        ls >asked/left
        umount small
        rm lock-up
        ask resume resume last
        """,
    )
    assert assert_ended_honestly(answers["run"], exit_code=3) == ["lock_up", "clean"]
    status = answers["status"].json()
    assert status["reason"].startswith("storage: no place in ")
    assert "read-only" in status["reason"]
    left = project.text("asked/left").split()
    assert "cleaned" in left
    assert "ran" not in left
    assert answers["resume"].exit_code == 0


def test_read_only_out_costs_the_state_alone(project: Project) -> None:
    """The run succeeds, what was not written is said, and `resume` makes it good."""
    answers = ask_among_mounts(
        prepared(project, "ORCH_OUT_DIR"),
        """
        mount -t tmpfs -o ro none small
        ask run run demo.pipeline --format json
        mount -o remount,rw small
        ask resume resume last
        cp -a small kept
        """,
    )
    run = answers["run"]
    assert run.exit_code == 0
    assert_spoken_like_people(run)
    assert "state was not written" in run.stderr
    assert "read-only" in run.stderr
    assert answers["resume"].exit_code == 0
    state = json.loads((project.root / "kept/demo/state.json").read_text())
    assert [entry["run_id"] for entry in state["runs"]] == [run.json()["run_id"]]


def test_a_read_only_project_may_have_its_places_elsewhere(project: Project) -> None:
    """Where ORCH_RUNS_DIR and ORCH_OUT_DIR lead to other file systems, by links, relative names
    and names that are no UTF-8, the project itself is only read."""
    project.write('stage build { run = "true" artifacts = ["demo.pipeline"] }')
    answers = ask_among_mounts(
        project,
        r"""
        odd=$(printf 'odd\377name')
        mkdir -p "small/project" elsewhere
        cp demo.pipeline small/project
        mount --bind small/project small/project
        mount -o remount,bind,ro small/project
        mount -t tmpfs none elsewhere
        mkdir "elsewhere/$odd"
        ln -s "$odd" elsewhere/link
        export ORCH_RUNS_DIR=../../elsewhere/link/runs ORCH_OUT_DIR="../../elsewhere/$odd/out"
        ask run run small/project/demo.pipeline --root small/project --format json
        ask status status last --root small/project
        ask resume resume last --root small/project
        cd elsewhere/$odd
        ls runs/demo/cli/*/artifacts/build/demo.pipeline out/demo/state.json >../../asked/ls
        """,
    )
    assert answers["run"].exit_code == 0, answers["run"].stderr
    for answer in answers.values():
        assert_spoken_like_people(answer)
        assert answer.exit_code == 0
    assert len(project.text("asked/ls").split()) == 2
