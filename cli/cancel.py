"""`orch cancel RUN`: ask the process that holds a run to end it."""

import os
import signal

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.failure import EXIT_MACHINE, CommandError
from orch.cli.options import Command, face_options
from orch.runtime.liveness import RunView
from orch.runtime.owner import Owner
from orch.runtime.paths import RunPaths
from orch.runtime.processes import is_same_process_alive
from orch.runtime.states import RunStatus


@click.command(
    cls=Command,
    examples=(
        "orch cancel last",
        "orch cancel 2026-11-22T09-55 && orch status last",
    ),
)
@chosen_run_options(is_required=True)
@face_options("text", "json")
def command(*, paths: RunPaths, face: Face) -> int:
    """Ask a run that is under way to end, as SIGTERM does; doesn't wait until it has.

    No new stages are started, running ones are ended, `finally` stages run. A second cancel skips
    the grace. Exits with 2 where the run is not under way.
    """
    view = look_at(paths)
    owner = _living_owner(view)
    _terminate(owner)
    run_id = view.manifest.run_id or paths.run_id
    if face.is_text:
        face.say(
            f"asked process {owner.pid} to end run {run_id}; `orch status` shows how far it is\n"
        )
    else:
        face.print_json({"run_id": run_id, "pid": owner.pid, "signal": "SIGTERM"})
    return 0


def _living_owner(view: RunView) -> Owner:
    """The process to ask. Raises `CommandError` where there is none, or none within reach."""
    run_id = view.paths.run_id
    if view.status is RunStatus.LOST:
        raise CommandError(
            f"run {run_id} isn't under way: its owner is gone",
            help_text=f"`orch resume {run_id}` goes on with it.",
        )
    if view.status not in (RunStatus.RUNNING, RunStatus.STALE):
        raise CommandError(f"run {run_id} isn't under way: it {_ENDED[view.status]}")
    if view.owner is None:
        raise CommandError(
            f"nobody knows which process holds run {run_id}: "
            f"{view.paths.shown(view.paths.owner)} doesn't say it",
            help_text=f"If none does, `orch resume {run_id}` goes on with it.",
        )
    if not view.owner.is_of_this_host:
        raise CommandError(
            f"run {run_id} is held by process {view.owner.pid} on {view.owner.host}; "
            "cancel it there"
        )
    return view.owner


_ENDED = {
    RunStatus.SUCCEEDED: "has succeeded",
    RunStatus.FAILED: "has failed",
    RunStatus.CANCELLED: "was cancelled",
}


def _terminate(owner: Owner) -> None:
    """SIGTERM to exactly this process.

    Where the system has process descriptors one is held from before the last look at who it is,
    so that a pid which was given to another process meanwhile can't be hit.
    """
    try:
        fd = os.pidfd_open(owner.pid) if hasattr(os, "pidfd_open") else -1
        try:
            if not is_same_process_alive(owner.identity):
                raise ProcessLookupError
            if fd >= 0:
                signal.pidfd_send_signal(fd, signal.SIGTERM)
            else:
                os.kill(owner.pid, signal.SIGTERM)
        finally:
            if fd >= 0:
                os.close(fd)
    except ProcessLookupError:
        raise CommandError(f"process {owner.pid}, which held the run, has just ended") from None
    except PermissionError:
        raise CommandError(
            f"process {owner.pid} belongs to {owner.user}, who alone may end it", EXIT_MACHINE
        ) from None
