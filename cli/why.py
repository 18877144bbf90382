"""`orch why [RUN] STAGE`: why a stage was run, or was not."""

import os
from contextlib import suppress
from typing import Any

import click

from orch.cli.chosen_run import look_at
from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.logs import chosen_entries
from orch.cli.options import Command, face_options, root_option
from orch.cli.outcome_text import reason_text
from orch.cli.terminal import Terminal
from orch.cli.visible import visible
from orch.compiler.late import is_meant_by
from orch.compiler.plan import Plan
from orch.runtime.liveness import RunView
from orch.runtime.paths import RunNotFoundError, find_run
from orch.runtime.stage_entry import StageEntry

_MOST_WORDS = 2


@click.command(
    cls=Command,
    examples=(
        "orch why test                    what had changed in the last run",
        "orch why 2026-11-22T09 test --format json",
    ),
)
@click.argument("words", nargs=-1, metavar="[RUN] STAGE")
@click.option("--task", metavar="ID", help="Look at runs of this task only.")
@root_option
@face_options("text", "json")
def command(*, words: tuple[str, ...], task: str | None, root: str, face: Face) -> int:
    """Say why a stage was run, or was fresh: which file, value or setting was other than at its
    last success.

    Without RUN it is the last one. STAGE may also name a matrix stage or an alias: all of it.
    """
    if not 1 <= len(words) <= _MOST_WORDS:
        raise click.UsageError("one stage is asked for, and before it a run if it isn't the last")
    run = words[0] if len(words) == _MOST_WORDS else "last"
    view = look_at(find_run(root, run, os.environ, task))
    _expect_stage(words, view, root)
    entries = [entry for _, entry in chosen_entries(view, words[-1])]
    if face.is_text:
        for entry in entries:
            face.say(_told(entry, view.plan, face.out))
    else:
        run_id = view.manifest.run_id
        face.print_json({"run_id": run_id, "stages": [_json(entry) for entry in entries]})
    return 0


def _expect_stage(words: tuple[str, ...], view: RunView, root: str) -> None:
    """One word is a stage; many expect that it may be the run. Raises `CommandError`."""
    (word, *more) = words
    if more or any(is_meant_by(word, entry.id) for entry in view.manifest.stages):
        return
    with suppress(RunNotFoundError, ValueError):
        find_run(root, word, os.environ)
        raise CommandError(
            f"`{word}` is a run; which stage of it is asked about?",
            help_text=f"`orch why {word} STAGE`; `orch status {word}` lists the stages.",
        )


def _json(entry: StageEntry) -> dict[str, Any]:
    return {
        "stage": entry.id,
        "status": entry.status.value,
        "fresh": entry.fresh,
        "reason": entry.reason,
        "why": list(entry.why),
    }


def _told(entry: StageEntry, plan: Plan, terminal: Terminal) -> str:
    headline, details = _said(entry, plan)
    name = terminal.paint(visible(entry.id), "bold")
    lines = [f"{name} {headline}", *(f"  {visible(detail)}" for detail in details)]
    return "".join(f"{line}\n" for line in lines)


def _said(entry: StageEntry, plan: Plan) -> tuple[str, tuple[str, ...]]:
    is_looked_at = any(stage.inputs for stage in plan.stages if stage.id == entry.id)
    users = tuple(stage.id for stage in plan.stages if entry.id in stage.needs)
    details: tuple[str, ...] = ()
    if entry.fresh:
        headline = f"was fresh: {visible(entry.reason or 'nothing has changed')}"
    elif not entry.attempts and entry.status.is_final:
        headline = f"was {entry.status.value}: {reason_text(entry.reason or '')}"
    elif not entry.attempts:
        told = "" if entry.reason is None else f": {reason_text(entry.reason)}"
        headline = f"has not been started{told}"
    elif entry.kind == "service":
        headline, details = "is a service, and was started for a stage that needs it:", users
    elif not is_looked_at:
        headline = "is run every time: it declares no `inputs`"
    elif entry.why:
        headline, details = "was run:", entry.why
    elif not entry.status.is_final:
        headline = "is running; what had changed is told when it has ended"
    else:
        headline = "was run; what had changed wasn't kept"
    return headline, details
