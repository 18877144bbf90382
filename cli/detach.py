"""A run that goes on in a process of its own, and the command that waits until it has begun.

The process is forked: whatever can be refused has been compiled and judged before, or is told back
over a pipe, as `CommandError` to the command in the foreground. Once the run has begun, what orch
itself has to say is in `orch.log` of the run's folder, and nobody is waited for.
"""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from orch.cli.face import Face
from orch.cli.failure import EXIT_MACHINE, CommandError
from orch.cli.outcome_text import shell_text
from orch.cli.terminal import Terminal
from orch.cli.visible import visible
from orch.dsl.json_codec import decode_json
from orch.dsl.record import record
from orch.runtime.environment import RUN_VARIABLE
from orch.runtime.event_text import event_line
from orch.runtime.events import RunEvent, RunResumed
from orch.runtime.files import StorageError, json_line, open_file
from orch.runtime.paths import RunPaths
from orch.runtime.signals import SignalInbox

_LOWEST_FREE_FD = 3
_READ_BYTES = 65536

Begin = Callable[[RunPaths, RunEvent], None]
"""What `Watching.on_begun` is."""


@record
class _Begun:
    """A run that has durably begun. Paths are as people are shown them; `line` is its first event
    of this life, as a line of JSON."""

    run_id: str
    task_id: str
    pid: int
    is_resumed: bool
    artifact_root: str
    manifest: str
    journal: str
    own_log: str
    line: str


def detach(act: Callable[[Begin], int], face: Face) -> int:
    """Call `act` in a process of its own, which becomes the owner of the run; print where the run
    is when `act` has called what it is given, and give the exit code of this command.

    The process has a session of its own, /dev/null for its streams, and nothing open that this one
    was given. Raises `CommandError` for whatever `act` raises before. Must be called where no other
    thread runs.
    """
    outer_run_id = os.environ.get(RUN_VARIABLE)
    if outer_run_id and face.verbosity >= 0:
        face.complain(
            f"this is a stage of run {outer_run_id}, and all that a stage starts ends with it: "
            "a detached run too"
        )
    _print_begun(_start(act), face)
    return 0


def _start(act: Callable[[Begin], int]) -> _Begun:
    """Fork the process, and wait until the run has begun. A signal that comes before is passed on
    to it."""
    reader, writer = os.pipe()
    # No signal comes between the fork and the handlers of either side.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise CommandError(
            f"can't start a process for the run: {(error.strerror or '').lower()}", EXIT_MACHINE
        ) from None
    if pid == 0:
        _be_detached(act, writer, mask)
    os.close(writer)
    with SignalInbox() as signals:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            return _begun(_hear(reader, signals, pid), pid)
        finally:
            os.close(reader)


def _hear(reader: int, signals: SignalInbox, pid: int) -> bytes:
    """The one line that the process says, or what there is of it when it ends."""
    poller = select.poll()
    poller.register(reader, select.POLLIN)
    poller.register(signals.fileno(), select.POLLIN)
    said = bytearray()
    while not said.endswith(b"\n"):
        for fd, _ in poller.poll():
            if fd == reader:
                data = os.read(reader, _READ_BYTES)
                if not data:
                    return bytes(said)
                said += data
                continue
            for number in signals.take():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                raise CommandError("interrupted before the run had begun", 128 + number)
    return bytes(said)


def _begun(said: bytes, pid: int) -> _Begun:
    try:
        value = decode_json(said)
    except ValueError:
        _, status = os.waitpid(pid, 0)
        how = os.waitstatus_to_exitcode(status)
        raise CommandError(
            "the process of the run ended before the run had begun"
            + (f", by signal {-how}" if how < 0 else f", with exit code {how}"),
            EXIT_MACHINE,
        ) from None
    if "failure" in value:
        os.waitpid(pid, 0)
        raise CommandError(**value["failure"])
    return _Begun(pid=pid, **value)


def _be_detached(
    act: Callable[[Begin], int], writer: int, mask: set[int | signal.Signals]
) -> NoReturn:
    """The whole life of the process; it never returns into the code of the command."""
    exit_code = EXIT_MACHINE
    has_begun = False

    def begin(paths: RunPaths, event: RunEvent) -> None:
        nonlocal has_begun
        has_begun = True
        _write_to_log(paths)
        _tell(writer, _told_of(paths, event))
        os.close(writer)

    try:
        os.setsid()
        _leave_everything(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        exit_code = act(begin)
        if not has_begun:
            message = "the run ended before it had begun"
            _tell(writer, {"failure": {"message": message, "exit_code": EXIT_MACHINE}})
    except Exception as error:  # noqa: BLE001 # Told to the command, or to the log; nobody is above.
        if has_begun:
            from orch.cli.main import report

            exit_code = report(error)
        else:
            _tell(writer, {"failure": _failure(error)})
    except KeyboardInterrupt:
        exit_code = 128 + signal.SIGINT
    finally:
        os._exit(exit_code)


def _leave_everything(writer: int) -> None:
    """Let go of the terminal and of whatever else the command was given: a lock or a pipe that the
    caller waits for must not stay open because of a run."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(_LOWEST_FREE_FD):
        os.dup2(nothing, fd)
    os.closerange(_LOWEST_FREE_FD, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))


def _write_to_log(paths: RunPaths) -> None:
    """Make `orch.log` what stdout and stderr go to; where that can't be, nobody is told."""
    with suppress(StorageError):
        log = open_file(paths.own_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)


def _told_of(paths: RunPaths, event: RunEvent) -> dict[str, Any]:
    return {
        "run_id": paths.run_id,
        "task_id": paths.task_id,
        "is_resumed": isinstance(event.payload, RunResumed),
        "artifact_root": paths.shown(paths.artifacts),
        "manifest": paths.shown(paths.manifest),
        "journal": paths.shown(paths.journal),
        "own_log": paths.shown(paths.own_log),
        "line": event_line(event).decode().removesuffix("\n"),
    }


def _failure(error: Exception) -> dict[str, Any]:
    """The arguments of the `CommandError` that the command in the foreground raises."""
    if isinstance(error, CommandError):
        return {
            "message": error.message,
            "exit_code": error.exit_code,
            "help_text": error.help_text,
        }
    from orch.cli.main import explain

    lines, exit_code = explain(error)
    return {
        "message": lines[0].removeprefix("orch: "),
        "exit_code": exit_code,
        "help_text": "\n".join(lines[1:]),
    }


def _tell(writer: int, value: dict[str, Any]) -> None:
    """Say it to the command, which may be gone: then nobody hears it, and the run goes on."""
    data = memoryview(json_line(value))
    with suppress(OSError):
        while data:
            data = data[os.write(writer, data) :]


def _print_begun(begun: _Begun, face: Face) -> None:
    """Print where the run is, and what to do with it."""
    match face.format:
        case "jsonl":
            face.print_line(begun.line)
        case "json":
            face.print_json(
                {
                    "run_id": begun.run_id,
                    "task_id": begun.task_id,
                    "status": "running",
                    "pid": begun.pid,
                    "artifact_root": begun.artifact_root,
                    "manifest": begun.manifest,
                    "log_path": begun.journal,
                    "orch_log": begun.own_log,
                }
            )
        case _ if face.verbosity < 0:
            face.say(f"{begun.run_id}\n")
        case _:
            face.say("".join(f"{line}\n" for line in _lines(begun, face.out)))


def _lines(begun: _Begun, terminal: Terminal) -> list[str]:
    how = "goes on" if begun.is_resumed else "has begun"
    run_id = visible(begun.run_id)
    commands = (
        (("orch", "status", begun.run_id), "how it stands"),
        (("orch", "logs", begun.run_id, "-f"), "what its stages write"),
        (("orch", "cancel", begun.run_id), "end it"),
    )
    shown = [(shell_text(words), what) for words, what in commands]
    column = max(len(words) for words, _ in shown)
    return [
        f"run {terminal.paint(run_id, 'bold')} {how} in the background",
        "",
        *(
            f"  {terminal.paint(words.ljust(column), 'cyan')}  {terminal.paint(what, 'dim')}"
            for words, what in shown
        ),
        f"  {terminal.paint(visible(begun.manifest), 'dim')}",
    ]
