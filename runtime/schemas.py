"""JSON Schemas of all that orch writes, and the judgement of plans that come from elsewhere.

Both are made from the records themselves by pydantic, which only this module imports, and only
when it is asked: it would cost a plain run more than all else.
"""

from orch.compiler.plan import SCHEMA as PLAN_SCHEMA
from orch.compiler.plan import Plan, PlanFormatError, plan_from_json
from orch.dsl.json_text import canonical_json
from orch.dsl.record import record
from orch.dsl.type_names import Any, Callable, Iterator, Literal
from orch.runtime.errors import ErrorRecord
from orch.runtime.events import PAYLOADS
from orch.runtime.machine import Finding
from orch.runtime.manifest import SCHEMA as MANIFEST_SCHEMA
from orch.runtime.manifest import Manifest
from orch.runtime.owner import Owner
from orch.runtime.plan_rules import broken_rules
from orch.runtime.run_record import METRICS_SCHEMA, RunMetrics, RunSnapshot
from orch.runtime.task_state import SCHEMA as STATE_SCHEMA

MAX_PROBLEMS = 10

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What pydantic finds, in our words; what isn't named here is said in general.
_PROBLEMS = {
    "missing": "is missing",
    "string_type": "is not a text",
    "string_unicode": "holds half of a surrogate pair",
    "int_type": "is not an integer",
    "int_from_float": "is not an integer",
    "float_type": "is not a number",
    "bool_type": "is neither true nor false",
    "tuple_type": "is not a list",
    "dict_type": "is not an object",
    "mapping_type": "is not an object",
    "dataclass_type": "is not an object",
    "too_long": "has too many items",
}


@record
class _StateFile:
    """`out/<task>/state.json`: the last runs of a task in the order in which they ended."""

    schema: str
    task_id: str
    last_run_at: str | None
    runs: tuple[RunSnapshot, ...]


@record
class _HeartbeatFile:
    """`.heartbeat`: when the last beat was, and how many there have been."""

    time: str
    sequence: int


@record
class _Place:
    """Line and column from 1, offset from 0, in characters."""

    line: int
    column: int
    offset: int


@record
class _RelatedPlace:
    """Another place that a diagnostic is about; `end` is exclusive."""

    message: str
    path: str
    start: _Place | None
    end: _Place | None


@record
class _Diagnostic:
    """One thing that is wrong; without a place `start` and `end` are null."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    path: str
    start: _Place | None
    end: _Place | None
    label: str
    help: str | None
    related: tuple[_RelatedPlace, ...]


@record
class _Diagnostics:
    """What `orch check --format json` prints, and what every command does that they stop."""

    diagnostics: tuple[_Diagnostic, ...]


@record
class _Checkup:
    """What `orch doctor --format json` prints; `holds` says whether no promise is missing."""

    holds: bool
    findings: tuple[Finding, ...]


def schema_names() -> tuple[str, ...]:
    """The names that `schema_of` knows."""
    return tuple(_SCHEMAS)


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file or an event. Raises KeyError for another name.

    Keys that a schema doesn't name are allowed, because later versions may add some.
    """
    schema = _without_titles(_SCHEMAS[name]())
    return {"$schema": _DIALECT, "$id": f"urn:orch:{name}:1", **schema}


def validate_plan(value: Any) -> Plan:
    """The plan in a JSON value that anybody may have written.

    Raises `PlanFormatError`, whose message names each place that is wrong, up to `MAX_PROBLEMS`.
    """
    problems = plan_problems(value)
    if problems:
        shown = list(problems[:MAX_PROBLEMS])
        if len(problems) > MAX_PROBLEMS:
            shown.append(f"and {len(problems) - MAX_PROBLEMS} more")
        raise PlanFormatError("; ".join(shown))
    return plan_from_json(value)


def plan_problems(value: Any) -> tuple[str, ...]:
    """What is wrong with a JSON value that should be a plan, each with its place, such as
    `stages[3].policy.timeout_ms is not an integer`; empty when nothing is."""
    if not isinstance(value, dict):
        return ("a plan is an object",)
    if value.get("schema") != PLAN_SCHEMA:
        return (f"schema is {value.get('schema')!r}, not {PLAN_SCHEMA!r}",)
    from pydantic import TypeAdapter, ValidationError

    try:
        text = canonical_json(_with_both_sources(value))
        plan = TypeAdapter(Plan).validate_json(text.encode(errors="surrogatepass"), strict=True)
    except ValidationError as error:
        return tuple(
            f"{_place(detail['loc'])} {_PROBLEMS.get(detail['type'], 'is not what belongs there')}"
            for detail in error.errors(include_url=False, include_context=False)
        )
    except (ValueError, RecursionError):
        return ("it holds a number or a nesting that no plan has",)
    return tuple(broken_rules(plan))


def _with_both_sources(value: dict[str, Any]) -> dict[str, Any]:
    """A secret is written with the one source it has; its record has both."""
    secrets = value.get("secrets")
    if not isinstance(secrets, list):
        return value
    both = [
        {"env": None, "file": None, **secret} if isinstance(secret, dict) else secret
        for secret in secrets
    ]
    return {**value, "secrets": both}


def _place(location: tuple[int | str, ...]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return place.removeprefix(".") or "the plan"


def _record_schema(record: type[Any], schema_word: str | None = None) -> dict[str, Any]:
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(record).json_schema()
    if schema_word is not None:
        schema["properties"]["schema"] = {"const": schema_word}
        schema["required"] = sorted({*schema["required"], "schema"})
    return schema


def _plan_schema() -> dict[str, Any]:
    schema = _record_schema(Plan, PLAN_SCHEMA)
    secret = schema["$defs"]["SecretSource"]
    secret["required"] = [name for name in secret["required"] if name not in {"env", "file"}]
    return schema


def _event_schema() -> dict[str, Any]:
    """One flat object for each type; the figures of an attempt are merged into it. In a journal
    `durable` is the number of the last event that was on the disk when the line was written."""
    kinds, definitions = [], {}
    for kind, payload in PAYLOADS.items():
        schema = _record_schema(payload)
        properties = schema["properties"]
        required = schema.get("required", [])
        if properties.pop("figures", None) is not None:
            figures = schema["$defs"].pop("AttemptFigures")
            properties.update(figures["properties"])
            required.remove("figures")
        definitions.update(schema.pop("$defs", {}))
        schema["properties"] = {
            "seq": {"type": "integer", "minimum": 0},
            "time": {"type": "string"},
            "type": {"const": kind},
            "durable": {"type": "integer", "minimum": 1},
            **properties,
        }
        schema["required"] = ["seq", "time", "type", *required]
        kinds.append(schema)
    return {"oneOf": kinds, "$defs": definitions}


def _without_titles(schema: Any) -> Any:
    """pydantic titles each thing with its own name; a property may be called `title`, too, but
    then its value is an object."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_titles(item) for key, item in _kept(schema)}


def _kept(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, item) for key, item in schema.items() if key != "title" or isinstance(item, dict))


_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "plan": _plan_schema,
    "diagnostics": lambda: _record_schema(_Diagnostics),
    "manifest": lambda: _record_schema(Manifest, MANIFEST_SCHEMA),
    "event": _event_schema,
    "state": lambda: _record_schema(_StateFile, STATE_SCHEMA),
    "metrics": lambda: _record_schema(RunMetrics, METRICS_SCHEMA),
    "error": lambda: _record_schema(ErrorRecord),
    "owner": lambda: _record_schema(Owner),
    "doctor": lambda: _record_schema(_Checkup),
    "heartbeat": lambda: _record_schema(_HeartbeatFile),
}
