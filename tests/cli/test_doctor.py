"""`orch doctor`: each finding by a machine that is really like that, or by the words of one."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # It ships no types.

from orch.runtime import machine, system
from orch.runtime.machine import (
    FINE,
    MISSING,
    WEAKER,
    file_system_of,
    judge_clock,
    judge_file_system,
    judge_space,
    probe_folder,
    probe_machine,
)
from orch.runtime.schemas import schema_of
from tests.cli.orch_program import ORCH, orch

PAGE = Path(__file__).parents[2] / "docs/manual/doctor.md"


def examined(cwd: Path, **more: Any) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the findings by their names; the document keeps its schema."""
    done = orch("doctor", "--format", "json", cwd=cwd, **more)
    document = json.loads(done.stdout)
    Draft202012Validator(schema_of("doctor")).validate(document)
    findings = {finding["name"]: finding for finding in document["findings"]}
    assert document["holds"] == (done.returncode == 0)
    assert all(finding["mend"] for finding in findings.values() if finding["level"] != FINE)
    return done.returncode, findings


def test_a_healthy_machine_keeps_all_promises(project: Path) -> None:
    """Exit 0; nothing is left where it wrote, and every finding has its row in the manual."""
    before = sorted(project.rglob("*"))
    exit_code, findings = examined(project)
    assert exit_code == 0
    assert sorted(project.rglob("*")) == before
    kernel = ("ownership", "identity", "locks", "durability", "orch.toml", "sh")
    assert {findings[name]["level"] for name in kernel if name != "durability"} == {FINE}
    assert findings["durability"]["level"] != MISSING
    rows = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*findings, "folder") if f"| {name} |" not in rows] == []


def test_people_get_a_line_each_and_quiet_only_what_is_not_fine(project: Path) -> None:
    """With the mend below it."""
    env = {"LC_ALL": "C"}
    shown = orch("doctor", cwd=project, env=env).stdout
    assert "ownership" in shown
    assert "all promises hold here" in shown
    quiet = orch("doctor", "-q", cwd=project, env=env).stdout
    assert "ownership" not in quiet
    assert "! locale       not UTF-8" in quiet
    assert "mend: set LC_ALL=C.UTF-8" in quiet


def test_few_descriptors_are_told_and_too_few_are_a_promise_less(project: Path) -> None:
    """The limit that orch would run with."""
    for limit, level in ((200, WEAKER), (48, MISSING)):

        def lower(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        exit_code, findings = examined(project, preexec_fn=lower)
        assert (exit_code, findings["open files"]["level"]) == (int(level == MISSING), level)
        assert f"{limit} open files" in findings["open files"]["said"]


def test_what_is_amiss_with_the_project_is_found(project: Path) -> None:
    """An orch.toml that nothing runs with; a place that can't be written; programs that lack."""
    (project / "orch.toml").write_text("[policy]\ntimeout = 3\n", encoding="utf-8")
    (project / "bin").mkdir()
    (project / "bin/sh").symlink_to("/bin/sh")
    env = {
        "ORCH_RUNS_DIR": "/proc/nowhere",
        "PATH": str(project / "bin"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": str(project / "empty"),
    }
    exit_code, findings = examined(project, env=env)
    assert exit_code == 1
    assert findings["orch.toml"]["level"] == MISSING
    assert findings["orch.toml"]["mend"].startswith("`orch explain E")
    assert findings["folder"]["level"] == MISSING
    assert "/proc" in findings["folder"]["said"]
    assert (findings["git"]["level"], findings["sh"]["level"]) == (WEAKER, FINE)
    assert findings["compiled"]["level"] == WEAKER
    assert sys.executable in findings["compiled"]["mend"]


def test_an_empty_place_is_said_and_no_failure(project: Path) -> None:
    """What a run would be refused for is a finding here."""
    exit_code, findings = examined(project, env={"ORCH_OUT_DIR": ""})
    assert (exit_code, list(findings)) == (1, ["folder"])
    assert "ORCH_OUT_DIR is set but empty" in findings["folder"]["said"]


def test_a_lost_run_is_named_with_what_goes_on_with_it(tmp_path: Path) -> None:
    """All promises hold; the newest one is named, and its mend does it."""
    (tmp_path / "x.pipeline").write_text(
        'pipeline p { }\nstage s { run = "touch begun; test -e go || exec sleep 60" }\n', "utf-8"
    )
    with subprocess.Popen(
        [*ORCH, "run", "x.pipeline"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    # A warden that is being forked shares the lock of its run for a moment.
    while json.loads(orch("status", "--format", "json", cwd=tmp_path).stdout)["status"] != "lost":
        time.sleep(0.01)
    exit_code, findings = examined(tmp_path)
    assert exit_code == 0
    assert findings["runs"]["level"] == WEAKER
    assert findings["runs"]["said"].startswith("1 run lost")
    (tmp_path / "go").touch()
    command = findings["runs"]["mend"].split("`")[1].split()
    assert orch(*command[1:], cwd=tmp_path).returncode == 0
    assert examined(tmp_path)[1]["runs"]["level"] == FINE


def test_orphans_that_land_elsewhere_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial is a real one: without the kernel's help its orphan goes to another process."""
    found = {finding.name: finding.level for finding in probe_machine((str(tmp_path),))}
    assert found["ownership"] == FINE
    monkeypatch.setattr(machine, "become_subreaper", lambda: False)
    lost = {finding.name: finding.level for finding in probe_machine((str(tmp_path),))}
    assert lost["ownership"] == MISSING


def test_a_file_system_without_locks_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on which everybody gets every lock."""
    monkeypatch.setattr(system, "lock", lambda _file, _operation: None)
    found = {finding.name: finding.level for finding in probe_folder(str(tmp_path))}
    assert found["locks"] == MISSING
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "level"),
    [
        (100 << 30, None, FINE),
        (100 << 30, 5000, FINE),
        (1 << 30, 5000, WEAKER),
        (1 << 20, 5000, MISSING),
        (100 << 30, 3, MISSING),
    ],
)
def test_space_is_bytes_and_files(free_bytes: int, free_files: int | None, level: str) -> None:
    assert judge_space(free_bytes, free_files).level == level


def test_file_systems_are_known_by_their_types(tmp_path: Path) -> None:
    """What hosts share and what memory holds is weaker; mounts are read as the kernel writes
    them, the nearest above a folder wins."""
    levels = {kind: judge_file_system(kind).level for kind in ("ext4", "nfs4", "fuse.x", "tmpfs")}
    assert levels == {"ext4": FINE, "nfs4": WEAKER, "fuse.x": WEAKER, "tmpfs": WEAKER}
    folder = tmp_path / "a b"
    folder.mkdir()
    mounts = (
        "21 1 0:1 / / rw shared:1 - ext4 /dev/x rw\n"
        f"22 21 0:2 / {str(folder).replace(' ', chr(92) + '040')} rw - nfs4 server:/ rw\n"
        "23 21 0:3 / /elsewhere rw - tmpfs none rw\n"
    )
    assert file_system_of(str(folder), mounts) == "nfs4"
    assert file_system_of(str(tmp_path), mounts) == "ext4"
    assert file_system_of(str(tmp_path), "") == "unknown"


def test_a_clock_of_its_own_is_told() -> None:
    """Before or behind."""
    assert [judge_clock(ms).level for ms in (0, 1999, 3000, -3000)] == [FINE, FINE, WEAKER, WEAKER]
    assert "3 s ahead of" in judge_clock(3000).said
    assert "3 s behind" in judge_clock(-3000).said
