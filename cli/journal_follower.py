"""Follows the journal of a run while another process writes it, at the pace of whoever reads."""

import os
from types import TracebackType
from typing import Self

from orch.dsl.json_codec import decode_json
from orch.runtime.events import EventFormatError, RunEvent, event_from_json
from orch.runtime.files import StorageError
from orch.runtime.journal import JournalDamagedError

_PART_BYTES = 1 << 18


class JournalFollower:
    """Gives the events from the byte `offset` on, each once its line is whole. A line that is not
    whole is read again: its writer may have to take it back."""

    def __init__(self, path: str, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._part_bytes = _PART_BYTES
        self._line = 0
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(path, "read", error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def next_events(self) -> list[RunEvent]:
        """Events that have not been given yet, some hundred at most; none where there are none for
        now. Raises `StorageError`, and `JournalDamagedError` with the line counted from where this
        follower began."""
        try:
            data = os.pread(self._fd, self._part_bytes, self._offset)
        except OSError as error:
            raise StorageError(self._path, "read", error) from None
        whole = data[: data.rfind(b"\n") + 1]
        # A line may be longer than any part; then more is read at once the next time.
        is_short = not whole and len(data) == self._part_bytes
        self._part_bytes = self._part_bytes * 2 if is_short else _PART_BYTES
        self._offset += len(whole)
        if is_short:
            return self.next_events()
        return [self._event(line) for line in whole.splitlines()]

    def _event(self, line: bytes) -> RunEvent:
        self._line += 1
        try:
            return event_from_json(decode_json(line))
        except (EventFormatError, ValueError, RecursionError) as error:
            raise JournalDamagedError(self._path, self._line, str(error)) from None
