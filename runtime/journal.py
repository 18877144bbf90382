"""The journal of a run, `journal.jsonl`: one event a line, appended in the order things happened.

It is the one truth of a run. A line counts once its line end is there; what a crash left of the
last line is torn and counts as never written.

After a power loss pages that had not reached the disk may be zeros while later ones are there. So
the first line after each sync says up to which event all was `durable` when it was written: zeros
before that are damage, and zeros behind it are torn, with all that follows them.
"""

import os
from itertools import accumulate

from orch.dsl.json_codec import decode_json
from orch.dsl.record import record
from orch.dsl.type_names import Iterable, Iterator
from orch.runtime.event_text import event_line, fresh_lines
from orch.runtime.events import EventFormatError, RunEvent, event_from_json
from orch.runtime.files import (
    StorageError,
    create_file,
    cut_file,
    is_current,
    open_file,
    storage_errors,
    sync_data,
    write_all,
)
from orch.runtime.fresh_events import FreshEvents


class JournalDamagedError(Exception):
    """A journal is damaged before its end: it isn't what orch wrote. `line` counts from 1."""

    def __init__(self, path: str, line: int, problem: str) -> None:
        self.path = path
        self.line = line
        super().__init__(
            f"{path}, line {line}: the journal is damaged: {problem}; what happened can't "
            f"be known, so nobody can go on with this run: begin a new one"
        )


@record
class JournalContent:
    """What a journal holds: its events, whether a torn line follows them, and where they end."""

    events: tuple[RunEvent, ...]
    torn: bool
    good_bytes: int

    @property
    def last_seq(self) -> int:
        return len(self.events)


class Journal:
    """The open journal of the run that this process owns; it has no other writer.

    An event is in the file when `append` returns, and on the disk when `sync` has returned. A
    failed append leaves the file as it was. After a failed sync the journal takes nothing more:
    what the system dropped can't be known.
    """

    def __init__(self, path: str, fd: int, size_bytes: int, last_seq: int) -> None:
        self._path = path
        self._fd = fd
        self._size_bytes = size_bytes
        self._last_seq = last_seq
        self._durable_seq = 0
        self._told_durable_seq = 0
        self._is_dirty = False
        self._is_cut_due = False
        self._sync_failure: StorageError | None = None

    @classmethod
    def create(cls, path: str) -> "Journal":
        """The journal of a new run; its name is durable on return. Raises `StorageError`."""
        return cls(path, create_file(path, os.O_WRONLY | os.O_APPEND), 0, 0)

    @classmethod
    def open_for_append(cls, path: str, content: "JournalContent | JournalReader") -> "Journal":
        """Goes on after the events of `content`, all of which were read while the run was owned; a
        torn line is cut off. Raises `StorageError`."""
        journal = cls(
            path,
            open_file(path, os.O_WRONLY | os.O_APPEND),
            content.good_bytes,
            content.last_seq,
        )
        journal._is_cut_due = content.torn
        # What an earlier owner wrote may not have reached the disk; the next sync sees to it.
        journal._is_dirty = True
        return journal

    @property
    def last_seq(self) -> int:
        return self._last_seq

    def append(self, *events: RunEvent | FreshEvents) -> list[int]:
        """Write events at once, all or none, without waiting for the disk; the offsets at which
        the lines of each argument begin. Raises `StorageError`."""
        if self._sync_failure is not None:
            raise self._sync_failure
        last_seq = self._last_seq
        for event in events:
            assert event.seq == last_seq + 1, "events are numbered without gaps"
            last_seq = event.seq if isinstance(event, RunEvent) else event.last_seq
        lines = list(map(_lines, events))
        if events and self._is_mark_due:
            lines[0] = _lines(events[0], self._durable_seq)
        self._cut_if_due()
        self._is_dirty = True
        try:
            write_all(self._path, self._fd, b"".join(lines))
        except StorageError:
            self._is_cut_due = True
            raise
        ends = list(accumulate(map(len, lines), initial=self._size_bytes))
        self._size_bytes = ends.pop()
        self._last_seq = last_seq
        self._told_durable_seq = self._durable_seq
        return ends

    def sync(self) -> None:
        """Return when every event appended so far is on the disk. Raises `StorageError`."""
        if self._sync_failure is not None:
            raise self._sync_failure
        if not self._is_dirty:
            return
        self._cut_if_due()
        try:
            sync_data(self._path, self._fd)
            self._refuse_if_gone()
        except StorageError as error:
            self._sync_failure = error
            raise
        self._is_dirty = False
        self._durable_seq = self._last_seq

    def close(self) -> None:
        """Close the file; nothing is made durable by it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def _is_mark_due(self) -> bool:
        return self._durable_seq > self._told_durable_seq

    def _refuse_if_gone(self) -> None:
        """What is durable in a file that has no name any more, nobody will ever read."""
        if not is_current(self._path, self._fd):
            raise StorageError(self._path, "go on with", "somebody has removed or replaced it")

    def _cut_if_due(self) -> None:
        """A part of a line that a failed append or a crash left is cut before anything follows."""
        if self._is_cut_due:
            cut_file(self._path, self._fd, self._size_bytes)
            self._is_cut_due = False
            self._is_dirty = True


def _lines(event: RunEvent | FreshEvents, durable_seq: int | None = None) -> bytes:
    if isinstance(event, RunEvent):
        return event_line(event, durable_seq)
    return fresh_lines(event, durable_seq)


class JournalReader:
    """Reads a journal once, line by line: iterate, then look at `torn`, `good_bytes` and
    `last_seq`. Meanwhile `offset` is where the line of the last event given begins.

    Iterating raises `StorageError`, and `JournalDamagedError` at a line that is not the next event.
    A writer may be at work meanwhile; then the line it is writing may look torn.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.torn = False
        self.good_bytes = 0
        self.offset = 0
        self.last_seq = 0

    def __iter__(self) -> Iterator[RunEvent]:
        fd = open_file(self.path, os.O_RDONLY)
        with storage_errors(self.path, "read"), os.fdopen(fd, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    event = _event(line, number)
                except ValueError as error:
                    if not _is_torn(line, number, file):
                        raise JournalDamagedError(self.path, number, str(error)) from None
                    self.torn = True
                    return
                self.offset = self.good_bytes
                self.good_bytes += len(line)
                self.last_seq = number
                yield event


def read_journal(path: str) -> JournalContent:
    """All of a journal. Raises `StorageError` and `JournalDamagedError`."""
    reader = JournalReader(path)
    events = tuple(reader)
    return JournalContent(events, reader.torn, reader.good_bytes)


def _event(line: bytes, number: int) -> RunEvent:
    """The event of a line, the `number`th from 1. Raises ValueError with the problem in words."""
    if not line.endswith(b"\n"):
        raise ValueError("its last line is cut short")
    try:
        value = decode_json(line)
    except (ValueError, RecursionError):
        raise ValueError("the line is not JSON") from None
    try:
        event = event_from_json(value)
    except EventFormatError as error:
        raise ValueError(f"the line is {error}") from None
    if type(event.seq) is not int or event.seq != number:
        raise ValueError(f"event {event.seq!r} stands where event {number} is due")
    return event


def any_event_of_line(line: bytes) -> RunEvent | None:
    """The event of a line, whichever it is; None for a line that is torn, or holds none."""
    try:
        return event_from_json(decode_json(line)) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None


def _is_torn(line: bytes, number: int, rest: Iterable[bytes]) -> bool:
    """Whether a crash can have left such a line in the place of event `number`: it is cut short,
    or holds zeros where data had not reached the disk, and nothing in the `rest` of the journal
    says that it had."""
    if not line.endswith(b"\n"):
        return True
    return b"\0" in line and all(_durable_seq(later) < number for later in rest)


def _durable_seq(line: bytes) -> int:
    """Up to which event a line says that all is on the disk; 0 where it says nothing."""
    try:
        value = decode_json(line)
    except (ValueError, RecursionError):
        return 0
    said = value.get("durable") if isinstance(value, dict) else None
    return said if type(said) is int else 0
