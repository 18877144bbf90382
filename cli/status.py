"""`orch status [RUN]`: how a run stands, or ended."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.closing import blamed_failures, failure_lines, headline
from orch.cli.face import Face
from orch.cli.options import Command, face_options
from orch.cli.outcome_text import reason_text, shell_text, wait_text, why_text
from orch.cli.terminal import PLAIN, Terminal
from orch.cli.units import duration_text
from orch.cli.visible import cut, cut_middle, visible, width_of
from orch.dsl.record import as_dictionary
from orch.runtime import clock
from orch.runtime.liveness import RunView, whole_manifest
from orch.runtime.paths import RunPaths
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus

_MAX_ROWS = 30
"""Stages that are listed unless --verbose asks for all; the failed and running ones go first."""

_MAX_FAILURES = 3
_MAX_NAME_CELLS = 44

_LEFT = {
    StageStatus.RUNNING: "was running",
    StageStatus.READY: "not begun",
    StageStatus.WAITING: "not begun",
}
"""What is said of stages that a lost run has left: nothing runs, nor waits, any more."""

_IMPORTANCE = {
    StageStatus.FAILED: 0,
    StageStatus.RUNNING: 1,
    StageStatus.CANCELLED: 2,
}


@click.command(
    cls=Command,
    examples=(
        "orch status last --watch         the last run, as it goes on",
        "orch status 2026-11-22T09 --format json",
    ),
)
@chosen_run_options(is_required=False)
@click.option("--watch", is_flag=True, help="Show it as it goes on, until it has ended.")
@face_options("text", "json")
def command(*, paths: RunPaths, watch: bool, face: Face) -> int:
    """Show how a run stands, or how it ended: `running`, `succeeded`, `failed`, `cancelled`,
    `stale` (silent, its owner may live) or `lost` (its owner is gone).

    Without RUN it is the last one. As JSON it is the manifest with that status. Exits with 0
    whatever the status is.
    """
    view = look_at(paths)
    if watch:
        if not face.is_text:
            raise click.UsageError("--watch and --format json exclude each other")
        from orch.cli.status_watch import watch_run

        watch_run(view, face)
        view = look_at(paths)
    if face.is_text:
        face.say(draw_status(view, face.out, is_full=face.verbosity > 0))
    else:
        face.print_json(status_json(view))
    return 0


def status_json(view: RunView) -> dict[str, Any]:
    """The manifest as of the last event, its status judged, and who holds the run."""
    return {
        **whole_manifest(view).to_json(),
        "status": view.status.value,
        "owner": None if view.owner is None else as_dictionary(view.owner),
    }


def draw_status(view: RunView, terminal: Terminal = PLAIN, *, is_full: bool = False) -> str:
    """One screen about a run; `is_full` lists every stage."""
    manifest = view.manifest
    lines = [*_head(view, terminal), ""]
    entries = list(manifest.stages)
    if not is_full and len(entries) > _MAX_ROWS:
        chosen = sorted(entries, key=lambda entry: _IMPORTANCE.get(entry.status, 3))[:_MAX_ROWS]
        ids = {entry.id for entry in chosen}
        entries = [entry for entry in entries if entry.id in ids]
    lines += _rows(entries, view, terminal)
    if hidden := len(manifest.stages) - len(entries):
        lines.append(f"  and {hidden} more; `orch status -v {visible(manifest.run_id)}` lists all")
    failures = blamed_failures(manifest, view.plan)
    for failure in view.excerpts.whole(failures[:_MAX_FAILURES]):
        lines += ["", *failure_lines(failure, terminal)]
    if commands := list(_next_lines(view, failures, terminal)):
        lines += ["", *commands]
    return "".join(line.rstrip() + "\n" for line in lines)


def _head(view: RunView, terminal: Terminal) -> Iterator[str]:
    manifest = view.manifest
    # A run that was resumed may have begun days ago.
    age_ms = None if manifest.resumes else _age_ms(manifest.started_at, view)
    yield headline(manifest, view.status, terminal, age_ms)
    yield f"  run      {visible(manifest.run_id)}, task {visible(manifest.task_id)}"
    if manifest.started_at:
        yield f"  started  {visible(manifest.started_at)}"
    if manifest.resumes:
        yield f"  resumed  {manifest.resumes} times" if manifest.resumes > 1 else "  resumed  once"
    if view.status in (RunStatus.RUNNING, RunStatus.STALE, RunStatus.LOST) and view.owner:
        gone = ", which is gone" if view.status is RunStatus.LOST else ""
        yield f"  owner    process {view.owner.pid} on {visible(view.owner.host)}{gone}"
    if view.status in (RunStatus.RUNNING, RunStatus.STALE) and not view.owner:
        yield f"  owner    unknown: {visible(view.paths.shown(view.paths.owner))} doesn't say it"
    if view.beat is not None and view.status in (RunStatus.STALE, RunStatus.LOST):
        yield f"  silent   since {clock.utc_text(view.beat.time_ms)}"
    yield f"  files    {visible(manifest.manifest.rpartition('/')[0])}"


def _awaited(view: RunView) -> dict[str, str]:
    """Of the stages that wait for others, for which ones, in words; of a lost run, how all stand
    that have not ended."""
    if view.status is RunStatus.LOST:
        left = (entry for entry in view.manifest.stages if not entry.status.is_final)
        return {entry.id: _LEFT[entry.status] for entry in left}
    entries = {entry.id: entry for entry in view.manifest.stages}
    unmet = {
        stage.id: stage
        for stage in view.plan.stages
        if not entries[stage.id].status.is_final
        and (stage.kind != "service" or entries[stage.id].ready_after_ms is None)
    }
    full = _full_pools(view)
    awaited: dict[str, str] = {}
    for stage in unmet.values():
        needs = [unmet[need] for need in stage.needs if need in unmet]
        match entries[stage.id].status:
            case StageStatus.WAITING if stage.skip is not None:
                awaited[stage.id] = f"to be skipped, {reason_text(stage.skip)}"
            case StageStatus.WAITING if needs:
                awaited[stage.id] = f"waits {wait_text(needs)}"
            case StageStatus.WAITING if stage.kind == "service":
                awaited[stage.id] = "no stage needs it yet"
            case StageStatus.WAITING if stage.kind == "finally":
                awaited[stage.id] = "comes when all else has ended"
            case StageStatus.READY if stage.pool in full:
                awaited[stage.id] = f"waits for a slot of pool `{visible(stage.pool or '')}`"
            case _:
                pass
    return awaited


def _full_pools(view: RunView) -> frozenset[str]:
    """Pools all of whose slots are taken."""
    running = {e.id for e in view.manifest.stages if e.status is StageStatus.RUNNING}
    pools = [stage.pool for stage in view.plan.stages if stage.id in running]
    return frozenset(name for name, slots in view.plan.pools.items() if pools.count(name) >= slots)


def _age_ms(started_at: str | None, view: RunView) -> int | None:
    """How long something has been under way in a run that is."""
    if started_at is None or view.status is not RunStatus.RUNNING:
        return None
    with suppress(ValueError):
        return max(0, clock.wall_ms() - clock.instant_ms(started_at))
    return None


def _rows(entries: list[StageEntry], view: RunView, terminal: Terminal) -> Iterator[str]:
    """A line for each stage: mark, name, time, and why."""
    awaited = _awaited(view)
    ellipsis = terminal.mark("ellipsis")
    spelled = (terminal.spelled(visible(entry.id)) for entry in entries)
    names = [cut_middle(name, _MAX_NAME_CELLS, ellipsis) for name in spelled]
    marks, mark_cells = terminal.status_marks([entry.status.value for entry in entries])
    column = max(map(width_of, names), default=0)
    for mark, name, entry in zip(marks, names, entries, strict=True):
        is_running = entry.status is StageStatus.RUNNING
        took_ms = _age_ms(entry.started_at, view) if is_running else entry.duration_ms
        time = "" if took_ms is None else duration_text(took_ms)
        said = awaited.get(entry.id) or _why(entry)
        if terminal.is_terminal:
            room = terminal.size()[0] - mark_cells - column - 15
            said = cut(terminal.spelled(said), max(8, room), ellipsis)
        why = terminal.paint(said, "dim")
        blank = " " * (column - width_of(name))
        yield f"  {mark} {name}{blank}  {time:>8}  {why}"


def _why(entry: StageEntry) -> str:
    parts = []
    match entry.status:
        case StageStatus.FAILED:
            parts.append(why_text(entry.reason, entry))
        case StageStatus.SUCCEEDED:
            if entry.fresh:
                parts.append("fresh")
            if entry.summary:
                parts.append(visible(entry.summary))
        case StageStatus.RUNNING if entry.reason:
            parts.append(f"attempt {entry.attempts} failed, {why_text(entry.reason, entry)}")
        case _:
            parts.append(entry.status.value)
            if entry.status is StageStatus.RUNNING and entry.ready_after_ms is not None:
                parts.append("ready")
            if entry.reason and entry.reason != entry.status.value:
                parts.append(reason_text(entry.reason))
    if entry.attempts > 1:
        parts.append(f"{entry.attempts} attempts")
    return ", ".join(parts)


def _next_lines(view: RunView, failures: list[StageEntry], terminal: Terminal) -> Iterator[str]:
    """Commands to copy; the run is named by its id, which stays true."""
    run_id = view.manifest.run_id
    if failures:
        yield terminal.paint(f"  {shell_text(('orch', 'logs', run_id, failures[0].id))}", "cyan")
    match view.status:
        case RunStatus.RUNNING | RunStatus.STALE if view.owner is None:
            # There is nobody to ask; `resume` looks whether anybody holds the run.
            yield terminal.paint(f"  {shell_text(('orch', 'resume', run_id))}", "cyan")
        case RunStatus.RUNNING | RunStatus.STALE:
            yield terminal.paint(f"  {shell_text(('orch', 'cancel', run_id))}", "cyan")
        case RunStatus.FAILED | RunStatus.CANCELLED | RunStatus.LOST:
            yield terminal.paint(f"  {shell_text(('orch', 'resume', run_id))}", "cyan")
        case _:
            pass
