"""`orch logs --follow`: what stages write, printed as they write it, until the run has ended.

Which logs there are comes from the journal, read as it grows, so any run can be followed, from any
terminal; the owner of the run doesn't know of it.
"""

from collections.abc import Callable, Mapping, Sequence

from orch.cli.closing import headline as ending
from orch.cli.face import Face
from orch.cli.following import Following
from orch.cli.log_printer import LogPrinter, headline
from orch.cli.log_tail import LogTail
from orch.cli.writer import STDOUT
from orch.dsl.record import record
from orch.runtime import clock
from orch.runtime.events import (
    RunEvent,
    StageCompleted,
    StageRetrying,
    StageStarted,
)
from orch.runtime.liveness import observe
from orch.runtime.paths import RunPaths


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
    """Returns when the run has ended, is lost, or nobody reads any more; how it ended is said on
    stderr, beside logs that have headlines."""
    follower = _Follower(paths, wanted, face)
    following = Following(paths)
    earlier: Mapping[str, int] | None = None
    for events in following.batches(follower.advance):
        if earlier is None:
            earlier = _last_attempts(events)
        for event in events:
            follower.hear(event, earlier)
        earlier = {}
    follower.end_all()
    if not follower.has_printed and not following.is_lost and face.verbosity >= 0:
        face.note("nothing was written\n")
    if wanted.has_headlines and not following.is_lost and following.is_over and face.verbosity >= 0:
        # Of one log alone it is the bare bytes that are wanted.
        view = observe(paths, clock.wall_ms())
        face.note(f"{ending(view.manifest, view.status, face.err)}\n")
    if following.is_lost:
        face.complain(
            f"run {paths.run_id} is lost: its owner is gone; "
            f"`orch resume {paths.run_id}` goes on with it"
        )


def _last_attempts(events: Sequence[RunEvent]) -> Mapping[str, int]:
    """The last attempt of each stage."""
    started = (event.payload for event in events)
    return {one.stage: one.attempt for one in started if isinstance(one, StageStarted)}


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

    @property
    def has_printed(self) -> bool:
        return self._last is not None

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
        log = LogTail(f"{self._paths.run}/{started.logs}/{stream}.log")
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
