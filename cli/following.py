"""A run followed from outside, by its journal, until it has ended, is lost, or nobody reads."""

import select
from collections.abc import Callable, Iterator

from orch.cli.journal_follower import JournalFollower
from orch.cli.writer import STDOUT
from orch.runtime.events import RunCompleted, RunEvent, RunResumed, RunStarted
from orch.runtime.liveness import is_owner_gone
from orch.runtime.owner import read_owner
from orch.runtime.paths import RunPaths

_PAUSE_MS = 100
_PAUSES_UNTIL_DOUBT = 10
"""So many times nothing came, then it is asked whether the owner is still there."""


class Following:
    """One run; the process that owns it doesn't know of it."""

    def __init__(self, paths: RunPaths) -> None:
        self.is_lost = False
        """Its owner is gone, and the last that it wrote isn't the end of the run."""
        self.is_over = False
        """It has ended, and its journal was read to that."""
        self._paths = paths

    def batches(self, on_idle: Callable[[], bool]) -> Iterator[list[RunEvent]]:
        """First all events that there are, then those that come, as they come. `on_idle` is called
        some ten times a second, and says whether it has seen anything happen.

        Raises `StorageError` and `JournalDamagedError`.
        """
        with JournalFollower(self._paths.journal, 0) as journal:
            yield self._all_so_far(journal)
            doubts = 0
            while not self.is_over and _is_read():
                events = self._heard(journal.next_events())
                doubts = 0 if on_idle() or events else doubts + 1
                if events:
                    yield events
                if doubts > _PAUSES_UNTIL_DOUBT:
                    doubts = 0
                    if is_owner_gone(self._paths.owner, read_owner(self._paths.owner)):
                        # It may have ended the run just before it went.
                        if events := self._all_so_far(journal):
                            yield events
                        self.is_lost = not self.is_over
                        return

    def _all_so_far(self, journal: JournalFollower) -> list[RunEvent]:
        events: list[RunEvent] = []
        while more := journal.next_events():
            events += more
        return self._heard(events)

    def _heard(self, events: list[RunEvent]) -> list[RunEvent]:
        for event in events:
            if isinstance(event.payload, (RunStarted, RunResumed, RunCompleted)):
                self.is_over = isinstance(event.payload, RunCompleted)
        return events


def _is_read() -> bool:
    """Wait a little; False where the reader of stdout has gone away."""
    poller = select.poll()
    poller.register(STDOUT.fd, 0)
    return not poller.poll(_PAUSE_MS) and not STDOUT.is_gone
