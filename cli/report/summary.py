"""The top of a report: how the run ended, what failed and why, and what to type next."""

from collections.abc import Iterator

from orch.cli.closing import stage_counts
from orch.cli.outcome_text import COUNTED, reason_text, shell_text, why_text
from orch.cli.report.data import Report
from orch.cli.report.markup import Markup, code, facts, joined, tag
from orch.cli.report.output import FAILED_CHARACTERS, draw_output
from orch.cli.report.words import MARKS, MOST_ID, stage_link, state
from orch.cli.units import count_text, duration_text
from orch.cli.visible import visible
from orch.runtime.clock import utc_text
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus

_MOST_OPEN = 5
"""Failed stages of which the output is shown without being asked for."""


def title(report: Report) -> str:
    """The title of the page, as text."""
    manifest, status = report.view.manifest, report.view.status.value
    return f"{MARKS[status]} {visible(manifest.pipeline)} {status} · {visible(manifest.run_id)}"


def draw_header(report: Report) -> Iterator[Markup]:
    """The result in one line, the figures, and commands to copy."""
    view, manifest = report.view, report.view.manifest
    name = view.plan.pipeline.title or manifest.pipeline
    duration = duration_text(_duration_ms(report))
    how = {RunStatus.RUNNING: f"for {duration}", RunStatus.LOST: f"after {duration}"}
    yield tag(
        "p",
        state(view.status.value),
        " ",
        how.get(view.status, f"in {duration}"),
        _why(report),
        class_="result",
    )
    yield tag("h1", name)
    yield tag("p", _counts(report), class_="counts")
    known = facts(_facts(report))
    commands = tag(
        "pre",
        tag("code", _aligned(list(_commands(report)))),
        tabindex="0",
        role="region",
        aria_label="Commands to see more",
    )
    yield tag("div", known, commands, class_="top")


def draw_failures(report: Report) -> Iterator[Markup]:
    """Each failed stage with what it wrote last; a sentence where none failed."""
    for number, entry in enumerate(report.whole(report.failures)):
        article = tag("article", *_failure(report, entry))
        if number < _MOST_OPEN:
            yield article
        else:
            why = why_text(entry.reason, entry)
            summary = tag("summary", state("failed"), " ", code(entry.id, MOST_ID), f" {why}")
            yield tag("details", summary, article, class_="further")
    more = report.failure_count - len(report.failures)
    if more:
        yield tag("p", f"And {count_text(more, 'failed stage')} more, in the table below.")
    failed = stage_counts(report.view.manifest).get(StageStatus.FAILED.value, 0)
    if failed > report.failure_count:
        allowed = count_text(failed - report.failure_count, "stage")
        yield tag("p", f"Beside them {allowed} failed that may, by allow_failure.")


def headline(report: Report) -> str:
    """The heading of the failures."""
    failed = count_text(report.failure_count, "stage")
    return "What failed, and why" if report.failure_count == 1 else f"What failed: {failed}"


def _failure(report: Report, entry: StageEntry) -> Iterator[Markup]:
    stage = report.planned[entry.id]
    tries = f" after {entry.attempts} attempts" if entry.attempts > 1 else ""
    why = why_text(entry.reason, entry)
    yield tag("h3", state("failed"), " ", stage_link(report, entry.id))
    yield tag("p", tag("strong", why), tries, f" · {stage.title}" if stage.title else "")
    yield from draw_output(report, entry, FAILED_CHARACTERS)


def _duration_ms(report: Report) -> int:
    ended = report.view.manifest.duration_ms
    has_one_life = not report.history.breaks
    return ended if ended is not None and has_one_life else report.history.total_ms


def _why(report: Report) -> str:
    manifest = report.view.manifest
    match report.view.status:
        case RunStatus.LOST:
            return ": the process that held it is gone, and nobody has said how it ended"
        case RunStatus.STALE:
            return ": it is silent, and nothing proves that the process that holds it is gone"
        case status:
            reason = reason_text(manifest.reason) if manifest.reason else status.value
            return "" if reason == status.value else f": {reason}"


def _counts(report: Report) -> Markup:
    counts = stage_counts(report.view.manifest)
    parts = [state(name, counts[name]) for name in COUNTED if counts.get(name)]
    fresh = sum(entry.fresh for entry in report.entries)
    if fresh:
        parts.append(tag("span", f"{fresh:,} fresh", class_="state"))
    return joined(parts)


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    manifest = report.view.manifest
    yield "Pipeline", code(manifest.pipeline)
    yield "Run", code(manifest.run_id)
    yield "Task", code(manifest.task_id)
    if manifest.started_at:
        yield "Started", _instant(manifest.started_at)
    if manifest.completed_at:
        yield "Ended", _instant(manifest.completed_at)
    else:
        yield "As of", _instant(utc_text(report.at_ms))
    if manifest.resumes:
        yield "Resumed", "once" if manifest.resumes == 1 else f"{manifest.resumes} times"
    yield "Plan", code(manifest.plan_digest)


def _instant(moment: str) -> Markup:
    shown = moment.partition(".")[0].replace("T", " ")
    return tag("time", f"{shown} UTC", datetime=visible(moment))


def _commands(report: Report) -> Iterator[tuple[tuple[str, ...], str]]:
    """What to type next and why; the run is named by its id, which stays true."""
    run_id = report.view.manifest.run_id
    yield ("orch", "status", run_id), "how it stands"
    if report.failures:
        yield ("orch", "logs", run_id, report.failures[0].id), "all that it wrote"
    match report.view.status:
        case RunStatus.RUNNING | RunStatus.STALE:
            yield ("orch", "logs", run_id, "--follow"), "what it writes"
            yield ("orch", "cancel", run_id), "end it"
        case RunStatus.FAILED | RunStatus.CANCELLED | RunStatus.LOST:
            yield ("orch", "resume", run_id), "go on where it stopped"
        case _:
            yield ("orch", "logs", run_id), "all that it wrote"


def _aligned(commands: list[tuple[tuple[str, ...], str]]) -> str:
    """Lines for a shell, each with a comment."""
    lines = [(shell_text(words), why) for words, why in commands]
    column = max(len(line) for line, _ in lines)
    return "\n".join(f"{line:<{column}}  # {why}" for line, why in lines)
