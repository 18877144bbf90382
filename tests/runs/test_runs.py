"""`orch runs`: what there is, newest first, told of by little."""

import json
import os
import signal
import zlib
from pathlib import Path
from typing import Any

from orch.runtime import clock
from orch.runtime.run_list import ListedRun, list_newest
from orch.runtime.states import RunStatus
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


def many_runs(project: Project, number: int) -> Path:
    """So many runs that have ended, copies of one; the folder of the oldest."""
    project.write('stage go { run = "true" }')
    project.run()
    folder = project.run_folder()
    for at in range(number):
        copy = folder.parent / f"2001-01-01T00-00-00-000Z-{at:08x}"
        copy.mkdir()
        os.link(folder / "journal.jsonl", copy / "journal.jsonl")
    return folder.parent / f"2001-01-01T00-00-00-000Z-{0:08x}"


def long_list(project: Project, limit: int = 1000) -> list[ListedRun]:
    """What `orch runs` lists, without a process for each question."""
    return list(list_newest(str(project.root), {}, None, limit, clock.wall_ms()))


def test_a_long_list_is_read_from_an_index_that_may_go_at_any_time(project: Project) -> None:
    """Made by the first long list, used by the next; deleted, damaged or of other times it changes
    no answer, and is made anew."""
    oldest = many_runs(project, 300)
    whole = long_list(project)
    index = project.root / ".runs/.index.json"
    good = index.read_bytes()
    assert len(whole) == 301
    assert long_list(project) == whole
    other = good.replace(b'"succeeded"', b'"succeeder"')
    for damaged in (b"", good[:1000], other, good[:-20] + b"7" * 18 + good[-2:], b"{}\n{}\n"):
        index.write_bytes(damaged)
        assert long_list(project) == whole
        assert index.read_bytes() == good
    index.unlink()
    index.mkdir()
    assert long_list(project) == whole
    index.rmdir()
    assert long_list(project) == whole
    # What has changed since is looked at itself.
    journal = (oldest / "journal.jsonl").read_text()
    (oldest / "journal.jsonl").unlink()
    (oldest / "journal.jsonl").write_text(journal.replace("succeeded", "cancelled"))
    changed = long_list(project)
    assert changed[-1].status is RunStatus.CANCELLED
    assert changed[:-1] == whole[:-1]


def test_what_the_index_says_is_not_asked_of_the_runs(project: Project) -> None:
    """Rows that somebody else wrote are shown as they are, if they can be those of a run."""
    oldest = many_runs(project, 300)
    long_list(project)
    index = project.root / ".runs/.index.json"
    rows = json.loads(index.read_bytes().partition(b"\n")[2])
    folder = f"demo/cli/{oldest.name}"
    for row, status in (
        (["other", "failed", "said so", 1, None, None, 5], "failed"),
        (["other", "failed", "said so", 1, None, None, "5"], "succeeded"),
        (["other", "running", "said so", 1, None, None, 5], "succeeded"),
        (["other", ["failed"], "said so", 1, None, None, 5], "succeeded"),
        (["other"], "succeeded"),
    ):
        rows[folder][1] = row
        text = json.dumps(rows).encode() + b"\n"
        index.write_bytes(b"orch.run-index/1 %08x\n" % zlib.crc32(text) + text)
        assert long_list(project)[-1].status is RunStatus(status)


def test_a_short_list_makes_no_index(project: Project) -> None:
    """Of twenty runs each is looked at itself, however many there are."""
    many_runs(project, 120)
    assert len(long_list(project, 20)) == 20
    assert not (project.root / ".runs/.index.json").exists()
