"""How a run ended, for whoever began it."""

from orch.dsl.record import record
from orch.runtime.excerpts import Excerpts
from orch.runtime.files import StorageError
from orch.runtime.manifest import Manifest
from orch.runtime.paths import RunPaths
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus


@record
class RunResult:
    """How a run ended and where its files are.

    `notes` are sentences for people about what orch itself could not do; they change nothing of
    the status, which is what the stages deserve. Where there are `excerpts`, the entries of
    `manifest` are without, and `whole` gives one with its own.
    """

    paths: RunPaths
    manifest: Manifest
    status: RunStatus
    reason: str | None
    exit_code: int
    notes: tuple[str, ...] = ()
    excerpts: Excerpts | None = None

    def whole(self, entry: StageEntry) -> StageEntry:
        """An entry of the manifest with its excerpts, as far as these can be read."""
        if self.excerpts is None:
            return entry
        try:
            return next(self.excerpts.whole((entry,)))
        except StorageError:
            return entry
