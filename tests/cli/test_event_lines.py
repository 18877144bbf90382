"""Lines of events: what a slow reader lacks comes from the journal, and what is in none is kept."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch.cli.event_lines import EventLines
from orch.cli.writer import Writer
from orch.runtime.event_text import event_line
from orch.runtime.events import RunCompleted, RunEvent, RunStarted, StageReady
from orch.runtime.states import RunStatus

STARTED = RunEvent(1, "T", RunStarted("run", "task", "demo", "sha256:0", "0.1.0", "manifest.json"))
ENDED = RunCompleted("run", RunStatus.FAILED, "storage: full", 3, 1)


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def filled(end: int) -> int:
    """Fill a pipe; how much it took."""
    os.set_blocking(end, False)
    taken = 0
    try:
        while True:
            taken += os.write(end, b"-" * 4096)
    except BlockingIOError:
        return taken


def test_a_run_that_never_reached_its_journal_is_told_of(ends: tuple[int, int]) -> None:
    """Where the disk took not even the first event, the end of the run is all there is to tell."""
    lines = EventLines(Writer(ends[1]), lambda _event: Path("none"))
    last = RunEvent(0, "T", ENDED)
    lines(last)
    lines.close()
    assert os.read(ends[0], 1 << 16) == event_line(last)


def test_what_stands_in_no_journal_comes_last_and_is_not_lost(
    ends: tuple[int, int], tmp_path: Path
) -> None:
    """A reader that was slow gets the journal, then what could not be written there."""
    journal = tmp_path / "journal.jsonl"
    lines = EventLines(Writer(ends[1]), lambda _event: journal)
    taken = filled(ends[1])
    told = [STARTED, *(RunEvent(n, "T", StageReady(f"s{n}")) for n in range(2, 5))]
    for event in told:
        with journal.open("ab") as file:
            file.write(event_line(event))
        lines(event)
    last = RunEvent(4, "T", ENDED)
    lines(last)
    os.read(ends[0], taken)
    lines.close()
    assert os.read(ends[0], 1 << 16) == journal.read_bytes() + event_line(last)
    assert lines.problem is None


def test_a_journal_that_somebody_cut_is_told_of(ends: tuple[int, int], tmp_path: Path) -> None:
    """Lines that can't be read again are missing, and that is said."""
    journal = tmp_path / "journal.jsonl"
    lines = EventLines(Writer(ends[1]), lambda _event: journal)
    taken = filled(ends[1])
    journal.write_bytes(event_line(STARTED))
    lines(STARTED)
    lines(RunEvent(2, "T", StageReady("s")))
    os.read(ends[0], taken)
    lines.close()
    assert lines.problem is not None
    assert "somebody has cut it" in lines.problem
