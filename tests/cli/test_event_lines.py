"""Lines of events: what a slow reader lacks comes from the journal, and what is in none is kept."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch.cli.event_lines import EventLines
from orch.cli.writer import Writer
from orch.runtime.event_text import event_line
from orch.runtime.events import RunCompleted, RunEvent, RunStarted, StageReady
from orch.runtime.journal import Journal
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
    lines = EventLines(Writer(ends[1]), lambda _event: str(Path("none")))
    last = RunEvent(0, "T", ENDED)
    lines(last)
    lines.close()
    assert os.read(ends[0], 1 << 16) == event_line(last)


def test_what_stands_in_no_journal_comes_last_and_is_not_lost(
    ends: tuple[int, int], tmp_path: Path
) -> None:
    """A reader that was slow gets the journal, then what could not be written there."""
    journal = tmp_path / "journal.jsonl"
    lines = EventLines(Writer(ends[1]), lambda _event: str(journal))
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


@pytest.mark.parametrize("is_read", [False, True])
def test_a_journal_that_somebody_cut_is_told_of(
    is_read: bool, ends: tuple[int, int], tmp_path: Path
) -> None:
    """Lines that can't be read any more are missing, and that is said: to a slow reader, and to one
    that had already got more than is there now."""
    journal = tmp_path / "journal.jsonl"
    lines = EventLines(Writer(ends[1]), lambda _event: str(journal))
    taken = 0 if is_read else filled(ends[1])
    journal.write_bytes(event_line(STARTED))
    lines(STARTED)
    second = RunEvent(2, "T", StageReady("s"))
    if is_read:
        journal.write_bytes(b"")
    with journal.open("ab") as file:
        file.write(event_line(second))
    lines(second)
    if not is_read:
        journal.write_bytes(b"")
        os.read(ends[0], taken)
    lines.close()
    assert lines.problem is not None
    assert "somebody has cut it" in lines.problem


@pytest.mark.parametrize("is_read", [False, True])
def test_lines_are_those_of_the_journal_also_where_they_say_what_is_durable(
    is_read: bool, ends: tuple[int, int], tmp_path: Path
) -> None:
    """The first line after a sync is longer by that; no reader gets less of the end for it."""
    events = [STARTED, *(RunEvent(n, "T", StageReady(f"s{n}")) for n in range(2, 6))]
    journal = Journal.create(str(tmp_path / "journal.jsonl"))
    lines = EventLines(Writer(ends[1]), lambda _event: str(tmp_path / "journal.jsonl"))
    taken = 0 if is_read else filled(ends[1])
    for event in events:
        journal.append(event)
        journal.sync()
        lines(event)
    if not is_read:
        os.read(ends[0], taken)
    lines.close()
    journal.close()
    told = os.read(ends[0], 1 << 16)
    assert told.count(b'"durable":') == 4
    assert told == (tmp_path / "journal.jsonl").read_bytes()
