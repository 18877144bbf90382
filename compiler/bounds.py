"""What a run can cost at most: time, memory for output, log, processes. Explained in
docs/manual/bounds.md.
"""

from collections.abc import Mapping, Sequence
from heapq import nlargest

from orch.compiler.crowding import chain_cover, with_slots
from orch.compiler.longest_time import Phase, phase_ms, phase_of
from orch.compiler.plan import Bounds, PlannedStage, RunPolicy

STREAMS = 2
"""Standard output and standard error: each has its buffer and its log."""


def add_up(stages: Sequence[PlannedStage], pools: Mapping[str, int], policy: RunPolicy) -> Bounds:
    """The bounds of a plan. `stages` stand in topological order; skipped ones count nothing."""
    work = phase_of([s for s in stages if s.kind != "finally"], pools)
    closing = phase_of([s for s in stages if s.kind == "finally"], pools)
    wall_ms = phase_ms(work, policy.concurrency or 1)
    if policy.deadline_ms is not None:
        longest_grace_ms = max((s.policy.grace_ms for s in work.active), default=0)
        wall_ms = min(wall_ms, policy.deadline_ms + longest_grace_ms)
    active = (*work.active, *closing.active)
    return Bounds(
        wall_ms=wall_ms + phase_ms(closing, policy.concurrency or 1),
        buffer_bytes=max(
            _held_bytes(work, policy.concurrency), _held_bytes(closing, policy.concurrency)
        ),
        log_bytes=sum(_attempts(s) * STREAMS * s.policy.output.log_bytes for s in active),
        attempts=sum(map(_attempts, active)),
    )


def _attempts(stage: PlannedStage) -> int:
    return 1 if stage.kind == "service" else stage.policy.retry.attempts


def _held_bytes(phase: Phase, concurrency: int | None) -> int:
    """The most output held at once: all services, and the stages that can run together."""
    services = sum(_buffers_bytes(s) for s in phase.active if s.kind == "service")
    return services + max(_held_in_part(part, phase, concurrency) for part in phase.parts)


def _held_in_part(part: Sequence[PlannedStage], phase: Phase, concurrency: int | None) -> int:
    chains = [max(map(_buffers_bytes, chain)) for chain in chain_cover(part)]
    limit = len(chains) if concurrency is None else concurrency
    by_slots = with_slots(part, phase.pools, limit, _buffers_bytes)
    return min(sum(nlargest(limit, chains)), sum(map(_buffers_bytes, by_slots)))


def _buffers_bytes(stage: PlannedStage) -> int:
    return STREAMS * stage.policy.output.buffer_bytes
