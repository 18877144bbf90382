"""Plans, events and finished runs for the tests of what a run writes."""

import os
import random
import signal
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from orch.compiler.plan import (
    Bounds,
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    PipelineInfo,
    Plan,
    PlannedStage,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
    with_digest,
)
from orch.runtime.clock import utc_text, wall_ms
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunCompleted,
    RunEvent,
    RunStarted,
    StageCompleted,
    StageReady,
    StageRetrying,
    StageStarted,
)
from orch.runtime.journal import Journal
from orch.runtime.manifest import Manifest, fold
from orch.runtime.paths import RunPaths, claim_run
from orch.runtime.plan_file import write_plan
from orch.runtime.states import RunStatus, StageStatus

START_MS = 1_795_341_341_431
LOCK = LockPolicy(5, (100, 1000))


def sample_stage(stage_id: str, *needs: str) -> PlannedStage:
    """A stage that does nothing."""
    return PlannedStage(
        id=stage_id,
        kind="stage",
        title=None,
        needs=needs,
        matrix={},
        argv=("/bin/sh", "-eu", "-c", "true"),
        shell="sh",
        env={},
        cwd=".",
        stdin=None,
        tty=False,
        skip=None,
        when=None,
        bindings={},
        policy=StagePolicy(
            timeout_ms=60_000,
            grace_ms=1000,
            retry=RetryPolicy(2, (100, 3000), 2.0, "full", ("failure", "exit(75)")),
            output=OutputPolicy(65536, 8192, 2**26),
        ),
        secrets=(),
        values={},
        inputs=(),
        outputs=(),
        artifacts=(),
        pool=None,
        exclusive=None,
        allow_failure=False,
        summary=None,
        ready=None,
    )


def sample_plan(*stages: str | PlannedStage, task: str | None = None, name: str = "demo") -> Plan:
    """A plan of these stages, without needs where only an id is given."""
    return with_digest(
        Plan(
            pipeline=PipelineInfo(name, None, None, (), task),
            params={},
            secrets=(),
            pools={},
            policy=RunPolicy(
                None, True, None, HeartbeatPolicy(5000, 30_000, 30_000), LockPolicy(5, (100, 1000))
            ),
            stages=tuple(sample_stage(s) if isinstance(s, str) else s for s in stages),
            bounds=Bounds(61_000, 131_072, 2**27, len(stages)),
        )
    )


def new_run(root: Path, task: str = "demo", seed: int | None = None) -> RunPaths:
    """The directory of a new run."""
    return claim_run(str(root), task, {}, wall_ms(), random.Random(seed))


def run_started(paths: RunPaths, plan: Plan) -> RunStarted:
    """What a run says first."""
    manifest = paths.shown(paths.manifest)
    return RunStarted(
        paths.run_id, paths.task_id, plan.pipeline.name, plan.digest, "0.1.0", manifest
    )


def payloads_of_a_run(paths: RunPaths, plan: Plan) -> list[Payload]:
    """What a run says of which the first stage fails once and then succeeds, as all others do."""
    said: list[Payload] = [run_started(paths, plan)]
    for index, stage in enumerate(plan.stages):
        said.append(StageReady(stage.id))
        last = 2 if index == 0 else 1
        for attempt in range(1, last + 1):
            logs = paths.within_run(paths.logs(index, stage.id, attempt))
            said.append(StageStarted(stage.id, attempt, logs))
            if attempt < last:
                figures = AttemptFigures(75, None, False, 12, 3, 4096, 0, 9)
                said.append(StageRetrying(stage.id, attempt, 150, "failure", figures, "errors/x"))
        figures = AttemptFigures(0, None, False, 20, 5, 8192, 4, 0)
        done = StageStatus.SUCCEEDED
        said.append(StageCompleted(stage.id, done, None, last, figures, "out\n", ""))
    said.append(RunCompleted(paths.run_id, RunStatus.SUCCEEDED, None, 0, 321))
    return said


def as_events(payloads: list[Payload], start_ms: int = START_MS) -> list[RunEvent]:
    """Numbered from 1, one millisecond apart."""
    return [RunEvent(n, utc_text(start_ms + n), said) for n, said in enumerate(payloads, 1)]


def finished_manifest(paths: RunPaths, plan: Plan, start_ms: int = START_MS) -> Manifest:
    return fold(plan, as_events(payloads_of_a_run(paths, plan), start_ms))


def written_run(root: Path, plan: Plan, task: str = "demo") -> tuple[RunPaths, list[RunEvent]]:
    """A run on disk with plan and whole journal, and nothing else."""
    paths = new_run(root, task)
    events = as_events(payloads_of_a_run(paths, plan))
    write_events(paths, plan, events)
    return paths, events


def write_events(paths: RunPaths, plan: Plan, events: Iterable[RunEvent]) -> None:
    """The plan and the journal of a run, and nothing else."""
    write_plan(paths.plan, plan)
    journal = Journal.create(paths.journal)
    journal.append(*events)
    journal.sync()
    journal.close()


def forked(body: Callable[[], object]) -> int:
    """The pid of a child process that does `body` and exits with 0, or 1 if it raises; whatever
    becomes of the test, it ends within a minute."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        code = 1
        try:
            body()
            code = 0
        except BaseException:  # noqa: BLE001  A child of a test must never come back into pytest.
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def exit_code_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
