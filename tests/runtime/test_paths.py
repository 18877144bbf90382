"""Where runs lie, and how they are found."""

import os
import random
from pathlib import Path

import pytest

from orch.runtime.files import StorageError
from orch.runtime.ids import InvalidIdError
from orch.runtime.paths import (
    PlaceError,
    RunNotFoundError,
    claim_run,
    find_run,
    list_runs,
    resolve_run_paths,
)
from tests.runtime.samples import new_run

RUN = "2026-11-22T09-55-41-431Z-9574035c"


def a_run(root: Path, run_id: str, task: str = "demo") -> None:
    folder = root / ".runs" / task / "cli" / run_id
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").touch()


def test_everything_lies_where_the_page_says(tmp_path: Path) -> None:
    paths = resolve_run_paths(tmp_path, "demo", RUN, {})
    run = f"{tmp_path}/.runs/demo/cli/{RUN}"
    assert paths.run == run
    assert paths.plan == f"{run}/plan.json"
    assert paths.journal == f"{run}/journal.jsonl"
    assert paths.manifest == f"{run}/manifest.json"
    assert paths.heartbeat == f"{run}/.heartbeat"
    assert paths.owner == f"{run}/owner.json"
    assert paths.artifacts == f"{run}/artifacts"
    assert paths.logs(3, "a/b", 2) == f"{run}/stages/0003-a-b/2"
    assert paths.error_record(3, "a/b", 2) == f"{run}/errors/0003-a-b.2.json"
    assert paths.metrics == f"{tmp_path}/.runs/demo/metrics.json"
    assert paths.state == f"{tmp_path}/out/demo/state.json"
    assert paths.state_lock == f"{tmp_path}/out/demo/state.json.lock"
    assert paths.pending == f"{tmp_path}/out/demo/pending"
    assert paths.shown(paths.manifest) == f".runs/demo/cli/{RUN}/manifest.json"
    assert paths.within_run(paths.logs(0, "x", 1)) == "stages/0000-x/1"


def test_variables_move_the_places(tmp_path: Path) -> None:
    """Relative ones are relative to the root, wherever the process stands."""
    environment = {"ORCH_RUNS_DIR": "var/runs", "ORCH_OUT_DIR": str(tmp_path / "elsewhere")}
    paths = resolve_run_paths(tmp_path / "project", "demo", RUN, environment)
    assert paths.run == f"{tmp_path}/project/var/runs/demo/cli/{RUN}"
    assert paths.state == f"{tmp_path}/elsewhere/demo/state.json"
    assert paths.shown(paths.state) == str(tmp_path / "elsewhere/demo/state.json")


@pytest.mark.parametrize("written", ["./var//runs/", "var/./runs/.", "{root}//var/runs"])
def test_a_place_has_one_name_however_it_is_written(tmp_path: Path, written: str) -> None:
    """So paths can be compared, and are shown from the root."""
    environment = {"ORCH_RUNS_DIR": written.format(root=tmp_path)}
    paths = resolve_run_paths(f"{tmp_path}/", "demo", RUN, environment)
    assert paths.metrics == f"{tmp_path}/var/runs/demo/metrics.json"
    assert paths.shown(paths.metrics) == "var/runs/demo/metrics.json"


def test_a_step_up_stays_where_it_is_written(tmp_path: Path) -> None:
    """What stands before it may be a link."""
    paths = resolve_run_paths(tmp_path, "demo", RUN, {"ORCH_OUT_DIR": "link/../out"})
    assert paths.task_out == f"{tmp_path}/link/../out/demo"


@pytest.mark.parametrize("place", ["/", "//", "/."])
def test_the_root_of_the_file_system_may_be_a_place(tmp_path: Path, place: str) -> None:
    paths = resolve_run_paths(tmp_path, "demo", RUN, {"ORCH_RUNS_DIR": place})
    assert paths.metrics == "/demo/metrics.json"
    assert resolve_run_paths(place, "demo", RUN, {}).shown(paths.metrics) == "demo/metrics.json"


def test_a_path_elsewhere_has_no_name_within_a_run(tmp_path: Path) -> None:
    """Nor has one that only begins with the same letters."""
    paths = resolve_run_paths(tmp_path, "demo", RUN, {})
    with pytest.raises(ValueError, match="doesn't lie in"):
        paths.within_run(f"{paths.run}-x/plan.json")


@pytest.mark.parametrize("variable", ["ORCH_RUNS_DIR", "ORCH_OUT_DIR"])
def test_an_empty_variable_is_refused(tmp_path: Path, variable: str) -> None:
    with pytest.raises(PlaceError, match=f"{variable} is set but empty"):
        resolve_run_paths(tmp_path, "demo", RUN, {variable: ""})


@pytest.mark.parametrize(("task", "run"), [("../x", RUN), ("demo", "../../x"), ("", RUN)])
def test_hostile_ids_never_become_paths(tmp_path: Path, task: str, run: str) -> None:
    with pytest.raises(InvalidIdError):
        resolve_run_paths(tmp_path, task, run, {})


@pytest.mark.parametrize(
    "link",
    [
        ".runs/demo",
        ".runs/demo/cli",
        f".runs/demo/cli/{RUN}",
        f".runs/demo/cli/{RUN}/stages",
        f".runs/demo/cli/{RUN}/errors",
        f".runs/demo/cli/{RUN}/artifacts",
        ".runs/demo/metrics.json",
        "out/demo",
        "out/demo/pending",
    ],
)
def test_a_link_that_leads_out_is_refused(tmp_path: Path, link: str) -> None:
    """Wherever it stands on the way, and also where what it names doesn't exist."""
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside)
    with pytest.raises(PlaceError, match="symbolic link leads out"):
        resolve_run_paths(root, "demo", RUN, {})
    outside.mkdir()
    with pytest.raises(PlaceError, match="symbolic link leads out"):
        resolve_run_paths(root, "demo", RUN, {})


def test_the_places_themselves_may_be_links(tmp_path: Path) -> None:
    """`.runs` on a larger disk is the user's choice."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/.runs").symlink_to(tmp_path / "disk")
    paths = new_run(tmp_path / "root")
    assert (tmp_path / "disk/demo/cli" / paths.run_id).is_dir()


def test_a_link_in_a_circle_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / ".runs").symlink_to(tmp_path / ".runs")
    with pytest.raises(StorageError, match=r"\.runs"):
        new_run(tmp_path)


def test_two_runs_never_get_one_directory(tmp_path: Path) -> None:
    """Also when both draw the same id: the second takes another."""
    first = claim_run(str(tmp_path), "demo", {}, 1000, random.Random(1))
    second = claim_run(str(tmp_path), "demo", {}, 1000, random.Random(1))
    assert first.run != second.run
    assert Path(first.run).is_dir()
    assert Path(second.run).is_dir()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / ".runs").mkdir()
    (tmp_path / ".runs/demo").write_text("in the way")
    with pytest.raises(StorageError, match=r"\.runs/demo.*not a directory|\.runs/demo.*exists"):
        new_run(tmp_path)


def test_last_is_the_newest_of_all_tasks_or_of_one(tmp_path: Path) -> None:
    a_run(tmp_path, "2026-01-01T00-00-00-000Z-00000001", "one")
    a_run(tmp_path, "2026-01-03T00-00-00-000Z-00000003", "two")
    a_run(tmp_path, "2026-01-02T00-00-00-000Z-00000002", "one")
    assert find_run(str(tmp_path), "last", {}).task_id == "two"
    assert find_run(str(tmp_path), "last", {}, "one").run_id.endswith("2")
    assert [name.run_id[-1] for name in list_runs(str(tmp_path), {})] == ["1", "2", "3"]


def test_a_prefix_finds_the_only_run_that_has_it(tmp_path: Path) -> None:
    a_run(tmp_path, "2026-01-01T00-00-00-000Z-00000001")
    a_run(tmp_path, "2026-01-02T00-00-00-000Z-00000002")
    assert find_run(str(tmp_path), "2026-01-02", {}).run_id.endswith("2")
    with pytest.raises(RunNotFoundError, match=r"2 runs go by '2026'.*00000001.*00000002"):
        find_run(str(tmp_path), "2026", {})
    with pytest.raises(RunNotFoundError, match=r"no run .* begins with '2027'"):
        find_run(str(tmp_path), "2027", {})


def test_a_full_id_wins_over_those_that_it_begins(tmp_path: Path) -> None:
    a_run(tmp_path, "one")
    a_run(tmp_path, "one-more")
    assert find_run(str(tmp_path), "one", {}).run_id == "one"


def test_no_run_yet_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match=r"no run in .* yet"):
        find_run(str(tmp_path), "last", {})
    with pytest.raises(RunNotFoundError, match=r"no run of task 'demo' in .* yet"):
        find_run(str(tmp_path), "2026", {}, "demo")
    with pytest.raises(InvalidIdError, match=r"^Invalid run id"):
        find_run(str(tmp_path), "../x", {})


def test_a_run_that_never_began_is_told_as_such(tmp_path: Path) -> None:
    """Its orch was killed when it had made the folder, and no journal yet."""
    (tmp_path / ".runs/one/cli/2026-01-02").mkdir(parents=True)
    with pytest.raises(RunNotFoundError, match=r"run 2026-01-02 has not begun.*no journal"):
        find_run(str(tmp_path), "2026-01", {})


def test_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    """Files, folders without a journal, names that no id has, bytes that are no text."""
    a_run(tmp_path, "good")
    (tmp_path / ".runs/demo/metrics.json").touch()
    (tmp_path / ".runs/demo/cli/zzz").mkdir()
    (tmp_path / ".runs/demo/cli/zzzz").touch()
    (tmp_path / ".runs/demo/cli/.hidden").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / ".runs/demo/cli") + b"/z\xff")).mkdir()
    (tmp_path / ".runs/demo/cli/loop").symlink_to("loop")
    (tmp_path / ".runs/ring").symlink_to("ring")
    assert find_run(str(tmp_path), "last", {}).run_id == "good"
