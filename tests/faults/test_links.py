"""Links that a command puts in the way while the run goes on: nothing of orch's follows them out.

Links that are there before a run begins: `tests/runtime/test_paths.py`; in the way of artifacts and
values: `tests/runs/test_artifacts.py`, `tests/runs/test_values.py`.
"""

from pathlib import Path

import pytest

from tests.faults.evidence import assert_spoken_like_people
from tests.runs.project import Project

STAGES = """
  policy { concurrency = 1, fail_fast = false }
  stage evil  { run = "OUT=$ORCH_ROOT/out/demo; cd $ORCH_RUN_DIR; . $ORCH_ROOT/evil" }
  stage bad   { needs = [evil] run = "echo out; echo err >&2; exit 3" }
  stage good  { needs = [evil] run = 'echo v=1 >"$ORCH_VALUES"; echo x' values { v: int }
                artifacts = ["demo.*"] }
  finally end { run = "echo out" }
"""
LINKS = {
    "stages": "mv stages away || :; ln -s $ORCH_ROOT/../outside stages",
    "one stage": "mkdir -p stages; ln -s $ORCH_ROOT/../outside stages/0001-bad",
    "errors": "ln -s $ORCH_ROOT/../outside errors",
    "artifacts": "ln -s $ORCH_ROOT/../outside artifacts",
    "values": "rm -rf values; ln -s $ORCH_ROOT/../outside values",
    "manifest": "rm -f manifest.json; ln -s $ORCH_ROOT/../outside/file manifest.json",
    "heartbeat": "rm -f .heartbeat; ln -s $ORCH_ROOT/../outside/file .heartbeat",
    "metrics": "ln -s $ORCH_ROOT/../outside/file ../../metrics.json",
    "task": "mkdir $ORCH_ROOT/out; ln -s ../../outside $OUT",
    "pending": "mkdir -p $OUT; ln -s ../../../outside $OUT/pending",
    "state": "mkdir -p $OUT; ln -s ../../../outside/file $OUT/state.json",
    "lock": "mkdir -p $OUT; ln -s ../../../outside/file $OUT/state.json.lock",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_that_a_command_makes_leads_nothing_out(tmp_path: Path, name: str) -> None:
    """Not a byte is written beyond it, what can't be written is said, and the exit code is what the
    stages deserve; so it is where the run is resumed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious")
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.write(STAGES)
    (project.root / "evil").write_text(LINKS[name])
    answer = project.run()
    assert answer.exit_code == 1, answer.stderr
    assert_spoken_like_people(answer)
    assert_spoken_like_people(project.orch("resume", "last"))
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "precious"
