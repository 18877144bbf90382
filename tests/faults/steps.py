"""Every durable step of orch and its wardens, told by name, and what can be done to one.

A test program calls `watch` before it calls `orch.cli.main.main`: from then on each function of
`orch.runtime.system` goes through it, in orch and in the wardens that orch forks. A step has a name
such as `orch: fsync journal.jsonl` or `warden: spawn`; `.tmp` marks the file that is to take the
place of the one it is named after. What happens outside of the folders of runs is no step.
"""

import errno
import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from orch.runtime import system

_RUN_ID = re.compile(r"\d{4}-\d\d-\d\dT[\d-]+Z-[0-9a-f]{8}")
_TEMPORARY = re.compile(r"\.([^/]+)\.\d+\.\d+\.tmp")
_NUMBERED = re.compile(r"\.\d+\.\d+(?=\.json(\.tmp)?$)")
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_OF_PROCESSES = ("fork", "spawn", "wait", "wait_with_usage", "pipe")
_WORDS = {"wait": "reap", "wait_with_usage": "reap", "open_fd": "open", "sync_content": "fsync"}


class Watcher:
    """Sees each step before and after it; this one does nothing.

    `call` is the name of the function of `system`, `place` the path that it is about, as the
    kernel has it, `arguments` what it was given.
    """

    def before(self, step: str, call: str, place: str, arguments: tuple[Any, ...]) -> None:
        """May kill, or raise the OSError with which the step fails."""

    def after(
        self, step: str, call: str, place: str, arguments: tuple[Any, ...], result: Any
    ) -> None:
        """The step has been done."""


def watch(root: Path, watcher: Watcher) -> None:
    """Let `watcher` see all steps of this process and of those it forks, below the project `root`.

    To be called in the process that becomes orch.
    """
    how = (str(root.resolve()), os.getpid(), watcher)
    for call, function in vars(system).copy().items():
        if callable(function) and not call.startswith("_"):
            setattr(system, call, _watched(call, function, *how))


def _watched(
    call: str, function: Callable[..., Any], root: str, orch_pid: int, watcher: Watcher
) -> Callable[..., Any]:
    places = (f"{root}/.runs", f"{root}/out")

    def watched(*arguments: Any, **named: Any) -> Any:
        place = _place(call, arguments, named)
        is_ours = place.startswith(places) or place == root
        if not is_ours and call not in _OF_PROCESSES:
            return function(*arguments, **named)
        who = "orch" if os.getpid() == orch_pid else "warden"
        step = _step_name(who, call, place, root, arguments)
        caller = os.getpid()
        if step.endswith("reap"):
            # Whoever looks whether a process has ended has reaped one only if one had.
            result = function(*arguments, **named)
            if not result[0]:
                return result
            watcher.before(step, call, place, arguments)
        else:
            watcher.before(step, call, place, arguments)
            result = function(*arguments, **named)
        if os.getpid() == caller:
            watcher.after(step, call, place, arguments, result)
        return result

    return watched


def _place(call: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """The absolute path that a call is about; of a rename it is the new name."""
    if call in _OF_PROCESSES:
        return ""
    what = arguments[1] if call == "rename" else arguments[0]
    if isinstance(what, int):
        return _path_of(what)
    folder = named.get("dir_fd")
    return str(Path(_path_of(folder)) / what) if folder is not None else str(Path.cwd() / what)


def _path_of(fd: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{fd}").readlink())
    except OSError:
        return ""


def _step_name(who: str, call: str, place: str, root: str, arguments: tuple[Any, ...]) -> str:
    word = _WORDS.get(call, call).replace("_", " ")
    if call in _OF_PROCESSES:
        return f"{who}: {word}"
    if call == "open_fd" and not arguments[1] & _CHANGING:
        word = "look into"
    name = _RUN_ID.sub("RUN", place.removeprefix(f"{root}/"))
    name = re.sub(r"\.runs/[^/]+/cli/RUN/", "", name) if name != root else "."
    name = _NUMBERED.sub("", _TEMPORARY.sub(r"\1.tmp", name))
    return f"{who}: {word} {name}{'/' if Path(place).is_dir() else ''}"


class Lister(Watcher):
    """Writes the name of each step to a file that all processes append to."""

    def __init__(self, path: str) -> None:
        self._path = path

    def before(self, step: str, call: str, place: str, arguments: tuple[Any, ...]) -> None:
        del call, place, arguments
        append_json(self._path, step)


class At(Watcher):
    """Does something at the `occurrence`th time (from 1) that a process comes to a step."""

    def __init__(self, step: str, occurrence: int, moment: str) -> None:
        self._step = step
        self._left = occurrence
        self._moment = moment

    def before(self, step: str, call: str, place: str, arguments: tuple[Any, ...]) -> None:
        del place
        if step != self._step:
            return
        self._left -= 1
        if self._left == 0 and self._moment == "amid" and call == "write":
            os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        if self._is_now("before", "amid"):
            self.act()

    def after(
        self, step: str, call: str, place: str, arguments: tuple[Any, ...], result: Any
    ) -> None:
        del call, place, arguments, result
        if step == self._step and self._is_now("after"):
            self.act()

    def _is_now(self, *moments: str) -> bool:
        return self._left == 0 and self._moment in moments

    def act(self) -> None:
        raise NotImplementedError


class KillAt(At):
    """SIGKILL to the process that comes to the step, to orch too where `is_both`; a line in the
    file `told` says before that it came there."""

    def __init__(
        self,
        step: str,
        occurrence: int,
        moment: str,
        *,
        is_both: bool = False,
        told: str | None = None,
    ) -> None:
        super().__init__(step, occurrence, moment)
        self._orch = os.getpid() if is_both else None
        self._told = told

    def act(self) -> None:
        if self._told is not None:
            append_json(self._told, self._step)
        if self._orch is not None and self._orch != os.getpid():
            os.kill(self._orch, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


class FailAt(At):
    """The step fails, with half of the bytes written where it is a write; with `is_lasting` so
    does each later one of that name."""

    def __init__(
        self, step: str, occurrence: int, error: str, *, moment: str, is_lasting: bool
    ) -> None:
        super().__init__(step, occurrence, moment)
        self._errno = int(getattr(errno, error))
        self._is_lasting = is_lasting

    def _is_now(self, *moments: str) -> bool:
        is_due = self._left == 0 or (self._is_lasting and self._left < 0)
        return is_due and self._moment in moments

    def act(self) -> None:
        raise OSError(self._errno, os.strerror(self._errno))


def read_steps(path: Path) -> Counter[str]:
    """What a `Lister` has listed."""
    return Counter(json.loads(line) for line in path.read_text().splitlines())


def append_json(path: str, value: Any) -> None:
    """Add a line at once, whoever else does; opened anew, because wardens close what they inherit
    but their pipes."""
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, json.dumps(value).encode() + b"\n")
        os.close(fd)
