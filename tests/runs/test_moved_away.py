"""Commands may replace or remove what orch itself runs from: an upgrade of the environment, a
build that begins by cleaning up. What is under way goes on with what it has in memory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import orch
from tests.runs.project import Project

PIPELINE = """
  policy { retry { attempts = 2 backoff = 10ms..10ms } }
  stage first { run = "true" }
  stage away { needs = [first] run = "mv $PACKAGE $PACKAGE.old" }
  stage values { needs = [away] values { n: int } run = "echo n=5 >> $ORCH_VALUES" }
  stage late { needs = [values] run = "echo {{ stages.values.values.n }} {{ run.id }}" }
  stage fails { needs = [away] allow_failure = true run = "echo no >&2; exit 3" }
  stage slow { needs = [away] timeout = 100ms allow_failure = true run = "sleep 60" }
  stage none { needs = [away] allow_failure = true cwd = "nowhere" run = "true" }
  stage alone { needs = [away] exclusive = "name" run = "true" }
  stage made { needs = [away] outputs = ["made"] artifacts = ["made"] run = "echo > made" }
  stage fresh { needs = [away] inputs = ["demo.pipeline"] run = "true" }
  stage asked { needs = [away] when = {{ stages.away.status == "succeeded" }} run = "true" }
  finally clean { run = "echo {{ run.status }}" }
"""


@pytest.mark.parametrize(
    "words",
    [(), ("--format", "json"), ("--format", "jsonl"), ("--junit", "report.xml"), ("-v",)],
    ids=" ".join,
)
def test_a_run_outlives_what_it_was_started_from(project: Project, words: tuple[str, ...]) -> None:
    """Whatever later stages need was imported while the first one ran; the second removes it."""
    place = project.root / "place"
    shutil.copytree(Path(orch.__file__).parent, place / "orch", ignore=_ignored)
    project.write(PIPELINE)
    environment = {**os.environ, "PYTHONPATH": str(place), "PACKAGE": str(place / "orch")}
    if words == ("-v",):
        environment["GITHUB_ACTIONS"] = "true"
        environment["GITHUB_STEP_SUMMARY"] = str(project.root / "summary.md")
    ended = subprocess.run(
        [sys.executable, "-c", "from orch.cli.main import program; program()",
         "run", "demo.pipeline", "-j", "1", *words],
        cwd=project.root, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "failed inside" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 0, ended.stderr
    statuses = project.statuses()
    assert {stage for stage, status in statuses.items() if status != "succeeded"} == {
        "fails", "slow", "none"
    }  # fmt: skip


def _ignored(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]
