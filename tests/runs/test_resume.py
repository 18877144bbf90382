"""Runs whose orch was killed: what `status` says, what is left, how `resume` goes on."""

import json
import os
import signal
from pathlib import Path

from tests.runs.project import Project
from tests.runtime.pool import processes_with, wait_until

CHAIN = """
  policy { grace = 200ms }
  stage one   { run = "echo one >> trace" }
  stage two   { needs = [one] run = "echo two >> trace; touch started; test -e go || sleep 67.125" }
  stage three { needs = [two] run = "echo three >> trace" }
  finally clean { run = "echo clean >> trace" }
"""


def killed_run(project: Project, text: str = CHAIN) -> None:
    """A run whose orch got SIGKILL while stage `two` was under way."""
    project.write(text)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    process.kill()
    project.finish(process)


def test_a_killed_run_is_lost_leaves_no_process_and_resumes(project: Project) -> None:
    """What succeeded is not run again, attempts go on counting, `finally` is made good; and until
    then nothing is said to run or to wait."""
    killed_run(project)
    assert project.orch("status", "last", "--format", "json").json()["status"] == "lost"
    told = [line.split(maxsplit=2)[1:] for line in project.orch("status").stdout.splitlines()]
    for stage, said in {"two": "was running", "three": "not begun", "clean": "not begun"}.items():
        assert [stage, said] in told
    wait_until(lambda: not processes_with("67.125"), "nothing of the stage is left")
    (project.root / "go").touch()
    answer = project.orch("resume", "last", "--format", "json")
    assert answer.exit_code == 0, answer.stderr
    assert project.text("trace").split() == ["one", "two", "two", "three", "clean"]
    attempts = {entry["id"]: entry["attempts"] for entry in project.manifest()["stages"]}
    assert attempts == {"one": 1, "two": 2, "three": 1, "clean": 1}
    assert [run["status"] for run in project.state()["runs"]] == ["succeeded"]


def test_resume_goes_on_with_the_frozen_plan(project: Project) -> None:
    """The pipeline file is gone; the run isn't."""
    killed_run(project)
    (project.root / "demo.pipeline").unlink()
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.text("trace").endswith("three\nclean\n")


def test_a_succeeded_run_resumes_to_nothing(project: Project) -> None:
    """Exit 0 and no stage; files that were lost are written again from the journal."""
    project.write('stage a { run = "echo ran >> trace" }')
    project.run()
    folder = project.run_folder()
    (folder / "manifest.json").unlink()
    (project.root / "out/demo/state.json").unlink()
    assert project.orch("resume", "last").exit_code == 0
    assert project.text("trace") == "ran\n"
    assert project.manifest()["status"] == "succeeded"
    assert [run["run_id"] for run in project.state()["runs"]] == [folder.name]
    metrics = (project.root / ".runs/demo/metrics.json").read_text().splitlines()
    assert len(metrics) == 1


def test_a_failed_run_resumes_where_it_failed(project: Project) -> None:
    """Only what failed, and what waited for it, runs."""
    project.write("""
      stage one { run = "echo one >> trace" }
      stage two { needs = [one] run = "echo two >> trace; test -e go" }
      stage three { needs = [two] run = "echo three >> trace" }
    """)
    assert project.run().exit_code == 1
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.text("trace").split() == ["one", "two", "two", "three"]
    assert len(project.state()["runs"]) == 1


def test_a_living_run_cannot_be_resumed(project: Project) -> None:
    """Exit 2, and the message names who holds it."""
    project.write('stage slow { run = "touch started; sleep 30" grace = 100ms }')
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    answer = project.orch("resume", "last")
    process.send_signal(signal.SIGTERM)
    project.finish(process)
    assert answer.exit_code == 2
    assert str(process.pid) in answer.stderr


def test_a_stopped_owner_is_never_lost(project: Project) -> None:
    """SIGSTOP silences the heartbeat: the run is stale, because its lock is held."""
    project.write("""
      policy { grace = 100ms, heartbeat { every = 100ms, stale = 300ms } }
      stage slow { run = "touch started; sleep 30" }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    process.send_signal(signal.SIGSTOP)

    def status() -> str:
        return str(project.orch("status", "last", "--format", "json").json()["status"])

    wait_until(lambda: status() == "stale", "the run is stale")
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: status() == "running", "the run is running again")
    process.send_signal(signal.SIGTERM)
    assert project.finish(process).exit_code == 143


def test_a_torn_last_line_is_as_if_it_was_never_written(project: Project) -> None:
    killed_run(project)
    journal = project.run_folder() / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"seq": 99, "type": "stage:comp')
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert [event["seq"] for event in project.events()] == list(range(1, len(project.events()) + 1))


def test_a_journal_damaged_in_its_middle_is_refused(project: Project) -> None:
    """Exit 3, with the file and the line, and nothing is changed."""
    killed_run(project)
    journal = project.run_folder() / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"?" + lines[1], *lines[2:]]))
    before = journal.read_bytes()
    answer = project.orch("resume", "last")
    assert answer.exit_code == 3
    assert "journal.jsonl, line 2" in answer.stderr
    assert journal.read_bytes() == before


def test_every_prefix_of_the_journal_can_be_resumed(project: Project) -> None:
    """Whatever was durable when orch died, resume ends the run, and runs nothing twice that the
    journal says has succeeded."""
    project.write("""
      stage a { run = "echo a >> trace" }
      stage b { needs = [a] run = "echo b >> trace" }
      finally z { run = "echo z >> trace" }
    """)
    project.run()
    journal = project.run_folder() / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    for length in range(len(lines)):
        journal.write_bytes(b"".join(lines[:length]))
        (project.root / "trace").write_text("")
        assert project.orch("resume", "last").exit_code == 0, length
        kept = [json.loads(line) for line in lines[:length]]
        done = {e["stage"] for e in kept if e["type"] == "stage:completed"}
        assert project.text("trace").split() == [s for s in ("a", "b", "z") if s not in done]


def test_a_killed_warden_fails_its_attempt_and_is_replaced(project: Project) -> None:
    """Its attempt is tried again by another; nothing that it owned is left."""
    project.write("""
      stage a {
        run = "echo $ORCH_ATTEMPT >> trace; touch started; test $ORCH_ATTEMPT = 2 || sleep 68.25"
        retry { attempts = 2, backoff = 1ms..1ms }
      }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    for pid in children_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    assert project.finish(process).exit_code == 0
    assert project.text("trace").split() == ["1", "2"]
    assert not processes_with("68.25")
    (retrying,) = [e for e in project.events() if e["type"] == "stage:retrying"]
    assert retrying["reason"] == "warden"


def test_the_heartbeat_beats_while_a_stage_is_silent(project: Project) -> None:
    """`.heartbeat` goes on counting, and the manifest is written though nothing happens."""
    project.write("""
      policy { grace = 100ms, heartbeat { every = 100ms, persist = 200ms, stale = 1s } }
      stage slow { run = "touch started; sleep 30" }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    manifest = project.run_folder() / "manifest.json"

    def beats() -> int:
        return int(json.loads((project.run_folder() / ".heartbeat").read_text())["sequence"])

    wait_until(manifest.exists, "the first flush")
    first, written = beats(), manifest.stat().st_mtime_ns
    wait_until(lambda: beats() >= first + 3, "three more beats")
    wait_until(lambda: manifest.stat().st_mtime_ns > written, "the manifest is written again")
    process.send_signal(signal.SIGTERM)
    project.finish(process)


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_another_hosts_run_is_not_resumed_here(project: Project) -> None:
    """Its free lock proves nothing here; exit 2, and the message names host and file."""
    killed_run(project)
    owner = project.run_folder() / "owner.json"
    said = json.loads(owner.read_text())
    owner.write_text(json.dumps({**said, "host": "elsewhere", "boot_id": "another"}))
    answer = project.orch("resume", "last")
    assert answer.exit_code == 2
    assert "elsewhere" in answer.stderr
    owner.unlink()
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0


def test_an_empty_word_is_no_run(project: Project) -> None:
    """`orch cancel "$RUN"` with an unset variable must not end whatever is newest."""
    project.write('stage a { run = "true" }')
    project.run()
    for command in ("status", "resume", "cancel", "logs"):
        assert project.orch(command, "").exit_code == 2


def test_what_a_run_began_with_holds_for_every_life(project: Project) -> None:
    """A run that `--force` began is forced after its resume too: the journal says so."""
    project.write('stage one { run = "test -e go" }')
    assert project.run("--force").exit_code == 1
    assert project.events()[0]["is_forced"] is True
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.manifest()["is_forced"] is True
    assert project.run().exit_code == 0
    assert project.manifest()["is_forced"] is False
