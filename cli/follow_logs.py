"""`orch logs --follow`: what stages write, printed as they write it, until the run has ended.

Which logs there are comes from the journal, read as it grows, so any run can be followed, from any
terminal; the owner of the run doesn't know of it.
"""

import select
from collections.abc import Callable, Mapping, Sequence

from orch.cli.face import Face
from orch.cli.journal_follower import JournalFollower
from orch.cli.log_printer import LogPrinter, headline
from orch.cli.log_tail import LogTail
from orch.cli.writer import STDOUT
from orch.dsl.record import record
from orch.runtime.events import (
    RunCompleted,
    RunEvent,
    RunResumed,
    StageCompleted,
    StageRetrying,
    StageStarted,
)
from orch.runtime.liveness import is_owner_gone
from orch.runtime.owner import read_owner
from orch.runtime.paths import RunPaths

_PAUSE_MS = 100
_PAUSES_UNTIL_DOUBT = 10
"""So many times nothing came, then it is asked whether the owner is still there."""


@record
class Wanted:
    """Which logs are followed. `attempt` None: any that begins while they are followed, and of
    those that had ended before the last one, unless `is_every_attempt`."""

    is_stage: Callable[[str], bool]
    streams: Sequence[str]
    attempt: int | None
    is_every_attempt: bool
    has_headlines: bool


def follow_logs(paths: RunPaths, wanted: Wanted, face: Face) -> None:
    """Returns when the run has ended, is lost, or nobody reads any more."""
    with JournalFollower(paths.journal, 0) as journal:
        follower = _Follower(paths, wanted, face)
        events = _all_so_far(journal)
        earlier = _last_attempts(events)
        for event in events:
            follower.hear(event, earlier)
        doubts = 0
        while not follower.is_over and _is_read(_PAUSE_MS):
            events = journal.next_events()
            doubts = 0 if events or follower.advance() else doubts + 1
            for event in events:
                follower.hear(event, {})
            if doubts > _PAUSES_UNTIL_DOUBT:
                doubts = 0
                if _is_lost(paths, journal, follower):
                    follower.end_all()
                    face.complain(
                        f"run {paths.run_id} is lost: its owner is gone; "
                        f"`orch resume {paths.run_id}` goes on with it"
                    )
                    return


def _is_lost(paths: RunPaths, journal: JournalFollower, follower: "_Follower") -> bool:
    """Whether the owner is gone, and the last that it wrote isn't the end of the run."""
    if not is_owner_gone(paths.owner, read_owner(paths.owner)):
        return False
    for event in _all_so_far(journal):
        follower.hear(event, {})
    return not follower.is_over


def _all_so_far(journal: JournalFollower) -> list[RunEvent]:
    events: list[RunEvent] = []
    while more := journal.next_events():
        events += more
    return events


def _last_attempts(events: Sequence[RunEvent]) -> Mapping[str, int]:
    """The last attempt of each stage."""
    started = (event.payload for event in events)
    return {one.stage: one.attempt for one in started if isinstance(one, StageStarted)}


def _is_read(pause_ms: int) -> bool:
    """Wait a little; False where the reader of stdout has gone away."""
    poller = select.poll()
    poller.register(STDOUT.fd, 0)
    return not poller.poll(pause_ms) and not STDOUT.is_gone


@record
class _Followed:
    """One log that is printed while it grows."""

    stage: str
    attempt: int
    stream: str
    log: LogTail
    printer: LogPrinter


class _Follower:
    def __init__(self, paths: RunPaths, wanted: Wanted, face: Face) -> None:
        self._paths = paths
        self._wanted = wanted
        self._face = face
        self._growing: dict[str, list[_Followed]] = {}
        self._last: _Followed | None = None
        self.is_over = False

    def hear(self, event: RunEvent, earlier: Mapping[str, int]) -> None:
        """An event of the run; `earlier` are the last attempts of stages where many have ended."""
        match event.payload:
            case StageStarted() as started:
                if self._is_wanted(started, earlier):
                    self._growing[started.stage] = [
                        self._followed(started, stream) for stream in self._wanted.streams
                    ]
            case StageRetrying(stage=stage) | StageCompleted(stage=stage):
                self._end(stage)
            case RunResumed():
                self.is_over = False
            case RunCompleted():
                self.end_all()
                self.is_over = True
            case _:
                pass

    def _is_wanted(self, started: StageStarted, earlier: Mapping[str, int]) -> bool:
        if not self._wanted.is_stage(started.stage):
            return False
        if self._wanted.attempt is not None:
            return started.attempt == self._wanted.attempt
        last = earlier.get(started.stage, started.attempt)
        return self._wanted.is_every_attempt or started.attempt == last

    def _followed(self, started: StageStarted, stream: str) -> _Followed:
        log = LogTail(self._paths.run / started.logs / f"{stream}.log")
        printer = LogPrinter(self._face.out)
        return _Followed(started.stage, started.attempt, stream, log, printer)

    def advance(self) -> bool:
        """Print what has come; whether anything has."""
        growing = [one for logs in self._growing.values() for one in logs]
        return sum(map(self._print, growing)) > 0

    def _end(self, stage: str) -> None:
        """An attempt has ended: its logs are whole."""
        for one in self._growing.pop(stage, ()):
            self._print(one)
            if self._last is one:
                one.printer.finish()
            one.log.close()

    def end_all(self) -> None:
        for stage in tuple(self._growing):
            self._end(stage)

    def _print(self, one: _Followed) -> bool:
        has_come = False
        while (data := one.log.read()) and not STDOUT.is_gone:
            if self._last is not one:
                self._turn_to(one)
            one.printer.feed(data)
            has_come = True
        return has_come

    def _turn_to(self, one: _Followed) -> None:
        if self._last is not None:
            self._last.printer.finish()
            if self._last.printer.is_mid_line and self._wanted.has_headlines:
                self._face.say("\n")
        if self._wanted.has_headlines:
            self._face.say(headline(one.stage, one.attempt, one.stream, self._face.out))
        self._last = one
