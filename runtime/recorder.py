"""Every event of a run goes through here: numbered, journalled, folded, then told to listeners."""

from orch.dsl.record import record
from orch.dsl.type_names import TYPE_CHECKING, Callable, Sequence
from orch.runtime.events import Payload, RunEvent
from orch.runtime.excerpts import Excerpts
from orch.runtime.files import StorageError
from orch.runtime.fresh_events import FreshEvents, FreshStages
from orch.runtime.journal import Journal
from orch.runtime.manifest import Manifest, ManifestFold

if TYPE_CHECKING:
    from orch.runtime.paths import RunPaths

Listener = Callable[[RunEvent], None]
"""One that has a method `hear_fresh` is told `FreshEvents` by it, and not each of their events."""

Said = RunEvent | FreshEvents


@record
class Watching:
    """Who looks on: listeners of events, and a face that wants to be called while nothing happens.

    All of it is called in the loop of the run, so none of it may wait for anything; whoever can't
    promise that follows the journal from another process.
    `is_streaming` asks for `stage:output` events; `on_idle` is called about every `idle_ms`, and
    `on_begun` once, when the first event of this life is durable and the manifest is there. What
    `on_begun` raises ends the run. `get_ready` is called once, while the first attempts run, to
    import what is needed only when it ends: then a command may have replaced what orch runs from.
    """

    listeners: Sequence[Listener] = ()
    is_streaming: bool = False
    on_idle: Callable[[], None] | None = None
    idle_ms: int = 100
    on_begun: Callable[["RunPaths", RunEvent], None] | None = None
    get_ready: Callable[[], None] = lambda: None


NOBODY = Watching()


class Recorder:
    """The one writer of a run's journal.

    `utc_now` gives the time of an event as `2026-11-22T09:55:41.431Z`. A listener that raises is
    never called again; what it raised is kept in `listener_errors` and hurts nobody.
    """

    def __init__(
        self,
        journal: Journal,
        fold: ManifestFold,
        excerpts: Excerpts,
        watching: Watching,
        utc_now: Callable[[], str],
    ) -> None:
        self._journal = journal
        self._fold = fold
        self._excerpts = excerpts
        self.watching = watching
        self._listeners = list(watching.listeners)
        self._utc_now = utc_now
        self._seq = journal.last_seq
        self._durable_seq = journal.last_seq
        self._untold: list[tuple[Said, int]] = []
        self.listener_errors: list[Exception] = []

    @property
    def is_durable(self) -> bool:
        """Whether every event so far has reached the disk."""
        return self._durable_seq == self._seq

    @property
    def seq(self) -> int:
        """The number of the last event that was journalled."""
        return self._seq

    @property
    def durable_seq(self) -> int:
        return self._durable_seq

    def manifest(self) -> Manifest:
        """The fold of all events so far; the excerpts of its stages stand in the journal."""
        self.tell()
        return self._fold.manifest()

    def emit(self, *payloads: Payload | FreshStages) -> None:
        """Append events, which happened at once, then fold and tell each. Raises `StorageError`,
        and then nobody has heard of any."""
        self.append(*payloads)
        self.tell()

    def append(self, *payloads: Payload | FreshStages) -> None:
        """Append events, which are folded and told by the next `tell`: what follows from them can
        be begun before. Raises `StorageError`, and then nobody hears of any."""
        self._untold += self._appended(payloads)

    def tell(self, before: Callable[[RunEvent], None] | None = None) -> None:
        """Fold and tell what has been appended. `before` hears of each before all listeners do,
        and what it raises is raised."""
        untold, self._untold = self._untold, []
        for said, offset in untold:
            if isinstance(said, FreshEvents):
                self._tell_fresh(said)
                continue
            self._fold.apply(self._excerpts.taken(said, offset))
            if before is not None:
                before(said)
            self._tell(said)

    def begin(
        self, payload: Payload, paths: "RunPaths", write_manifest: Callable[[], None]
    ) -> None:
        """Append the first event of a life. Where a face waits for it, it is durable and the
        manifest is there before the face hears of it, and listeners after it."""
        on_begun = self.watching.on_begun
        if on_begun is None:
            self.emit(payload)
            return

        def told(event: RunEvent) -> None:
            try:
                # The heartbeat tries again, and tells of it.
                write_manifest()
            except StorageError:
                pass
            on_begun(paths, event)

        self.emit_durably(payload, before=told)

    def emit_durably(
        self, *payloads: Payload, before: Callable[[RunEvent], None] | None = None
    ) -> None:
        """Append events that are on the disk, all by one sync, before anybody hears of them.
        `before`: see `tell`."""
        self.tell()
        appended = self._appended(payloads)
        self.sync()
        self._untold += appended
        self.tell(before)

    def _appended(self, payloads: Sequence[Payload | FreshStages]) -> list[tuple[Said, int]]:
        """The events, and where their lines begin."""
        if not payloads:
            return []
        now, seq = self._utc_now(), self._seq
        events: list[Said] = []
        for told in payloads:
            if isinstance(told, FreshStages):
                fresh = FreshEvents(seq + 1, now, told.ends)
                events.append(fresh)
                seq = fresh.last_seq
            else:
                seq += 1
                events.append(RunEvent(seq, now, told))
        offsets = self._journal.append(*events)
        self._seq = seq
        return list(zip(events, offsets, strict=True))

    def announce(self, payload: Payload) -> None:
        """Tell listeners alone; such events carry the number of the last journalled one."""
        self.tell()
        if self._listeners:
            self._tell(RunEvent(self._seq, self._utc_now(), payload))

    def sync(self) -> None:
        """Return when all events so far are durable; raises `StorageError`."""
        if not self.is_durable:
            self._journal.sync()
            self._durable_seq = self._seq

    def _tell_fresh(self, events: FreshEvents) -> None:
        self._excerpts.forget(stage for stage, _, _ in events.ends)
        self._fold.apply_fresh(events)
        self._tell(events)

    def _tell(self, said: Said) -> None:
        for listener in self._listeners:
            try:
                if isinstance(said, RunEvent):
                    listener(said)
                else:
                    _tell_one_of_fresh(listener, said)
            except Exception as error:  # noqa: BLE001 # Whatever a listener raises is its own affair.
                # A new list: who comes after it hears of this event, too.
                self._listeners = [other for other in self._listeners if other is not listener]
                self.listener_errors.append(error)


def _tell_one_of_fresh(listener: Listener, events: FreshEvents) -> None:
    hear_fresh = getattr(listener, "hear_fresh", None)
    if hear_fresh is not None:
        hear_fresh(events)
    else:
        for event in events:
            listener(event)
