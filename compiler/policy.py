"""Which policy value is in force where, and where it came from (language.md section 5).

Values are settled layer over layer, setting by setting, lowest first: built-in, the project's
orch.toml, the using pipeline, the file, the `use` that brings it in, the stage, the command line.
"""

from collections.abc import Callable, Mapping
from typing import Any

from orch.compiler.plan import (
    HeartbeatPolicy,
    LockPolicy,
    OutputPolicy,
    RetryPolicy,
    RunPolicy,
    StagePolicy,
)
from orch.compiler.quantities import out_of_range
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.settings import LOCK, POLICY, SettingSpec, dotted_policy
from orch.compiler.shapes import ListOf, RangeOf, Scalar, Shape, Words
from orch.compiler.texts import MISFIT, is_exit_reason, read_policy_text, read_policy_value
from orch.compiler.values import Unknown
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.suggest import near_miss

LONGEST_LOCK_WAIT_MS = 3000
PROJECT_FILE = "orch.toml"

_SPECS = dotted_policy()
_OF_STAGE = ("timeout", "grace", "retry", "output")


@record
class Given:
    """A policy value and where it came from. `span` is None outside of the sources."""

    value: Any
    origin: str
    span: Span | None = None


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


# -- from outside the sources --------------------------------------------------


def read_command_line(texts: Mapping[str, str], entry: str) -> tuple[Layers, list[Diagnostic]]:
    """The values of `--policy NAME=VALUE`; what is wrong with them has no span."""
    outside = _Outside(entry, "the command line")
    for name, text in texts.items():
        spec = outside.known(name)
        if spec is not None:
            outside.take(name, spec, read_policy_text(text, spec.shape), text)
    return outside.values, outside.found


def read_project(table: Mapping[str, Any]) -> tuple[Layers, list[Diagnostic]]:
    """The values of `[policy]` in orch.toml."""
    outside = _Outside(PROJECT_FILE, PROJECT_FILE)
    for name, value in table.items():
        if isinstance(value, Mapping) and name in POLICY.blocks:
            for inner, item in value.items():
                spec = outside.known(f"{name}.{inner}")
                if spec is not None:
                    read = read_policy_value(item, spec.shape)
                    outside.take(f"{name}.{inner}", spec, read, str(item))
            continue
        spec = outside.known(name)
        if spec is not None:
            outside.take(name, spec, read_policy_value(value, spec.shape), str(value))
    return outside.values, outside.found


class _Outside:
    """Collects values that no file of the language holds."""

    def __init__(self, path: str, origin: str) -> None:
        self._path = path
        self._origin = origin
        self.values: dict[str, Given] = {}
        self.found: list[Diagnostic] = []

    def known(self, name: str) -> SettingSpec | None:
        spec = _SPECS.get(name)
        if spec is None:
            hint = near_miss(name, _SPECS)
            help_ = f"did you mean `{hint}`?" if hint else None
            self._report("E0205", f"`{name}` is no policy setting", help_)
        return spec

    def take(self, name: str, spec: SettingSpec, value: Any, written: str) -> None:
        if value is MISFIT:
            message = f"`{name}` of {self._origin} is `{written}`, not {_due(spec.shape)}"
            self._report("E0401", message)
        elif isinstance(value, tuple) and isinstance(spec.shape, RangeOf) and value[0] > value[1]:
            message = f"the low end of `{name}` of {self._origin} is above its high end"
            self._report("E0410", message)
        elif (problem := _problem(value, spec.shape, name)) is not None:
            self._report("E0402", f"{problem} ({self._origin})")
        else:
            self.values[name] = Given(value, self._origin)

    def _report(self, code: str, message: str, help_: str | None = None) -> None:
        self.found.append(Diagnostic(code, message, self._path, None, help=help_))


def _problem(value: Any, shape: Shape, name: str) -> str | None:
    match shape:
        case Scalar():
            return out_of_range(value, shape, name)
        case RangeOf():
            problems = (out_of_range(end, shape.item, name) for end in value)
            return next(filter(None, problems), None)
        case Words():
            allowed = ", ".join(f"`{word}`" for word in shape.words)
            is_known = value in shape.words or is_exit_reason(value)
            return None if is_known else f"`{value}` is no `{name}`: it is one of {allowed}"
        case ListOf(item=Words() as item):
            return next(filter(None, (_problem(word, item, name) for word in value)), None)
    return None


def _due(shape: Shape) -> str:
    match shape:
        case Scalar(type="int"):
            return "an int"
        case Scalar(type=name):
            return f"a {name}"
        case RangeOf():
            return "a range such as `100ms..3s`"
        case ListOf():
            return "a list of words"
    return "a word"


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


def origins_of_run(layers: Layers) -> dict[str, str]:
    """Where the bounds of the whole run came from, by dotted name."""
    return {name: given.origin for name, given in layers.items() if is_of_run(name)}


def origins_of_stage(layers: Layers) -> dict[str, str]:
    """Where the bounds of a stage came from, by dotted name."""
    return {name: given.origin for name, given in layers.items() if not is_of_run(name)}


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
