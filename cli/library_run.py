"""A run that the library has begun: its events, its end, and how to end it."""

import os
import select
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from orch.cli.journal_follower import JournalFollower
from orch.cli.library_errors import MachineError
from orch.cli.library_process import OwnerProcess, first_report
from orch.compiler.plan import Plan
from orch.runtime.events import RunEvent
from orch.runtime.files import StorageError
from orch.runtime.journal import JournalDamagedError, JournalReader
from orch.runtime.manifest import Manifest, fold
from orch.runtime.paths import RunPaths, resolve_run_paths
from orch.runtime.run_result import RunResult
from orch.runtime.states import RunStatus

EXIT_LOST = 3

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.1


class Run:
    """A run in a process of its own, whose `plan`, `paths` and `run_id` are known.

    Iterating gives its events, from the first one on, as they come, and ends with the run; so does
    `async for`. Each iteration follows the journal on disk by itself: it may be slow, begin late,
    be broken off, or never be begun, and the run knows nothing of it. `stage:output` isn't among
    them; the logs hold what stages write.

    As a context manager a run is waited for at the end of the block, and cancelled first where the
    block is left by an exception.
    """

    def __init__(self, plan: Plan, paths: RunPaths, process: OwnerProcess, offset: int) -> None:
        """For `begin` alone."""
        self.plan = plan
        self.paths = paths
        self._process = process
        self._offset = offset
        self._result: RunResult | None = None

    @property
    def run_id(self) -> str:
        return self.paths.run_id

    @property
    def pid(self) -> int:
        """The process that owns the run."""
        return self._process.pid

    @property
    def is_over(self) -> bool:
        """Whether it has ended and all of it is written; doesn't wait."""
        return self._process.is_over()

    def result(self, timeout: float | None = None) -> RunResult:
        """Wait for the end, at most `timeout` seconds; how the run ended.

        A run whose process was killed is `lost`, and `orch.resume(run.paths)` goes on with it.
        Raises `TimeoutError`, and `MachineError` where its files can't be read.
        """
        if self._result is None:
            self._result = self._ended(self._process.last_report(timeout))
        return self._result

    def cancel(self) -> None:
        """Ask the run to end, as SIGTERM does, and return at once: no new stages, running ones are
        ended, `finally` stages run. A second time skips the grace."""
        self._process.terminate()

    def __iter__(self) -> Iterator[RunEvent]:
        for item in self._items():
            if isinstance(item, float):
                select.select([], [], [], item)
            else:
                yield item

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        from asyncio import sleep

        for item in self._items():
            if isinstance(item, float):
                await sleep(item)
            else:
                yield item

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.cancel()
        self.result()

    def __repr__(self) -> str:
        return f"<run {self.run_id} of {self.plan.pipeline.name}>"

    def _items(self) -> Generator[RunEvent | float]:
        """Events, and in between the seconds after which to look for more."""
        pause_s = _SHORTEST_PAUSE_S
        try:
            with JournalFollower(self.paths.journal, self._offset) as follower:
                while True:
                    # The order counts: what is written before the end is read after it.
                    was_over = self._process.is_over()
                    events = follower.next_events()
                    yield from events
                    if events:
                        pause_s = _SHORTEST_PAUSE_S
                    elif was_over:
                        return
                    else:
                        yield pause_s
                        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        except (StorageError, JournalDamagedError) as error:
            raise MachineError(str(error)) from None

    def _ended(self, report: Mapping[str, Any] | None) -> RunResult:
        if report is None:
            reason = "the process that owned the run was killed"
            return RunResult(self.paths, self._manifest(), RunStatus.LOST, reason, EXIT_LOST)
        if report["type"] == "refused":
            raise MachineError(report["message"])
        return RunResult(
            self.paths,
            self._manifest(),
            RunStatus(report["status"]),
            report["reason"],
            report["exit_code"],
            tuple(report["notes"]),
        )

    def _manifest(self) -> Manifest:
        try:
            return fold(self.plan, JournalReader(self.paths.journal))
        except (StorageError, JournalDamagedError) as error:
            raise MachineError(str(error)) from None


def begin(
    request: Mapping[str, Any],
    plan: Plan,
    root: str,
    environment: Mapping[str, str] | None,
    *,
    is_detached: bool,
    paths: RunPaths | None = None,
) -> Run:
    """Start the process of a run; returns when the run has its id. Raises `UsageError` and
    `MachineError`."""
    process = OwnerProcess(request, root, environment, is_detached=is_detached)
    report = first_report(process)
    if report["type"] == "begun":
        given = os.environ if environment is None else environment
        paths = resolve_run_paths(root, report["task_id"], report["run_id"], given)
        return Run(plan, paths, process, report["offset"])
    if paths is None:
        # Not even its first event could be written.
        raise MachineError("; ".join(report["notes"]) or str(report["reason"]))
    return Run(plan, paths, process, os.stat(paths.journal).st_size)
