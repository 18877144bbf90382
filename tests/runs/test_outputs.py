"""Declared outputs after real stages: there, or the stage has failed."""

import pytest

from tests.runs.project import Project


@pytest.mark.parametrize(
    ("outputs", "script", "message"),
    [
        ('["dist/*.whl"]', "mkdir dist; echo x >dist/a.whl", None),
        ('["dist/*.whl", "!dist/b*"]', "mkdir dist; echo x >dist/b.whl", "`dist/*.whl`"),
        ('["a", "b"]', "echo x >a", "in the project root no file matches `b`"),
        ('["dist"]', "mkdir dist; echo x >dist/a", "`dist/**` means its files"),
        ('["away"]', "ln -s /etc/hostname away", "`away`"),
        ('["away/*"]', "ln -s /etc away", "`away/*`"),
        ('["gone"]', "ln -s nowhere gone", "`gone`"),
        ('["pipe"]', "mkfifo pipe", "`pipe`"),
        ('["empty"]', ": >empty", None),
        ('["link"]', "echo x >real; ln -s real link", None),
    ],
)
def test_outputs_must_be_there_after_a_success(
    project: Project, outputs: str, script: str, message: str | None
) -> None:
    """Regular files below the root, also by a link inside it; the reason names the pattern."""
    project.write(f"""stage build {{ outputs = {outputs} run = '{script}' }}""")
    assert project.run().exit_code == (0 if message is None else 1)
    (build,) = project.manifest()["stages"]
    if message is None:
        assert build["reason"] is None
    else:
        assert build["reason"].startswith("outputs: ")
        assert message in build["reason"]


def test_outputs_are_seen_from_the_folder_of_the_stage(project: Project) -> None:
    """Missing ones are a failure that is tried again; a failed command is judged by itself."""
    (project.root / "app").mkdir()
    project.write("""
      policy { fail_fast = false }
      stage build {
        cwd     = "app"
        outputs = ["*.o", "../made"]
        retry   { attempts = 2, backoff = 1ms..1ms }
        run     = '[ "$ORCH_ATTEMPT" = 1 ] || touch a.o ../made'
      }
      stage broken { outputs = ["none"] run = "exit 3" }
      stage elsewhere { cwd = "app" outputs = ["none"] run = "true" }
    """)
    assert project.run().exit_code == 1
    build, broken, elsewhere = project.manifest()["stages"]
    assert (build["status"], build["attempts"]) == ("succeeded", 2)
    assert (broken["reason"], broken["exit_code"]) == ("failure", 3)
    assert "in `app` no file matches `none`" in elsewhere["reason"]
