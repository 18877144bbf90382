"""The journal: whole lines count, a torn one never was, damage in the middle is refused."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch.runtime import journal as journal_module
from orch.runtime.events import RunCancelling, RunEvent
from orch.runtime.files import StorageError, json_line
from orch.runtime.journal import Journal, JournalDamagedError, JournalReader, read_journal
from tests.runtime.samples import as_events, sample_plan, written_run


def cancelling(seq: int, reason: str = "x") -> RunEvent:
    return RunEvent(seq, "2026-11-22T09:55:41.431Z", RunCancelling(reason, None))


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    paths, events = written_run(tmp_path, sample_plan("a", "b"))
    content = read_journal(paths.journal)
    assert list(content.events) == events
    assert not content.torn
    assert content.good_bytes == Path(paths.journal).stat().st_size


def test_a_journal_cut_at_any_byte_gives_its_whole_lines(tmp_path: Path) -> None:
    """And going on from there gives the journal as if the crash had never been."""
    paths, events = written_run(tmp_path, sample_plan("a"))
    whole = Path(paths.journal).read_bytes()
    for size in range(len(whole) + 1):
        Path(paths.journal).write_bytes(whole[:size])
        content = read_journal(paths.journal)
        lines = whole[:size].count(b"\n")
        assert list(content.events) == events[:lines]
        assert content.torn == (not whole[:size].endswith(b"\n") and size > 0)
        assert content.last_seq == lines
        if lines < len(events):
            journal = Journal.open_for_append(paths.journal, content)
            journal.append(events[lines])
            journal.close()
            assert list(read_journal(paths.journal).events) == events[: lines + 1]


def test_a_torn_line_is_cut_even_if_nothing_is_appended(tmp_path: Path) -> None:
    paths, _ = written_run(tmp_path, sample_plan("a"))
    whole = Path(paths.journal).read_bytes()
    Path(paths.journal).write_bytes(whole + b'{"seq":')
    journal = Journal.open_for_append(paths.journal, read_journal(paths.journal))
    journal.sync()
    journal.close()
    assert Path(paths.journal).read_bytes() == whole


def test_a_tail_of_nuls_is_torn(tmp_path: Path) -> None:
    """After a power loss a file may be longer than its data."""
    paths, events = written_run(tmp_path, sample_plan("a"))
    whole = Path(paths.journal).read_bytes()
    for tail in (b"\0" * 5000, whole.splitlines()[-1][:9] + b"\0" * 100, b"\0\0\n"):
        Path(paths.journal).write_bytes(whole + tail)
        content = read_journal(paths.journal)
        assert content.torn
        assert list(content.events) == events
        assert content.good_bytes == len(whole)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"\xff\xfe garbage\n", "not JSON"),
        (b"\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"17\n", "not an event"),
        (b"[]\n", "not an event"),
        (b'{"seq":2,"time":"","type":"stage:ready"}\n', "not an event"),
        (b'{"seq":2,"time":"","type":"stage:unheard-of"}\n', "not an event"),
        (b'{"seq":2,"time":"","type":[]}\n', "not an event"),
        (b'{"seq":3,"time":"","type":"stage:ready","stage":"a"}\n', "event 3 .* event 2 is due"),
        (b'{"seq":1,"time":"","type":"stage:ready","stage":"a"}\n', "event 1 .* event 2 is due"),
        (b'{"seq":"2","time":"","type":"stage:ready","stage":"a"}\n', "event 2 is due"),
        (b'{"seq":2.0,"time":"","type":"stage:ready","stage":"a"}\n', "event 2 is due"),
    ],
)
def test_damage_in_the_middle_is_refused_with_its_line(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    paths, events = written_run(tmp_path, sample_plan("a"))
    lines = Path(paths.journal).read_bytes().splitlines(keepends=True)
    lines[1] = line
    Path(paths.journal).write_bytes(b"".join(lines))
    with pytest.raises(JournalDamagedError, match=problem) as caught:
        read_journal(paths.journal)
    assert caught.value.line == 2
    assert re.search(r"journal\.jsonl, line 2: ", str(caught.value))
    reader = JournalReader(paths.journal)
    assert next(iter(reader)) == events[0]


@pytest.mark.parametrize("zeros", [b"\0\0\0\0\n", b'{"seq":3,"ti\0\0\0\0\0\0\n'])
def test_zeros_are_torn_unless_they_were_durable(tmp_path: Path, zeros: bytes) -> None:
    """After a power loss later pages may be there without earlier ones. What had been synced can't
    be lost so, and a later line says how much that was."""
    path = tmp_path / "journal.jsonl"
    journal = Journal.create(str(path))
    for seq in range(1, 7):
        journal.append(cancelling(seq))
        if seq == 2:
            journal.sync()
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"durable":2' in lines[2]
    path.write_bytes(b"".join([*lines[:2], zeros, *lines[3:]]))
    content = read_journal(str(path))
    assert content.torn
    assert content.good_bytes == len(lines[0] + lines[1])
    path.write_bytes(b"".join([lines[0], zeros, *lines[2:]]))
    with pytest.raises(JournalDamagedError, match="line 2: "):
        read_journal(str(path))


def test_an_empty_journal_is_a_run_that_said_nothing(tmp_path: Path) -> None:
    Journal.create(str(tmp_path / "journal.jsonl")).close()
    content = read_journal(str(tmp_path / "journal.jsonl"))
    assert content.events == ()
    assert not content.torn


def test_a_journal_is_made_once(tmp_path: Path) -> None:
    Journal.create(str(tmp_path / "journal.jsonl")).close()
    with pytest.raises(StorageError, match="exists"):
        Journal.create(str(tmp_path / "journal.jsonl"))


def test_a_missing_journal_or_a_link_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"can't read .*journal\.jsonl"):
        read_journal(str(tmp_path / "journal.jsonl"))
    (tmp_path / "journal.jsonl").symlink_to("/etc/passwd")
    with pytest.raises(StorageError, match="symbolic link"):
        read_journal(str(tmp_path / "journal.jsonl"))


def test_a_failed_append_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills in the middle of a line, and has room again later."""
    path = tmp_path / "journal.jsonl"
    journal = Journal.create(str(path))
    journal.append(cancelling(1))

    def half(path: Path, fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise StorageError(str(path), "write", "no space left on device")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(journal_module, "write_all", half)
        for _ in range(2):
            with pytest.raises(StorageError):
                journal.append(cancelling(2))
    assert read_journal(str(path)).torn
    journal.append(cancelling(2))
    journal.sync()
    assert [event.seq for event in read_journal(str(path)).events] == [1, 2]
    assert not read_journal(str(path)).torn


def test_a_full_disk_costs_no_event_that_was_appended(small_disk: Path) -> None:
    """Nor does it leave half an event; once there is room the journal goes on."""
    path = small_disk / "journal.jsonl"
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 8192)
    journal = Journal.create(str(path))
    for seq in range(1, 41):
        journal.append(cancelling(seq, "x" * 1000))
    last = journal.last_seq
    with pytest.raises(StorageError, match=r"journal\.jsonl: no space left on device"):
        journal.append(cancelling(last + 1, "x" * 60_000))
    with pytest.raises(StorageError, match="no space left"):
        journal.append(cancelling(last + 1, "x" * 20_000))
    filler.unlink()
    journal.append(cancelling(last + 1))
    journal.sync()
    content = read_journal(str(path))
    assert (content.last_seq, content.torn) == (last + 1, False)


def test_after_a_failed_sync_a_journal_promises_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may have dropped what it could not write, so a later success would lie."""
    journal = Journal.create(str(tmp_path / "journal.jsonl"))
    journal.append(cancelling(1))

    def broken(path: Path, fd: int) -> None:
        raise StorageError(str(path), "make durable", "input/output error")

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(journal_module, "sync_data", broken)
        with pytest.raises(StorageError):
            journal.sync()
    with pytest.raises(StorageError, match="input/output error"):
        journal.sync()
    with pytest.raises(StorageError, match="input/output error"):
        journal.append(cancelling(2))


def test_only_what_is_new_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(journal_module, "sync_data", lambda path, _fd: synced.append(path))
    journal = Journal.create(str(tmp_path / "journal.jsonl"))
    journal.sync()
    assert synced == []
    journal.append(cancelling(1))
    journal.append(cancelling(2))
    journal.sync()
    journal.sync()
    assert len(synced) == 1


def test_numbers_leave_no_gap(tmp_path: Path) -> None:
    journal = Journal.create(str(tmp_path / "journal.jsonl"))
    with pytest.raises(AssertionError):
        journal.append(cancelling(2))


def test_a_reader_beside_the_writer_sees_whole_events(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal.create(str(path))
    for seq in range(1, 50):
        journal.append(cancelling(seq, "é" * seq))
        assert read_journal(str(path)).last_seq == seq


@settings(max_examples=50)
@given(reasons=st.lists(st.text(st.characters(codec=None)), max_size=8))
def test_any_text_comes_back_but_for_lone_surrogates(
    tmp_path_factory: pytest.TempPathFactory, reasons: list[str]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = Journal.create(str(path))
    for seq, reason in enumerate(reasons, 1):
        journal.append(cancelling(seq, reason))
    journal.close()
    for event, reason in zip(read_journal(str(path)).events, reasons, strict=True):
        assert isinstance(event.payload, RunCancelling)
        expected = json.loads(json_line(reason))
        assert event.payload.reason == expected


def test_reading_is_linear(tmp_path: Path) -> None:
    """Bytes are read once: twice the events, and no line is ever looked at again."""
    path = tmp_path / "journal.jsonl"
    journal = Journal.create(str(path))
    for event in as_events([RunCancelling("x", None)] * 20_000):
        journal.append(event)
    reader = JournalReader(str(path))
    assert sum(1 for _ in reader) == 20_000
    assert reader.good_bytes == path.stat().st_size
