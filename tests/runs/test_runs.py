"""`orch runs`: what there is, newest first, told of by little."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.runs.project import Project


def _listed(project: Project, *words: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = project.orch("runs", "--format", "json", *words).json()["runs"]
    return listed


def test_runs_of_every_end_are_listed_newest_first(project: Project) -> None:
    """Succeeded, failed, resumed, running, lost; each as `orch status` has it."""
    project.write('stage go { run = "test -e mended" }')
    first = project.run().json()
    (project.root / "mended").touch()
    second = project.run("--task", "other").json()
    project.write('stage go { run = "touch began; exec sleep 300" }')
    running = project.start("run", "demo.pipeline")
    project.wait_for_file("began")
    third = project.run_folder().name
    runs = _listed(project)
    assert [(run["run_id"], run["task_id"], run["status"]) for run in runs] == [
        (third, "demo", "running"),
        (second["run_id"], "other", "succeeded"),
        (first["run_id"], "demo", "failed"),
    ]
    assert runs[1]["duration_ms"] == second["duration_ms"]
    assert (runs[2]["exit_code"], runs[2]["reason"]) == (1, "`go` failed")
    assert (project.root / runs[2]["manifest"]).is_file()
    assert [run["run_id"] for run in _listed(project, "--task", "other")] == [second["run_id"]]
    assert [run["run_id"] for run in _listed(project, "--limit", "1")] == [third]
    os.kill(running.pid, signal.SIGKILL)
    project.finish(running)
    assert _listed(project, "--limit", "1")[0]["status"] == "lost"
    assert project.orch("resume", first["run_id"]).exit_code == 0
    assert [run["status"] for run in _listed(project)] == ["lost", "succeeded", "succeeded"]
    lines = project.orch("runs").stdout.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["✗", third, "demo", "lost"],
        ["✓", second["run_id"], "other", "succeeded"],
        ["✓", first["run_id"], "demo", "succeeded"],
    ]


def test_a_run_that_cannot_be_read_is_listed_all_the_same(project: Project) -> None:
    """With what is wrong; and folders that are no runs are passed over."""
    project.write('stage go { run = "true" }')
    project.run()
    folder = project.run_folder()
    (folder / "journal.jsonl").write_text("nonsense\nnonsense\n")
    (folder.parent / "2099-no-journal").mkdir()
    (run,) = _listed(project)
    assert run["status"] is None
    assert "the journal is damaged" in run["reason"]
    assert "unreadable" in project.orch("runs").stdout
    assert project.orch("runs", "--task", "none").stderr == "no runs yet\n"


def test_the_newest_are_listed_whatever_else_lies_there(project: Project) -> None:
    """Two hundred older folders, none of which holds a journal that can be read."""
    project.write('stage go { run = "true" }')
    project.run()
    folder = project.run_folder()
    for number in range(200):
        old = folder.parent / f"2001-01-01T00-00-00-{number:03}Z-00000000"
        old.mkdir()
        # Whoever read this would wait for a writer.
        os.mkfifo(old / "journal.jsonl")
    newest = folder.parent / "2098-01-01T00-00-00-000Z-00000000"
    newest.mkdir()
    for name in ("journal.jsonl", "plan.json"):
        (newest / name).write_bytes((folder / name).read_bytes())
    runs = _listed(project, "--limit", "2")
    assert [Path(run["manifest"]).parent.name for run in runs] == [newest.name, folder.name]
    assert [run["status"] for run in runs] == ["succeeded"] * 2


def test_a_long_run_is_told_of_by_the_ends_of_its_journal(project: Project) -> None:
    """What stands between them isn't even read: here it is damaged."""
    project.write('stage go { run = "true" }')
    told = project.run().json()
    journal = project.run_folder() / "journal.jsonl"
    first, *rest = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + b"x" * 100_000 + b"\n" + b"".join(rest))
    (run,) = _listed(project)
    assert (run["status"], run["duration_ms"]) == ("succeeded", told["duration_ms"])
