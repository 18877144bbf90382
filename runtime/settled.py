"""What an earlier life of a run has settled: a resume keeps it, and judges all else anew."""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import TYPE_CHECKING, Iterator, Mapping, Sequence
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.runtime.decisions import StageHistory


def settled(stages: Sequence[PlannedStage], statuses: Mapping[str, StageStatus]) -> frozenset[str]:
    """The ids of the stages that stay as they are: what succeeded, and failures that were allowed.
    A service stays only if all stages that need it do; else it is started anew for them."""
    kept = {stage.id for stage in stages if _is_kept(stage, statuses.get(stage.id))}
    services = {stage.id for stage in stages if stage.kind == "service"}
    if services:
        for stage in stages:
            if stage.id not in kept and stage.skip is None:
                kept.difference_update(services.intersection(stage.needs))
    return frozenset(kept)


def recalled(
    stages: Sequence[PlannedStage], history: "Mapping[str, StageHistory]"
) -> "Iterator[tuple[int, StageHistory, bool]]":
    """What is known of stages by their places in the plan, and whether each stays as it is."""
    kept = settled(stages, {stage: past.status for stage, past in history.items()})
    for place, stage in enumerate(stages if history else ()):
        if stage.id in history:
            yield place, history[stage.id], stage.id in kept


def _is_kept(stage: PlannedStage, status: StageStatus | None) -> bool:
    is_allowed_failure = status is StageStatus.FAILED and stage.allow_failure
    return status is StageStatus.SUCCEEDED or is_allowed_failure
