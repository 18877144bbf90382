"""What waits in a run, and for what: the stages that a person who looks on would ask about."""

from collections.abc import Iterator
from itertools import islice

from orch.cli.outcome_text import wait_text
from orch.cli.progress import Progress
from orch.compiler.plan import PlannedStage
from orch.dsl.record import record

_LOOKED_AT = 100
"""So many of the first stages that have not ended are looked at; no plan is so large that a frame
would cost more."""

_MOST_SHOWN = 4


@record
class Waiting:
    """Stages that wait for the same, and what that is: for what, or until when.

    `is_held` says that another run holds them up.
    """

    stages: tuple[str, ...]
    said: str
    is_held: bool


def awaited(progress: Progress, room: int) -> Iterator[Waiting]:
    """What waits, in at most `room` groups.

    First stages that wait for another run, then in plan order those that need nothing but what runs
    now. A stage for which only a free slot is missing is none of them: it is the run that is full.
    """
    held = list(progress.waiting.values())[: max(0, room)]
    for waiting in held:
        yield Waiting((waiting.stage,), waiting.explanation.removeprefix("waits "), is_held=True)
    groups: dict[str, list[str]] = {}
    for stage in progress.unbegun(_LOOKED_AT):
        if stage.id not in progress.waiting and (said := _reason(stage, progress)):
            groups.setdefault(said, []).append(stage.id)
    left = max(0, min(room, _MOST_SHOWN) - len(held))
    for said, stages in islice(groups.items(), left):
        yield Waiting(tuple(stages), said, is_held=False)


def _reason(stage: PlannedStage, progress: Progress) -> str:
    """What a stage waits for, if it is the next in turn; else nothing. One that the plan skips
    waits for nobody's sake."""
    if stage.kind != "stage" or stage.skip is not None:
        return ""
    if not stage.needs and stage.exclusive is None and stage.pool is None:
        # Of a thousand stages most are so.
        return ""
    unmet = [need for need in stage.needs if not _is_met(need, progress)]
    if any(need not in progress.running for need in unmet):
        return ""
    return wait_text([progress.stages[n] for n in unmet]) if unmet else _limit(stage, progress)


def _is_met(need: str, progress: Progress) -> bool:
    running = progress.running.get(need)
    return need in progress.ended or (running is not None and running.is_ready)


def _limit(stage: PlannedStage, progress: Progress) -> str:
    """The pool or the name whose other stages run now."""
    running = [one.stage for one in progress.running.values()]
    if stage.exclusive is not None:
        holder = next((one for one in running if one.exclusive == stage.exclusive), None)
        if holder is not None:
            return f"for `{stage.exclusive}`, held by `{holder.id}`"
    if stage.pool is not None:
        taken = sum(one.pool == stage.pool for one in running)
        if taken >= progress.plan.pools.get(stage.pool, taken + 1):
            return f"for a slot of pool `{stage.pool}`"
    return ""
