"""The table of all stages; a script in the page sorts and filters it, and it is whole without."""

from collections.abc import Iterator

from orch.cli.outcome_text import reason_text, why_text
from orch.cli.report.data import MOST_ROWS, Report, ran_ms
from orch.cli.report.history import SpanKind
from orch.cli.report.markup import Markup, tag
from orch.cli.report.words import stage_link, state
from orch.cli.units import duration_text, size_text
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import StageStatus

_MOST_WHY = 160
_HEADS = (
    ("Stage", "text", ""),
    ("State", "text", ""),
    ("Began", "number", ""),
    ("Ran", "number", ""),
    ("Waited", "number", "for what it needs not counted"),
    ("Tries", "number", "attempts"),
    ("CPU", "number", "of its last attempt"),
    ("Memory", "number", "highest, of its last attempt"),
    ("Output", "number", "of its last attempt"),
    ("Why", "text", ""),
)


def draw_table(report: Report) -> Iterator[Markup]:
    """Parts of markup, row by row; together they are whole."""
    heads = (
        tag("th", name, scope="col", data_kind=kind, title=note or None)
        for name, kind, note in _HEADS
    )
    if len(report.entries) > MOST_ROWS:
        words = (
            f"The first {MOST_ROWS:,} of {len(report.entries):,} stages, in the order of the plan."
        )
        yield tag("p", words)
    yield Markup('<form class="filter" role="search" aria-label="Filter the stages" hidden></form>')
    yield Markup('<div class="scroll"><table class="stages">')
    yield tag("caption", "Stages in the order of the plan", class_="spoken")
    yield tag("thead", tag("tr", *heads))
    yield Markup("<tbody>\n")
    for entry in report.entries[:MOST_ROWS]:
        yield _row(report, entry)
        yield Markup("\n")
    yield Markup("</tbody></table></div>")


def _row(report: Report, entry: StageEntry) -> Markup:
    spans = report.spans(entry.id)
    attempts = [span for span in spans if span.kind is SpanKind.ATTEMPT]
    waits = (SpanKind.SLOT, SpanKind.EXCLUSIVE, SpanKind.BACKOFF)
    waited_ms = sum(span.length_ms for span in spans if span.kind in waits)
    output_bytes = entry.stdout_bytes + entry.stderr_bytes
    return tag(
        "tr",
        tag("th", stage_link(report, entry.id), scope="row"),
        tag("td", state(entry.status.value)),
        _time(attempts[0].begin_ms if attempts else None),
        _time(ran_ms(spans) if attempts else None),
        _time(waited_ms or None),
        _number(entry.attempts or None, str(entry.attempts)),
        _time(entry.cpu_ms),
        _number(entry.peak_rss_bytes, size_text(entry.peak_rss_bytes or 0)),
        _number(output_bytes or None, size_text(output_bytes)),
        tag("td", why(entry)[:_MOST_WHY]),
    )


def why(entry: StageEntry) -> str:
    """Why a stage ended so, or what it says of itself; empty where nothing is to be said."""
    if entry.status is StageStatus.FAILED:
        return why_text(entry.reason, entry)
    if entry.fresh:
        return f"fresh: {entry.reason}" if entry.reason else "fresh"
    if entry.status is StageStatus.SUCCEEDED:
        return entry.summary or ""
    return reason_text(entry.reason) if entry.reason else ""


def _time(length_ms: int | None) -> Markup:
    return _number(length_ms, duration_text(length_ms or 0))


def _number(value: int | None, shown: str) -> Markup:
    return tag("td") if value is None else tag("td", shown, data_n=value)
