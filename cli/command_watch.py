"""Who watches the run of one command: its output passed on, and a last line about its end."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orch.cli.face import Face
from orch.cli.failure import EXIT_MACHINE
from orch.cli.outcome_text import excerpt_lines, why_text
from orch.cli.pass_through import PassThrough
from orch.cli.progress import Progress
from orch.cli.units import duration_text, size_text
from orch.cli.view import PlainView
from orch.cli.visible import visible
from orch.cli.watch import Watch
from orch.cli.writer import STDERR, STDOUT
from orch.compiler.plan import Plan
from orch.runtime.events import RunEvent, RunStarted, StageCompleted
from orch.runtime.recorder import Watching
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.runtime.run import RunResult
    from orch.runtime.stage_entry import StageEntry

_IDLE_MS = 40


def command_watch(plan: Plan, root: str, face: Face, *, is_seen: bool) -> "Watch | CommandWatch":
    """For people the command's own output; for programs events, or one document at the end."""
    if face.format == "json":
        return _DocumentWatch(plan, face, root)
    return CommandWatch(plan, root, face) if face.is_text and is_seen else Watch(plan, face, root)


class _DocumentWatch(Watch):
    """Shows nothing of the command; the document at the end says where all of it is."""

    def _document(self, result: "RunResult") -> dict[str, Any]:
        entry = result.manifest.stages[0]
        run = result.paths.shown(result.paths.run)
        command = {
            "argv": list(self._plan.stages[0].argv),
            "reason": entry.reason,
            "exit_code": entry.exit_code,
            "signal": entry.signal,
            "timed_out": entry.timed_out,
            "attempts": entry.attempts,
            "stdout_bytes": entry.stdout_bytes,
            "stderr_bytes": entry.stderr_bytes,
            "logs": None if entry.logs is None else f"{run}/{entry.logs}",
        }
        return {**super()._document(result), "command": command}


class CommandWatch:
    """Passes on what the command writes; what orch has to say stands on stderr."""

    def __init__(self, plan: Plan, root: str, face: Face) -> None:
        self._plan = plan
        self._face = face
        self._passed = PassThrough(root)
        progress = Progress(plan, time.monotonic)
        self._view = _OwnWords(progress, face.err, STDERR, face.verbosity)

    def watching(self) -> Watching:
        """What the runtime is to tell of."""
        STDOUT.never_wait()
        return Watching(
            (self._passed, self._view), on_idle=self._tick, idle_ms=_IDLE_MS, get_ready=_get_ready
        )

    def close(self) -> None:
        """The run has ended, or never began; everything has been passed on on return."""
        self._passed.close()
        self._view.close()

    def tell(self, result: "RunResult") -> int:
        """Say how the command ended; gives the exit code, which is not 0 where something of its
        output could not be passed on."""
        face = self._face
        is_mid_line = self._passed.stderr.is_mid_line or (
            self._passed.stdout.is_mid_line and face.out.is_terminal and face.err.is_terminal
        )
        if is_mid_line and (face.verbosity >= 0 or result.exit_code):
            face.note("\n")
        for note in result.notes:
            face.complain(note)
        lost = list(self._lost(result.manifest.stages[0]))
        for sentence in lost:
            face.complain(sentence)
        if face.verbosity >= 0 or result.exit_code:
            face.note(_last_line(result, face))
        return result.exit_code or (EXIT_MACHINE if lost else 0)

    def _tick(self) -> None:
        self._passed.tick()
        self._view.tick()

    def _lost(self, entry: "StageEntry") -> Iterator[str]:
        """Sentences about output that the logs don't hold, so that nobody could pass it on."""
        limit_bytes = self._plan.stages[0].policy.output.log_bytes
        both = (
            ("stdout", self._passed.stdout, entry.stdout_bytes, STDOUT),
            ("stderr", self._passed.stderr, entry.stderr_bytes, STDERR),
        )
        for name, passed, written_bytes, writer in both:
            # Where secrets are masked less is passed on than was written.
            is_cut = passed.last_bytes >= limit_bytes or not self._plan.secrets
            if is_cut and passed.last_bytes < written_bytes and not writer.is_gone:
                missing_bytes = written_bytes - passed.last_bytes
                yield (
                    f"{size_text(missing_bytes)} of {name} are lost: a log holds "
                    f"{size_text(limit_bytes)}, unless `--policy output.log=…` says more"
                )


def _get_ready() -> None:
    import orch.cli.foreseen  # noqa: F401 # Needed where orch itself fails.


class _OwnWords(PlainView):
    """What orch says of a run whose command speaks for itself: retries and warnings."""

    def _lines(self, event: RunEvent) -> Iterator[str]:
        match event.payload:
            case RunStarted() if self._verbosity <= 0:
                pass
            case StageCompleted():
                pass
            case _:
                yield from super()._lines(event)


def _last_line(result: "RunResult", face: Face) -> str:
    """`✗ make exit 2 in 3.2s  run 2026-…`."""
    entry, terminal = result.manifest.stages[0], face.err
    is_done = entry.status is StageStatus.SUCCEEDED
    why = f"exit {entry.exit_code}" if is_done else why_text(entry.reason, entry)
    tries = f" after {entry.attempts} attempts" if entry.attempts > 1 else ""
    when = "after" if entry.timed_out and entry.attempts == 1 else "in"
    took = "" if entry.duration_ms is None else f" {when} {duration_text(entry.duration_ms)}"
    line = (
        f"{terminal.status_mark(entry.status.value)} {terminal.paint(visible(entry.id), 'bold')} "
        f"{why if is_done else terminal.paint(why, 'red')}{tries}{took}  "
        f"{terminal.paint('run ' + visible(result.paths.run_id), 'dim')}\n"
    )
    if entry.reason == "spawn":
        # It wrote nothing, so what stands there is why it could not be started.
        line += "".join(f"{reason}\n" for reason in excerpt_lines(result.whole(entry), terminal, 5))
    return line
