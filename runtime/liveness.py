"""Whether a run that has not ended is running, stale or lost (runtime.md, section 5; ADR 6).

The heartbeat is suspicion, the owner's kernel lock is proof. A run is `lost` when its owner is
provably gone, be its last heartbeat ever so fresh; it is `stale` when it is silent and nothing is
proven. A stopped owner still holds its lock, so its run is stale and never lost. An event in the
journal is a sign of life as a heartbeat is, so a life that has only begun isn't silent.
"""

from contextlib import suppress

from orch.compiler.plan import Plan
from orch.dsl.record import changed, record
from orch.runtime.clock import instant_ms
from orch.runtime.excerpts import Excerpts, replay
from orch.runtime.files import StorageError
from orch.runtime.heartbeat import Beat, read_heartbeat
from orch.runtime.journal import JournalReader
from orch.runtime.manifest import Manifest, ManifestFold
from orch.runtime.owner import Owner, is_lock_held, read_owner
from orch.runtime.paths import RunPaths
from orch.runtime.plan_file import read_plan
from orch.runtime.processes import is_same_process_alive
from orch.runtime.states import RunStatus


@record
class RunView:
    """A run as a reader sees it: its manifest as of the last event in its journal, the status
    judged, and the evidence. The entries of `manifest` are without excerpts, which are where
    `excerpts` says."""

    paths: RunPaths
    plan: Plan
    manifest: Manifest
    excerpts: Excerpts
    status: RunStatus
    owner: Owner | None
    beat: Beat | None


def observe(paths: RunPaths, now_ms: int) -> RunView:
    """Look at a run from outside; nothing is written, and its owner isn't disturbed.

    The manifest comes from the journal, because the one on disk may be `heartbeat.persist` old.
    Raises `StorageError`, `PlanFormatError`, `JournalDamagedError` and `EventMismatchError`.
    """
    # The owner comes first: if it was gone and the journal read afterwards doesn't say that the
    # run ended, then nobody will ever write that. The other way round, a run that ends between
    # the two looks would seem lost.
    owner = read_owner(paths.owner)
    is_gone = is_owner_gone(paths.owner, owner)
    beat = None
    with suppress(StorageError):
        # It is suspicion only, and what can't be read is as silent as what isn't there.
        beat = read_heartbeat(paths.heartbeat)
    plan = read_plan(paths.plan)
    state = ManifestFold(plan)
    excerpts = replay(state, JournalReader(paths.journal))
    manifest = state.manifest()
    if not manifest.run_id:
        # Its owner died before the first event; the folder's name is all that is known.
        shown = paths.shown(paths.manifest)
        manifest = changed(manifest, run_id=paths.run_id, task_id=paths.task_id, manifest=shown)
    silent_ms = _silent_ms(beat, manifest, now_ms)
    status = judge(manifest.status, silent_ms, plan.policy.heartbeat.stale_ms, is_gone=is_gone)
    return RunView(paths, plan, manifest, excerpts, status, owner, beat)


def whole_manifest(view: RunView) -> Manifest:
    """The manifest with all excerpts. Raises `StorageError`."""
    return changed(view.manifest, stages=tuple(view.excerpts.whole(view.manifest.stages)))


def judge(
    status: RunStatus, silent_ms: int | None, stale_ms: int, *, is_gone: bool | None
) -> RunStatus:
    """The status to show for a run whose manifest says `status`; one that has ended stays so.

    `silent_ms` is the age of its last sign of life (None: there is none; below zero: the clock was
    set back), `is_gone` whether its owner is gone (None: not proven either way).
    """
    if status is not RunStatus.RUNNING:
        return status
    if is_gone:
        return RunStatus.LOST
    if silent_ms is None or silent_ms > stale_ms:
        return RunStatus.STALE
    return RunStatus.RUNNING


def _silent_ms(beat: Beat | None, manifest: Manifest, now_ms: int) -> int | None:
    """How long ago the last heartbeat or event was; None where there is neither."""
    heard_ms = [] if beat is None else [beat.time_ms]
    if manifest.updated_at is not None:
        with suppress(ValueError):
            heard_ms.append(instant_ms(manifest.updated_at))
    return now_ms - max(heard_ms) if heard_ms else None


def is_owner_gone(path: str, owner: Owner | None) -> bool | None:
    """Whether the process that the owner file at `path` names is gone; None if nothing proves it.

    Nothing is ever proven of another host's process, because locks may not reach so far and pids
    mean nothing there.
    """
    if owner is None or not owner.is_of_this_host:
        return None
    is_held = is_lock_held(path)
    if is_held is not None:
        return not is_held
    is_alive = is_same_process_alive(owner.identity)
    return None if is_alive is None else not is_alive
