"""A program that has imported orch once and then forks one orch after the other, with its steps
watched: a real process with real wardens that can really be killed, for a tenth of the time.

It reads requests as JSON lines and answers each with one. It is a subreaper, so whatever an orch
leaves lands here, and the kernel itself says how long something is left.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from orch.cli.main import main
from orch.runtime.processes import become_subreaper, kill_children
from tests.faults.power_loss import Recorder
from tests.faults.steps import FailAt, KillAt, Lister, Watcher, watch

_WATCHERS: dict[str, Callable[..., Watcher]] = {
    "list": Lister, "kill": KillAt, "fail": FailAt, "record": Recorder,
}  # fmt: skip

_IMPORTED = (
    "jinja2.sandbox",
    "orch.cli.cancel", "orch.cli.closing", "orch.cli.commands", "orch.cli.foreseen",
    "orch.cli.outcome_text", "orch.cli.plain", "orch.cli.resume", "orch.cli.running",
    "orch.cli.status", "orch.compiler.compile", "orch.compiler.expression", "orch.compiler.globs",
    "orch.compiler.handed_on", "orch.compiler.late", "orch.compiler.plan_cache",
    "orch.runtime.errors", "orch.runtime.persistence", "orch.runtime.run", "pwd", "shutil",
    "termios",
)  # fmt: skip


def serve() -> None:
    """Answer until the end of the input."""
    for name in _IMPORTED:
        import_module(name)
    gc.freeze()
    become_subreaper()
    for line in sys.stdin:
        request = json.loads(line)
        match request["do"]:
            case "start":
                answer: Any = _fork_orch(request)
            case "wait":
                answer = _wait(request["pid"])
            case "reap":
                answer = _reap(request["patience_s"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork_orch(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become_orch(request)
    return pid


def _become_orch(request: dict[str, Any]) -> NoReturn:
    os.setsid()
    os.chdir(request["root"])
    os.environ.update(request["environment"])
    for fd, name in ((1, "stdout"), (2, "stderr")):
        path = f"{request['output']}.{name}"
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC), fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    if request["watcher"] is not None:
        given = dict(request["watcher"])
        watch(Path(request["root"]), _WATCHERS[given.pop("kind")](**given))
    os._exit(main(request["words"]))


def _wait(pid: int) -> int:
    """The exit code of an orch, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _reap(patience_s: float) -> dict[str, Any]:
    """Wait until nothing is left of any orch; what is after `patience_s` is ended, and counted."""
    began_s = time.monotonic()
    survivors = 0
    while True:
        try:
            pid = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return {"survivors": survivors, "waited_s": time.monotonic() - began_s}
        is_late = time.monotonic() - began_s > patience_s
        survivors += bool(is_late and pid)
        if is_late:
            kill_children()
        if not pid:
            time.sleep(0.002)


if __name__ == "__main__":
    serve()
