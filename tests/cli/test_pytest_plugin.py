"""The pytest plugin in a project of its own: real pytest processes, with the installed plugin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = """\
pipeline tests { }

param python: string = "3.11"
param dry_run: bool = false

stage build { run = "make" }

stage test {
  needs = [build]
  run   = \"\"\"
    echo "{{ params.python }}"
    tox
  \"\"\"
}
"""


# Plugins that take half a second to begin, and of which nothing is wanted here.
OTHERS = ("-p", "no:hypothesispytest", "-p", "no:anyio")


class Project:
    """A folder with a pipeline and tests, in which pytest is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pipelines/x.pipeline", PIPELINE)
        self.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def test(self, body: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Write the one test file, if there is a body, and run pytest from the folder."""
        if body:
            self.write("tests/test_x.py", body)
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", "-q", *OTHERS, *words],
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def snapshots(self) -> dict[str, str]:
        folder = self.folder / "tests" / "__snapshots__"
        return {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*.*"))
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


ONE_PLAN = """
def test_plan(orch, snapshot):
    assert orch.plan("pipelines/x.pipeline", python="3.12") == snapshot
"""


def test_a_plan_becomes_one_readable_file_and_is_held_to_it(project: Project) -> None:
    """Missing: the test fails. Updated: a file is written. It moves: the difference is
    shown, in the lines of the script."""
    missing = project.test(ONE_PLAN)
    assert missing.returncode == 1
    assert project.snapshots() == {}

    assert project.test("", "--snapshot-update").returncode == 0
    (name,) = project.snapshots()
    assert name == "test_x/test_plan.plan"
    assert '    echo "3.12"\n    tox\n  """]\n' in project.snapshots()[name]

    project.write(
        "pipelines/x.pipeline",
        PIPELINE.replace("    tox", "    tox -q"),
    )
    moved = project.test("")
    assert moved.returncode == 1
    assert "-     tox" in moved.stdout
    assert "+     tox -q" in moved.stdout


def test_other_snapshots_of_the_same_test_keep_their_form(project: Project) -> None:
    """Plans, named or counted, stand beside what the test holds otherwise."""
    body = """
def test_both(orch, snapshot):
    assert orch.plan("pipelines/x.pipeline") == snapshot
    assert {"a": 1} == snapshot
    assert orch.plan("pipelines/x.pipeline", python="3.13") == snapshot(name="new")
    assert orch.plan("pipelines/x.pipeline", python="3.14") == snapshot
"""
    assert project.test(body, "--snapshot-update").returncode == 0
    assert set(project.snapshots()) == {
        "test_x.ambr",
        "test_x/test_both.plan",
        "test_x/test_both[new].plan",
        "test_x/test_both.3.plan",
    }
    assert project.test("").returncode == 0


def test_an_unused_plan_fails_and_is_taken_away_by_an_update(project: Project) -> None:
    """As every snapshot of syrupy: what no test asks for any more is told of."""
    two = ONE_PLAN + ONE_PLAN.replace("test_plan", "test_other")
    assert project.test(two, "--snapshot-update").returncode == 0
    assert len(project.snapshots()) == 2
    unused = project.test(ONE_PLAN)
    assert unused.returncode == 1
    assert "1 snapshot unused" in unused.stdout
    assert project.test("", "--snapshot-update").returncode == 0
    assert list(project.snapshots()) == ["test_x/test_plan.plan"]


def test_an_invalid_pipeline_fails_the_test_as_the_command_tells_it(project: Project) -> None:
    """The diagnostics with their excerpts, and no frame of anybody's Python."""
    project.write("pipelines/x.pipeline", "pipeline x { }\nstage a { run = 'x' needs = [b] }\n")
    failed = project.test('def test_it(orch):\n    orch.plan("pipelines/x.pipeline")\n')
    assert failed.returncode == 1
    command = subprocess.run(
        [sys.executable, "-m", "orch.cli.main", "check", "pipelines/x.pipeline"],
        cwd=project.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert command.stdout.startswith("error[E0201]")
    assert command.stdout.rstrip() in failed.stdout
    assert ".py:" not in failed.stdout.partition("FAILURES")[2].partition("short test summary")[0]


def test_what_is_no_pipeline_of_the_project_fails_in_one_sentence(project: Project) -> None:
    """A path outside of the root, a broken orch.toml: words, and no traceback."""
    project.write("bad/orch.toml", "policy = 1")
    body = """
def test_outside(orch):
    orch.plan("../x.pipeline")

def test_missing(orch):
    orch.plan("pipelines/none.pipeline")

def test_bad_settings(orch):
    orch.at("bad").plan("x.pipeline")

def test_no_root(orch):
    orch.at("none").check("x.pipeline")
"""
    failed = project.test(body)
    assert "4 failed" in failed.stdout
    for said in ("lies outside the project root", "E0001", "orch.toml:1:", "is no folder"):
        assert said in failed.stdout
    assert ".py:" not in failed.stdout.partition("FAILURES")[2].partition("short test summary")[0]


def test_arguments_are_values_and_nothing_leaks_in(project: Project) -> None:
    """Python values are read as their types; variables count only where the test gives them."""
    project.write(
        "pipelines/t.pipeline",
        "pipeline t { }\n"
        "param wait: duration = 1s\nparam sizes: list<size> = []\nparam at: path = '.'\n"
        "param on: bool = false\nparam ratio: float = 1\nparam labels: map<int> = {}\n"
        "param level: string = 'low' { env = 'LEVEL' }\n"
        'stage s {\n  timeout = {{ wait }}\n  run = ["run", "{{ on }}"]\n  env { A = {{ level }} '
        'B = "{{ sizes | length }} {{ at }} {{ ratio }} {{ labels | json }}" }\n}\n',
    )
    body = """
from datetime import timedelta
from pathlib import Path

def test_values(orch):
    plan = orch.plan(
        "pipelines/t.pipeline", {"ratio": 2}, wait=timedelta(seconds=1.5), sizes=["1KiB", "2B"],
        at=Path("a/b"), on=True, labels={"x": 1}, policy={"retry.attempts": 3, "fail_fast": False},
    )
    stage = plan.stages["s"]
    assert stage.policy.timeout_ms == 1500
    assert stage.policy.retry.attempts == 3
    assert plan.plan.policy.fail_fast is False
    assert stage.argv == ("run", "true")
    assert stage.env == {"A": "low", "B": '2 a/b 2 {"x":1}'}
    plan = orch.plan("pipelines/t.pipeline", environment={"LEVEL": "high"})
    assert plan.stages["s"].env["A"] == "high"

def test_a_wrong_value_is_a_diagnostic(orch):
    assert orch.check("pipelines/t.pipeline", on="true", wait=3).codes == ["E0401", "E0401"]
    assert orch.check("pipelines/t.pipeline", wait=timedelta(microseconds=5)).codes == ["E0401"]
    assert orch.check("pipelines/t.pipeline", nothing=1).codes == ["E0208"]

def test_the_root_is_found(orch, tmp_path):
    assert orch.root == Path(__file__).parents[1]
    (tmp_path / "y.pipeline").write_text("pipeline y { } stage a { run = 'x' }")
    there = orch.at(tmp_path)
    assert there.plan("y.pipeline") == there.plan(tmp_path / "y.pipeline")
    assert there.plan("y.pipeline") != orch.plan("pipelines/t.pipeline")
    assert orch.check("pipelines/t.pipeline") == []
"""
    done = project.test(body, LEVEL="leaked", ORCH_ROOT="/")
    assert done.returncode == 0, done.stdout
    from_below = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *OTHERS, "-p", "no:syrupy", "test_x.py"],
        cwd=project.folder / "tests", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert from_below.returncode == 0, from_below.stdout


def test_an_assertion_that_fails_says_how_plans_differ(project: Project) -> None:
    """And which diagnostics there were, drawn."""
    body = """
def test_plans(orch):
    plans = [orch.plan("pipelines/x.pipeline", python=each) for each in ("3.11", "3.12")]
    assert plans[0] == plans[1]

def test_none(orch):
    assert orch.check("pipelines/bad.pipeline") == []
"""
    project.write("pipelines/bad.pipeline", "pipeline bad { }\n")
    failed = project.test(body, "-vv")
    assert failed.returncode == 1
    assert '-  python = "3.11"' in failed.stdout
    assert '+  python = "3.12"' in failed.stdout
    assert "error[E0303]" in failed.stdout


def test_another_root_can_be_named_in_the_settings(project: Project) -> None:
    """`orch_root`, for a repository that holds several projects."""
    project.write("inner/orch.toml", "")
    project.write("inner/y.pipeline", "pipeline y { } stage a { run = 'x' }")
    project.write("pytest.ini", "[pytest]\norch_root = inner\n")
    body = "def test_root(orch):\n    assert orch.plan('y.pipeline').stages['a'].argv[-1] == 'x'\n"
    assert project.test(body).returncode == 0


def test_whoever_asks_for_nothing_pays_nothing(project: Project) -> None:
    """Without the fixture no module of orch is imported but the plugin; without syrupy the fixture
    works all the same, and imports none of it."""
    body = """
import sys

def test_nothing_is_imported():
    orch = {name for name in sys.modules if name.split(".")[0] == "orch"}
    assert orch == {"orch", "orch.cli", "orch.cli.pytest_plugin"}
    assert not {"lark", "jinja2", "pydantic", "click"} & set(sys.modules)

def test_no_syrupy(orch):
    plan = orch.plan("pipelines/x.pipeline")
    assert plan == plan
    assert plan != "a snapshot"
    assert "syrupy" not in sys.modules
"""
    done = project.test(body, "-p", "no:syrupy")
    assert done.returncode == 0, done.stdout
