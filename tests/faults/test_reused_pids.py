"""The pid of an owner that is gone, given to another process: it is no owner, and is left alone.

A stopped owner and one on another host: `tests/runs/test_resume.py`.
"""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.runs.project import Project


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has nothing to do with any run."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_reused_pid_is_no_owner_and_is_left_alone(
    project: Project, stranger: "subprocess.Popen[bytes]"
) -> None:
    """The run is lost, `cancel` signals nobody, and `resume` goes on with it."""
    project.write('stage a { run = "touch started; test -e go || sleep 60" grace = 100ms }')
    process = project.start("run", "demo.pipeline", "-q")
    project.wait_for_file("started")
    process.kill()
    project.finish(process)
    owner = project.run_folder() / "owner.json"
    said = json.loads(owner.read_text())
    owner.write_text(json.dumps({**said, "pid": stranger.pid}))
    assert project.orch("status", "last", "--format", "json").json()["status"] == "lost"
    assert project.orch("cancel", "last").exit_code == 2
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert stranger.poll() is None
