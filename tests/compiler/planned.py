"""Planned stages for tests, with what a test varies."""

from dataclasses import replace
from typing import Any

from orch.compiler.plan import (
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    PlannedStage,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
)

POLICY = StagePolicy(
    timeout_ms=1000,
    grace_ms=0,
    retry=RetryPolicy(1, (100, 3000), 2.0, "none", ("failure", "timeout")),
    output=OutputPolicy(1024, 256, 2048),
)

STAGE = PlannedStage(
    id="stage", kind="stage", title=None, needs=(), matrix={}, argv=("true",), shell=None, env={},
    cwd=".", stdin=None, tty=False, skip=None, when=None, bindings={}, policy=POLICY, secrets=(),
    values={}, inputs=(), outputs=(), artifacts=(), pool=None, exclusive=None, allow_failure=False,
    summary=None, ready=None,
)  # fmt: skip


def stage(id_: str, *needs: str, timeout_ms: int = 1000, attempts: int = 1, **given: Any) -> Any:
    """A stage that takes at most `timeout_ms` an attempt, without grace."""
    retry = replace(POLICY.retry, attempts=attempts)
    policy = replace(POLICY, timeout_ms=timeout_ms, retry=retry)
    return replace(STAGE, id=id_, needs=needs, **{"policy": policy, **given})


def run_policy(concurrency: int | None = None, deadline_ms: int | None = None) -> RunPolicy:
    """The bounds of a run."""
    return RunPolicy(
        concurrency, True, deadline_ms, HeartbeatPolicy(5000, 30000, 30000), LockPolicy(5, (1, 2))
    )
