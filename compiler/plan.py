"""The plan, the border between compiler and runtime: valid, complete, ordered, digested.

The shapes are those of `orch.plan/1`: durations are integer milliseconds, sizes integer bytes,
paths are relative to the project root. A plan holds nothing of the host, the clock or the
environment. It is written as canonical JSON: sorted keys, no blanks, UTF-8, a line end.
"""

from operator import attrgetter
from types import MappingProxyType

from orch.dsl.digests import sha256_of
from orch.dsl.json_codec import encode_basestring
from orch.dsl.json_text import canonical_json, speller
from orch.dsl.record import EMPTY, changed, field_names, record
from orch.dsl.type_names import Any, Callable, Iterator, Literal, Mapping

SCHEMA = "orch.plan/1"

NOT_SELECTED = "selection"
"""`PlannedStage.skip` of a stage that isn't among those that were asked for."""

Kind = Literal["stage", "service", "finally"]


@record
class PipelineInfo:
    name: str
    title: str | None
    description: str | None
    tags: tuple[str, ...]
    task: str | None


@record
class SecretSource:
    """Where a secret's value comes from: an environment variable or a file, never its value."""

    name: str
    env: str | None
    file: str | None
    required: bool


@record
class RetryPolicy:
    """`on` holds `failure`, `timeout`, `signal`, `spawn` and `exit(N)`."""

    attempts: int
    backoff_ms: tuple[int, int]
    factor: float
    jitter: Literal["none", "full", "equal"]
    on: tuple[str, ...]


def longest_wait_ms(retry: RetryPolicy, failures: int) -> int:
    """The wait after so many failures (from 1) before jitter, which only shortens it: the first
    one, grown by the factor for each further failure, at most the longest; rounded down."""
    first, longest = retry.backoff_ms
    # The small summand undoes what floating point takes away from a product that is whole.
    return int(min(float(longest), first * retry.factor ** (failures - 1) + 1e-6))


@record
class OutputPolicy:
    buffer_bytes: int
    error_bytes: int
    log_bytes: int


@record
class StagePolicy:
    timeout_ms: int
    grace_ms: int
    retry: RetryPolicy
    output: OutputPolicy


@record
class HeartbeatPolicy:
    every_ms: int
    persist_ms: int
    stale_ms: int


@record
class LockPolicy:
    attempts: int
    backoff_ms: tuple[int, int]


@record
class RunPolicy:
    """Bounds of the whole run; `concurrency` None means the number of CPUs of the running host."""

    concurrency: int | None
    fail_fast: bool
    deadline_ms: int | None
    heartbeat: HeartbeatPolicy
    lock: LockPolicy


@record
class PlannedStage:
    """One node of the graph, every template evaluated.

    `argv` is what is started. `skip` is the reason for which a stage is skipped, known when the
    plan was made; `when` is a run-time expression; `bindings` names environment variables that
    hold the text of run-time expressions. `ready` is None but for a service with a probe:
    `{"kind": "tcp" | "http" | "exec" | "log", …, "every_ms", "timeout_ms"}`.
    """

    id: str
    kind: Kind
    title: str | None
    needs: tuple[str, ...]
    matrix: Mapping[str, Any]
    argv: tuple[str, ...]
    shell: str | None
    env: Mapping[str, str]
    cwd: str
    stdin: str | None
    tty: bool
    skip: str | None
    when: str | None
    bindings: Mapping[str, str]
    policy: StagePolicy
    secrets: tuple[str, ...]
    values: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    artifacts: tuple[str, ...]
    pool: str | None
    exclusive: str | None
    allow_failure: bool
    summary: str | None
    ready: Mapping[str, Any] | None
    stop: str | None = None
    late: Mapping[str, str] = EMPTY
    """Run-time expressions for settings of which nothing is known before: `stdin`, `summary`."""


@record
class Bounds:
    """What a run can cost at most; docs/manual/bounds.md says how they are added up."""

    wall_ms: int
    buffer_bytes: int
    log_bytes: int
    attempts: int


@record
class Plan:
    """An immutable plan; `stages` stand in a stable topological order."""

    pipeline: PipelineInfo
    params: Mapping[str, Any]
    secrets: tuple[SecretSource, ...]
    pools: Mapping[str, int]
    policy: RunPolicy
    stages: tuple[PlannedStage, ...]
    bounds: Bounds
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values, `schema` and `digest` included."""
        stages = [_stage_json(stage, to_json_value(stage.policy)) for stage in self.stages]
        return {**self._whole_json(), "stages": stages}

    def _whole_json(self) -> dict[str, Any]:
        """All but the stages."""
        names = (name for name in field_names(Plan) if name != "stages")
        value = {name: to_json_value(getattr(self, name)) for name in names}
        for secret in value["secrets"]:
            # A secret has exactly one source; the other key is left out.
            del secret["file" if secret["file"] is None else "env"]
        value["schema"] = SCHEMA
        return value

    def canonical_parts(self) -> Iterator[str]:
        """The canonical JSON of the plan in parts, without an empty digest. `stages` is the last of
        its keys, so they come one after the other, and a large plan needs not be held twice."""
        whole = {**self._whole_json(), "stages": []}
        if not self.digest:
            del whole["digest"]
        yield canonical_json(whole).removesuffix("]}")
        other = _spelling_once()
        plain = speller(_STAGE_FIELDS_ALWAYS, _stage_values_always, other)
        for at, stage in enumerate(self.stages):
            if stage.stop is None and not stage.late:
                text = plain(stage)
            else:
                text = canonical_json(_stage_json(stage, to_json_value(stage.policy)))
            yield ("," if at else "") + text
        yield "]}"


_STAGE_FIELDS = tuple(name for name in field_names(PlannedStage) if name != "policy")
_STAGE_FIELDS_ALWAYS = tuple(n for n in field_names(PlannedStage) if n not in ("stop", "late"))
_stage_values = attrgetter(*_STAGE_FIELDS)
_stage_values_always = attrgetter(*_STAGE_FIELDS_ALWAYS)


def _stage_json(stage: PlannedStage, policy_json: Any) -> dict[str, Any]:
    """A stage as JSON values, around its policy, which many stages may share."""
    value = {
        name: field if type(field) in _SCALARS else to_json_value(field)
        for name, field in zip(_STAGE_FIELDS, _stage_values(stage), strict=True)
    }
    value["policy"] = policy_json
    if value["stop"] is None:
        del value["stop"]
    if not value["late"]:
        del value["late"]
    return value


def to_json_value(value: Any) -> Any:
    """Records, tuples and mappings as plain JSON values; scalars as they are."""
    kind = type(value)
    if kind in _SCALARS or isinstance(value, (str, int, float)):
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in _SCALARS else to_json_value(item) for item in value]
    if kind is not dict and kind is not MappingProxyType:
        value = {name: getattr(value, name) for name in field_names(kind)}
    return {key: v if type(v) in _SCALARS else to_json_value(v) for key, v in value.items()}


_MOST_REMEMBERED = 1000
_EMPTY: dict[type[Any], str] = {tuple: "[]", list: "[]", dict: "{}", MappingProxyType: "{}"}
_SCALARS = frozenset((str, bool, int, float, type(None)))


def _spelling_once() -> Callable[[Any], str]:
    """Spells what stages hold beside scalars; what many of them share is spelled once."""
    known: dict[int, tuple[Any, str]] = {}

    def spelled(value: Any) -> str:
        if not value and type(value) in _EMPTY:
            return _EMPTY[type(value)]
        if type(value) is tuple and set(map(type, value)) == {str}:
            return f"[{','.join(map(encode_basestring, value))}]"
        found = known.get(id(value))
        if found is None:
            if len(known) == _MOST_REMEMBERED:
                known.clear()
            found = known[id(value)] = (value, canonical_json(to_json_value(value)))
        return found[1]

    return spelled


def digest_of(plan_json: Mapping[str, Any]) -> str:
    """`sha256:…` of the canonical JSON without its `digest` (contracts.md, section 2)."""
    body = {key: value for key, value in plan_json.items() if key != "digest"}
    return "sha256:" + sha256_of(canonical_json(body).encode())


def with_digest(plan: Plan) -> Plan:
    """The plan with the digest of what it holds, whatever digest it had."""
    # A plan that is being made: beside that, OpenSSL takes no time to load.
    from hashlib import sha256

    digest = sha256()
    for part in changed(plan, digest="").canonical_parts():
        digest.update(part.encode())
    return changed(plan, digest="sha256:" + digest.hexdigest())


class PlanFormatError(ValueError):
    """A plan's JSON is not a plan, or not the one its digest names."""


def plan_from_json(value: Any) -> Plan:
    """Read a plan; raises `PlanFormatError` for another schema, a missing field or a wrong digest.

    This is the fast reader of plans that orch itself wrote. Types of single fields are judged by
    the published schema (`orch.runtime.schemas`), where a plan comes from somewhere else.
    """
    try:
        if value["schema"] != SCHEMA:
            raise PlanFormatError(f"schema {value['schema']!r} instead of {SCHEMA!r}")
        plan = plan_from_parts(value, tuple(_stage(stage) for stage in value["stages"]))
    except (KeyError, TypeError, AttributeError) as error:
        what = f": {error} is missing" if isinstance(error, KeyError) else ""
        raise PlanFormatError(f"not a plan{what}") from None
    try:
        is_whole = digest_of(value) == plan.digest
    except (ValueError, RecursionError):
        # Half a character, or a number past all limits: no plan that orch wrote holds one.
        is_whole = False
    if not is_whole:
        raise PlanFormatError("the digest is not that of the plan's content")
    return plan


def plan_from_parts(value: Mapping[str, Any], stages: tuple[PlannedStage, ...]) -> Plan:
    """A plan of stages that are there already, and of what else its JSON says; nothing is judged.

    Raises `KeyError`, `TypeError` or `AttributeError` for what is no plan.
    """
    return Plan(
        pipeline=PipelineInfo(**{**value["pipeline"], "tags": tuple(value["pipeline"]["tags"])}),
        params=value["params"],
        secrets=tuple(
            SecretSource(s["name"], s.get("env"), s.get("file"), s["required"])
            for s in value["secrets"]
        ),
        pools=value["pools"],
        policy=_run_policy(value["policy"]),
        stages=stages,
        bounds=Bounds(**value["bounds"]),
        digest=value["digest"],
    )


def _run_policy(value: dict[str, Any]) -> RunPolicy:
    lock = value["lock"]
    return RunPolicy(
        concurrency=value["concurrency"],
        fail_fast=value["fail_fast"],
        deadline_ms=value["deadline_ms"],
        heartbeat=HeartbeatPolicy(**value["heartbeat"]),
        lock=LockPolicy(lock["attempts"], tuple(lock["backoff_ms"])),
    )


def _stage(value: dict[str, Any]) -> PlannedStage:
    fields = dict(value)
    for name in ("needs", "argv", "secrets", "inputs", "outputs", "artifacts"):
        fields[name] = tuple(value[name])
    fields["policy"] = stage_policy_from_json(value["policy"])
    return PlannedStage(**fields)


def stage_policy_from_json(value: Mapping[str, Any]) -> StagePolicy:
    """The bounds of a stage; raises `KeyError` or `TypeError` for what is none."""
    retry = value["retry"]
    return StagePolicy(
        timeout_ms=value["timeout_ms"],
        grace_ms=value["grace_ms"],
        retry=RetryPolicy(
            **{**retry, "backoff_ms": tuple(retry["backoff_ms"]), "on": tuple(retry["on"])}
        ),
        output=OutputPolicy(**value["output"]),
    )
