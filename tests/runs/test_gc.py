"""`orch gc` over real runs: what goes, and what stays whatever the limits are."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.runs.project import Project
from tests.runtime.pool import wait_until


def runs_of(project: Project) -> list[str]:
    return sorted(folder.name for folder in (project.root / ".runs/demo/cli").iterdir())


def gc(project: Project, *words: str) -> dict[str, Any]:
    answer = project.orch("gc", "--format", "json", *words)
    assert answer.exit_code == 0, answer
    return answer.json()


def test_old_runs_go_and_all_that_is_under_way_stays(project: Project, tmp_path: Path) -> None:
    """By count, age and size; never a run that lives, is silent, or is another host's; nothing a
    link leads to, and not the state of the task. A rehearsal removes nothing."""
    project.write('stage one { run = "echo hello; [ ! -e wait ] || sleep 60" }')
    for _ in range(3):
        assert project.run().exit_code == 0
    ended = runs_of(project)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (project.root / ".runs/demo/cli" / ended[0] / "link").symlink_to(outside)
    foreign = project.root / ".runs/demo/cli" / ended[1]
    owner = json.loads((foreign / "owner.json").read_text())
    (foreign / "owner.json").write_text(json.dumps({**owner, "host": "elsewhere", "boot_id": "0"}))
    journal = (foreign / "journal.jsonl").read_text().splitlines(keepends=True)
    (foreign / "journal.jsonl").write_text("".join(journal[:3]))
    (project.root / "wait").touch()
    running = project.start("run", "demo.pipeline")
    wait_until(lambda: len(runs_of(project)) == 4, "the run has begun")
    living = runs_of(project)[-1]
    wait_until((project.run_folder(living) / "journal.jsonl").exists, "it has a journal")
    try:
        state = project.text("out/demo/state.json")
        would = gc(project, "--keep", "0", "--dry-run")
        assert runs_of(project) == [*ended, living]
        removed = gc(project, "--keep", "0")
        assert [run["run_id"] for run in removed["runs"]] == [ended[2], ended[0]]
        assert removed["runs"] == would["runs"]
        assert removed["run_bytes"] > 0
        assert any("elsewhere" in sentence for sentence in removed["kept"])
        assert any("running" in sentence for sentence in removed["kept"])
        assert runs_of(project) == [ended[1], living]
        assert (outside / "precious").read_text() == "x"
        assert project.text("out/demo/state.json") == state
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    assert [run["run_id"] for run in gc(project, "--older-than", "1h")["runs"]] == []
    os.utime(project.run_folder(living) / "journal.jsonl", (1, 1))
    assert [run["run_id"] for run in gc(project, "--older-than", "1h")["runs"]] == [living]


def test_a_run_that_is_resumed_stays(project: Project) -> None:
    """It has failed once, and lives again."""
    project.write("""
      stage one { run = "test -e again; touch resumed; while [ ! -e go ]; do sleep 0.02; done" }
    """)
    assert project.run().exit_code == 1
    (project.root / "again").touch()
    resumed = project.start("resume", "last")
    project.wait_for_file("resumed")
    removed = gc(project, "--keep", "0")
    assert removed["runs"] == []
    assert any("running" in sentence for sentence in removed["kept"])
    (project.root / "go").touch()
    assert project.finish(resumed).exit_code == 0
    assert len(gc(project, "--keep", "0")["runs"]) == 1


def test_the_cache_is_kept_within_its_limit(project: Project) -> None:
    """What was of no use for the longest time goes first, by `gc` and at the end of runs."""
    project.write("""
      stage build { inputs = ["src"] outputs = ["made"] run = "cat src src >made" }
    """)
    objects = project.root / ".orch/cache/objects"

    def run_with(text: str) -> set[int]:
        (project.root / "src").write_text(text)
        assert project.run().exit_code == 0
        return {path.stat().st_size for path in objects.glob("*/*")}

    assert run_with("a" * 1000) == {2000}
    assert run_with("b" * 2000) == {2000, 4000}
    project.environment["ORCH_CACHE_BYTES"] = "9000"
    assert run_with("c" * 3000) == {6000}
    removed = gc(project, "--cache-size", "1KB")
    assert (removed["objects"], removed["object_bytes"]) == (1, 6000)
    assert not list(objects.glob("*/*"))
    (project.root / "made").unlink()
    assert project.run().exit_code == 0


def test_gc_says_what_it_does_not_remove(project: Project) -> None:
    """Without a limit for runs they stay, and the way to one is told."""
    project.write('stage a { run = "true" }')
    assert project.run().exit_code == 0
    answer = project.orch("gc", "--dry-run")
    assert answer.stdout == (
        "there is nothing to remove\n"
        "runs stay: --keep, --older-than or --runs-size say which may go\n"
    )
    told = project.orch("gc", "--keep", "0").stdout
    assert told.startswith("removed 1 run (")
    assert told.count("\n") == 1


def test_gc_says_of_a_few_runs_why_they_stay_and_counts_the_rest(project: Project) -> None:
    """Runs whose plan is damaged; with -v each is told, and a program is told of each."""
    project.write('stage a { run = "true" }')
    for _ in range(5):
        assert project.run().exit_code == 0
    for run_id in runs_of(project):
        (project.root / ".runs/demo/cli" / run_id / "plan.json").write_text("{")
    answer = project.orch("gc", "--keep", "0")
    lines = answer.stderr.splitlines()
    assert [line.split()[1] for line in lines] == ["run", "run", "run", "2"]
    assert lines[-1].endswith(": 2 more runs stay; -v says why")
    assert project.orch("gc", "--keep", "0", "-v").stderr.count(" stays: ") == 5
    assert len(gc(project, "--keep", "0")["kept"]) == 5


@pytest.mark.parametrize(
    "link", [".orch", ".orch/cache", ".orch/cache/objects", ".orch/cache/fresh"]
)
def test_gc_removes_nothing_where_a_link_in_orch_leads(
    project: Project, tmp_path_factory: pytest.TempPathFactory, link: str
) -> None:
    """A project may come with links in `.orch`: what they lead to is nobody's cache."""
    outside = tmp_path_factory.mktemp("outside")
    below = ".orch/cache/objects".removeprefix(link).strip("/")
    folders = [outside, outside / "sub", outside / below / "sub", outside / "cache/fresh"]
    precious = [folder / name for folder in (*folders, outside / "fresh") for name in ("a", ".b")]
    for file in precious:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        os.utime(file, (1, 1))
    (project.root / link).parent.mkdir(parents=True, exist_ok=True)
    (project.root / link).symlink_to(outside)
    removed = gc(project, "--cache-size", "0B", "--older-than", "1h")
    assert (removed["objects"], removed["records"]) == (0, 0)
    assert all(file.exists() for file in precious)
