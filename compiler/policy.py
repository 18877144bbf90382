"""Which policy value is in force where, and where it came from (language.md section 5).

Values are settled layer over layer, setting by setting, lowest first: built-in, the project's
orch.toml, the using pipeline, the file, the `use` that brings it in, the stage, the command line.
"""

from collections.abc import Callable, Mapping

from orch.compiler.plan import (
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
)
from orch.compiler.reading import Reader
from orch.compiler.request import Given
from orch.compiler.sections import Section
from orch.compiler.settings import LOCK, POLICY, dotted_policy
from orch.compiler.values import Unknown
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import Span

LONGEST_LOCK_WAIT_MS = 3000

_SPECS = dotted_policy()
_OF_STAGE = ("timeout", "grace", "retry", "output")


Layers = Mapping[str, Given]
"""The value in force of each dotted setting: `retry.attempts`."""


BUILT_IN: Layers = {name: Given(spec.default, "built-in") for name, spec in _SPECS.items()}


def over(lower: Layers, higher: Layers) -> Layers:
    """The values of `higher`, and of `lower` what it leaves open."""
    return {**lower, **higher} if higher else lower


def read_section(section: Section, reader: Reader, place: Callable[[Span], str]) -> Layers:
    """The values of a `policy` block, or of the policy settings that stand directly in a stage.

    What is wrong or unknown is left out, so that what lies below it stays in force.
    """
    found: dict[str, Given] = {}
    is_policy = section.spec.keyword == "policy"
    for name, setting in section.settings.items():
        if is_policy or name in _OF_STAGE:
            spec = section.spec.settings[name]
            value = reader.setting(setting.value, spec)
            if not isinstance(value, Unknown):
                span = setting.value.span
                found[name] = Given(value, place(span), span)
    for keyword, inner in section.sections.items():
        if is_policy or keyword in _OF_STAGE:
            for name, setting in inner.settings.items():
                value = reader.setting(setting.value, inner.spec.settings[name])
                if not isinstance(value, Unknown):
                    span = setting.value.span
                    found[f"{keyword}.{name}"] = Given(value, place(span), span)
    nested = section.sections.get("policy")
    return over(found, read_section(nested, reader, place)) if nested is not None else found


# -- settled -------------------------------------------------------------------


def run_policy(layers: Layers) -> RunPolicy:
    """The bounds of the whole run."""
    value = {name: given.value for name, given in layers.items()}
    return RunPolicy(
        concurrency=value["concurrency"],
        fail_fast=value["fail_fast"],
        deadline_ms=value["deadline"],
        heartbeat=HeartbeatPolicy(
            value["heartbeat.every"], value["heartbeat.persist"], value["heartbeat.stale"]
        ),
        lock=LockPolicy(value["lock.attempts"], value["lock.backoff"]),
    )


def stage_policy(layers: Layers) -> StagePolicy:
    """The bounds of one stage."""
    value = {name: given.value for name, given in layers.items()}
    return StagePolicy(
        timeout_ms=value["timeout"],
        grace_ms=value["grace"],
        retry=RetryPolicy(
            value["retry.attempts"],
            value["retry.backoff"],
            float(value["retry.factor"]),
            value["retry.jitter"],
            value["retry.on"],
        ),
        output=OutputPolicy(value["output.buffer"], value["output.error"], value["output.log"]),
    )


def is_of_run(name: str) -> bool:
    """Whether a dotted setting is one of the whole run."""
    block, dot, _ = name.partition(".")
    return POLICY.blocks[block].is_of_run if dot else POLICY.settings[name].is_of_run


def contradictions(layers: Layers, section: Section | None, path: str) -> list[Diagnostic]:
    """Bounds of the run that are fine alone and not together (E0601, E0602)."""
    found: list[Diagnostic] = []
    every, stale = layers["heartbeat.every"], layers["heartbeat.stale"]
    if stale.value < 2 * every.value:
        message = "`heartbeat.stale` is less than twice `heartbeat.every`"
        help_ = "a run whose heartbeat is one beat late would count as lost"
        found.append(Diagnostic("E0601", message, path, stale.span or every.span, help=help_))
    attempts, backoff = layers["lock.attempts"], layers["lock.backoff"]
    waits_ms = lock_waits_ms(attempts.value, backoff.value)
    if waits_ms >= LONGEST_LOCK_WAIT_MS:
        message = f"the waits for the lock add up to {waits_ms} ms, and they stay under 3 s"
        lock = section.sections.get(LOCK.keyword) if section is not None else None
        span = lock.block.span if lock is not None else None
        found.append(Diagnostic("E0602", message, path, span))
    return found


def lock_waits_ms(attempts: int, backoff_ms: tuple[int, int]) -> int:
    """The sum of the waits between `attempts` tries: doubling from the first, up to the longest."""
    first, longest = backoff_ms
    return sum(min(first * 2**tried, longest) for tried in range(attempts - 1))
