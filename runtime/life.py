"""One life of a run: from an owned run directory with an open journal to `run:completed` and all
that is written after it. A run has one life, and one more for each resume."""

import os

from orch.compiler.plan import Plan, PlannedStage
from orch.dsl.record import EMPTY, changed, record
from orch.dsl.type_names import TYPE_CHECKING, Any, Callable, Mapping
from orch.runtime import clock
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.decisions import Finish, Outside, StageHistory
from orch.runtime.descriptors import NoWardenError
from orch.runtime.driver import Crew, Driver
from orch.runtime.environment import RunFacts
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunCompleted,
    RunEvent,
    RunResumed,
    RunStarted,
    RunSummary,
    StageCompleted,
)
from orch.runtime.excerpts import Excerpts, replay
from orch.runtime.exclusive import ExclusiveNames
from orch.runtime.files import StorageError
from orch.runtime.handover import remove_values_files
from orch.runtime.heartbeat import Heartbeat
from orch.runtime.ids import SystemRandom
from orch.runtime.journal import Journal, JournalDamagedError, JournalReader
from orch.runtime.late_imports import import_what_the_end_needs, import_what_wardens_need
from orch.runtime.launch import LaunchPad, late_summary, late_texts
from orch.runtime.manifest import Manifest, ManifestFold
from orch.runtime.manifest_file import RunManifestWriter
from orch.runtime.paths import PlaceError, RunPaths, logs_name
from orch.runtime.recorder import NOBODY, Recorder, Watching
from orch.runtime.run_result import RunResult
from orch.runtime.scheduler import Scheduler
from orch.runtime.secrets import NO_SECRETS, Secrets
from orch.runtime.signals import SignalInbox
from orch.runtime.states import RunStatus, StageStatus
from orch.runtime.wardens import Wardens

if TYPE_CHECKING:
    from orch.runtime.freshness import Freshness

EXIT_OWN_FAILURE = 3


@record
class OpenRun:
    """A run that this process owns, with its journal open; `state` is the fold of that journal,
    whose excerpts are where `excerpts` says."""

    plan: Plan
    paths: RunPaths
    journal: Journal
    state: ManifestFold
    excerpts: Excerpts
    secrets: Secrets = NO_SECRETS


@record
class RunOptions:
    """What may differ from one life of a run to the next.

    `environment` is what commands inherit, and where secrets come from. `jobs` replaces the plan's
    concurrency. `is_forced`, stages run although they are fresh, is what a run began with: each
    later life takes it from the journal. `source` and `policy` say how the plan of a new run was
    asked for, as `run:started` has them.
    """

    environment: Mapping[str, str]
    jobs: int | None = None
    watching: Watching = NOBODY
    is_forced: bool = False
    source: str | None = None
    policy: Mapping[str, str] = EMPTY


class Life:
    """The caller holds the owner lock and the signals; `live` is called once."""

    def __init__(self, run: OpenRun, options: RunOptions) -> None:
        self._plan = run.plan
        self._paths = run.paths
        self._secrets = run.secrets
        self._options = options
        self._concurrency = options.jobs or run.plan.policy.concurrency or _cpus()
        self._excerpts = run.excerpts
        self._recorder = Recorder(run.journal, run.state, run.excerpts, options.watching, _utc_now)
        self._first: RunStarted | RunResumed | None = None
        self._exclusive = ExclusiveNames(run.paths, _utc_now)
        self._notes: list[str] = []
        self._is_journal_over = False

    def live(
        self,
        first: RunStarted | RunResumed,
        history: Mapping[str, StageHistory],
        signals: SignalInbox,
    ) -> RunResult:
        """Run to the end, whatever happens; `run:completed` is told exactly once."""
        self._first = first
        began_ms = clock.monotonic_ms()
        services = sum(s.kind == "service" and s.skip is None for s in self._plan.stages)
        wardens = Wardens(
            self._concurrency + services, self._secrets.mask, self._import_what_wardens_need
        )
        try:
            self._begin()
            finish = self._drive(history, wardens, signals, began_ms)
        except StorageError as error:
            self._notes.append(str(error))
            finish = Finish(RunStatus.FAILED, f"storage: {error}", EXIT_OWN_FAILURE)
        except NoWardenError as error:
            self._notes.append(str(error))
            finish = Finish(RunStatus.FAILED, str(error), EXIT_OWN_FAILURE)
        except Exception as error:  # noqa: BLE001 # A defect of ours must not leave a run "running".
            self._notes.append(f"orch failed inside: {type(error).__name__}: {error}")
            reason = f"internal: {type(error).__name__}: {error}"
            finish = Finish(RunStatus.FAILED, reason, EXIT_OWN_FAILURE)
        finally:
            wardens.retire()
        if finish.exit_code == EXIT_OWN_FAILURE:
            # Stages may still be under way: nothing is written about them before they have ended.
            wardens.close()
        try:
            return self._complete(finish, clock.monotonic_ms() - began_ms)
        finally:
            wardens.close()
            self._exclusive.close()
            if any(stage.values for stage in self._plan.stages):
                remove_values_files(self._paths.values)

    def _begin(self) -> None:
        """Whoever listens learns of the run, also where the journal takes nothing."""
        assert self._first is not None
        try:
            self._recorder.begin(self._first, self._paths, self._write_manifest)
        except StorageError:
            self._recorder.announce(self._first)
            raise

    def _drive(
        self,
        history: Mapping[str, StageHistory],
        wardens: Wardens,
        signals: SignalInbox,
        began_ms: int,
    ) -> Finish:
        stages = self._plan.stages
        # A stage that may be fresh gets its warden when it is known that it needs one.
        certain = sum(stage.skip is None and not stage.inputs for stage in stages)
        wardens.prefork(min(self._concurrency, certain))
        policy = self._plan.policy
        heartbeat = Heartbeat(
            self._paths,
            policy.heartbeat,
            self._write_manifest,
            self._recorder.emit,
            clock.wall_ms,
        )
        crew = Crew(
            self._recorder,
            wardens,
            self._exclusive,
            heartbeat,
            LaunchPad(
                RunFacts(self._paths, self._plan.pipeline.name, self._secrets),
                dict(self._options.environment),
                self._options.watching.is_streaming,
            ),
            signals,
            self._record_failure,
            clock.monotonic_ms,
            self._get_ready_for_the_end,
            lambda facts: self._freshness(history, facts),
        )
        scheduler = Scheduler(self._plan, self._concurrency, self._outside(), history)
        deadline_ms = None if policy.deadline_ms is None else began_ms + policy.deadline_ms
        driver = Driver(self._plan, scheduler, crew, deadline_ms)
        try:
            return driver.drive()
        finally:
            self._notes.extend(driver.troubles)

    def _import_what_wardens_need(self) -> None:
        """Nothing of it is needed where all stages are fresh, or none runs."""
        stages = self._plan.stages
        if any(stage.outputs or stage.artifacts or stage.tty or stage.inputs for stage in stages):
            import_what_wardens_need(is_fresh_asked=any(stage.inputs for stage in stages))
        if any(stage.kind == "service" for stage in stages):
            from orch.runtime.readiness import import_what_probes_need

            import_what_probes_need(stages)

    def _get_ready_for_the_end(self) -> None:
        import_what_the_end_needs(self._plan)
        self._options.watching.get_ready()

    def _freshness(
        self, history: Mapping[str, StageHistory], facts: Callable[[], Mapping[str, Any]]
    ) -> "Freshness | None":
        if not any(stage.inputs for stage in self._plan.stages):
            return None
        from orch.runtime.freshness import Freshness, LateTexts

        freshness = Freshness(
            self._plan,
            self._paths,
            LateTexts(
                lambda stage: late_texts(stage, facts()),
                lambda stage: late_summary(stage, facts(), self._secrets),
            ),
            self._options.environment,
            is_forced=self._options.is_forced,
        )
        freshness.recall({stage: past.key for stage, past in history.items()})
        return freshness

    def _outside(self) -> Outside:
        stages = self._plan.stages
        return Outside(
            random=SystemRandom(),
            run_id=self._paths.run_id,
            logs_folder=lambda index, attempt: logs_name(index, stages[index].id, attempt),
            evaluate=_evaluate,
            is_forced=self._options.is_forced,
        )

    def _write_manifest(self) -> None:
        # After a power loss no manifest says more than the journal does.
        self._recorder.sync()
        RunManifestWriter(self._paths).write(self._recorder.manifest(), self._excerpts.whole)

    def _record_failure(
        self, place: tuple[int, PlannedStage], attempt: int, outcome: AttemptOutcome
    ) -> str | None:
        from orch.runtime.errors import append_command_error

        try:
            index, stage = place
            told = changed(stage, argv=tuple(map(self._secrets.masked, stage.argv)))
            return append_command_error(self._paths, (index, told), attempt, outcome, _utc_now())
        except (StorageError, PlaceError) as error:
            self._notes.append(str(error))
            return None

    def _complete(self, finish: Finish, duration_ms: int) -> RunResult:
        completed = RunCompleted(
            self._paths.run_id, finish.status, finish.reason, finish.exit_code, duration_ms
        )
        for payload in _unended(self._recorder.manifest()):
            # Only where orch itself failed; what was under way has been ended with the wardens.
            self._report(payload)
        manifest = self._journal_end(completed)
        from orch.runtime.persistence import PersistenceCoordinator

        seq = self._recorder.seq
        coordinator = PersistenceCoordinator(
            self._paths, self._plan.policy.lock, self._report, excerpts=self._excerpts
        )
        coordinator.handle_run_completed(manifest)
        if self._recorder.seq > seq and not self._is_journal_over:
            # Snapshot events were journalled meanwhile, and the manifest is the fold of all events.
            # Where it can't be written either, that has been said already.
            manifest = self._recorder.manifest()
            try:
                self._write_manifest()
            except StorageError:
                pass
        self._notes.extend(f"a listener raised {e!r}" for e in self._recorder.listener_errors)
        return RunResult(
            self._paths,
            manifest,
            manifest.status,
            manifest.reason,
            finish.exit_code if manifest.exit_code is None else manifest.exit_code,
            tuple(self._notes),
            self._excerpts,
        )

    def _journal_end(self, completed: RunCompleted) -> Manifest:
        """Make the end durable before anybody hears of it. Where the disk takes no more, the run
        has failed whatever its stages did, and only what was durable before counts."""
        try:
            self._recorder.emit_durably(
                completed, self._summary(completed, self._recorder.manifest())
            )
            return self._recorder.manifest()
        except StorageError as error:
            if str(error) not in self._notes:
                self._notes.append(str(error))
            failed = RunCompleted(
                completed.run_id,
                RunStatus.FAILED,
                f"storage: {error}",
                EXIT_OWN_FAILURE,
                completed.duration_ms,
            )
            manifest = self._durable_manifest(failed)
            self._is_journal_over = True
            self._recorder.announce(failed)
            self._recorder.announce(self._summary(failed, manifest))
            return manifest

    def _summary(self, completed: RunCompleted, manifest: Manifest) -> RunSummary:
        from orch.runtime.run_record import count_stages

        counts = count_stages(manifest)
        return RunSummary(
            completed.run_id,
            completed.status,
            completed.exit_code,
            counts.succeeded,
            counts.failed,
            counts.skipped,
            counts.cancelled,
            self._paths.shown(self._paths.manifest),
        )

    def _durable_manifest(self, failed: RunCompleted) -> Manifest:
        state = ManifestFold(self._plan)
        try:
            reader = JournalReader(self._paths.journal)
            self._excerpts = replay(state, reader, self._recorder.durable_seq)
        except (StorageError, JournalDamagedError):
            state, self._excerpts = ManifestFold(self._plan), Excerpts(self._paths.journal)
        known = state.manifest()
        first = (self._first,) if not known.events and isinstance(self._first, RunStarted) else ()
        last: tuple[Payload, ...] = (*first, *_unended(known), failed)
        for seq, said in enumerate(last, known.events + 1):
            state.apply(RunEvent(seq, _utc_now(), said))
        manifest = state.manifest()
        if manifest.manifest:
            return manifest
        # Nothing is left of the journal, so that all it said is known from the paths alone.
        shown = self._paths.shown(self._paths.manifest)
        return changed(manifest, task_id=self._paths.task_id, manifest=shown)

    def _report(self, payload: Payload) -> None:
        """Journal what is said about the end of a run if that is possible, and tell it anyway. A
        journal that could not take the end takes nothing more, though smaller things may fit."""
        if self._is_journal_over:
            self._recorder.announce(payload)
            return
        try:
            self._recorder.emit(payload)
        except StorageError:
            self._recorder.announce(payload)


def _unended(manifest: Manifest) -> tuple[StageCompleted, ...]:
    """An end for every stage that has none, so that nobody sees one alive in a run that is over."""
    return tuple(
        StageCompleted(
            entry.id, StageStatus.CANCELLED, "orch failed", entry.attempts, AttemptFigures()
        )
        for entry in manifest.stages
        if not entry.status.is_final
    )


def _cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _utc_now() -> str:
    return clock.utc_text(clock.wall_ms())


def _evaluate(expression: str, facts: Mapping[str, Any]) -> Any:
    from orch.compiler.late import evaluate_late

    return evaluate_late(expression, facts)
