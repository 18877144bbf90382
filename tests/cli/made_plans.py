"""Plans made by hand, for tests of what is drawn of them and of runs."""

from typing import Any

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


def make_stage(
    stage_id: str, script: str = "true", *, attempts: int = 1, **fields: Any
) -> PlannedStage:
    """A stage that runs a shell script; `fields` replace what a plain stage has."""
    retry = RetryPolicy(attempts, (10, 20), 2.0, "none", ("failure", "timeout", "signal", "spawn"))
    output = OutputPolicy(buffer_bytes=65_536, error_bytes=8192, log_bytes=1 << 20)
    plain: dict[str, Any] = {
        "id": stage_id,
        "kind": "stage",
        "title": None,
        "needs": (),
        "matrix": {},
        "argv": ("/bin/sh", "-eu", "-c", script),
        "shell": "sh",
        "env": {},
        "cwd": ".",
        "stdin": None,
        "tty": False,
        "skip": None,
        "when": None,
        "bindings": {},
        "policy": StagePolicy(30_000, 1000, retry, output),
        "secrets": (),
        "values": {},
        "inputs": (),
        "outputs": (),
        "artifacts": (),
        "pool": None,
        "exclusive": None,
        "allow_failure": False,
        "summary": None,
        "ready": None,
    }
    return PlannedStage(**{**plain, **fields})


def make_plan(*stages: PlannedStage, name: str = "demo", fail_fast: bool = True) -> Plan:
    """A plan of these stages, in this order, two at once."""
    policy = RunPolicy(
        concurrency=2,
        fail_fast=fail_fast,
        deadline_ms=None,
        heartbeat=HeartbeatPolicy(5000, 30_000, 30_000),
        lock=LockPolicy(5, (100, 1000)),
    )
    info = PipelineInfo(name, None, None, (), None)
    bounds = Bounds(wall_ms=90_500, buffer_bytes=262_144, log_bytes=2 << 30, attempts=4)
    return with_digest(Plan(info, {}, (), {}, policy, stages, bounds))
