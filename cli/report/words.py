"""Small things that many parts of a report say alike: states, lengths, links to stages."""

from collections.abc import Sequence

from orch.cli.report.data import Report
from orch.cli.report.history import Span, SpanKind
from orch.cli.report.markup import Markup, code, joined, tag
from orch.cli.units import duration_text

MOST_ID = 80
"""Characters of a stage's id in rows and lists."""

MARKS = {
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "skipped": "○",
    "running": "▸",
    "ready": "·",
    "waiting": "·",
    "stale": "?",
    "lost": "!",
}


def state(word: str, count: int | None = None) -> Markup:
    """A state as a word with its mark, never by its colour alone; with how many there are."""
    mark = tag("span", f"{MARKS.get(word, '·')} ", aria_hidden="true")
    said = word if count is None else f"{count:,} {word}"
    return tag("span", mark, said, class_=f"state {word}")


def stage_link(report: Report, stage_id: str) -> Markup:
    """The name of a stage, which leads to all that is shown of it, if it is."""
    number = report.numbers.get(stage_id)
    name = code(stage_id, MOST_ID, title=stage_id if len(stage_id) > MOST_ID else None)
    return name if number is None else tag("a", name, href=f"#s{number}")


def listed(items: Sequence[str], most: int = 12) -> Markup:
    """Names one after the other, at most so many."""
    shown = [code(item, MOST_ID) for item in items[:most]]
    if len(items) > most:
        shown.append(Markup(f"and {len(items) - most:,} more"))
    return Markup(", ".join(shown))


def span_words(report: Report, span: Span) -> Markup:
    """What a stage did in a span, as a sentence without its times."""
    before, after = _said(span)
    who = Markup("") if span.blocker is None else stage_link(report, span.blocker)
    if span.kind is SpanKind.ATTEMPT and span.is_failed:
        return joined((before, tag("span", after, class_="state failed")))
    return joined((before, who, after))


def link_words(report: Report, wait: Span) -> Markup:
    """Why a stage of the critical path did not begin sooner."""
    if wait.kind is not SpanKind.NEEDS or wait.blocker is None:
        return span_words(report, wait)
    is_service = report.planned[wait.blocker].kind == "service"
    what = " was ready" if is_service else " had ended"
    return joined(("began when ", stage_link(report, wait.blocker), what))


def plain_words(span: Span) -> str:
    """The same as `span_words` for a tooltip, as text."""
    before, after = _said(span)
    return f"{before}{span.blocker or ''}{after}"


def _said(span: Span) -> tuple[str, str]:
    """The words before and after the stage that was waited for."""
    length = duration_text(span.length_ms)
    match span.kind:
        case SpanKind.ATTEMPT:
            return f"attempt {span.attempt}, {length}: ", span.why
        case SpanKind.BACKOFF:
            return f"paused {length} before the next attempt, after {span.why}", ""
        case SpanKind.NEEDS:
            return f"waited {length} for ", ""
        case SpanKind.EXCLUSIVE:
            return f"{span.why}: {length}", ""
        case _ if span.blocker is None:
            return f"stood ready for {length}", ""
        case _:
            return f"waited {length} for {span.why}, which ", " freed"
