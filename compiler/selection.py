"""A plan of which only some stages run: `orch run --only` and `--from`.

A stage that isn't selected stands in the plan as skipped, reason `selection`, as if by its own
`when`: what needs it goes on. So what was selected is frozen with the plan, counted in its bounds,
and true in every life of the run.
"""

from collections.abc import Collection, Iterable, Sequence

from orch.compiler.bounds import add_up
from orch.compiler.late import is_meant_by
from orch.compiler.plan import NOT_SELECTED, Plan, PlannedStage, with_digest
from orch.dsl.record import changed
from orch.dsl.suggest import near_miss


class SelectionError(ValueError):
    """A name that was asked for means no stage; `proposal` is one that was perhaps meant."""

    def __init__(self, problem: str, proposal: str | None = None) -> None:
        super().__init__(problem)
        self.proposal = proposal


def select(plan: Plan, only: Sequence[str], onwards: Sequence[str]) -> Plan:
    """The plan with the stages that `only` names, those that `onwards` names with all that comes
    after them, and the services that any of them needs; the plan itself where both are empty.

    A name means a stage, all stages of a matrix, or all of an alias. `finally` stages run in any
    case, but where some of them are named: then those alone. Raises `SelectionError`.
    """
    if not only and not onwards:
        return plan
    chosen = {stage.id for name in only for stage in _meant_alone(plan, name)}
    after = {stage.id for name in onwards for stage in _meant(plan, name)}
    for stage in plan.stages:
        if not after.isdisjoint(stage.needs):
            after.add(stage.id)
    chosen |= after
    services = {stage.id for stage in plan.stages if stage.kind == "service"}
    chosen |= {need for s in plan.stages if s.id in chosen for need in s.needs if need in services}
    if not any(stage.kind == "finally" and stage.id in chosen for stage in plan.stages):
        chosen |= {stage.id for stage in plan.stages if stage.kind == "finally"}
    return without(plan, {stage.id for stage in plan.stages} - chosen)


def without(plan: Plan, left_out: Collection[str]) -> Plan:
    """The plan in which these stages aren't selected; those that are skipped anyway stay so."""
    stages = tuple(
        changed(stage, skip=NOT_SELECTED) if stage.id in left_out and stage.skip is None else stage
        for stage in plan.stages
    )
    bounds = add_up(stages, plan.pools, plan.policy)
    return with_digest(changed(plan, stages=stages, bounds=bounds))


def _meant_alone(plan: Plan, name: str) -> list[PlannedStage]:
    """What a name means of which nothing runs that comes after it."""
    meant = _meant(plan, name)
    if all(stage.kind == "service" for stage in meant):
        raise SelectionError(f"`{name}` is a service: it runs only for stages that need it")
    return meant


def _meant(plan: Plan, name: str) -> list[PlannedStage]:
    meant = [stage for stage in plan.stages if is_meant_by(name, stage.id)]
    if not meant:
        raise SelectionError(f"no stage is called `{name}`", near_miss(name, _names(plan)))
    return meant


def _names(plan: Plan) -> Iterable[str]:
    """Every name that means a stage: its id, and what stands before a dot or a bracket of it."""
    for stage in plan.stages:
        ends = (at for at, character in enumerate(stage.id) if character in ".[")
        yield from (stage.id[:at] for at in ends)
        yield stage.id
