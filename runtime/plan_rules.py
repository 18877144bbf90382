"""What a plan promises beyond its shape, judged again where a plan comes from elsewhere.

The compiler makes only plans that keep these rules; the runtime relies on them and asks no more.
"""

import re

from orch.compiler.plan import LockPolicy, Plan, PlannedStage, RetryPolicy, StagePolicy
from orch.dsl.type_names import Any, Iterator, Mapping
from orch.runtime.system_signals import signals_by_name

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RETRY_WORD = re.compile(r"failure|timeout|signal|spawn|exit\([0-9]{1,3}\)")
_LONGEST_LOCK_WAIT_MS = 3000
_LAST_PORT = 65535


def broken_rules(plan: Plan) -> Iterator[str]:
    """The rules that a plan of the right shape breaks, each with its place and in words."""
    yield from _run_rules(plan)
    yield from _secret_rules(plan)
    if not plan.stages:
        yield "stages is empty"
    seen: dict[str, PlannedStage] = {}
    for index, stage in enumerate(plan.stages):
        place = f"stages[{index}]"
        if stage.id in seen:
            yield f"{place}.id {stage.id!r} stands for two stages"
        if not stage.id:
            yield f"{place}.id is empty"
        for number, need in enumerate(stage.needs):
            if need not in seen:
                yield f"{place}.needs[{number}] {need!r} is no stage before this one"
            elif seen[need].kind == "finally":
                yield f"{place}.needs[{number}] {need!r} is a `finally` stage, which comes last"
        if stage.pool is not None and stage.pool not in plan.pools:
            yield f"{place}.pool {stage.pool!r} is no pool of the plan"
        yield from _stage_rules(place, stage)
        yield from _policy_rules(f"{place}.policy", stage.policy)
        seen[stage.id] = stage


def _run_rules(plan: Plan) -> Iterator[str]:
    policy = plan.policy
    if policy.concurrency is not None and not 1 <= policy.concurrency <= 1024:
        yield "policy.concurrency is not between 1 and 1024"
    if policy.deadline_ms is not None and policy.deadline_ms < 1:
        yield "policy.deadline_ms is not above 0"
    if not 100 <= policy.heartbeat.every_ms <= 3_600_000:
        yield "policy.heartbeat.every_ms is not between 100 and 3600000"
    if policy.heartbeat.persist_ms < 1:
        yield "policy.heartbeat.persist_ms is not above 0"
    if policy.heartbeat.stale_ms < 2 * policy.heartbeat.every_ms:
        yield "policy.heartbeat.stale_ms is not twice `every_ms`, or more"
    yield from _lock_rules(policy.lock)
    for name, slots in plan.pools.items():
        if slots < 1:
            yield f"pools.{name} is not above 0"


def _secret_rules(plan: Plan) -> Iterator[str]:
    for number, secret in enumerate(plan.secrets):
        if (secret.env is None) == (secret.file is None):
            yield f"secrets[{number}] has not exactly one of `env` and `file`"
        if not _VARIABLE.fullmatch(secret.name):
            yield f"secrets[{number}].name {secret.name!r} is no name of a variable"
        if "\0" in (secret.file or ""):
            yield f"secrets[{number}].file holds a NUL"
    known = {secret.name for secret in plan.secrets}
    for number, stage in enumerate(plan.stages):
        for name in stage.secrets:
            if name not in known:
                yield f"stages[{number}].secrets: {name!r} is no secret of the plan"


def _lock_rules(lock: LockPolicy) -> Iterator[str]:
    first_ms, longest_ms = lock.backoff_ms
    if not 1 <= lock.attempts <= 20:
        yield "policy.lock.attempts is not between 1 and 20"
    elif not 0 <= first_ms <= longest_ms:
        yield "policy.lock.backoff_ms does not rise from 0 or more"
    else:
        waits_ms = (min(first_ms * 2**n, longest_ms) for n in range(lock.attempts - 1))
        if sum(waits_ms) >= _LONGEST_LOCK_WAIT_MS:
            yield f"policy.lock waits {_LONGEST_LOCK_WAIT_MS} ms or more in all"


def _stage_rules(place: str, stage: PlannedStage) -> Iterator[str]:
    if not stage.argv or not stage.argv[0]:
        yield f"{place}.argv names no program"
    texts = [stage.cwd, *stage.argv, *stage.env.values()]
    if any("\0" in text for text in texts):
        yield f"{place} holds a NUL, which no command can be given"
    if stage.cwd.startswith("/") or ".." in stage.cwd.split("/"):
        yield f"{place}.cwd leaves the project root"
    for name in (*stage.env, *stage.bindings):
        if not _VARIABLE.fullmatch(name):
            yield f"{place}: {name!r} is no name of a variable"
    if stage.kind != "stage" and stage.needs:
        yield f"{place}.needs: a `{stage.kind}` needs nothing"
    yield from _service_rules(place, stage)


_NOT_OF_SERVICES = (
    "allow_failure", "artifacts", "exclusive", "inputs", "outputs", "pool", "stdin", "summary",
    "tty", "values",
)  # fmt: skip


def _service_rules(place: str, stage: PlannedStage) -> Iterator[str]:
    if stage.kind == "service":
        for name in _NOT_OF_SERVICES:
            if getattr(stage, name):
                yield f"{place}.{name}: a service has none"
    if stage.ready is not None:
        yield from _ready_rules(f"{place}.ready", stage.ready)
    if stage.stop is not None and stage.stop not in signals_by_name():
        yield f"{place}.stop {stage.stop!r} is no signal"


_PROBES = {"tcp": ("port", int), "http": ("url", str), "exec": ("argv", list), "log": ("text", str)}


def _ready_rules(place: str, ready: Mapping[str, Any]) -> Iterator[str]:
    for name in ("every_ms", "timeout_ms"):
        if not isinstance(ready.get(name), int) or ready[name] < 1:
            yield f"{place}.{name} is not above 0"
    kind = ready.get("kind")
    if kind not in _PROBES:
        yield f"{place}.kind {kind!r} is no probe"
        return
    name, shape = _PROBES[kind]
    asked = ready.get(name)
    if not isinstance(asked, shape) or not asked:
        yield f"{place}.{name} is not what a `{kind}` probe asks"
    elif isinstance(asked, int) and not asked <= _LAST_PORT:
        yield f"{place}.{name} is no port"
    elif isinstance(asked, list) and not all(isinstance(word, str) for word in asked):
        yield f"{place}.{name} is no command"


def _policy_rules(place: str, policy: StagePolicy) -> Iterator[str]:
    if policy.timeout_ms < 1:
        yield f"{place}.timeout_ms is not above 0"
    if policy.grace_ms < 0:
        yield f"{place}.grace_ms is below 0"
    output = policy.output
    if not 1024 <= output.buffer_bytes <= 16 * 2**20:
        yield f"{place}.output.buffer_bytes is not between 1024 and 16777216"
    if not 256 <= output.error_bytes <= 2**20:
        yield f"{place}.output.error_bytes is not between 256 and 1048576"
    if output.log_bytes < 0:
        yield f"{place}.output.log_bytes is below 0"
    yield from _retry_rules(f"{place}.retry", policy.retry)


def _retry_rules(place: str, retry: RetryPolicy) -> Iterator[str]:
    if not 1 <= retry.attempts <= 100:
        yield f"{place}.attempts is not between 1 and 100"
    if not 0 <= retry.backoff_ms[0] <= retry.backoff_ms[1]:
        yield f"{place}.backoff_ms does not rise from 0 or more"
    if not 1 <= retry.factor <= 10:
        yield f"{place}.factor is not between 1 and 10"
    for number, word in enumerate(retry.on):
        if not _RETRY_WORD.fullmatch(word):
            yield f"{place}.on[{number}] {word!r} is no reason to try again"
