"""What a stage is made of, beside its files, and what it passes on to the stages that need it.

A stage is made of its command with all that the plan gives it (program, environment, folder,
standard input, patterns), the values bound to it, and what each stage that it needs passed on. What
it inherits of orch's environment, the values of its secrets and its bounds count for nothing
(ADR 22).

What it passes on, its `key`, is the content of its outputs and its values, where it declares some;
else all that it was made of, its inputs included. What a stage with outputs got from stages without
goes along with its key, behind a `+`: a new toolchain concerns whoever comes after it, also where
another stage stands between. Keys are texts to be compared, and nothing else.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.json_codec import json_encoder
from orch.dsl.record import record
from orch.dsl.type_names import Any, Iterable, Mapping

SKIPPED = "skipped"
"""The key of a stage that was skipped."""

MOST_NAMED_NEEDS = 100
"""Of stages that need more than that it isn't kept which of them passed on what."""

_DIGITS = 32
# The encoder knows dictionaries alone; a plan's empty mappings are none.
_encode = json_encoder(is_sorted=True, default=dict)


@record
class Made:
    """What a stage is made of, beside its files. `definition` is the digest of all that the plan
    and its values give it, `needs` the keys of the stages it needs by their ids; None is the key of
    a stage that failed."""

    definition: str
    needs: Mapping[str, str | None]

    @property
    def needs_digest(self) -> str | None:
        """That of the keys of its needs."""
        return needs_digest(self.needs)


def needs_digest(keys: Mapping[str, str | None]) -> str | None:
    """The digest of what needs passed on. None where a need failed: what that left behind is never
    as it was."""
    if None in keys.values():
        return None
    return digest_of(sorted(keys.items())) if keys else ""


def definition_of(stage: PlannedStage, late: Mapping[str, str]) -> str:
    """The digest of all that a plan says of a stage and `late` of its values known while running,
    by the names of `PlannedStage.bindings` and `PlannedStage.late`."""
    return digest_of([_definition(stage), late])


def parts_of(stage: PlannedStage, late: Mapping[str, str]) -> dict[str, str]:
    """Digests of what `definition_of` digests, by names that people are told."""
    parts = {
        "the command": [stage.argv, stage.shell, stage.tty],
        "`cwd`": stage.cwd,
        "`stdin`": [stage.stdin, late.get("stdin")],
        "`secrets`": stage.secrets,
        "`values`": dict(stage.values),
        "`inputs`": stage.inputs,
        "`outputs`": stage.outputs,
        "`artifacts`": stage.artifacts,
        **{f"`env.{name}`": value for name, value in stage.env.items()},
        **{f"`{text}`": late.get(name) for name, text in stage.bindings.items()},
    }
    return {name: digest_of(part) for name, part in parts.items() if part}


def made_changes(old_parts: Mapping[str, str], new: Mapping[str, str]) -> Iterable[str]:
    """A sentence for each part that is other than it was."""
    for name in sorted(old_parts.keys() | new.keys()):
        if old_parts.get(name) != new.get(name):
            yield f"{name} changed"


def needs_changes(old: Mapping[str, str | None] | None, made: Made) -> Iterable[str]:
    """A sentence for each need that passed on something else; `old` None: it isn't known what."""
    if old is None:
        yield "a stage that it needs gave something else"
        return
    for need, key in made.needs.items():
        if key is None:
            yield f"`{need}` failed"
        elif need not in old:
            yield f"it needs `{need}` now"
        elif key != old[need]:
            yield _other_key(need, old[need], key)
    for need in old:
        if need not in made.needs:
            yield f"it needs `{need}` no more"


def key_of(
    stage: PlannedStage,
    made: Made,
    *,
    inputs: str,
    outputs: str,
    values: Mapping[str, Any],
) -> str:
    """What a stage that has succeeded passes on; `inputs` and `outputs` are digests of listings."""
    if not (stage.outputs or stage.values):
        whole = digest_of([made.definition, inputs, sorted(made.needs.items())])
        return f"{whole}+{whole}"
    through = sorted({_through(key) for key in made.needs.values()} - {""})
    beyond = digest_of(through) if through else ""
    return f"{digest_of([outputs, dict(values)])}+{beyond}".removesuffix("+")


def digest_of(value: Any) -> str:
    """The digest of a JSON value, in which any mapping is an object."""
    from hashlib import sha256

    return sha256(_encode(value).encode()).hexdigest()[:_DIGITS]


def _definition(stage: PlannedStage) -> list[Any]:
    return [
        stage.kind, stage.argv, stage.shell, stage.tty, stage.env, stage.cwd, stage.stdin,
        stage.bindings, stage.late.get("stdin"), stage.secrets, stage.values, stage.inputs,
        stage.outputs, stage.artifacts,
    ]  # fmt: skip


def _through(key: str | None) -> str:
    return "" if key is None else key.partition("+")[2]


def _other_key(need: str, old: str | None, new: str) -> str:
    if old is None:
        return f"`{need}` had failed"
    if SKIPPED in (old, new):
        return f"`{need}` was skipped {'now' if new == SKIPPED else 'then'}"
    if old.partition("+")[0] == new.partition("+")[0]:
        return f"what comes before `{need}` changed"
    if new.partition("+")[0] == _through(new):
        return f"`{need}` changed"
    return f"`{need}` ran and gave another output"
