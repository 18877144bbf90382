"""Who watches a run for a command: the view, the event lines, and the answer at the end."""

import os
import time

from orch.cli.face import Face
from orch.cli.progress import Progress
from orch.cli.terminal import Terminal
from orch.cli.view import PlainView
from orch.cli.writer import PATIENCE_S, STDERR, STDOUT
from orch.compiler.plan import Plan
from orch.dsl.type_names import TYPE_CHECKING, Any, Mapping
from orch.runtime import system_signals as signal
from orch.runtime.events import RunEvent, RunStarted
from orch.runtime.paths import RunPaths, resolve_run_paths
from orch.runtime.recorder import Watching
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.cli.event_lines import EventLines
    from orch.runtime.run import RunResult


class Watch:
    """Everything that looks on while a run goes on.

    The view is on stderr. Where stdout holds JSON, stderr is left to failures, unless it is a
    terminal with nothing else on it. `where` is the project root of a new run, or the paths of one
    that is resumed. `earlier`: see `Progress`. `junit` is where a report for CI goes.

    None of it waits for whoever reads while the run goes on. Once it has ended, a reader that takes
    nothing for `PATIENCE_S` is not waited for any longer; a person who stopped a terminal is.
    """

    def __init__(
        self,
        plan: Plan,
        face: Face,
        where: str | RunPaths,
        earlier: Mapping[str, StageStatus] | None = None,
        junit: str | None = None,
    ) -> None:
        self._where = where
        self._junit = junit
        self._lines: EventLines | None = None
        self._face = face
        self._plan = plan
        progress = Progress(plan, time.monotonic, earlier)
        has_room = face.err.is_live and face.format != "jsonl"
        self._view = self._made_view(progress, is_live=has_room and face.verbosity >= 0)

    def _made_view(self, progress: Progress, *, is_live: bool) -> PlainView:
        face = self._face
        if is_live:
            from orch.cli.live_view import LiveView

            live = LiveView(progress, face.err, STDERR, face.verbosity, time.monotonic)
            live.look_back(self._folder)
            signal.signal(signal.SIGCONT, lambda *_: live.begin_anew())
            return live
        if face.is_text and face.verbosity >= 0 and os.environ.get("GITHUB_ACTIONS") == "true":
            from orch.cli.grouped_view import GroupedView

            return GroupedView(progress, face.err, STDERR, face.verbosity)
        verbosity = face.verbosity if face.is_text or face.verbosity > 0 else -1
        return PlainView(progress, face.err, STDERR, verbosity)

    def watching(self) -> Watching:
        """What the runtime is to tell of."""
        if self._face.format == "jsonl":
            from orch.cli.event_lines import EventLines

            self._lines = EventLines(STDOUT, self._journal)
        lines = [] if self._lines is None else [self._lines]
        is_streaming = self._view.is_streaming or bool(lines)
        return Watching(
            (*lines, self._view), is_streaming, self._tick, get_ready=self._get_ready_for_the_end
        )

    def _get_ready_for_the_end(self) -> None:
        import orch.cli.closing
        import orch.cli.foreseen

        self._view.get_ready()
        if self._is_told_to_ci:
            import orch.cli.ci  # noqa: F401 # Used later.

    def close(self) -> None:
        """The run has ended, or never began."""
        for writer in (STDOUT, STDERR):
            writer.wait_at_most(PATIENCE_S)
        if self._lines is not None:
            self._lines.close()
            if STDOUT.has_given_up:
                # The same reader may have both.
                STDERR.wait_at_most(1)
        self._view.close()
        if STDERR.has_given_up:
            STDOUT.wait_at_most(1)
        if self._lines is not None and self._lines.problem is not None:
            self._face.complain(self._lines.problem)

    def tell(self, result: "RunResult") -> int:
        """Print how the run ended, and tell CI; gives its exit code."""
        face = self._face
        for note in result.notes:
            face.complain(note)
        if face.format == "json":
            face.print_json(self._document(result))
        if face.is_text:
            # Below what the view has left on the same screen there is a blank line.
            lead = "\n" if face.out.is_terminal and face.verbosity >= 0 else ""
            face.say(lead + self._closing(result, face.out))
        if self._is_stderr_looked_at:
            face.note(self._closing(result, face.err))
        if STDOUT.has_given_up:
            where = result.paths.shown(result.paths.run)
            face.complain(f"stdout was not read to its end; all that it lacks is in {where}")
        if self._is_told_to_ci:
            from orch.cli.ci import tell_ci

            tell_ci(result, self._plan, face, self._junit)
        return result.exit_code

    @property
    def _is_told_to_ci(self) -> bool:
        return self._junit is not None or "GITHUB_ACTIONS" in os.environ

    def _closing(self, result: "RunResult", terminal: Terminal) -> str:
        from orch.cli.closing import draw_closing

        return terminal.harmless(draw_closing(result, self._plan, terminal))

    @property
    def _is_stderr_looked_at(self) -> bool:
        """Whether the last screen belongs on stderr, too: stdout is for programs, or goes to a
        file. A pipe may end in the same window, as that to `tee` does."""
        face = self._face
        if face.is_text:
            is_shown = face.out.is_terminal or STDOUT.is_pipe
            return face.err.is_live and face.verbosity >= 0 and not is_shown
        return face.verbosity > 0 or (face.err.is_terminal and face.verbosity == 0)

    def _document(self, result: "RunResult") -> dict[str, Any]:
        return result_json(result)

    def _tick(self) -> None:
        if self._lines is not None:
            self._lines.pump()
        self._view.tick()

    def _journal(self, first: RunEvent) -> str:
        """The journal of the run whose first event this is."""
        if isinstance(self._where, RunPaths):
            # It is resumed, and its first event doesn't name its task.
            return self._where.journal
        started = first.payload
        assert isinstance(started, RunStarted), "a new run begins with run:started"
        return self._paths(started.task_id, started.run_id).journal

    def _folder(self, task_id: str, run_id: str) -> str:
        return self._paths(task_id, run_id).run

    def _paths(self, task_id: str, run_id: str) -> RunPaths:
        if isinstance(self._where, RunPaths):
            return self._where
        return resolve_run_paths(self._where, task_id, run_id, os.environ)


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
