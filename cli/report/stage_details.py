"""All that is known of single stages: what happened, what they wrote, and what was planned."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orch.cli.outcome_text import ready_text
from orch.cli.report.data import Report
from orch.cli.report.markup import Markup, code, facts, joined, tag
from orch.cli.report.output import FAILED_CHARACTERS, OTHER_CHARACTERS, draw_command, draw_output
from orch.cli.report.stage_table import why
from orch.cli.report.timeline import draw_spans
from orch.cli.report.words import MOST_ID, listed, state
from orch.cli.units import duration_text, size_text
from orch.cli.visible import cut
from orch.compiler.plan import PlannedStage, StagePolicy
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import StageStatus

_MOST_VALUE = 200
_MOST_FILES = 20
_MOST_WHY = 20


def draw_details(report: Report) -> Iterator[Markup]:
    """A part that opens for each stage that there is room for."""
    if len(report.numbers) < len(report.entries):
        yield tag(
            "p",
            f"{len(report.numbers):,} of {len(report.entries):,} stages: those that failed, were "
            "tried again or decided how long the run took, then those that took longest. ",
            code("orch logs RUN STAGE"),
            " and ",
            code("orch plan FILE --format json"),
            " say it of any other.",
        )
    chosen = (entry for entry in report.entries if entry.id in report.numbers)
    for entry in report.whole(chosen):
        yield _stage(report, entry)


def _stage(report: Report, entry: StageEntry) -> Markup:
    stage = report.planned[entry.id]
    is_failed = entry.status is StageStatus.FAILED
    most = FAILED_CHARACTERS if is_failed else OTHER_CHARACTERS
    parts: list[str] = [tag("p", stage.title)] if stage.title else []
    parts.append(facts(_outcome(entry)))
    if report.spans(entry.id):
        parts += [tag("h3", "What happened"), draw_spans(report, entry.id)]
    if entry.attempts:
        parts += [tag("h3", "What it wrote"), *draw_output(report, entry, most)]
    parts += [tag("h3", "What was planned"), draw_command(stage.argv), facts(_planned(stage))]
    length = "" if entry.duration_ms is None else f" {duration_text(entry.duration_ms)}"
    summary = tag("summary", code(entry.id, MOST_ID), " ", state(entry.status.value), length)
    body = tag("div", *parts, id=f"s{report.numbers[entry.id]}", class_="stage")
    return tag("details", summary, body)


def _outcome(entry: StageEntry) -> Iterator[tuple[str, str]]:
    if len(entry.id) > MOST_ID:
        yield "Stage", code(entry.id)
    if told := why(entry):
        yield "Why", told
    if entry.why:
        yield "Run again, because", joined(tag("div", said) for said in entry.why[:_MOST_WHY])
    if entry.exit_code is not None:
        yield "Exit code", str(entry.exit_code)
    if entry.cpu_ms is not None:
        yield "CPU", duration_text(entry.cpu_ms)
    if entry.peak_rss_bytes is not None:
        yield "Memory at most", size_text(entry.peak_rss_bytes)
    if entry.values:
        yield (
            "Values handed on",
            joined(
                tag("div", code(name), " = ", code(_json(value)))
                for name, value in list(entry.values.items())[:_MOST_FILES]
            ),
        )
    if entry.artifacts:
        yield "Artifacts", listed([str(kept["path"]) for kept in entry.artifacts], _MOST_FILES)
    if entry.error:
        yield "Error record", code(entry.error)


def _planned(stage: PlannedStage) -> Iterator[tuple[str, str]]:
    yield "Kind", stage.kind
    yield "Folder", code(stage.cwd)
    for name, expression in (("When", stage.when), ("Skipped", stage.skip)):
        if expression:
            yield name, code(expression[:_MOST_VALUE])
    for name, items in (
        ("Needs", stage.needs),
        ("Variables", sorted([*stage.env, *stage.bindings])),
        ("Secrets", stage.secrets),
        ("Inputs", stage.inputs),
        ("Outputs", stage.outputs),
        ("Artifacts", stage.artifacts),
    ):
        if items:
            yield name, listed(items, _MOST_FILES)
    for name, held in (("Pool", stage.pool), ("Exclusive", stage.exclusive)):
        if held:
            yield name, code(held, MOST_ID)
    if stage.allow_failure:
        yield "May fail", "yes: the run goes on, and doesn't fail"
    if stage.ready is not None:
        yield "Ready", _ready(stage.ready)
    yield from _policy(stage.policy, is_service=stage.kind == "service")


def _ready(ready: Mapping[str, Any]) -> str:
    """`when port 5433 answers, asked every 200ms, for 30.0s at most`."""
    what = cut(ready_text(ready), _MOST_VALUE)
    is_asked = ready["kind"] != "log"
    often = f"asked every {duration_text(ready['every_ms'])}, " if is_asked else ""
    return f"when {what}, {often}for {duration_text(ready['timeout_ms'])} at most"


def _policy(policy: StagePolicy, *, is_service: bool) -> Iterator[tuple[str, str]]:
    """Its bounds; a service is neither timed out nor tried again."""
    retry, output = policy.retry, policy.output
    if not is_service:
        yield "Time-out", duration_text(policy.timeout_ms)
    yield "Grace", duration_text(policy.grace_ms)
    if not is_service:
        first, longest = map(duration_text, retry.backoff_ms)
        words = f"{retry.attempts} at most"
        if retry.attempts > 1:
            words += (
                f", {first} to {longest} apart, each wait {retry.factor:g} times the last, "
                f"jitter {retry.jitter}, after {', '.join(retry.on)}"
            )
        yield "Attempts", words
    yield (
        "Output",
        (
            f"{size_text(output.buffer_bytes)} of each stream held, {size_text(output.log_bytes)} "
            f"logged, {size_text(output.error_bytes)} in an error record"
        ),
    )


def _json(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return shown if len(shown) <= _MOST_VALUE else shown[:_MOST_VALUE] + "…"
