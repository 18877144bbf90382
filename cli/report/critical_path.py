"""The critical path of a run: from its end back, for each stage whoever it had to wait for.

Each link begins where the one before it ended, so their lengths add up to that of the run. Unlike
the path that bounds a plan it follows slots too: a stage that waited for one was held up by the
stage that freed it.
"""

from orch.cli.report.history import History, Span, SpanKind
from orch.compiler.plan import Plan
from orch.dsl.record import record


@record
class Link:
    """A stage on the path, from the end of the link before it to its own end; `wait` is what held
    up its first attempt there, None where nothing did."""

    stage: str
    begin_ms: int
    end_ms: int
    wait: Span | None


def critical_path(plan: Plan, history: History) -> tuple[Link, ...]:
    """The links in the order of time; none where nothing was run. Of a run that was resumed the
    path is that of its last life."""
    services = {stage.id for stage in plan.stages if stage.kind == "service"}
    begin_ms = history.breaks[-1] if history.breaks else 0
    last = next((s for s in reversed(history.order) if s not in services), None)
    if last is None or history.spans[last][-1].end_ms < begin_ms:
        return ()
    links: list[Link] = []
    seen: set[str] = set()
    stage: str | None = last
    end_ms = history.spans[last][-1].end_ms
    while stage is not None and stage not in seen:
        seen.add(stage)
        wait = _held_up_by(history.spans[stage], begin_ms, end_ms)
        blocker = None if wait is None else wait.blocker
        from_ms = begin_ms
        if wait is not None and blocker is not None:
            from_ms = min(wait.end_ms, end_ms)
        links.append(Link(stage, from_ms, end_ms, wait))
        stage, end_ms = blocker, from_ms
    return tuple(reversed(links))


def _held_up_by(spans: tuple[Span, ...], begin_ms: int, end_ms: int) -> Span | None:
    """The last wait for another stage before the first attempt of this life."""
    found: Span | None = None
    for span in spans:
        if span.begin_ms < begin_ms or span.begin_ms > end_ms:
            continue
        if span.kind is SpanKind.ATTEMPT:
            return found
        if span.blocker is not None:
            found = span
    return found
