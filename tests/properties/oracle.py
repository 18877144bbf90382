"""What the pages demand, worked out without time, queues or events, to hold the scheduler against.

Written from language.md sections 5 and 8 and runtime.md sections 4, 7 and 9, not from the code.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orch.compiler.plan import Plan, PlannedStage, RetryPolicy
from tests.properties.scenarios import Scenario

Facts = Mapping[str, str]
"""The status of each stage that has ended, and that of the run under the key `run`."""

_CONDITION = re.compile(r'(?:stages\.(\w+)|(run))\.status (==|!=) "(\w+)"')


def condition_holds(text: str, facts: Facts) -> bool:
    """The value of a `when` of `scenarios`. Raises ValueError for `broken`."""
    if text in ("true", "false"):
        return text == "true"
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError("there is no such thing")
    return (facts[match[1] or match[2]] == match[4]) == (match[3] == "==")


def evaluate(text: str, facts: Mapping[str, Any]) -> bool:
    """The same, for the facts that the scheduler gives."""
    statuses = {stage: fact["status"] for stage, fact in facts["stages"].items()}
    return condition_holds(text, {**statuses, "run": facts["run"]["status"]})


def blocking_needs(
    plan: Plan, stage: PlannedStage, ended: Mapping[str, tuple[str, str | None]]
) -> list[str]:
    """The needs because of which a stage must be skipped. `ended` gives status and reason; services
    that have not ended hinder nobody."""
    by_id = {s.id: s for s in plan.stages}
    blocking = []
    for need in stage.needs:
        if need not in ended and by_id[need].kind == "service":
            continue
        status, reason = ended[need]
        skipped_itself = status == "skipped" and not (reason or "").startswith(
            ("needs", "fail_fast")
        )
        fine = (
            status == "succeeded"
            or (status == "failed" and by_id[need].allow_failure)
            or skipped_itself
            or f"stages.{need}.status" in (stage.when or "")
        )
        if not fine:
            blocking.append(need)
    return blocking


def own_verdict(stage: PlannedStage, facts: Facts) -> str:
    """`run`, `skipped`, or `failed` where its `when` has no value."""
    if stage.skip is not None:
        return "skipped"
    try:
        return "run" if stage.when is None or condition_holds(stage.when, facts) else "skipped"
    except ValueError:
        return "failed"


def is_tried_again(policy: RetryPolicy, ending: str) -> bool:
    words = {
        "failure": ("failure", "exit(1)"),
        "exit(75)": ("failure", "exit(75)"),
        "timeout": ("timeout",),
        "signal": ("signal",),
        "spawn": ("spawn",),
        "warden": ("spawn",),
        "raise": (),
        "values": ("failure",),
    }
    return any(word in policy.on for word in words[ending])


def longest_delay_ms(policy: RetryPolicy, failures: int) -> int:
    first, longest = policy.backoff_ms
    wait = float(first)
    for _ in range(failures - 1):
        wait = min(wait * policy.factor, float(longest))
    return int(min(wait, float(longest)))


def undisturbed_ends(
    scenario: Scenario, kept: Mapping[str, str], attempts: Mapping[str, int]
) -> dict[str, str]:
    """The status of each stage, if nobody cancels, crashes or closes the run: a walk through the
    plan. `kept` stages have ended before, `attempts` were used before."""
    plan = scenario.plan
    ended: dict[str, tuple[str, str | None]] = {stage: (s, None) for stage, s in kept.items()}
    ordinary = [s for s in plan.stages if s.kind == "stage"]
    needed: set[str] = set()
    closing = [s for s in plan.stages if s.kind == "finally"]
    for phase in (ordinary, closing):
        run = _run_status(plan, {stage: status for stage, (status, _) in ended.items()})
        for stage in phase:
            if stage.id in ended:
                continue
            if blocking_needs(plan, stage, ended):
                ended[stage.id] = ("skipped", "needs")
                continue
            statuses = {name: status for name, (status, _) in ended.items()}
            verdict = own_verdict(stage, {**statuses, "run": run})
            if verdict == "run" and stage.id in scenario.fresh:
                verdict = "succeeded"
            elif verdict == "run":
                needed.update(stage.needs)
                verdict = _end_of_attempts(scenario, stage, attempts.get(stage.id, 0))
            ended[stage.id] = (verdict, None)
    for service in plan.stages:
        if service.kind == "service" and service.id not in ended:
            # It gets ready and lives until nobody needs it: one that doesn't is no calm run.
            is_wanted = service.id in needed and own_verdict(service, {}) == "run"
            ended[service.id] = ("succeeded" if is_wanted else "skipped", None)
    return {stage: status for stage, (status, _) in ended.items()}


def _end_of_attempts(scenario: Scenario, stage: PlannedStage, used: int) -> str:
    endings = scenario.endings[stage.id]
    for attempt in range(used, used + stage.policy.retry.attempts):
        ending = endings[attempt % len(endings)]
        if ending in ("success", "fresh"):
            return "succeeded"
        if not is_tried_again(stage.policy.retry, ending):
            break
    return "failed"


def _run_status(plan: Plan, statuses: Mapping[str, str]) -> str:
    bad = any(statuses.get(s.id) == "failed" and not s.allow_failure for s in plan.stages)
    return "failed" if bad else "succeeded"


def verdict(
    plan: Plan, statuses: Mapping[str, str], causes: Sequence[int | str | None]
) -> tuple[str, int]:
    """Status and exit code of a run. `causes` are the requests to end it, in order: `deadline`, or
    a signal, None for none."""
    if causes and causes[0] == "deadline":
        return "failed", 4
    if causes:
        return "cancelled", 130 if causes[0] == 2 else 143
    status = _run_status(plan, statuses)
    return status, 1 if status == "failed" else 0
