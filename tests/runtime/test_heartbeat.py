"""Ticks: never early, never piled up, and a failed write is only that."""

import json
from pathlib import Path

import pytest

from orch.compiler.plan import HeartbeatPolicy
from orch.runtime.events import HeartbeatFailed
from orch.runtime.files import StorageError
from orch.runtime.heartbeat import Beat, Heartbeat, read_heartbeat
from orch.runtime.paths import RunPaths
from tests.runtime.samples import START_MS, new_run


class Bench:
    """A heartbeat with a clock that stands still, and a disk that can be full for the manifest."""

    def __init__(self, root: Path, policy: HeartbeatPolicy) -> None:
        self.paths: RunPaths = new_run(root)
        self.flushes = 0
        self.is_full = False
        self.reports: list[HeartbeatFailed] = []
        self.heartbeat = Heartbeat(
            self.paths, policy, self.write_manifest, self.reports.append, lambda: START_MS
        )

    def write_manifest(self) -> None:
        if self.is_full:
            raise StorageError(self.paths.manifest, "write", "no space left on device")
        self.flushes += 1

    @property
    def sequence(self) -> int:
        beat = read_heartbeat(self.paths.heartbeat)
        return 0 if beat is None else beat.sequence


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, HeartbeatPolicy(5000, 30_000, 30_000))


def test_a_beat_holds_time_and_sequence(bench: Bench) -> None:
    bench.heartbeat.tick(7)
    assert json.loads(Path(bench.paths.heartbeat).read_bytes()) == {
        "time": "2026-11-22T09:55:41.431Z",
        "sequence": 1,
    }
    assert read_heartbeat(bench.paths.heartbeat) == Beat(START_MS, 1)


def test_the_first_tick_writes_both_files_and_then_each_in_its_time(bench: Bench) -> None:
    heartbeat = bench.heartbeat
    seen = []
    for now_ms in range(0, 61_000, 1000):
        heartbeat.tick(now_ms)
        seen.append((bench.sequence, bench.flushes))
    assert seen[0] == (1, 1)
    assert seen[4] == (1, 1)
    assert seen[5] == (2, 1)
    assert seen[29] == (6, 1)
    assert seen[30] == (7, 2)
    assert seen[60] == (13, 3)


def test_a_tick_before_its_time_does_nothing(bench: Bench) -> None:
    bench.heartbeat.tick(0)
    bench.heartbeat.tick(bench.heartbeat.due_at_ms - 1)
    assert bench.sequence == 1


def test_after_a_stall_of_an_hour_one_tick_follows(bench: Bench) -> None:
    """And the flush that is overdue is forced with it."""
    bench.heartbeat.tick(0)
    bench.heartbeat.tick(3_600_000)
    bench.heartbeat.tick(3_600_000)
    bench.heartbeat.tick(3_600_001)
    assert (bench.sequence, bench.flushes) == (2, 2)
    assert bench.heartbeat.due_at_ms == 3_605_000


def test_a_flush_of_the_driver_puts_the_next_one_off(bench: Bench) -> None:
    bench.heartbeat.tick(0)
    bench.heartbeat.flushed(25_000)
    bench.heartbeat.tick(30_000)
    assert bench.flushes == 1
    bench.heartbeat.tick(55_000)
    assert bench.flushes == 2


def test_a_persist_shorter_than_every_is_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HeartbeatPolicy(10_000, 1000, 30_000))
    bench.heartbeat.tick(0)
    assert bench.heartbeat.due_at_ms == 1000
    bench.heartbeat.tick(1000)
    assert (bench.sequence, bench.flushes) == (1, 2)


def test_a_failed_flush_is_reported_counted_and_tried_at_the_next_tick(bench: Bench) -> None:
    bench.is_full = True
    bench.heartbeat.tick(0)
    bench.heartbeat.tick(4999)
    assert [report.failures for report in bench.reports] == [1]
    assert bench.reports[0].message == "no space left on device"
    assert bench.reports[0].path == str(bench.paths.manifest)
    assert bench.heartbeat.due_at_ms == 5000
    bench.is_full = False
    bench.heartbeat.tick(5000)
    assert (bench.flushes, bench.heartbeat.failures) == (1, 1)
    assert bench.heartbeat.due_at_ms == 10_000


def test_a_failed_beat_does_not_stop_the_flush(bench: Bench) -> None:
    """A folder stands where `.heartbeat` belongs, until somebody takes it away."""
    Path(bench.paths.heartbeat).mkdir()
    bench.heartbeat.tick(0)
    assert bench.flushes == 1
    assert [report.path for report in bench.reports] == [str(bench.paths.heartbeat)]
    Path(bench.paths.heartbeat).rmdir()
    bench.heartbeat.tick(5000)
    assert bench.sequence == 2
    assert bench.heartbeat.failures == 1


def test_the_sequence_goes_on_after_a_resume(bench: Bench) -> None:
    bench.heartbeat.tick(0)
    policy = HeartbeatPolicy(5000, 30_000, 30_000)
    again = Heartbeat(
        bench.paths, policy, bench.write_manifest, bench.reports.append, lambda: START_MS
    )
    again.tick(0)
    assert bench.sequence == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"time":"noon","sequence":1}', b"\0"])
def test_what_is_no_beat_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".heartbeat").write_bytes(content)
    assert read_heartbeat(str(tmp_path / ".heartbeat")) is None
