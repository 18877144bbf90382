"""The process in which a run of the library happens: it owns the run, and has no threads.

Its program is started by `library_process.py`, with a request as JSON on standard input. On
standard output it tells, as JSON lines, where the run is as soon as it has begun, and how it ended:
no more, so that a program which reads none of it holds nothing up. Events are in the journal.
"""

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from orch.cli.writer import PATIENCE_S, STDOUT
from orch.dsl.json_codec import decode_json
from orch.runtime.event_text import event_line
from orch.runtime.events import RunEvent, RunResumed, RunStarted
from orch.runtime.files import json_line
from orch.runtime.life import RunOptions
from orch.runtime.paths import RunPaths, resolve_run_paths
from orch.runtime.recorder import Watching
from orch.runtime.run_result import RunResult

LOOK_MS = 500
"""So often it looks whether the program that asked for the run is still there."""


def main() -> NoReturn:
    """Do what the request on standard input says, then end."""
    _forget_signals()
    request = decode_json(sys.stdin.buffer.read())
    host = _Host(request["host"])
    STDOUT.never_wait()
    STDOUT.wait_at_most(PATIENCE_S)
    try:
        answer = _answer(request, host)
    except Exception as error:  # noqa: BLE001 # The last resort of the whole process.
        answer = _refused(error)
    STDOUT.write(json_line(answer))
    os._exit(0)


class _Host:
    """The program that asked, by its pid; None where the run may outlive it."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self.look()

    def look(self) -> None:
        """Where the host is gone, end the run as SIGTERM does; once, since a second one would skip
        the grace."""
        if self._pid is not None and os.getppid() != self._pid:
            self._pid = None
            os.kill(os.getpid(), signal.SIGTERM)


def _forget_signals() -> None:
    """What the host blocks or ignores, in whichever thread it began the run, is its own affair."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _answer(request: Mapping[str, Any], host: _Host) -> dict[str, Any]:
    from orch.compiler.plan import plan_from_json

    root, environment = request["root"], request["environment"]
    if request["do"] == "stage":
        from orch.runtime.command_stage import Attempt, attempt_stage

        plan = plan_from_json(request["plan"])
        wanted = Attempt(plan, request["stage"], _paths(request["paths"]), request["attempt"])
        outcome = attempt_stage(wanted, environment, host.look)
        return {"type": "ended", "outcome": outcome.to_json()}

    from orch.runtime.run import resume_run, run_plan

    begun = _Begun(root, environment)
    watching = Watching((begun,), on_idle=host.look, idle_ms=LOOK_MS)
    options = RunOptions(environment, request["jobs"], watching)
    if request["do"] == "run":
        plan = plan_from_json(request["plan"])
        return _ended(run_plan(plan, root, options, task=request["task"]))
    begun.paths = resolve_run_paths(root, request["task_id"], request["run_id"], environment)
    return _ended(resume_run(begun.paths, options))


class _Begun:
    """A listener that tells of the first event, and where in the journal it stands."""

    def __init__(self, root: str, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._is_told = False
        self.paths: RunPaths | None = None

    def __call__(self, event: RunEvent) -> None:
        started = event.payload
        if self._is_told or not isinstance(started, RunStarted | RunResumed):
            return
        self._is_told = True
        if isinstance(started, RunStarted):
            self.paths = resolve_run_paths(
                self._root, started.task_id, started.run_id, self._environment
            )
        assert self.paths is not None, "only a resumed run begins without its ids"
        offset = os.stat(self.paths.journal).st_size - len(event_line(event))
        told = {
            "type": "begun",
            "task_id": self.paths.task_id,
            "run_id": self.paths.run_id,
            "offset": offset,
        }
        STDOUT.offer(json_line(told))


def _ended(result: RunResult) -> dict[str, Any]:
    return {
        "type": "ended",
        "status": result.status.value,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "notes": list(result.notes),
    }


def _paths(value: Mapping[str, str]) -> RunPaths:
    return RunPaths(**{name: value[name] for name in ("root", "task_id", "run_id", "runs", "out")})


def _refused(error: Exception) -> dict[str, Any]:
    from orch.cli.foreseen import foreseen_exit_code

    exit_code = foreseen_exit_code(error)
    text = str(error)
    if exit_code is None:
        text = f"orch failed inside: {type(error).__name__}: {error}"
    return {"type": "refused", "exit_code": exit_code or 3, "message": text}
