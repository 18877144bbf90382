"""What a run used of the bounds that its plan states: time, buffers, logs, attempts."""

from collections.abc import Iterable, Iterator

from orch.cli.report.data import Report
from orch.cli.report.history import Span, SpanKind
from orch.compiler.plan import Bounds


def used(report: Report) -> Bounds:
    """The same four figures as bounds. Buffers are counted as far as output filled them, at the
    moment when most were held; an attempt that was cut off with its run has no figures of
    output."""
    held: list[tuple[int, int]] = []
    log_bytes = 0
    for stage in report.view.plan.stages:
        output = stage.policy.output
        for span, written in _outputs(report.spans(stage.id)):
            log_bytes += sum(min(size, output.log_bytes) for size in written)
            size = sum(min(size, output.buffer_bytes) for size in written)
            held += [(span.begin_ms, size), (span.end_ms, -size)]
    return Bounds(
        wall_ms=report.history.total_ms,
        buffer_bytes=_most(held),
        log_bytes=log_bytes,
        attempts=sum(entry.attempts for entry in report.entries),
    )


def _outputs(spans: Iterable[Span]) -> Iterator[tuple[Span, tuple[int, int]]]:
    """The attempts of which the size of their output is known, with that of each stream."""
    for span in spans:
        if span.kind is SpanKind.ATTEMPT and span.figures is not None:
            yield span, (span.figures.stdout_bytes, span.figures.stderr_bytes)


def _most(changes: list[tuple[int, int]]) -> int:
    """The highest sum that changes, each at its moment, come to; what ends goes first."""
    total = most = 0
    for _, change in sorted(changes):
        total += change
        most = max(most, total)
    return most
