"""A run from its plan to its result: the doors through which faces start and resume runs."""

import orch
from orch.compiler.plan import Plan, with_digest
from orch.dsl.record import changed
from orch.dsl.type_names import Collection
from orch.runtime import clock
from orch.runtime.decisions import StageHistory
from orch.runtime.events import RunResumed, RunStarted
from orch.runtime.excerpts import Excerpts, replay
from orch.runtime.handover import remove_values_files
from orch.runtime.ids import SystemRandom, resolve_task_id
from orch.runtime.journal import Journal, JournalReader
from orch.runtime.life import Life, OpenRun, RunOptions
from orch.runtime.manifest import Manifest, ManifestFold, fold
from orch.runtime.owner import OwnerLock, RunIsOwnedError, read_owner
from orch.runtime.paths import RunPaths, claim_run
from orch.runtime.plan_file import read_plan, write_plan
from orch.runtime.run_result import RunResult
from orch.runtime.secrets import SecretError, Secrets, resolve_secrets
from orch.runtime.settled import settled
from orch.runtime.signals import SignalInbox
from orch.runtime.states import RunStatus, StageStatus

__all__ = ["RunOptions", "RunRefusedError", "RunResult", "keep_going", "resume_run", "run_plan"]


class RunRefusedError(Exception):
    """A run is not begun, or not resumed; the message says why, for people. Exit code 2."""


def run_plan(
    plan: Plan,
    root: str,
    options: RunOptions,
    *,
    task: str | None = None,
    text: bytes | None = None,
) -> RunResult:
    """Run a plan below the project root `root` (absolute), and return when it has ended.

    `task` is the task id that was asked for, if one was, `text` the canonical JSON of the plan,
    where that is at hand. Must be called in the main thread of a process without other threads.
    Raises `RunRefusedError`, `InvalidIdError`, `PlaceError`, and `StorageError` where the run
    directory could not be made; from then on failures are part of the result.
    """
    secrets = _secrets(plan, root, options)
    task_id = resolve_task_id(task, options.environment, plan)
    with SignalInbox() as signals:
        paths = claim_run(root, task_id, options.environment, clock.wall_ms(), SystemRandom())
        lock = OwnerLock.acquire(paths.owner, orch.__version__)
        write_plan(paths.plan, plan, text)
        del text  # As large as its file, and of no use while the run goes on.
        journal = Journal.create(paths.journal)
        try:
            excerpts = Excerpts(paths.journal)
            run = OpenRun(plan, paths, journal, ManifestFold(plan), excerpts, secrets)
            life = Life(run, options)
            return life.live(_started(plan, paths, options), {}, signals)
        finally:
            journal.close()
            lock.release()


def resume_run(paths: RunPaths, options: RunOptions, recompiled: Plan | None = None) -> RunResult:
    """Go on with a run that was interrupted, or failed, by its frozen plan; stages that succeeded
    are kept. A run that succeeded is only repaired: what its journal says is written again.

    `recompiled` becomes the frozen plan, if it holds what the run has done as it was. A deadline
    starts anew. Raises `RunRefusedError` for a run that lives, `StorageError`,
    `PlanFormatError`, `JournalDamagedError` and `EventMismatchError`.
    """
    from orch.runtime.leftovers import Mark, kill_marked

    with SignalInbox() as signals:
        _refuse_what_another_host_may_hold(paths)
        try:
            lock = OwnerLock.acquire(paths.owner, orch.__version__)
        except RunIsOwnedError as error:
            raise RunRefusedError(f"run {paths.run_id} can't be resumed: {error}") from None
        try:
            plan = read_plan(paths.plan)
            content = JournalReader(paths.journal)
            state = ManifestFold(plan)
            excerpts = replay(state, content)
            manifest = state.manifest()
            if manifest.status is RunStatus.SUCCEEDED:
                return _repair(plan, paths, manifest, excerpts)
            if recompiled is not None:
                plan, state, excerpts = _taken_over(recompiled, plan, manifest, paths)
            statuses = {entry.id: entry.status for entry in manifest.stages}
            secrets = _secrets(plan, paths.root, options, settled(plan.stages, statuses))
            kill_marked(Mark(paths.run_id, paths.run))
            if recompiled is not None:
                write_plan(paths.plan, plan)
            journal = Journal.open_for_append(paths.journal, content)
            try:
                if content.last_seq:
                    options = changed(options, is_forced=manifest.is_forced)
                life = Life(OpenRun(plan, paths, journal, state, excerpts, secrets), options)
                first = (
                    _resumed(paths, lock, recompiled)
                    if content.last_seq
                    else _started(plan, paths, options)
                )
                return life.live(first, _history(manifest), signals)
            finally:
                journal.close()
        finally:
            lock.release()


def _taken_over(
    plan: Plan, before: Plan, manifest: Manifest, paths: RunPaths
) -> tuple[Plan, ManifestFold, Excerpts]:
    """The new plan, and what the journal comes to under it. Raises `RunRefusedError`."""
    from orch.runtime.recompile import why_not_with

    told = {entry.id for entry in manifest.stages if entry.status is not StageStatus.WAITING}
    done = settled(before.stages, {entry.id: entry.status for entry in manifest.stages})
    problem = why_not_with(plan, before, done, told)
    if problem:
        raise RunRefusedError(
            f"run {paths.run_id} can't go on with today's sources: {problem}; resume it without "
            "--recompile, or start a new run"
        )
    state = ManifestFold(plan)
    return plan, state, replay(state, JournalReader(paths.journal))


def _refuse_what_another_host_may_hold(paths: RunPaths) -> None:
    """A free lock proves nothing of an owner on another host (runtime.md, section 5), unless the
    journal says that the run has ended. Raises `RunRefusedError`."""
    owner = read_owner(paths.owner)
    if owner is None or owner.is_of_this_host:
        return
    if fold(read_plan(paths.plan), JournalReader(paths.journal)).status is RunStatus.RUNNING:
        raise RunRefusedError(
            f"run {paths.run_id} can't be resumed here: process {owner.pid} on {owner.host} may "
            f"hold it; resume it there, or, if that host is gone for good, remove "
            f"{paths.shown(paths.owner)}"
        )


def keep_going(plan: Plan) -> Plan:
    """The plan as `--keep-going` runs it: with `fail_fast` off."""
    return with_digest(changed(plan, policy=changed(plan.policy, fail_fast=False)))


def _secrets(plan: Plan, root: str, options: RunOptions, settled: Collection[str] = ()) -> Secrets:
    try:
        return resolve_secrets(plan, root, options.environment, settled)
    except SecretError as error:
        raise RunRefusedError(str(error)) from None


def _started(plan: Plan, paths: RunPaths, options: RunOptions) -> RunStarted:
    return RunStarted(
        paths.run_id,
        paths.task_id,
        plan.pipeline.name,
        plan.digest,
        orch.__version__,
        paths.shown(paths.manifest),
        options.is_forced,
        options.source,
        options.policy,
    )


def _resumed(paths: RunPaths, lock: OwnerLock, recompiled: Plan | None) -> RunResumed:
    digest = None if recompiled is None else recompiled.digest
    return RunResumed(paths.run_id, lock.owner.pid, lock.owner.host, orch.__version__, digest)


def _history(manifest: Manifest) -> dict[str, StageHistory]:
    return {
        entry.id: StageHistory(
            entry.status, entry.attempts, entry.exit_code, entry.values, entry.key
        )
        for entry in manifest.stages
    }


def _repair(plan: Plan, paths: RunPaths, manifest: Manifest, excerpts: Excerpts) -> RunResult:
    """Write manifest, metrics and state again from what the journal says, and remove what its orch
    had no time for; each is idempotent."""
    from orch.runtime.persistence import PersistenceCoordinator

    remove_values_files(paths.values)
    notes: list[str] = []
    PersistenceCoordinator(
        paths, plan.policy.lock, lambda payload: notes.append(str(payload)), excerpts=excerpts
    ).handle_run_completed(manifest)
    return RunResult(paths, manifest, manifest.status, manifest.reason, 0, tuple(notes), excerpts)
