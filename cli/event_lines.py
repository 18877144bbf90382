"""The events of a run as lines of stdout, past a reader that is slow.

They are read from the journal, byte for byte, as fast as the reader takes them; so nothing is
kept in memory for one that is slow. Only lines of the stages' output, which no journal holds, are
left out for it; they are in the logs.
"""

import os
from collections.abc import Callable

from orch.cli.writer import Writer
from orch.runtime.event_text import event_line
from orch.runtime.events import RunEvent, RunResumed, RunStarted, StageOutput

_PART_BYTES = 1 << 16


class EventLines:
    """A listener of `RunEvent`s after which each stands on stdout as its line, as far as the
    reader takes it. `journal_of` gives the path of the journal for its first event of this life,
    `run:started` or `run:resumed`.

    `pump` is to be called while the run goes on, `close` at its end. `problem` says, as a
    sentence for people, why the journal could not be read again.
    """

    def __init__(self, writer: Writer, journal_of: Callable[[RunEvent], str]) -> None:
        self._writer = writer
        self._journal_of = journal_of
        self._path: str | None = None
        self._fd = -1
        self._seq = 0
        # Offsets in the journal: up to where lines were handed to the writer, and where it ended
        # when the last event was told. Between them lies what the reader is yet to get.
        self._handed = self._end = 0
        self._unjournalled: list[bytes] = []
        self.problem: str | None = None
        writer.never_wait()

    def __call__(self, event: RunEvent) -> None:
        """Hear of an event."""
        if isinstance(event.payload, StageOutput):
            if not self._writer.is_waiting:
                self._writer.offer(event_line(event))
            return
        if self._path is None and isinstance(event.payload, (RunStarted, RunResumed)):
            self._begin(self._journal_of(event), len(event_line(event)))
        if self._path is not None and event.seq > self._seq:
            # A number of its own: it stands in the journal, at its end, or what was appended with
            # it does. How long its line is there only the file knows.
            self._seq = event.seq
            self._end = os.fstat(self._fd).st_size
        else:
            # Told where the disk takes no more: a handful at most.
            self._unjournalled.append(event_line(event))
        self.pump()

    def pump(self) -> None:
        """Write as much as the reader takes without waiting."""
        self._writer.pump()
        while not self._writer.is_waiting and (data := self._next_part()):
            self._writer.offer(data)

    def close(self) -> None:
        """Write all that is left, as long as the reader takes something of it."""
        self._writer.write()
        while not self._writer.is_gone and (data := self._next_part()):
            self._writer.write(data)
        self._writer.give_back()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _begin(self, path: str, line_bytes: int) -> None:
        """The line of the first event is the last one in the journal by now."""
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._handed = self._end = os.fstat(self._fd).st_size - line_bytes

    def _next_part(self) -> bytes:
        """Some of what the reader is yet to get; nothing where it has got all."""
        if self._handed == self._end:
            lines, self._unjournalled = self._unjournalled, []
            return b"".join(lines)
        data, why = b"", "somebody has cut it"
        try:
            left_bytes = max(0, self._end - self._handed)
            data = os.pread(self._fd, min(_PART_BYTES, left_bytes), self._handed)
        except OSError as error:
            why = str(error.strerror).lower()
        if not data:
            self.problem = f"events are missing on stdout: can't read {self._path} again: {why}"
            self._handed = self._end
        self._handed += len(data)
        return data
