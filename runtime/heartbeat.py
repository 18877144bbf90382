"""The sign of life of a run: `.heartbeat` at every tick, the manifest at least every `persist`.

A heartbeat is suspicion, not proof: `orch.runtime.liveness` says what follows from its silence.
"""

from orch.compiler.plan import HeartbeatPolicy
from orch.dsl.json_codec import decode_json
from orch.dsl.record import record
from orch.dsl.type_names import Callable
from orch.runtime.clock import instant_ms, utc_text
from orch.runtime.events import HeartbeatFailed
from orch.runtime.files import StorageError, json_line, read_file, replace_file
from orch.runtime.paths import RunPaths


@record
class Beat:
    """What `.heartbeat` holds: when it was written, and how many there were before, resumes
    included."""

    time_ms: int
    sequence: int


class Heartbeat:
    """Ticks of one run, driven from a single-threaded loop: so they never overlap.

    The driver sleeps until `due_at_ms` at most, then calls `tick`. However late it comes, one tick
    follows and the next is due a whole `every` later, so they never pile up. A failed write is
    reported, counted in `failures`, and tried again at the next tick.
    """

    def __init__(
        self,
        paths: RunPaths,
        policy: HeartbeatPolicy,
        write_manifest: Callable[[], None],
        report: Callable[[HeartbeatFailed], object],
        wall_ms: Callable[[], int],
    ) -> None:
        """`write_manifest` raises `StorageError` when it fails; `report` takes the failures.

        The first tick is due at once, and writes both files.
        """
        self._path = paths.heartbeat
        self._policy = policy
        self._write_manifest = write_manifest
        self._report = report
        self._wall_ms = wall_ms
        self._next_beat_ms = 0
        self._next_flush_ms = 0
        self._sequence = _last_sequence(paths.heartbeat)
        self.failures = 0

    @property
    def has_begun(self) -> bool:
        """Whether there was a first tick."""
        return self._next_beat_ms > 0

    @property
    def due_at_ms(self) -> int:
        """The monotonic instant at which `tick` has something to do."""
        return min(self._next_beat_ms, self._next_flush_ms)

    def tick(self, now_ms: int) -> None:
        """Write what is due at the monotonic instant `now_ms`. Raises only what `report` does."""
        failed: list[HeartbeatFailed] = []
        if now_ms >= self._next_beat_ms:
            self._next_beat_ms = now_ms + self._policy.every_ms
            self._sequence += 1
            self._attempt(self._write_beat, failed)
        if now_ms >= self._next_flush_ms:
            self.flushed(now_ms)
            if not self._attempt(self._write_manifest, failed):
                self._next_flush_ms = min(self._next_flush_ms, self._next_beat_ms)
        for failure in failed:
            self._report(failure)

    def flushed(self, now_ms: int) -> None:
        """The manifest has just been written, by `tick` or by the driver for reasons of its own."""
        self._next_flush_ms = now_ms + self._policy.persist_ms

    def _write_beat(self) -> None:
        # Not durable: after a power loss an old heartbeat is as good as a new one.
        beat = {"time": utc_text(self._wall_ms()), "sequence": self._sequence}
        replace_file(self._path, json_line(beat), is_durable=False)

    def _attempt(self, write: Callable[[], None], failed: list[HeartbeatFailed]) -> bool:
        try:
            write()
        except StorageError as error:
            self.failures += 1
            failed.append(HeartbeatFailed(error.path, error.why, self.failures))
            return False
        return True


def read_heartbeat(path: str) -> Beat | None:
    """The last beat; None where there is none, or nothing that is one.

    Raises `StorageError`.
    """
    text = read_file(path)
    if not text:
        return None
    try:
        value = decode_json(text)
        return Beat(instant_ms(value["time"]), int(value["sequence"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _last_sequence(path: str) -> int:
    try:
        beat = read_heartbeat(path)
    except StorageError:
        return 0
    return 0 if beat is None else beat.sequence
