"""`exclusive` across runs and processes: one stage at a time, and who waits says for whom."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from orch.runtime.processes import children
from tests.runs.project import Project
from tests.runtime.pool import wait_until

HOLD = """
stage hold {
  exclusive = "production", grace = 1s
  run = "touch held; while [ ! -e go ]; do sleep 0.02; done"
}
"""
TAKE = 'stage take { exclusive = "production", run = "touch taken" }\n'


def other(project: Project, text: str, name: str = "other") -> None:
    """A second pipeline, `other`, whose runs are filed by themselves."""
    (project.root / f"{name}.pipeline").write_text(f"pipeline {name} {{ }}\n{text}")


def journal(project: Project, task: str = "other") -> str:
    """The journals of the runs of a task."""
    found = sorted((project.root / ".runs" / task / "cli").glob("*/journal.jsonl"))
    return "".join(path.read_text() for path in found)


def wait_for_event(project: Project, kind: str, task: str = "other") -> None:
    wait_until(lambda: f'"{kind}"' in journal(project, task), kind)


def test_no_two_stages_of_any_runs_hold_a_name_at_once(project: Project) -> None:
    """Four runs at once, of two tasks and with their files in two places, five stages each."""
    project.write("""
stage one {
  matrix { n = [1, 2, 3, 4, 5] }
  exclusive = "production"
  run = "mkdir alone; echo {{ matrix.n }} >> done; rmdir alone"
}
""")
    words = ("run", "demo.pipeline", "-q")
    started = [project.start(*words), project.start(*words, "--task", "b")]
    project.environment["ORCH_RUNS_DIR"] = str(project.root / "elsewhere")
    started += [project.start(*words), project.start(*words, "-j", "1")]
    assert [project.finish(one).exit_code for one in started] == [0] * 4
    assert len(project.text("done").split()) == 20


def test_a_waiter_says_once_for_whom_it_waits_and_holds_up_nothing(project: Project) -> None:
    """The event, the screen and the status name the holder; the one slot there is goes to others
    meanwhile, those of the same name stay in their order, and the stage starts when it may."""
    project.write(HOLD)
    holder = project.start("run", "demo.pipeline")
    project.wait_for_file("held")
    other(project, TAKE + TAKE.replace("take ", "again ") + 'stage free { run = "touch free" }')
    waiter = project.start("run", "other.pipeline", "-j", "1")
    project.wait_for_file("free")
    wait_for_event(project, "stage:waiting")
    run = project.run_folder().name
    said = f"waits for `production`, held by stage hold of run {run} (pid {holder.pid} on "
    assert said in project.orch("status", "last", "--task", "other").stdout
    assert not (project.root / "taken").exists()
    (project.root / "go").touch()
    assert project.finish(holder).exit_code == 0
    answer = project.finish(waiter)
    assert answer.exit_code == 0
    assert answer.stderr.count(said) == 1
    lines = journal(project).splitlines()
    assert sum('"stage:waiting"' in line for line in lines) == 1
    started = [line for line in lines if '"stage:started"' in line]
    assert [n for line in started for n in ("free", "take", "again") if f'"{n}"' in line] == [
        "free", "take", "again",
    ]  # fmt: skip


def test_a_fresh_stage_asks_for_no_name(project: Project) -> None:
    """It is looked at first: another run may hold the name, nobody is waited for."""
    project.write(HOLD)
    other(project, TAKE.replace("run =", 'inputs = ["in"], run ='))
    (project.root / "in").write_text("1")
    assert project.orch("run", "other.pipeline").exit_code == 0
    holder = project.start("run", "demo.pipeline")
    project.wait_for_file("held")
    assert "(1 fresh)" in project.orch("run", "other.pipeline").stdout
    assert holder.poll() is None
    (project.root / "go").touch()
    assert project.finish(holder).exit_code == 0


def test_a_waiter_can_be_cancelled_and_ends_at_its_deadline(project: Project) -> None:
    """It waits for the slot of another run without being deaf, and leaves nothing held."""
    project.write(HOLD)
    holder = project.start("run", "demo.pipeline")
    project.wait_for_file("held")
    other(project, TAKE)
    waiter = project.start("run", "other.pipeline")
    wait_for_event(project, "stage:waiting")
    waiter.terminate()
    assert project.finish(waiter).exit_code == 143
    other(project, "policy { deadline = 300ms }\n" + TAKE + 'finally tidy { run = "touch tidied" }')
    late = project.orch("run", "other.pipeline")
    assert late.exit_code == 4
    assert (project.root / "tidied").exists()
    (project.root / "go").touch()
    assert project.finish(holder).exit_code == 0
    assert not (project.root / "taken").exists()


def test_one_that_fails_lets_go_between_its_attempts_and_at_its_end(project: Project) -> None:
    """While it waits for its next try another may hold the name."""
    project.write("""
policy { fail_fast = false }
stage one { exclusive = "x", retry { attempts = 2, backoff = 50ms..50ms }, run = "exit 3" }
stage two { exclusive = "x", run = ["no-such-program"] }
stage three { exclusive = "x", run = "true" }
""")
    assert project.run("-j", "4").exit_code == 1
    assert project.statuses() == {"one": "failed", "two": "failed", "three": "succeeded"}


@pytest.mark.parametrize("victim", ["orch", "warden", "both"])
def test_the_name_of_a_killed_holder_is_free_when_nothing_of_it_is_left(
    project: Project, victim: str
) -> None:
    """SIGKILL to orch, to the warden, or to orch before it has ended what the warden left: the next
    stage starts when the attempt is gone, though it ignores SIGTERM and has children in sessions of
    their own."""
    project.write("""
stage hold {
  exclusive = "production", grace = 1s
  run = \"\"\"
    trap '' TERM
    setsid sh -c 'trap "" TERM; echo $$ >> pids; while [ ! -e never ]; do sleep 0.1; done' &
    echo $$ >> pids
    while [ ! -e never ]; do sleep 0.1; done
  \"\"\"
}
""")
    holder = project.start("run", "demo.pipeline")
    wait_until(lambda: len(project.text("pids").split()) == 2, "the attempt is at work")
    other(
        project,
        'stage take { exclusive = "production"\n'
        'run = "for p in $(cat pids); do if grep -q sh /proc/$p/cmdline; then exit 9; fi; done; '
        'touch taken" }',
    )
    waiter = project.start("run", "other.pipeline")
    wait_for_event(project, "stage:waiting")
    pids = [int(pid) for pid in project.text("pids").split()]
    if victim != "orch":
        holder.send_signal(signal.SIGSTOP if victim == "both" else 0)
        wardens = children(holder.pid)
        parents = {child: warden for warden in wardens for child in children(warden)}
        os.kill(next(parents[pid] for pid in pids if pid in parents), signal.SIGKILL)
    if victim != "warden":
        holder.kill()
        project.finish(holder)
    answer = project.finish(waiter)
    (project.root / "never").touch()
    assert answer.exit_code == 0, answer.stderr
    assert (project.root / "taken").exists()
    if victim == "warden":
        assert project.finish(holder).exit_code == 1


def test_a_copy_of_the_project_ends_nothing_of_the_other(project: Project, tmp_path: Path) -> None:
    """Its file of the name says who holds it in the other, which has a name of its own."""
    project.write(HOLD)
    holder = project.start("run", "demo.pipeline")
    project.wait_for_file("held")
    wait_until(lambda: '"attempt"' in lock_text(project), "the attempt is named")
    copy = Project(tmp_path / "copy")
    # What is being written is renamed before it can be copied.
    shutil.copytree(project.root, copy.root, ignore=shutil.ignore_patterns("copy", ".*.tmp"))
    assert '"attempt"' in lock_text(copy)
    copy.write(TAKE)
    assert copy.run().exit_code == 0
    (project.root / "go").touch()
    assert project.finish(holder).exit_code == 0


def lock_text(project: Project) -> str:
    (lock,) = (project.root / ".orch/locks").iterdir()
    return lock.read_text()


def test_a_stopped_holder_keeps_the_name(project: Project) -> None:
    """Even where its command has ended meanwhile: it has not said that it is done."""
    project.write(HOLD)
    holder = project.start("run", "demo.pipeline")
    project.wait_for_file("held")
    holder.send_signal(signal.SIGSTOP)
    (project.root / "go").touch()
    other(project, TAKE)
    waiter = project.start("run", "other.pipeline")
    wait_for_event(project, "stage:waiting")
    time.sleep(0.5)
    assert not (project.root / "taken").exists()
    holder.send_signal(signal.SIGCONT)
    assert project.finish(holder).exit_code == 0
    assert project.finish(waiter).exit_code == 0


NAMES = (
    "../../up",
    "/etc/passwd",
    "a/b",
    "a-b",
    "",
    ".",
    "..",
    "x" * 3000,
    "ü",
    "new\\nline",
    "A",
    "a",
)


def test_a_name_never_becomes_a_path(project: Project) -> None:
    """Any text is a name of its own, and its file stands in `.orch/locks`."""
    stages = (
        f'stage s{n} {{ exclusive = "{name}", run = "true" }}' for n, name in enumerate(NAMES)
    )
    project.write("\n".join(stages))
    before = set(project.root.parent.iterdir())
    assert project.run().exit_code == 0
    files = list((project.root / ".orch/locks").iterdir())
    assert len({file.name.lower() for file in files}) == len(NAMES)
    assert set(project.root.parent.iterdir()) == before


def test_links_are_refused_where_locks_are_kept(project: Project, tmp_path: Path) -> None:
    """The stage fails, says why, and nothing is written where the link leads."""
    project.write(TAKE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (project.root / ".orch").mkdir()
    (project.root / ".orch/locks").symlink_to(elsewhere)
    assert project.run().exit_code == 1
    reason = project.manifest()["stages"][0]["reason"]
    assert reason.startswith("exclusive: can't use ")
    assert "symbolic link" in reason
    assert not list(elsewhere.iterdir())
    (project.root / ".orch/locks").unlink()
    assert project.run().exit_code == 0
    (lock,) = (project.root / ".orch/locks").iterdir()
    lock.unlink()
    lock.symlink_to(elsewhere / "target")
    assert project.run().exit_code == 1
    assert "symbolic link" in project.manifest()["stages"][0]["reason"]
    assert not list(elsewhere.iterdir())
