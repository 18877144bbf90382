"""`orch status --watch`: a run shown as its own terminal shows it, from any other."""

import signal
import time
from collections.abc import Mapping

from orch.cli.face import Face
from orch.cli.following import Following
from orch.cli.live_view import LiveView
from orch.cli.progress import Progress
from orch.cli.view import PlainView
from orch.cli.writer import STDOUT
from orch.runtime import clock
from orch.runtime.events import RunEvent, RunResumed, RunStarted
from orch.runtime.liveness import RunView
from orch.runtime.plan_file import read_plan
from orch.runtime.states import StageStatus


def watch_run(view: RunView, face: Face) -> None:
    """Returns when the run has ended, is lost, or nobody looks any more; raises KeyboardInterrupt
    as any command. What stages write is not shown, because their logs alone have it."""
    watching = _Watching(view, face)
    # In the middle of a frame it would leave on the screen what isn't known to be there yet.
    handler = signal.signal(signal.SIGINT, watching.interrupt)
    try:
        for events in Following(view.paths).batches(watching.tick):
            for event in events:
                watching.hear(event)
    except KeyboardInterrupt:
        watching.close()
        face.note(f"the run goes on; `orch cancel {view.paths.run_id}` ends it\n")
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
    watching.close()


class _Watching:
    """A view of the progress of a run. Times are those of the events, on the clock of this
    process: so a stage that began before anybody looked has its real age."""

    def __init__(self, view: RunView, face: Face) -> None:
        self._paths = view.paths
        self._plan = view.plan
        self._event_time_s = time.monotonic()
        self._is_interrupted = False
        progress = self._progress({})
        self._view: PlainView
        if face.out.is_live:
            live = LiveView(progress, face.out, STDOUT, face.verbosity, time.monotonic)
            live.look_back(lambda *_: view.paths.run)
            signal.signal(signal.SIGCONT, lambda *_: live.begin_anew())
            self._view = live
        else:
            self._view = PlainView(progress, face.out, STDOUT, face.verbosity)

    def hear(self, event: RunEvent) -> None:
        age_ms = max(0, clock.wall_ms() - clock.instant_ms(event.time))
        self._event_time_s = time.monotonic() - age_ms / 1000
        match event.payload:
            case RunStarted():
                self._view.progress = self._progress({})
            case RunResumed(plan_digest=plan_digest):
                if plan_digest is not None:
                    # It goes on with another plan since.
                    self._plan = read_plan(self._paths.plan)
                self._view.progress = self._progress(self._kept())
            case _:
                pass
        self._view(event)

    def interrupt(self, *_: object) -> None:
        """Ask to stop watching, from a signal's handler; the next tick does."""
        self._is_interrupted = True

    def tick(self) -> bool:
        """Called some ten times a second; raises KeyboardInterrupt."""
        if self._is_interrupted:
            raise KeyboardInterrupt
        self._view.tick()
        return False

    def close(self) -> None:
        self._view.close()

    def _progress(self, earlier: Mapping[str, StageStatus]) -> Progress:
        return Progress(self._plan, lambda: self._event_time_s, earlier)

    def _kept(self) -> dict[str, StageStatus]:
        """What a resume keeps of the stages that had ended."""
        progress = self._view.progress
        return {
            stage_id: status
            for stage_id, status in progress.ended.items()
            if status is StageStatus.SUCCEEDED
            or (status is StageStatus.FAILED and progress.stages[stage_id].allow_failure)
        }
