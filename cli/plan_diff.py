"""What one plan changes against another: setting by setting, and stages that change alike at once.

Everything that a plan holds is in one setting or another, so plans that differ have a change.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orch.compiler.plan import Plan
from orch.dsl.json_text import canonical_json
from orch.dsl.record import record

Settings = Mapping[str, Any]


@record
class Change:
    """A setting with its values as the plans' JSON holds them, `ABSENT` where there is none."""

    setting: str
    old: Any
    new: Any


ABSENT = object()


@record
class StagesChanged:
    """Stages that change alike: each in all of these settings. The values are those of the first;
    where the others' differ from them, it is by what their combination puts in its place. A stage
    may stand in several of these, with other settings in each."""

    ids: tuple[str, ...]
    changes: tuple[Change, ...]


@record
class PlanDiff:
    """What the new plan changes. `sections` are what isn't of a stage, by their heads: pipeline,
    run, params, secrets, pools, bounds."""

    sections: Mapping[str, tuple[Change, ...]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[StagesChanged, ...]
    is_reordered: bool

    @property
    def changed_ids(self) -> frozenset[str]:
        return frozenset(stage_id for group in self.changed for stage_id in group.ids)

    @property
    def is_empty(self) -> bool:
        """Whether both are the same plan."""
        is_same = not (self.added or self.removed or self.changed or self.is_reordered)
        return is_same and not any(self.sections.values())


def diff_of(old: Plan, new: Plan) -> PlanDiff:
    """What `new` changes against `old`; nothing, exactly if their digests are equal."""
    if old.digest == new.digest:
        return PlanDiff({}, (), (), (), is_reordered=False)
    before, after = _tables(old), _tables(new)
    old_stages = {stage["id"]: stage for stage in before.pop("stages")}
    new_stages = {stage["id"]: stage for stage in after.pop("stages")}
    kept = [stage_id for stage_id in new_stages if stage_id in old_stages]
    old_order = [stage_id for stage_id in old_stages if stage_id in new_stages]
    return PlanDiff(
        {head: tuple(_changes(before[name], after[name])) for head, name in _SECTIONS.items()},
        tuple(stage_id for stage_id in new_stages if stage_id not in old_stages),
        tuple(stage_id for stage_id in old_stages if stage_id not in new_stages),
        tuple(_grouped(_stage_changes(kept, old_stages, new_stages))),
        is_reordered=kept != old_order,
    )


_SECTIONS = {
    "pipeline": "pipeline",
    "run": "policy",
    "params": "params",
    "secrets": "secrets",
    "pools": "pools",
    "bounds": "bounds",
}


def _tables(plan: Plan) -> dict[str, Any]:
    """A plan's JSON with what stands in a section as one table of settings."""
    value = plan.to_json()
    secrets = {secret.pop("name"): secret for secret in value["secrets"]}
    return {**value, "policy": _flat(value["policy"]), "secrets": _flat(secrets)}


# -- settings ---------------------------------------------------------------------


def _changes(old: Settings, new: Settings) -> Iterator[Change]:
    for name in dict.fromkeys((*new, *old)):
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if before is ABSENT or after is ABSENT or not _is_same(before, after):
            yield Change(name, before, after)


def _is_same(one: Any, other: Any) -> bool:
    """Equal as JSON is: `1`, `1.0` and `true` are three values."""
    return one == other and canonical_json(one) == canonical_json(other)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A table without tables in it: what they hold, under dotted names."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            found |= _flat(item, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = item
    return found


def _settings(stage: Mapping[str, Any]) -> dict[str, Any]:
    """A planned stage as a file might say it."""
    found: dict[str, Any] = {}
    for name, value in stage.items():
        if name == "id":
            continue
        if name == "policy":
            found |= _flat(value)
        elif name in ("env", "values", "matrix", "bindings", "late", "ready"):
            # In these a dot is part of a name.
            found |= {f"{name}.{key}": item for key, item in (value or {}).items()}
        elif name == "argv":
            found["run"] = value
        else:
            found[name] = value
    return found


def _stage_changes(
    kept: Sequence[str],
    old_stages: Mapping[str, Mapping[str, Any]],
    new_stages: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], tuple[Change, ...]]]:
    for stage_id in kept:
        old, new = old_stages[stage_id], new_stages[stage_id]
        if not _is_same(old, new):
            yield new, tuple(_changes(_settings(old), _settings(new)))


# -- stages that change alike --------------------------------------------------------


def _grouped(
    changed: Iterable[tuple[Mapping[str, Any], tuple[Change, ...]]],
) -> Iterator[StagesChanged]:
    """Stages by what changes in them. What changes alike in stages that differ in more than that,
    such as a time-out that all of them inherit, comes first and once."""
    groups: dict[tuple[str, ...], tuple[list[str], tuple[Change, ...]]] = {}
    for stage, changes in changed:
        likeness = tuple(repr(_alike(change, stage)) for change in changes)
        groups.setdefault(likeness, ([], changes))[0].append(stage["id"])
    groups_of: dict[str, list[tuple[str, ...]]] = {}
    for likeness in groups:
        for one in likeness:
            groups_of.setdefault(one, []).append(likeness)
    shared: dict[tuple[tuple[str, ...], ...], list[Change]] = {}
    for one, likenesses in groups_of.items():
        if len(likenesses) > 1:
            change = groups[likenesses[0]][1][likenesses[0].index(one)]
            shared.setdefault(tuple(likenesses), []).append(change)
    for together, common in shared.items():
        alike = [stage_id for likeness in together for stage_id in groups[likeness][0]]
        yield StagesChanged(tuple(alike), tuple(common))
    for likeness, (ids, all_changes) in groups.items():
        own = tuple(
            change
            for one, change in zip(likeness, all_changes, strict=True)
            if len(groups_of[one]) == 1
        )
        if own:
            yield StagesChanged(tuple(ids), own)


def _alike(change: Change, stage: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """A change without what the stage's own combination put into it."""
    place = _Placeholders(stage)
    return change.setting, place.in_value(change.old), place.in_value(change.new)


class _Placeholders:
    """Texts with the names of a matrix' axes where their values stand, as words of their own."""

    def __init__(self, stage: Mapping[str, Any]) -> None:
        texts = {_text(value): axis for axis, value in stage["matrix"].items()}
        texts.pop("", None)
        self._axis_of = texts
        longest_first = sorted(texts, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None

    def in_value(self, value: Any) -> Any:
        if self._words is None:
            return value
        if isinstance(value, list):
            return [self.in_value(item) for item in value]
        if isinstance(value, str):
            return self._words.sub(lambda found: f"\0{self._axis_of[found[0]]}\0", value)
        return value


def _text(value: Any) -> str:
    """A value of a matrix as templates write it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# -- for programs ------------------------------------------------------------------


def diff_json(diff: PlanDiff, old: Plan, new: Plan) -> dict[str, Any]:
    """`{"is_changed", "old", "new", …}`: digests, changes by section, ids `added` and `removed`,
    `changed` stages. `old` and `new` of a change are left out where there is no value."""
    return {
        "is_changed": not diff.is_empty,
        "old": old.digest,
        "new": new.digest,
        **{head: [_change_json(c) for c in diff.sections.get(head, ())] for head in _SECTIONS},
        "added": list(diff.added),
        "removed": list(diff.removed),
        "changed": [
            {"ids": list(group.ids), "changes": [_change_json(c) for c in group.changes]}
            for group in diff.changed
        ],
        "is_reordered": diff.is_reordered,
    }


def _change_json(change: Change) -> dict[str, Any]:
    sides = {"old": change.old, "new": change.new}
    return {
        "setting": change.setting,
        **{side: value for side, value in sides.items() if value is not ABSENT},
    }
