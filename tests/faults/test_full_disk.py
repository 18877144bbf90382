"""A full disk, for real: `.runs` or `out` on a file system of a few KiB.

What single files do there: `tests/runtime/test_files.py`, `test_journal.py`, `test_metrics.py`.
"""

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.faults.evidence import (
    SECRET,
    assert_ended_honestly,
    assert_no_secret,
    assert_spoken_like_people,
)
from tests.faults.mounts import ask_among_mounts
from tests.runs.project import Project

NUMBERS = [str(number) for number in range(1, 13)]

FILLING = f"""
  secret TOKEN
  policy {{ concurrency = 1, fail_fast = false }}
  stage fill {{
    secrets = [TOKEN]
    run     = 'echo "$TOKEN"; cat /dev/zero >"$ORCH_RUN_DIR/ballast" || :; echo fill >>trace'
  }}
  stage after {{
    needs   = [fill]
    secrets = [TOKEN]
    matrix {{ n = {json.dumps(NUMBERS)} }}
    env {{ N = "{{{{ matrix.n }}}}" }}
    run     = 'echo "$TOKEN"; echo "after[n=$N]" >>trace'
  }}
  finally clean {{ run = "echo clean >>trace" }}
"""


@pytest.fixture
def full(project: Project) -> Project:
    """A project whose first stage fills the disk that its run lies on."""
    project.write(FILLING)
    project.environment |= {"TOKEN": SECRET, "ORCH_RUNS_DIR": "small"}
    return project


@pytest.mark.parametrize("face", ["jsonl", "text"])
def test_a_disk_that_fills_up_ends_the_run_honestly(full: Project, face: str) -> None:
    """Exit 3, the file and the way out; no stage is reported as succeeded that isn't durably so;
    when there is space again `resume` runs none of those twice, and all the others."""
    answers = ask_among_mounts(
        full,
        f"""
        mount -t tmpfs -o size=256k none small
        ask run run demo.pipeline --format {face}
        cp small/demo/cli/*/journal.jsonl asked/journal
        ask status status last --format json
        ask too_early resume last
        rm small/demo/cli/*/ballast
        cp trace asked/trace
        ask resume resume last --format json
        cp -a small kept
        """,
    )
    run = answers["run"]
    assert run.exit_code == 3, run.stderr
    assert_spoken_like_people(run)
    for word in ("journal.jsonl: no space left on device", "free some space and try again"):
        assert word in run.stderr
    lines = (full.root / "asked/journal").read_bytes().splitlines(keepends=True)
    durable = successes([json.loads(line) for line in lines if line.endswith(b"\n")])
    if face == "jsonl":
        assert set(assert_ended_honestly(run)) <= set(durable)
    else:
        assert "✗ demo failed" in run.stdout, "a run that had ended was said to be running"
    assert answers["status"].json()["status"] in ("lost", "failed")
    assert answers["too_early"].exit_code == 3
    assert_spoken_like_people(answers["too_early"])
    assert answers["resume"].exit_code == 0, answers["resume"].stderr
    ran = full.text("trace").split()
    assert set(ran) == {"fill", "clean", *(f"after[n={n}]" for n in NUMBERS)}
    assert all(ran.count(stage) == 1 for stage in durable)
    for answer in answers.values():
        assert_no_secret(answer, full.root / "kept", full.root / "out")


def successes(events: list[dict[str, Any]]) -> list[str]:
    ended = [event for event in events if event["type"] == "stage:completed"]
    return [event["stage"] for event in ended if event["status"] == "succeeded"]


def test_a_disk_that_is_full_from_the_start_runs_nothing(full: Project) -> None:
    answers = ask_among_mounts(
        full,
        """
        mount -t tmpfs -o size=4k none small
        cat /dev/zero >small/ballast 2>/dev/null || :
        ask run run demo.pipeline --format json
        """,
    )
    assert answers["run"].exit_code == 3
    assert_spoken_like_people(answers["run"])
    assert "no space left on device; free some space" in answers["run"].stderr
    assert str(full.root / "small") in answers["run"].stderr
    assert not full.text("trace")


def test_a_full_disk_below_out_costs_the_state_alone(project: Project) -> None:
    """The run succeeds and says what could not be written; the state has it when there is space."""
    project.write('stage a { run = "true" }')
    project.environment["ORCH_OUT_DIR"] = "small"
    answers = ask_among_mounts(
        project,
        """
        mount -t tmpfs -o size=16k none small
        cat /dev/zero >small/ballast 2>/dev/null || :
        ask run run demo.pipeline --format json
        rm small/ballast
        ask repair resume last
        cp -a small kept
        """,
    )
    run = answers["run"]
    assert run.exit_code == 0
    assert_spoken_like_people(run)
    assert "state was not written" in run.stderr
    assert answers["repair"].exit_code == 0
    state = json.loads((project.root / "kept/demo/state.json").read_text())
    assert [entry["run_id"] for entry in state["runs"]] == [run.json()["run_id"]]


def test_an_artifact_for_which_there_is_no_room_fails_its_stage(project: Project) -> None:
    """Copied from one file system to another, it is not kept half: nothing is left of it, the
    message says which file and why, and where there is room its digest is that of the source. The
    other stages go on, and the exit code says that orch could not do its work."""
    content = b"orch" * 100_000
    project.write(
        'policy { fail_fast = false }\nstage build { run = "true" artifacts = ["large"] }\n'
        'stage other { run = "true" }\nfinally clean { run = "touch cleaned" }'
    )
    (project.root / "large").write_bytes(content)
    project.environment["ORCH_RUNS_DIR"] = "small"
    answers = ask_among_mounts(
        project,
        """
        mount -t tmpfs -o size=256k none small
        ask run run demo.pipeline
        ask status status last --format json
        find small -name large >asked/left
        mount -o remount,size=4m small
        ask resume resume last
        cp -a small kept
        """,
    )
    assert answers["run"].exit_code == 3
    assert_spoken_like_people(answers["run"])
    said = answers["run"].stdout
    assert "`large` can't be kept in " in said
    assert "/artifacts/build: no space left on device; free some space and try again" in said
    status = answers["status"].json()
    assert status["reason"].startswith("storage: `large` can't be kept")
    assert [s["status"] for s in status["stages"]] == ["failed", "succeeded", "succeeded"]
    assert not project.text("asked/left")
    assert answers["resume"].exit_code == 0
    (manifest,) = project.root.glob("kept/demo/cli/*/manifest.json")
    (artifact,) = json.loads(manifest.read_text())["stages"][0]["artifacts"]
    assert artifact["sha256"] == sha256(content).hexdigest()
    assert (manifest.parent / artifact["path"]).read_bytes() == content
