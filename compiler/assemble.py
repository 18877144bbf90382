"""The last pass: stages in order, run-wide bounds, pools and secrets put together into the plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from orch.compiler.bounds import add_up
from orch.compiler.declarations import merged_secrets
from orch.compiler.expand import Expansion
from orch.compiler.graph import stable_order
from orch.compiler.needs import Needs
from orch.compiler.outline import Outline
from orch.compiler.plan import PipelineInfo, Plan, PlannedStage, with_digest
from orch.compiler.policy import Layers, contradictions, over, run_policy
from orch.compiler.reading import Reader
from orch.compiler.templates import Templates
from orch.compiler.values import Unknown, plain
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record


@record
class Draft:
    """What the passes before have found out, and whether a plan `is_wanted` or only the checks."""

    entry: Outline
    outlines: Mapping[str, Outline]
    expansion: Expansion
    needs: Needs
    stages: Sequence[PlannedStage]
    command_line: Layers
    is_wanted: bool


def assemble(draft: Draft, templates: Templates) -> Plan | None:
    """The plan, or None if it isn't wanted, or anything was found wrong or stayed unknown. Checks
    what concerns the whole: E0303, E0601, E0602, and the pipeline's and the pools' own settings."""
    found = templates.found
    root = draft.expansion.root
    layers = over(root.layers, draft.command_line)
    found += contradictions(layers, draft.entry.policy, draft.entry.path)
    reader = templates.reader(draft.entry, root.constants)
    info = _pipeline(draft.entry, reader)
    _judge_declared(draft.expansion, templates)
    pools = _pools(draft.expansion, templates)
    secrets, clashing = merged_secrets(draft.outlines)
    found += clashing
    found += _without_stages(draft)
    is_known = not any(isinstance(value, Unknown) for value in root.constants.values())
    is_sound = is_known and not any(diagnostic.is_error for diagnostic in found)
    if info is None or not draft.is_wanted or not is_sound:
        return None
    is_last = [stage.kind == "finally" for stage in draft.stages]
    order = stable_order(draft.needs.of, is_last)
    stages = tuple(draft.stages[index] for index in order)
    policy = run_policy(layers)
    return with_digest(
        Plan(
            pipeline=info,
            params={name: plain(value) for name, value in root.constants.params.items()},
            secrets=secrets,
            pools=pools,
            policy=policy,
            stages=stages,
            bounds=add_up(stages, pools, policy),
        )
    )


def _pipeline(entry: Outline, reader: Reader) -> PipelineInfo | None:
    section = entry.pipeline
    if section is None:
        return None
    value: dict[str, Any] = {}
    for name, setting in section.settings.items():
        read = reader.setting(setting.value, section.spec.settings[name])
        value[name] = None if isinstance(read, Unknown) else read
    return PipelineInfo(
        section.name,
        value.get("title"),
        value.get("description"),
        value.get("tags") or (),
        value.get("task"),
    )


def _judge_declared(expansion: Expansion, templates: Templates) -> None:
    """Check settings whose values no pass needs, or that a pass took as they are written."""
    for file in expansion.files:
        reader = templates.reader(file.outline, file.constants)
        outline = file.outline
        declared = [*outline.params.values(), *outline.secrets.values()]
        if outline.pipeline is not None and file.use is not None:
            declared.append(outline.pipeline)
        for section in declared:
            for name, setting in section.settings.items():
                if name not in ("in", "matches"):
                    reader.setting(setting.value, section.spec.settings[name])


def _pools(expansion: Expansion, templates: Templates) -> dict[str, int]:
    """The slots of all pools. Each instance of a used file has pools of its own."""
    pools: dict[str, int] = {}
    for file in expansion.files:
        reader = templates.reader(file.outline, file.constants)
        for name, section in file.outline.pools.items():
            setting = section.settings.get("slots")
            if setting is not None:
                slots = reader.setting(setting.value, section.spec.settings["slots"])
                if not isinstance(slots, Unknown):
                    pools[f"{file.prefix}{name}"] = slots
    return pools


def _without_stages(draft: Draft) -> list[Diagnostic]:
    """E0303, unless what was lost to other errors may have held stages."""
    pipeline = draft.entry.pipeline
    groups = [group for file in draft.expansion.files for group in file.groups.values()]
    is_whole = all(outline.is_whole for outline in draft.outlines.values())
    if pipeline is None or not is_whole or not all(group.is_known for group in groups):
        return []
    if any(stage.kind == "stage" for stage in draft.stages):
        return []
    message, help_ = f"pipeline `{pipeline.name}` has no stages", None
    if draft.stages:
        message = f"{message} to which its services and `finally` stages could belong"
        help_ = "a service runs beside stages that need it, a `finally` stage after all others"
    return [Diagnostic("E0303", message, draft.entry.path, pipeline.name_span, help=help_)]
