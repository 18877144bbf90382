"""What an earlier life of a run has settled: a resume keeps it, and judges all else anew."""

from collections.abc import Mapping, Sequence

from orch.compiler.plan import PlannedStage
from orch.runtime.states import StageStatus


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


def _is_kept(stage: PlannedStage, status: StageStatus | None) -> bool:
    is_allowed_failure = status is StageStatus.FAILED and stage.allow_failure
    return status is StageStatus.SUCCEEDED or is_allowed_failure
