"""`orch resume --recompile`: a run goes on with today's sources, where what is done is the same."""

import json
import os
import signal

import pytest

from tests.runs.project import Project
from tests.runtime.pool import wait_until

FIRST = """
param level: string = "quick"
stage fetch { run = "echo {{ params.level }} | tee -a fetched" }
stage build { needs = [fetch], run = "exit 3" }
stage ship { needs = [build], run = "touch shipped" }
"""


def _fail(project: Project) -> None:
    project.write(FIRST)
    assert project.run().exit_code == 1


def _again(project: Project, *words: str) -> tuple[int, str]:
    answer = project.orch("resume", "last", "--recompile", "demo.pipeline", *words)
    return answer.exit_code, answer.stderr + answer.stdout


def test_a_mended_file_is_gone_on_with(project: Project) -> None:
    """What is done is kept, what failed is run as it is now, and stages may be added anywhere; from
    then on it is the plan of the run."""
    _fail(project)
    project.write(
        'stage new { run = "touch new" }\n'
        + FIRST.replace("exit 3", "test -e mended").replace("[build]", "[build, new]")
    )
    assert project.orch("resume", "last").exit_code == 1
    assert not (project.root / "new").exists()
    assert _again(project)[0] == 1
    (project.root / "mended").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.text("fetched") == "quick\n"
    assert (project.root / "new").exists()
    assert (project.root / "shipped").exists()
    manifest = project.manifest()
    plan = json.loads((project.run_folder() / "plan.json").read_text())
    assert manifest["plan_digest"] == plan["digest"]
    assert [entry["id"] for entry in manifest["stages"]] == ["new", "fetch", "build", "ship"]
    assert project.orch("logs", "last", "fetch").stdout == "quick\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("echo {{", "echo x{{", "what is done would be done otherwise: fetch (run)"),
        ("stage fetch { run", "stage fetch { timeout = 3s, run", "otherwise: fetch (policy)"),
        ('"quick"', '"full"', "what is done would be done otherwise: fetch (run)"),
        ("stage ship", "stage send", "stages that it has told of are no longer in the file: ship"),
        ("needs = [fetch], run", "run", ""),
    ],
)
def test_what_is_done_must_be_the_same(project: Project, old: str, new: str, said: str) -> None:
    """Else it is refused, and the run stays as it was; what isn't done may differ."""
    _fail(project)
    before = {path: path.read_bytes() for path in project.run_folder().rglob("*.json*")}
    assert old in FIRST
    project.write(FIRST.replace(old, new))
    exit_code, told = _again(project)
    assert exit_code == (2 if said else 1)
    assert said in told
    if said:
        assert f"run {project.run_folder().name} can't go on with today's sources" in told
        after = {path: path.read_bytes() for path in project.run_folder().rglob("*.json*")}
        del before[project.run_folder() / "owner.json"], after[project.run_folder() / "owner.json"]
        assert after == before


def test_arguments_are_given_anew(project: Project) -> None:
    """As for a new run; without a file to recompile they make no sense."""
    project.write(FIRST)
    assert project.run("-p", "level=full").exit_code == 1
    assert _again(project)[0] == 2
    project.write(FIRST.replace("exit 3", "true"))
    assert _again(project, "-p", "level=full")[0] == 0
    assert project.text("fetched") == "full\n"
    alone = project.orch("resume", "last", "-p", "level=full")
    assert alone.exit_code == 2
    assert "need --recompile FILE" in alone.stderr


def test_another_pipeline_is_refused(project: Project) -> None:
    """Whatever its stages are."""
    _fail(project)
    (project.root / "demo.pipeline").write_text("pipeline other { }\n" + FIRST)
    exit_code, told = _again(project)
    assert exit_code == 2
    assert "it is a run of pipeline `demo`, not of `other`" in told
    project.write(FIRST.replace("[fetch]", "[fetsh]"))
    assert _again(project)[0] == 2


def test_an_owner_that_is_killed_afterwards_leaves_the_new_plan(project: Project) -> None:
    """The run is lost then, and goes on with what it was going on with."""
    _fail(project)
    project.write(FIRST.replace("exit 3", "touch began; test -e go || exec sleep 300"))
    process = project.start("resume", "last", "--recompile", "demo.pipeline")
    project.wait_for_file("began")
    os.kill(process.pid, signal.SIGKILL)
    project.finish(process)
    (project.root / "go").touch()
    wait_until(lambda: project.orch("resume", "last").exit_code == 0, "it can be resumed")
    assert project.text("fetched") == "quick\n"
    assert (project.root / "shipped").exists()
