"""A plan drawn for people: a tree in run order, what is skipped and why, the bounds."""

from collections.abc import Iterator

from orch.cli.outcome_text import reason_text
from orch.cli.terminal import PLAIN, Terminal
from orch.cli.units import count_text, duration_text, longest_text, size_text
from orch.cli.visible import cut, cut_middle, visible, width_of
from orch.compiler.plan import Plan, PlannedStage

_MAX_DEPTH = 12
"""Deeper branches are drawn at this depth, so that a chain of a thousand stays readable."""

_MAX_ID_CELLS = 44


def draw_plan(plan: Plan, terminal: Terminal = PLAIN, width: int = 100) -> str:
    """The plan as lines, each ended by a line end."""
    lines = [*_head(plan, terminal), ""]
    lines += _tree(plan, terminal, width)
    skipped = [stage for stage in plan.stages if stage.skip is not None]
    if skipped:
        lines += ["", terminal.paint("Skipped", "bold")]
        lines += [f"  {visible(stage.id)}: {reason_text(stage.skip or '')}" for stage in skipped]
    lines += ["", *_bounds(plan, terminal)]
    return "".join(line.rstrip() + "\n" for line in lines)


def _head(plan: Plan, terminal: Terminal) -> Iterator[str]:
    info = plan.pipeline
    title = f": {visible(info.title)}" if info.title else ""
    yield terminal.paint(visible(info.name), "bold") + title
    policy = plan.policy
    limit = "one stage a CPU" if policy.concurrency is None else f"{policy.concurrency} at once"
    parts = [
        count_text(len(plan.stages), "stage"),
        limit,
        "stops after a failure" if policy.fail_fast else "goes on after a failure",
    ]
    if policy.deadline_ms is not None:
        parts.append(f"deadline {duration_text(policy.deadline_ms)}")
    yield terminal.paint(f" {terminal.mark('dot')} ".join(parts), "dim")
    yield terminal.paint(plan.digest, "dim")


def _tree(plan: Plan, terminal: Terminal, width: int) -> Iterator[str]:
    """One line a stage; a stage stands below the last of those that it needs."""
    place = {stage.id: number for number, stage in enumerate(plan.stages)}
    parents = {
        stage.id: max(stage.needs, key=lambda need: place[need], default=None)
        for stage in plan.stages
    }
    children: dict[str | None, list[PlannedStage]] = {}
    for stage in plan.stages:
        children.setdefault(parents[stage.id], []).append(stage)
    rows: list[tuple[str, PlannedStage]] = []
    # An explicit stack: a chain may be longer than Python recurses.
    stack = [(stage, "", "", 0) for stage in reversed(children.get(None, []))]
    while stack:
        stage, lead, indent, depth = stack.pop()
        rows.append((lead, stage))
        below = children.get(stage.id, [])
        for number, child in reversed(list(enumerate(below))):
            is_last = number == len(below) - 1
            mark = terminal.mark("corner" if is_last else "branch")
            further = "   " if is_last else f"{terminal.mark('bar')}  "
            deeper = indent + further if depth < _MAX_DEPTH else indent
            stack.append((child, indent + mark, deeper, depth + 1))
    # The marks of a lead take a cell each.
    names = [terminal.spelled(visible(stage.id)) for _, stage in rows]
    widths = (len(lead) + width_of(name) for (lead, _), name in zip(rows, names, strict=True))
    column = min(_MAX_ID_CELLS, max(widths))
    ellipsis = terminal.mark("ellipsis")
    for (lead, stage), whole in zip(rows, names, strict=True):
        name = cut_middle(whole, max(8, column - len(lead)), ellipsis)
        blank = " " * max(0, column - len(lead) - width_of(name))
        details = "  ".join(_details(stage, parents[stage.id]))
        room = max(20, width - column - 4)
        style = "dim" if stage.skip is not None else "bold"
        yield (
            terminal.paint(lead, "dim")
            + terminal.paint(name, style)
            + blank
            + "  "
            + terminal.paint(cut(visible(details), room, ellipsis), "dim")
        )


def _details(stage: PlannedStage, parent: str | None) -> Iterator[str]:
    if stage.skip is not None:
        yield "skipped"
    else:
        yield f"at most {duration_text(stage.policy.timeout_ms)}"
    if stage.kind != "stage":
        yield stage.kind
    attempts = stage.policy.retry.attempts
    if attempts > 1 and stage.skip is None:
        yield f"{attempts} attempts"
    if others := [need for need in stage.needs if need != parent]:
        yield f"also after {', '.join(others)}"
    if stage.when is not None:
        yield f"when {stage.when}"
    if stage.allow_failure:
        yield "may fail"
    if stage.title:
        yield stage.title


def _bounds(plan: Plan, terminal: Terminal) -> Iterator[str]:
    bounds = plan.bounds
    yield terminal.paint("At most", "bold")
    yield f"  {longest_text(bounds.wall_ms):<10} of time, if every attempt times out"
    yield f"  {bounds.attempts:<10} {'process' if bounds.attempts == 1 else 'processes'} started"
    yield f"  {size_text(bounds.buffer_bytes):<10} of output held in memory"
    yield f"  {size_text(bounds.log_bytes):<10} of logs written"
