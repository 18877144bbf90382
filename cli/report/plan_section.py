"""What was planned and where it ran: bounds beside what was used, params, policies, the machine."""

import json
from collections.abc import Iterator

from orch.cli.report.data import Report
from orch.cli.report.markup import Markup, code, facts, joined, table, tag
from orch.cli.report.origins import Origins
from orch.cli.report.usage import used
from orch.cli.report.words import listed
from orch.cli.units import duration_text, longest_text, size_text
from orch.compiler.plan import RunPolicy

_MOST_VALUE = 400
_MOST_PARAMS = 200
_MOST_SECTIONS = 50


def draw_bounds(report: Report) -> Iterator[Markup]:
    """The four bounds of the plan, what was used of each, and the share."""
    bounds, spent = report.view.plan.bounds, used(report)
    rows = (
        ("Time", longest_text(bounds.wall_ms), duration_text(spent.wall_ms),
         _share(spent.wall_ms, bounds.wall_ms)),
        ("Output held at once", size_text(bounds.buffer_bytes), size_text(spent.buffer_bytes),
         _share(spent.buffer_bytes, bounds.buffer_bytes)),
        ("Output logged", size_text(bounds.log_bytes), size_text(spent.log_bytes),
         _share(spent.log_bytes, bounds.log_bytes)),
        ("Attempts", f"{bounds.attempts:,}", f"{spent.attempts:,}",
         _share(spent.attempts, bounds.attempts)),
    )  # fmt: skip
    yield table("At most, and used", ("", "At most", "Used", "Share"), rows, class_="bounds")
    if report.history.breaks:
        words = "The run was resumed: each of its lives has these bounds, and all are counted here."
        yield tag("p", words, class_="hint")


def draw_plan(report: Report) -> Iterator[Markup]:
    """Params, policies of the run, pools, secrets by their names."""
    plan = report.view.plan
    yield tag("h3", "The run")
    yield facts(_run_policy(plan.policy))
    if plan.params:
        yield tag("h3", "Params")
        rows = [(name, code(_json(value))) for name, value in sorted(plan.params.items())]
        yield facts(rows[:_MOST_PARAMS])
        if len(rows) > _MOST_PARAMS:
            yield tag("p", f"And {len(rows) - _MOST_PARAMS:,} more.")
    if plan.pools:
        yield tag("h3", "Pools")
        yield facts((name, f"{slots} at once") for name, slots in sorted(plan.pools.items()))
    if plan.secrets:
        yield tag("h3", "Secrets")
        yield facts(
            (secret.name, f"from {secret.env or secret.file or 'nowhere'}")
            for secret in plan.secrets
        )
    yield from _origins(report.origins)


def _origins(origins: Origins) -> Iterator[Markup]:
    """The policies with the places they came from, or why those are not known."""
    yield tag("h3", "Where the policies came from")
    if not origins.sections:
        yield tag(
            "p",
            f"Not known: {origins.why_not}. The values above and those with each stage are those "
            "of the frozen plan.",
            class_="hint",
        )
        return
    for title, note, rows in origins.sections[:_MOST_SECTIONS]:
        caption = f"{title}, {note}" if note else title
        cells = ((code(name), code(value), origin) for name, value, origin in rows)
        yield table(caption, ("Policy", "Value", "From"), cells, class_="origins")
    more = len(origins.sections) - _MOST_SECTIONS
    if more > 0:
        yield tag(
            "p", f"{more:,} more groups of stages: ", code("orch policy FILE"), " shows them."
        )
    yield tag(
        "p",
        "Read from the files as they are now, which give the plan that was run.",
        class_="hint",
    )


def draw_machine(report: Report) -> Iterator[Markup]:
    """Where it ran, and where its files are."""
    view, manifest = report.view, report.view.manifest
    rows: list[tuple[str, str]] = [("orch", manifest.orch_version or "unknown")]
    if view.owner is not None:
        rows.append(("Host", code(view.owner.host)))
        rows.append(("Process", str(view.owner.pid)))
    rows.append(("Files", code(view.paths.shown(view.paths.run))))
    rows.append(("Journal", f"{manifest.events:,} events"))
    if manifest.is_forced:
        rows.append(("Forced", "yes: stages ran although they were fresh"))
    if manifest.heartbeat_failures:
        rows.append(("Heartbeats that failed", f"{manifest.heartbeat_failures:,}"))
    tags = view.plan.pipeline.tags
    if tags:
        rows.append(("Tags", listed(tags)))
    yield facts(rows)


def _run_policy(policy: RunPolicy) -> Iterator[tuple[str, str]]:
    at_once = "one stage a CPU" if policy.concurrency is None else f"{policy.concurrency} stages"
    yield "At once", at_once
    yield "After a failure", "stops" if policy.fail_fast else "goes on"
    deadline = policy.deadline_ms
    yield "Deadline", "none" if deadline is None else duration_text(deadline)
    beat = policy.heartbeat
    yield "Heartbeat", f"every {duration_text(beat.every_ms)}, stale {duration_text(beat.stale_ms)}"


def _share(spent: int, bound: int) -> Markup:
    share = 100 * spent / bound if bound else 0.0
    shown = "< 1 %" if 0 < share < 1 else f"{share:.0f} %"
    fill = tag("rect", class_="over" if share > 100 else "share", x=0, y=0,
               width=f"{min(100.0, share):.1f}", height=8)  # fmt: skip
    picture = tag(
        "svg", fill, class_="picture", viewBox="0 0 100 8", preserveAspectRatio="none",
        aria_hidden="true",
    )  # fmt: skip
    return joined((picture, shown))


def _json(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return shown if len(shown) <= _MOST_VALUE else shown[:_MOST_VALUE] + "…"
