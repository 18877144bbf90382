"""Whether a run may go on with another plan than the one it began with (runtime.md, section 7)."""

from orch.compiler.plan import Plan, PlannedStage, to_json_value
from orch.dsl.type_names import Collection, Iterator

_MOST_NAMED = 5


def why_not_with(plan: Plan, before: Plan, done: Collection[str], told: Collection[str]) -> str:
    """Why a run of the plan `before` can't go on with `plan`, for people; empty where it can.

    `done` are the stages that are kept as they are: they must be in `plan` just as they were.
    `told` are those that the journal speaks of: each must still be a stage.
    """
    if plan.pipeline.name != before.pipeline.name:
        return f"it is a run of pipeline `{before.pipeline.name}`, not of `{plan.pipeline.name}`"
    now = {stage.id: stage for stage in plan.stages}
    gone = [stage.id for stage in before.stages if stage.id in told and stage.id not in now]
    if gone:
        return f"stages that it has told of are no longer in the file: {_some(gone)}"
    others = [
        f"{stage.id} ({', '.join(_different(stage, now[stage.id]))})"
        for stage in before.stages
        if stage.id in done and to_json_value(stage) != to_json_value(now[stage.id])
    ]
    return f"what is done would be done otherwise: {_some(others)}" if others else ""


def _different(one: PlannedStage, other: PlannedStage) -> Iterator[str]:
    """The settings in which two stages differ, by the names that files give them."""
    before, after = to_json_value(one), to_json_value(other)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield {"argv": "run", "bindings": "run"}.get(name, name)


def _some(named: list[str]) -> str:
    more = len(named) - _MOST_NAMED
    return ", ".join(named[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
