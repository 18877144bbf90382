"""Who watches a run for a command: the view, the event lines, and the answer at the end."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orch.cli.face import Face
from orch.cli.progress import Progress
from orch.cli.view import LiveView, PlainView
from orch.cli.writer import STDERR, STDOUT
from orch.compiler.plan import Plan
from orch.runtime.events import RunEvent, StageOutput
from orch.runtime.journal import event_line
from orch.runtime.recorder import Watching
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.runtime.run import RunResult


class Watch:
    """Everything that looks on while a run goes on.

    The view is on stderr. Where stdout holds JSON, stderr is left to failures, unless it is a
    terminal with nothing else on it. `earlier`: see `Progress`.
    """

    def __init__(
        self, plan: Plan, face: Face, earlier: Mapping[str, StageStatus] | None = None
    ) -> None:
        self._face = face
        self._plan = plan
        progress = Progress(plan, time.monotonic, earlier)
        has_room = face.err.is_live and face.format != "jsonl"
        self._view: PlainView
        if has_room and face.verbosity >= 0:
            self._view = LiveView(progress, face.err, STDERR, face.verbosity, time.monotonic)
        else:
            verbosity = face.verbosity if face.is_text or face.verbosity > 0 else -1
            self._view = PlainView(progress, face.err, STDERR, verbosity)

    def watching(self) -> Watching:
        """What the runtime is to tell of."""
        if self._face.format == "jsonl":
            STDOUT.never_wait()
            return Watching((_print_event, self._view), is_streaming=True, on_idle=self._tick)
        return Watching((self._view,), self._view.is_streaming, self._tick)

    def close(self) -> None:
        """The run has ended, or never began."""
        self._view.close()

    def tell(self, result: "RunResult") -> int:
        """Print how the run ended; gives its exit code."""
        face = self._face
        for note in result.notes:
            face.complain(note)
        if face.format == "json":
            face.print_json(result_json(result))
        from orch.cli.closing import draw_closing

        if face.is_text:
            # Below what the view has left on the same screen there is a blank line.
            lead = "\n" if face.out.is_terminal and face.verbosity >= 0 else ""
            face.say(lead + draw_closing(result.manifest, self._plan, face.out))
        elif face.verbosity > 0 or (face.err.is_terminal and face.verbosity == 0):
            face.note(draw_closing(result.manifest, self._plan, face.err))
        return result.exit_code

    def _tick(self) -> None:
        STDOUT.pump()
        self._view.tick()


def result_json(result: "RunResult") -> dict[str, Any]:
    """The document of a run that has ended: paths relative to the root where they lie below it."""
    from orch.cli.closing import stage_counts

    manifest = result.manifest
    return {
        "run_id": result.paths.run_id,
        "task_id": result.paths.task_id,
        "pipeline": manifest.pipeline,
        "status": result.status.value,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "duration_ms": manifest.duration_ms,
        "artifact_root": result.paths.shown(result.paths.artifacts),
        "manifest": result.paths.shown(result.paths.manifest),
        "log_path": result.paths.shown(result.paths.journal),
        "stages": dict(stage_counts(manifest)),
        "notes": list(result.notes),
    }


def _print_event(event: RunEvent) -> None:
    """One event as a line of stdout, at once if its reader keeps up.

    Of a reader that doesn't, only lines of output are withheld; they are in the logs anyway.
    """
    if STDOUT.is_congested and isinstance(event.payload, StageOutput):
        return
    STDOUT.offer(event_line(event))
