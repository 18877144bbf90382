"""`orch runs`: the runs there are, newest first."""

import os
from collections.abc import Iterator, Sequence

import click

from orch.cli.face import Face
from orch.cli.options import Command, face_options, root_option, whole_number
from orch.cli.outcome_text import reason_text
from orch.cli.terminal import Terminal
from orch.cli.units import duration_text
from orch.cli.visible import cut, cut_middle, visible, width_of
from orch.dsl.record import as_dictionary
from orch.runtime import clock
from orch.runtime.run_list import ListedRun, list_newest

_MAX_TASK_CELLS = 32


@click.command(
    cls=Command,
    examples=(
        "orch runs --task nightly",
        "orch runs --limit 1000 --format json | jq '.runs[] | select(.status == \"failed\")'",
    ),
)
@click.option("--task", metavar="ID", help="Runs of this task only.")
@click.option(
    "-n",
    "--limit",
    type=whole_number(1),
    default="20",
    metavar="N",
    help="List N runs at most; 20 unless it is said.",
)
@root_option
@face_options("text", "json")
def command(*, task: str | None, limit: int, root: str, face: Face) -> int:
    """List runs, newest first: status, id, task, how long each took, and why it failed.

    A run that has not ended is judged as `orch status` judges it.
    """
    listed = list(list_newest(root, os.environ, task, limit, clock.wall_ms()))
    if face.is_text:
        face.say("".join(f"{line}\n" for line in _rows(listed, face.out)))
        if not listed and face.verbosity >= 0:
            face.note("no runs yet\n")
    else:
        face.print_json({"runs": [_run_json(run) for run in listed]})
    return 0


def _run_json(run: ListedRun) -> dict[str, object]:
    return {**as_dictionary(run), "status": None if run.status is None else run.status.value}


def _rows(listed: Sequence[ListedRun], terminal: Terminal) -> Iterator[str]:
    """`✓ 2026-…-9574035c  nightly  succeeded  4m 10s`."""
    ellipsis = terminal.mark("ellipsis")
    spelled = (terminal.spelled(visible(run.task_id)) for run in listed)
    tasks = [cut_middle(task, _MAX_TASK_CELLS, ellipsis) for task in spelled]
    statuses = ["failed" if run.status is None else run.status.value for run in listed]
    marks, mark_cells = terminal.status_marks(statuses)
    column = max(map(width_of, tasks), default=0)
    for run, task, status, mark in zip(listed, tasks, statuses, marks, strict=True):
        word = "unreadable" if run.status is None else status
        took = "" if run.duration_ms is None else duration_text(run.duration_ms)
        is_said = run.reason in (None, "cancelled")
        why = "" if is_said else reason_text(run.reason or "")
        lead = (
            f"{visible(run.run_id)}  {task}{' ' * (column - width_of(task))}  {word:<10} {took:>8}"
        )
        if terminal.is_terminal:
            room = terminal.size()[0] - mark_cells - width_of(lead) - 3
            why = cut(terminal.spelled(why), max(8, room), ellipsis)
        yield f"{mark} {lead}  {terminal.paint(why, 'dim')}".rstrip()
