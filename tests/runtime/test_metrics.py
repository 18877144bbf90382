"""One whole line for each finished run, whoever writes at the same time."""

import fcntl
import json
import os
from functools import partial
from pathlib import Path

import pytest

from orch.dsl.record import changed
from orch.runtime import metrics as metrics_module
from orch.runtime.files import StorageError
from orch.runtime.metrics import append_metrics, read_metrics
from orch.runtime.run_record import RunMetrics, metrics_of
from tests.runtime.samples import exit_code_of, finished_manifest, forked, new_run, sample_plan

PLAN = sample_plan("a", "b")


def a_line(root: Path, seed: int | None = None) -> tuple[str, RunMetrics]:
    paths = new_run(root, seed=seed)
    return paths.metrics, metrics_of(finished_manifest(paths, PLAN))


def ids(path: str | Path) -> list[str]:
    return [json.loads(line)["run_id"] for line in Path(path).read_bytes().splitlines()]


def test_a_run_is_measured(tmp_path: Path) -> None:
    path, metrics = a_line(tmp_path)
    append_metrics(path, metrics)
    (row,) = read_metrics(path)
    assert row == metrics.to_json()
    assert row["schema"] == "orch.metrics/1"
    assert row["stages"] == {"succeeded": 2, "failed": 0, "skipped": 0, "cancelled": 0}
    assert (row["attempts"], row["cpu_ms"], row["peak_rss_bytes"]) == (3, 10, 8192)


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    lines = [a_line(tmp_path) for _ in range(3)]
    for path, metrics in lines:
        append_metrics(path, metrics)
    assert ids(path) == [metrics.run_id for _, metrics in lines]


def test_fifty_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    go, start = os.pipe()

    def one(number: int) -> None:
        path, metrics = a_line(tmp_path, number)
        os.read(go, 1)
        append_metrics(path, metrics)

    children = [forked(partial(one, number)) for number in range(50)]
    os.write(start, b"x" * 50)
    assert [exit_code_of(child) for child in children] == [0] * 50
    assert len(set(ids(tmp_path / ".runs/demo/metrics.json"))) == 50


@pytest.mark.parametrize("torn", [b"{", b'{"run_id":"x', b"\0" * 200_000])
def test_what_a_crash_left_of_a_line_is_cut(tmp_path: Path, torn: bytes) -> None:
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    with Path(path).open("ab") as file:
        file.write(torn)
    _, second = a_line(tmp_path)
    append_metrics(path, second)
    assert ids(path) == [first.run_id, second.run_id]


def test_what_a_killed_process_left_of_a_replacement_is_removed(tmp_path: Path) -> None:
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    left = Path(path).with_name(".metrics.json.4711.3.tmp")
    left.write_bytes(b"half of it")
    append_metrics(path, first)
    assert not left.exists()


def test_a_run_that_completes_again_has_one_line_still(tmp_path: Path) -> None:
    """The later one, after those of the other runs."""
    path, first = a_line(tmp_path)
    _, other = a_line(tmp_path)
    append_metrics(path, first)
    append_metrics(path, other)
    again = changed(first, resumes=1)
    append_metrics(path, again)
    assert list(read_metrics(path)) == [other.to_json(), again.to_json()]


def test_a_run_is_found_across_the_chunks_of_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the boundaries fall."""
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    for chunk_bytes in range(1, 120, 7):
        monkeypatch.setattr(metrics_module, "_CHUNK_BYTES", chunk_bytes)
        append_metrics(path, first)
        assert ids(path) == [first.run_id]


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    before = Path(path).read_bytes()

    def half(path: str, fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise StorageError(path, "write", "no space left on device")

    _, second = a_line(tmp_path)
    with monkeypatch.context() as full_disk:
        full_disk.setattr(metrics_module, "write_all", half)
        with pytest.raises(StorageError, match="no space left"):
            append_metrics(path, second)
    assert Path(path).read_bytes() == before


def test_a_lock_that_is_held_too_long_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    waits_s: list[float] = []
    with Path(path).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="held it for too long"):
            append_metrics(path, first, waits_s.append)
    assert 0 < sum(waits_s) < 3.1


def test_lines_that_are_no_objects_are_passed_over(tmp_path: Path) -> None:
    path, first = a_line(tmp_path)
    append_metrics(path, first)
    with Path(path).open("ab") as file:
        file.write(b"\n17\nnot json\n")
    assert list(read_metrics(path)) == [first.to_json()]


def test_a_link_or_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    path, first = a_line(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    Path(path).symlink_to(victim)
    with pytest.raises(StorageError, match="symbolic link"):
        append_metrics(path, first)
    Path(path).unlink()
    Path(path).mkdir()
    with pytest.raises(StorageError, match="folder"):
        append_metrics(path, first)
    assert victim.read_text() == "precious"
