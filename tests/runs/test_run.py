"""Whole runs through the command: what they do, what they leave, how they end."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from orch.runtime.clock import instant_ms
from orch.runtime.journal import JournalReader
from orch.runtime.manifest import fold, manifest_from_json
from orch.runtime.plan_file import read_plan
from tests.runs.project import ORCH, Project
from tests.runtime.pool import wait_until

# The kernel carries a peak over `exec`, so a child of the tests would show theirs; its own children
# show their own.
PEAK_OF_CHILDREN = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_a_run_leaves_all_its_files(project: Project) -> None:
    """Plan, journal, manifest, heartbeat, owner, logs where there is output, metrics and state."""
    project.write("""
      stage build { run = "echo built; echo careful >&2" }
      stage check { needs = [build] run = "true" }
    """)
    answer = project.run()
    assert answer.exit_code == 0, answer.stderr
    folder = project.run_folder()
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert found == [
        ".heartbeat", "journal.jsonl", "manifest.json", "owner.json", "plan.json",
        "stages/0000-build/1/stderr.log", "stages/0000-build/1/stdout.log",
    ]  # fmt: skip
    assert (folder / "stages/0000-build/1/stdout.log").read_text() == "built\n"
    metrics = (project.root / ".runs/demo/metrics.json").read_text().splitlines()
    assert [json.loads(line)["run_id"] for line in metrics] == [folder.name]
    assert [run["run_id"] for run in project.state()["runs"]] == [folder.name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{8}", folder.name)


def test_the_manifest_is_the_fold_of_the_journal(project: Project) -> None:
    """Field by field, also when stages failed and were tried again."""
    project.write("""
      stage flaky { run = "echo x; exit 3" retry { attempts = 2, backoff = 1ms..2ms } }
      stage after { needs = [flaky] run = "true" }
      finally clean { run = "echo clean" }
    """)
    assert project.run().exit_code == 1
    folder = project.run_folder()
    folded = fold(
        read_plan(str(folder / "plan.json")), JournalReader(str(folder / "journal.jsonl"))
    )
    written = manifest_from_json(project.manifest())
    assert written.stages == folded.stages
    assert written.status == folded.status
    assert (written.reason, written.exit_code) == (folded.reason, folded.exit_code)


def test_json_is_one_document_and_says_where_everything_is(project: Project) -> None:
    """`--format json` prints run_id, status, artifact_root, manifest and log_path, all there."""
    project.write('stage build { run = "echo noise" }')
    result = project.run().json()
    assert result["status"] == "succeeded"
    assert (project.root / result["manifest"]).is_file()
    assert (project.root / result["log_path"]).is_file()
    assert result["artifact_root"].endswith(f"{result['run_id']}/artifacts")


def test_jsonl_begins_with_the_run_and_ends_with_its_summary(project: Project) -> None:
    """The first line has run id and manifest path; `run:completed` comes exactly once."""
    project.write('stage build { run = "echo noise" }')
    lines = project.orch("run", "demo.pipeline", "--format", "jsonl").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0]["type"] == "run:started"
    assert events[0]["run_id"] in events[0]["manifest"]
    types = [event["type"] for event in events]
    assert types.count("run:completed") == 1
    assert types[-1] == "run:summary"


def test_every_attempt_has_its_own_log_and_error_record(project: Project) -> None:
    """A failed attempt leaves a record with the end of its stderr; attempts count from 1."""
    project.write("""
      stage flaky {
        run   = "echo try $ORCH_ATTEMPT >&2; test $ORCH_ATTEMPT = 3"
        retry { attempts = 3, backoff = 1ms..2ms, jitter = none }
      }
    """)
    assert project.run().exit_code == 0
    folder = project.run_folder()
    for attempt in (1, 2, 3):
        log = folder / f"stages/0000-flaky/{attempt}/stderr.log"
        assert log.read_text() == f"try {attempt}\n"
    record = json.loads((folder / "errors/0000-flaky.2.json").read_text())
    assert record["stderr"] == "try 2\n"
    assert (record["attempt"], record["reason"], record["exit_code"]) == (2, "failure", 1)
    assert not (folder / "errors/0000-flaky.3.json").exists()
    retrying = [e for e in project.events() if e["type"] == "stage:retrying"]
    assert [(e["attempt"], e["delay_ms"]) for e in retrying] == [(1, 1), (2, 2)]


def test_only_the_reasons_of_the_policy_are_tried_again(project: Project) -> None:
    """`on = [exit(75)]` retries 75 and nothing else."""
    project.write("""
      policy { fail_fast = false, retry { attempts = 3, backoff = 1ms..1ms, on = [exit(75)] } }
      stage soft { run = "exit 75" }
      stage hard { run = "exit 74" }
    """)
    assert project.run().exit_code == 1
    attempts = {entry["id"]: entry["attempts"] for entry in project.manifest()["stages"]}
    assert attempts == {"soft": 3, "hard": 1}


def test_timeout_ends_a_stage_and_counts_as_an_attempt(project: Project) -> None:
    """The reason is `timeout`, and what the stage started is gone."""
    project.write("""
      stage slow {
        run = "sleep 61.25 & sleep 61.25" timeout = 100ms grace = 100ms
        retry { attempts = 2, backoff = 1ms..1ms }
      }
    """)
    assert project.run().exit_code == 1
    (entry,) = project.manifest()["stages"]
    assert (entry["status"], entry["reason"], entry["timed_out"]) == ("failed", "timeout", True)
    assert entry["attempts"] == 2


def test_finally_runs_after_a_failure_and_sees_it(project: Project) -> None:
    """It comes last, and `run.status` says what the run came to."""
    project.write("""
      stage bad { run = "exit 1" }
      stage next { needs = [bad] run = "touch never" }
      finally clean { run = "echo {{ run.status }} > seen" }
    """)
    assert project.run().exit_code == 1
    assert project.statuses() == {"bad": "failed", "next": "skipped", "clean": "succeeded"}
    assert project.text("seen") == "failed\n"
    assert not (project.root / "never").exists()


def test_a_failing_finally_fails_the_run(project: Project) -> None:
    project.write('stage good { run = "true" }\nfinally clean { run = "exit 1" }')
    assert project.run().exit_code == 1


def test_an_allowed_failure_lets_the_run_succeed(project: Project) -> None:
    """It is recorded as failed, and what needs it runs."""
    project.write("""
      stage shaky { run = "exit 1" allow_failure = true }
      stage next { needs = [shaky] run = "true" }
    """)
    assert project.run().exit_code == 0
    assert project.statuses() == {"shaky": "failed", "next": "succeeded"}


def test_deadline_fails_the_run_with_exit_4(project: Project) -> None:
    """Running stages are ended, `finally` stages still run."""
    project.write("""
      policy { deadline = 300ms, grace = 100ms }
      stage slow { run = "sleep 60" }
      finally clean { run = "touch cleaned" }
    """)
    assert project.run().exit_code == 4
    assert project.manifest()["reason"] == "deadline"
    assert (project.root / "cleaned").exists()


def test_concurrency_is_never_exceeded(project: Project) -> None:
    """Eight stages, two at once: no more than two lock files are ever seen."""
    stages = "\n".join(
        f"""stage s{n} {{ run = '''
          touch at.$ORCH_STAGE; ls at.* | wc -l >> seen; sleep 0.05; rm at.$ORCH_STAGE
        ''' }}"""
        for n in range(8)
    )
    project.write(f"policy {{ concurrency = 2 }}\n{stages}")
    assert project.run().exit_code == 0
    seen = [int(line) for line in project.text("seen").split()]
    assert len(seen) == 8
    assert max(seen) <= 2


def test_stdin_environment_and_folder_reach_the_command(project: Project) -> None:
    (project.root / "web").mkdir()
    project.write("""
      stage show {
        env { GREETING = "it's {{ pipeline.name }}" }
        cwd = "web"
        stdin = "line\\n"
        run = "cat; echo $GREETING; basename $PWD; echo $ORCH_STAGE $ORCH_ATTEMPT $ORCH_TASK_ID"
      }
    """)
    assert project.run().exit_code == 0
    (entry,) = project.manifest()["stages"]
    assert entry["stdout_excerpt"] == "line\nit's demo\nweb\nshow 1 demo\n"


def test_a_command_that_cannot_start_fails_with_a_reason(project: Project) -> None:
    """The error record says what was not found."""
    project.write('stage lost { run = ["no-such-program-here"] }')
    assert project.run().exit_code == 1
    (entry,) = project.manifest()["stages"]
    assert (entry["status"], entry["reason"]) == ("failed", "spawn")
    record = json.loads((project.run_folder() / entry["error"]).read_text())
    assert "no-such-program-here" in record["stderr"]


def test_the_plan_is_frozen_when_the_run_begins(project: Project) -> None:
    """A stage that rewrites the pipeline file changes nothing of the run under way."""
    project.write("""
      stage first { run = "echo broken > demo.pipeline" }
      stage second { needs = [first] run = "touch reached" }
    """)
    assert project.run().exit_code == 0
    assert (project.root / "reached").exists()


def test_two_runs_at_once_are_both_in_the_state(project: Project) -> None:
    """Neither waits for the other, and neither is lost."""
    project.write('stage nap { run = "sleep 0.3" }')
    both = [project.start("run", "demo.pipeline", "--format", "json") for _ in range(2)]
    answers = [project.finish(process) for process in both]
    assert [answer.exit_code for answer in answers] == [0, 0]
    ids = {answer.json()["run_id"] for answer in answers}
    assert {run["run_id"] for run in project.state()["runs"]} == ids


def test_a_busy_state_lock_never_loses_a_run(project: Project) -> None:
    """The run ends as its stages deserve, its snapshot waits, and the next run folds it in."""
    import filelock

    project.write("""
      policy { lock { attempts = 2, backoff = 10ms..20ms } }
      stage a { run = "true" }
    """)
    (project.root / "out/demo").mkdir(parents=True)
    with filelock.FileLock(project.root / "out/demo/state.json.lock"):
        answer = project.run()
    assert answer.exit_code == 0
    assert "state" in answer.stderr
    assert "out/demo/pending" in answer.stderr
    assert len(list((project.root / "out/demo/pending").iterdir())) == 1
    assert "snapshot:skipped" in [event["type"] for event in project.events()]
    second = project.run()
    ids = [run["run_id"] for run in project.state()["runs"]]
    assert sorted(ids) == sorted([answer.json()["run_id"], second.json()["run_id"]])


def test_a_reader_that_goes_away_never_stops_a_run(project: Project) -> None:
    """The pipe behind stdout is closed at once; the run goes on to its end."""
    project.write('stage a { run = "sleep 0.2" }\nstage b { needs = [a] run = "touch reached" }')
    reader, writer = os.pipe()
    process = project.start("run", "demo.pipeline", "--format", "jsonl", stdout=writer)
    os.close(writer)
    os.close(reader)
    project.finish(process)
    assert (project.root / "reached").exists()
    assert project.manifest()["status"] == "succeeded"


def test_hostile_task_ids_are_refused_before_anything_is_written(project: Project) -> None:
    project.write('stage a { run = "true" }')
    for task in ("../up", "a/b", "", "con", ".hidden", "a\u202eb"):
        answer = project.run("--task", task)
        assert answer.exit_code == 2, task
        assert "Invalid task id" in answer.stderr
    project.environment["MCP_RUNNER_TASK_ID"] = ""
    assert "Invalid MCP_RUNNER_TASK_ID" in project.run().stderr
    assert not (project.root / ".runs").exists()


def test_a_saved_plan_runs_as_it_is(project: Project) -> None:
    """`orch run PLAN.json` runs it; one whose content was changed is refused."""
    project.write('stage a { run = "touch reached" }')
    saved = project.orch("plan", "demo.pipeline", "--format", "json").stdout
    Path(project.root / "plan.json").write_text(saved)
    (project.root / "demo.pipeline").unlink()
    assert project.orch("run", "plan.json").exit_code == 0
    assert (project.root / "reached").exists()
    Path(project.root / "plan.json").write_text(saved.replace("reached", "altered"))
    assert project.orch("run", "plan.json").exit_code == 2
    assert not (project.root / "altered").exists()


def test_a_flood_is_counted_bounded_and_costs_no_memory(project: Project) -> None:
    """1 GiB through a stage: orch stays under 32 MiB, the log under `output.log`."""
    project.write("""
      policy { output { log = 1MiB } }
      stage flood { run = "head -c 1073741824 /dev/zero" }
    """)
    words = [sys.executable, "-c", PEAK_OF_CHILDREN, *ORCH, "run", "demo.pipeline", "-q"]
    answer = subprocess.run(
        words, cwd=project.root, env=project.environment, capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 32 * 1024, "KiB, the largest of orch and its wardens"
    (entry,) = project.manifest()["stages"]
    assert entry["stdout_bytes"] == 2**30
    log = project.run_folder() / entry["logs"] / "stdout.log"
    assert log.stat().st_size == 2**20


def test_sigint_cancels_and_finally_runs(project: Project) -> None:
    """Exit 130, status `cancelled`, what waited is cancelled too."""
    project.write("""
      policy { grace = 200ms }
      stage slow { run = "touch started; sleep 60" }
      stage next { needs = [slow] run = "touch never" }
      finally clean { run = "touch cleaned" }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    process.send_signal(signal.SIGINT)
    answer = project.finish(process)
    assert answer.exit_code == 130
    assert answer.json()["status"] == "cancelled"
    assert project.statuses() == {"slow": "cancelled", "next": "cancelled", "clean": "succeeded"}
    assert (project.root / "cleaned").exists()


def test_the_heart_beats_while_thousands_are_cancelled(project: Project) -> None:
    """The ends of all that never began are told by the thousand, and between two thousands a beat
    that is due is not held up: there is one for each, or one every 100 ms if that is fewer."""
    project.write("""
      policy { grace = 200ms  heartbeat { every = 100ms } }
      stage slow { run = "touch started; sleep 60" }
      stage s { matrix { n = {{ range(9_999) }} } run = "true" }
      stage t { matrix { n = {{ range(10_000) }} } run = "true" }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json", "-j", "1")
    project.wait_for_file("started")
    heartbeat = project.run_folder() / ".heartbeat"
    wait_until(heartbeat.exists, "the first beat")
    before = json.loads(heartbeat.read_text())["sequence"]
    process.send_signal(signal.SIGINT)
    assert project.finish(process).exit_code == 130
    beats = json.loads(heartbeat.read_text())["sequence"] - before
    journal = JournalReader(str(project.run_folder() / "journal.jsonl"))
    ended = [event for event in journal if event.payload.type == "stage:completed"]
    lasted_ms = instant_ms(ended[-1].time) - instant_ms(ended[0].time)
    assert beats >= min(20, lasted_ms // 100) / 2


def test_cancel_from_elsewhere_is_a_sigterm(project: Project) -> None:
    """`orch cancel last` ends the run with exit 143; a run that has ended can't be cancelled."""
    project.write('policy { grace = 200ms }\nstage slow { run = "touch started; sleep 60" }')
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    assert project.orch("cancel", "last").exit_code == 0
    assert project.finish(process).exit_code == 143
    assert project.orch("cancel", "last").exit_code == 2


def test_a_second_signal_skips_the_grace(project: Project) -> None:
    """A stage that ignores SIGTERM has ten minutes of grace, and yet ends at once."""
    project.write("""
      policy { grace = 10m }
      stage deaf { run = "trap '' TERM; touch started; while :; do sleep 0.1; done" }
    """)
    process = project.start("run", "demo.pipeline", "--format", "json")
    project.wait_for_file("started")
    process.send_signal(signal.SIGINT)
    journal = project.run_folder() / "journal.jsonl"
    wait_until(lambda: "run:cancelling" in journal.read_text(), "the first signal is heard")
    process.send_signal(signal.SIGTERM)
    assert project.finish(process).exit_code == 130
    (entry,) = project.manifest()["stages"]
    assert (entry["status"], entry["signal"]) == ("cancelled", signal.SIGKILL)


def test_a_run_whose_journal_is_removed_is_no_success(project: Project) -> None:
    """What nobody can read any more was not durably so: exit 3, and the reason names the file."""
    project.write("""
      stage a { run = "rm -rf .runs" }
      stage b { needs = [a] run = "touch reached" }
    """)
    answer = project.run()
    assert answer.exit_code == 3
    assert "journal.jsonl" in answer.stderr
    assert not (project.root / "reached").exists()


def test_no_event_is_split_by_a_reader_of_unicode_lines(project: Project) -> None:
    """U+0085, U+2028 and U+2029 in an output are escaped in the journal and in the stream."""
    project.write(r"""
      stage a { run = "printf 'x\\302\\205y\\342\\200\\250z\\n'; exit 1" }
    """)
    answer = project.orch("run", "demo.pipeline", "--format", "jsonl")
    journal = (project.run_folder() / "journal.jsonl").read_text()
    for text in (answer.stdout, journal):
        assert [json.loads(line)["seq"] for line in text.splitlines()]
    assert project.manifest()["stages"][0]["stdout_excerpt"] == "x\x85y\u2028z\n"


def test_a_refused_run_is_a_document_too(project: Project) -> None:
    """Where JSON is asked for, a failure that is no diagnostic is one document on stdout."""
    project.write('stage a { run = "true" }')
    answer = project.run("--task", "../up")
    assert answer.exit_code == 2
    assert answer.json()["error"]["exit_code"] == 2
    assert "Invalid task id" in answer.json()["error"]["message"]


def test_what_orch_leaves_never_becomes_a_project_root(project: Project) -> None:
    """A run in a folder above has left `.orch` there; a pipeline further down has its own root."""
    below = project.root / "below"
    below.mkdir()
    project.write('stage a { run = "pwd > where" }')
    project.run()
    (below / "demo.pipeline").write_text((project.root / "demo.pipeline").read_text())
    Project(below).run()
    assert (below / "where").read_text().strip() == str(below)
