"""A plan packed for the plan cache: a column for each field of its stages, repeated values once.

Quick to read rather than to look at, and no format for anybody else: it goes with the code that
wrote it, and what is read back is trusted as far as its digest was.
"""

from itertools import chain, repeat

from orch.compiler.plan import (
    Plan,
    PlannedStage,
    plan_from_parts,
    stage_policy_from_json,
    to_json_value,
)
from orch.dsl.record import field_names
from orch.dsl.type_names import Any, Callable, Iterable, Iterator, Mapping

_TUPLES = ("argv", "secrets", "inputs", "outputs", "artifacts")


def pack(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values. A stage's needs are the places of the stages it needs."""
    places = {stage.id: place for place, stage in enumerate(plan.stages)}
    columns = {
        name: _column(getattr(stage, name) for stage in plan.stages)
        for name in field_names(PlannedStage)
    }
    needs, _ = columns["needs"]
    needs[:] = [[places[need] for need in listed] for listed in needs]
    whole = {
        name: to_json_value(getattr(plan, name)) for name in field_names(Plan) if name != "stages"
    }
    return {**whole, "columns": columns}


def unpack(value: Mapping[str, Any]) -> Plan:
    """The plan that was packed; raises `LookupError`, `TypeError`, `ValueError` or
    `AttributeError` for values that no plan was packed into."""
    columns = value["columns"]
    ids = list(_spread(columns["id"]))
    id_at = ids.__getitem__
    readers: dict[str, Callable[[Any], Any]] = dict.fromkeys(_TUPLES, tuple)
    readers["needs"] = lambda listed: tuple(map(id_at, listed))
    readers["policy"] = stage_policy_from_json
    rows = zip(
        *(_spread(columns[name], readers.get(name)) for name in field_names(PlannedStage)),
        strict=True,
    )
    return plan_from_parts(value, tuple([PlannedStage(*row) for row in rows]))


def _column(values: Iterable[Any]) -> tuple[list[Any], list[int] | None]:
    """Values in their order, each with how often it stands there in a row; None for once each."""
    kept: list[Any] = []
    counts: list[int] = []
    last: Any = kept
    for value in values:
        # What is equal need not be the same: `1` and `true` are equal for Python.
        if value is last or (type(value) is str and type(last) is str and value == last):
            counts[-1] += 1
        else:
            kept.append(to_json_value(value))
            counts.append(1)
            last = value
    return kept, None if len(counts) == sum(counts) else counts


def _spread(column: Any, read: Callable[[Any], Any] | None = None) -> Iterator[Any]:
    kept, counts = column
    values = kept if read is None else map(read, kept)
    if counts is None:
        return iter(values)
    return chain.from_iterable(map(repeat, values, counts))
