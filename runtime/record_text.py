"""How the fields of the runtime's records are spelled in JSON: statuses by their words."""

from orch.dsl.json_text import canonical_json, speller
from orch.dsl.record import EMPTY, as_dictionary
from orch.dsl.type_names import Any, Callable, Mapping, Sequence
from orch.runtime.states import RunStatus, StageStatus


def plain_value(item: Any) -> Any:
    """A field of a record as a JSON value."""
    if isinstance(item, (StageStatus, RunStatus)):
        return item.value
    if isinstance(item, Mapping):
        return dict(item)
    return as_dictionary(item) if hasattr(type(item), "__match_args__") else item


def record_speller(
    keys: Sequence[str], values: Callable[[Any], Sequence[Any]]
) -> Callable[[Any], str]:
    """A `speller` of records whose fields `plain_value` makes JSON values of."""
    return speller(keys, values, _other_text)


def _other_text(value: Any) -> str:
    if value is EMPTY:
        return "{}"
    if value == ():
        return "[]"
    if type(value) is StageStatus:
        return f'"{value.value}"'
    return canonical_json(plain_value(value))
