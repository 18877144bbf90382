"""Where the excerpts of a run's stages stand: in its journal, from which they are read one by one.

orch holds a stage's output only until its `stage:completed` is journalled. Whoever needs the
excerpts later, the manifest above all, gets them from that line (ADR 28), so that what a run holds
in memory doesn't grow with what its stages write.
"""

import os
from io import BufferedReader
from itertools import islice

from orch.dsl.json_codec import decode_json
from orch.dsl.record import changed
from orch.dsl.type_names import Iterable, Iterator
from orch.runtime.events import RunEvent, StageCompleted, event_from_json
from orch.runtime.files import StorageError, open_file, storage_errors
from orch.runtime.journal import JournalReader
from orch.runtime.manifest import ManifestFold
from orch.runtime.stage_entry import StageEntry


class ExcerptsLostError(StorageError):
    """The journal can't be read any more where excerpts stood."""


class Excerpts:
    """The places of the excerpts in one journal.

    The fold is told the events that `taken` gives, so that its entries have no excerpts; `whole`
    gives an entry with them. An entry has excerpts exactly while it has `completed_at`, and then
    those of its last `stage:completed`: every event that takes the one takes the other
    (`orch.runtime.manifest`).
    """

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._offsets: dict[str, int] = {}

    def taken(self, event: RunEvent, offset: int) -> RunEvent:
        """An event, whose line begins at `offset`, without its excerpts; notes where they are."""
        said = event.payload
        if not isinstance(said, StageCompleted):
            return event
        if not said.stdout_excerpt and not said.stderr_excerpt:
            self._offsets.pop(said.stage, None)
            return event
        self._offsets[said.stage] = offset
        bare = changed(said, stdout_excerpt="", stderr_excerpt="")
        return RunEvent(event.seq, event.time, bare)

    def forget(self, stages: Iterable[str]) -> None:
        """Note that the last `stage:completed` of these stages has no excerpts."""
        for stage in stages if self._offsets else ():
            self._offsets.pop(stage, None)

    def whole(self, entries: Iterable[StageEntry]) -> Iterator[StageEntry]:
        """Entries with their excerpts; one is in memory at a time. Raises `ExcerptsLostError`."""
        file: BufferedReader | None = None
        try:
            for entry in entries:
                offset = self._offsets.get(entry.id)
                if offset is None or entry.completed_at is None:
                    yield entry
                else:
                    file = file or self._open()
                    yield self._filled(entry, file, offset)
        finally:
            if file is not None:
                file.close()

    def _open(self) -> BufferedReader:
        try:
            return os.fdopen(open_file(self._journal, os.O_RDONLY), "rb")
        except StorageError as error:
            raise ExcerptsLostError(self._journal, "read", error.why) from None

    def _filled(self, entry: StageEntry, file: BufferedReader, offset: int) -> StageEntry:
        try:
            with storage_errors(self._journal, "read"):
                file.seek(offset)
                line = file.readline()
        except StorageError as error:
            raise ExcerptsLostError(self._journal, "read", error.why) from None
        said = _completed(line)
        if said is None or said.stage != entry.id:
            why = f"what `{entry.id}` wrote doesn't stand there any more; somebody has changed it"
            raise ExcerptsLostError(self._journal, "read", why)
        return changed(
            entry, stdout_excerpt=said.stdout_excerpt, stderr_excerpt=said.stderr_excerpt
        )


def _completed(line: bytes) -> StageCompleted | None:
    try:
        said = event_from_json(decode_json(line)).payload
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, StageCompleted) else None


def replay(state: ManifestFold, reader: JournalReader, last_seq: int | None = None) -> Excerpts:
    """Fold a journal in, to event `last_seq` or its end, and leave the excerpts where they are.

    Raises what reading it and folding it do.
    """
    excerpts = Excerpts(reader.path)
    for event in islice(reader, last_seq):
        state.apply(excerpts.taken(event, reader.offset))
    return excerpts
