"""When each stage waited and ran: bars to look at, sentences to read, and the critical path."""

from collections.abc import Iterator

from orch.cli.report.critical_path import Link
from orch.cli.report.data import Report, ran_ms
from orch.cli.report.history import Span, SpanKind
from orch.cli.report.markup import Markup, code, joined, tag
from orch.cli.report.words import MARKS, MOST_ID, link_words, plain_words, span_words, stage_link
from orch.cli.units import count_text, duration_text

_WIDE = 1000
"""The bars are drawn on so many units, however wide the window is."""

_MOST_LINKS = 60
_MOST_SPANS = 60

_SHAPES: dict[str, tuple[tuple[int, int], ...]] = {
    "needs": ((9, 2),),
    "slot": ((7, 6),),
    "backoff": ((5, 3), (12, 3)),
    "attempt": ((4, 12),),
    "attempt failed": ((1, 18),),
}
"""Where each kind of bar lies in a height of 20, and how high it is: colours alone tell nothing to
who can't see them, or has printed them in black."""

_LEGEND = (
    ("needs", "waits for what it needs"),
    ("slot", "waits for a slot, a pool or an exclusive name"),
    ("backoff", "pauses between attempts"),
    ("attempt", "runs"),
    ("attempt failed", "runs, and fails"),
    ("attempt critical", "on the critical path"),
)


def draw_timeline(report: Report) -> Iterator[Markup]:
    """A row for each stage that ran, in the order of their beginnings."""
    ran = sum(bool(spans) for spans in report.history.spans.values())
    if not report.bars:
        yield tag("p", "No stage has been started.")
        return
    if ran > len(report.bars):
        yield tag(
            "p",
            f"{len(report.bars):,} of the {ran:,} stages that ran: those that failed, were tried "
            "again or decided how long the run took, then those that took longest.",
        )
    yield tag("ul", *map(_legend, _LEGEND), class_="legend")
    yield _axis(report.history.total_ms)
    critical = {link.stage for link in report.path}
    rows = (_row(report, stage_id, is_critical=stage_id in critical) for stage_id in report.bars)
    yield tag("ol", *rows, class_="bars")


def draw_path(report: Report) -> Iterator[Markup]:
    """Which stages decided how long the run took, and by how much each."""
    if not report.path:
        return
    yield tag(
        "p",
        "Each of these began when the one before it let it begin. To end sooner, one of them "
        "would have to be quicker, or to wait for less.",
    )
    shown = report.path
    if len(shown) > _MOST_LINKS:
        kept = sorted(shown, key=lambda link: link.begin_ms - link.end_ms)[:_MOST_LINKS]
        names = {link.stage for link in kept}
        shown = tuple(link for link in shown if link.stage in names)
        yield tag("p", f"The longest {_MOST_LINKS} of {len(report.path):,} are shown.")
    yield tag("ol", *(_link(report, link) for link in shown), class_="path")


def _link(report: Report, link: Link) -> Markup:
    begin_ms, end_ms = report.path[0].begin_ms, report.path[-1].end_ms
    total_ms = max(1, end_ms - begin_ms)
    length_ms = link.end_ms - link.begin_ms
    share = length_ms * _WIDE // total_ms
    at = (link.begin_ms - begin_ms) * _WIDE // total_ms
    bar = tag("rect", class_="share", x=min(at, _WIDE - 2), y=0, width=max(2, share), height=8)
    why = Markup("")
    if link.wait is not None:
        why = tag("span", link_words(report, link.wait), class_="why")
    return tag(
        "li",
        tag("span", stage_link(report, link.stage), class_="name"),
        _picture(bar, 8),
        tag("span", f"{duration_text(length_ms)} · {share / 10:.0f} %", class_="length"),
        why,
    )


def _legend(entry: tuple[str, str]) -> Markup:
    kind, words = entry
    shapes = _SHAPES[kind.removesuffix(" critical")]
    swatch = (tag("rect", class_=kind, x=1, y=y, width=22, height=height) for y, height in shapes)
    return tag(
        "li", tag("svg", *swatch, viewBox="0 0 24 20", aria_hidden="true", class_="swatch"), words
    )


def _axis(total_ms: int) -> Markup:
    quarters = (tag("span", duration_text(total_ms * part // 4)) for part in range(5))
    scale = tag("div", *quarters, class_="scale")
    return tag("div", tag("span"), scale, tag("span"), class_="axis", aria_hidden="true")


def _row(report: Report, stage_id: str, *, is_critical: bool) -> Markup:
    spans = report.spans(stage_id)
    total_ms = max(1, report.history.total_ms)
    shapes = [_bar(span, total_ms, is_critical=is_critical) for span in spans[-_MOST_SPANS:]]
    shapes += (
        tag("path", class_="break", d=f"M{moment * _WIDE // total_ms} 0V20")
        for moment in report.history.breaks
    )
    attempts = [span for span in spans if span.kind is SpanKind.ATTEMPT]
    is_failed = bool(attempts) and attempts[-1].is_failed
    mark = tag("span", f"{MARKS['failed']} ", class_="state failed") if is_failed else ""
    note = (
        tag("span", "◆ ", title="on the critical path", aria_hidden="true") if is_critical else ""
    )
    spoken = tag("span", ", on the critical path", class_="spoken") if is_critical else ""
    summary = tag(
        "summary",
        tag("span", mark, note, code(stage_id, MOST_ID), spoken, class_="name"),
        _picture(joined(shapes), 20),
        tag("span", duration_text(ran_ms(spans)), class_="length"),
    )
    return tag("li", tag("details", summary, draw_spans(report, stage_id)))


def draw_spans(report: Report, stage_id: str) -> Markup:
    """What happened to a stage, as sentences."""
    spans = report.spans(stage_id)
    rows = [
        tag("li", tag("span", _times(span), class_="times"), " ", span_words(report, span))
        for span in spans[-_MOST_SPANS:]
    ]
    if len(spans) > _MOST_SPANS:
        rows.insert(
            0, tag("li", f"{count_text(len(spans) - _MOST_SPANS, 'wait or attempt')} left out")
        )
    return tag("ol", *rows, class_="spans")


def _times(span: Span) -> str:
    return f"{duration_text(span.begin_ms)} to {duration_text(span.end_ms)}"


def _bar(span: Span, total_ms: int, *, is_critical: bool) -> Markup:
    begin = span.begin_ms * _WIDE / total_ms
    width = max(1.5, span.length_ms * _WIDE / total_ms)
    kind = "slot" if span.kind is SpanKind.EXCLUSIVE else span.kind.value
    if span.is_failed:
        kind = f"{kind} failed"
    critical = " critical" if is_critical and span.kind is SpanKind.ATTEMPT else ""
    shapes = (
        tag(
            "rect",
            tag("title", plain_words(span)),
            class_=kind + critical,
            x=f"{min(begin, _WIDE - width):.1f}",
            y=y,
            width=f"{width:.1f}",
            height=height,
        )
        for y, height in _SHAPES[kind]
    )
    return joined(shapes)


def _picture(shapes: Markup, height: int) -> Markup:
    """Drawn as wide as there is room; what it shows stands in words beside or below it."""
    return tag(
        "svg",
        shapes,
        class_="picture",
        viewBox=f"0 0 {_WIDE} {height}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
