"""What a command writes, passed on as it is written: stdout to stdout, stderr to stderr.

The bytes come from the logs of its attempts, which its warden writes, masked. So a reader that is
slow, or gone, holds up nobody: the log is the buffer, and what is not read yet waits there, while
the run goes on and ends. No more than a log may hold (`output.log`) can be passed on.
"""

import os
from collections import deque

from orch.cli.log_tail import LogTail
from orch.cli.writer import STDERR, STDOUT, Writer
from orch.runtime.events import RunEvent, RunStarted, StageCompleted, StageRetrying, StageStarted

_MOST_AT_ONCE_BYTES = 1 << 22
"""So much is passed on between two looks at the run."""


class PassThrough:
    """A listener of the events of a run below `root`, which has one stage."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._run = root
        self.stdout = _Passed(STDOUT)
        self.stderr = _Passed(STDERR)

    def __call__(self, event: RunEvent) -> None:
        """Hear of an event."""
        match event.payload:
            case RunStarted(manifest=manifest):
                self._run = os.path.dirname(os.path.join(self._root, manifest))
            case StageStarted(logs=logs):
                for name, passed in (("stdout", self.stdout), ("stderr", self.stderr)):
                    passed.begin(LogTail(f"{self._run}/{logs}/{name}.log"))
            case StageRetrying() | StageCompleted():
                self.stdout.end()
                self.stderr.end()
            case _:
                pass

    def tick(self) -> None:
        """Pass on what there is and what is read without waiting."""
        self.stdout.advance()
        self.stderr.advance()

    def close(self) -> None:
        """Pass on all the rest, however long its readers take; the run has ended."""
        while any([self.stdout.finish(), self.stderr.finish()]):
            pass


class _Passed:
    """One stream: the logs of its attempts, one after the other, on their way to a descriptor.

    `last_bytes` is what was read of the last attempt's, `is_mid_line` whether a line is begun.
    """

    def __init__(self, writer: Writer) -> None:
        self.last_bytes = 0
        self.is_mid_line = False
        self._writer = writer
        self._logs: deque[LogTail] = deque()
        self._growing: LogTail | None = None

    def begin(self, log: LogTail) -> None:
        """An attempt has begun."""
        self._growing = log
        self.last_bytes = 0
        self._logs.append(log)

    def end(self) -> None:
        """The attempt has ended: its log is whole."""
        self._growing = None

    def advance(self) -> None:
        """Write what can be written now; nothing is read while something waits."""
        left_bytes = _MOST_AT_ONCE_BYTES
        self._writer.pump()
        while left_bytes > 0 and not self._writer.is_waiting:
            data = self._next()
            if not data:
                return
            left_bytes -= len(data)
            self._writer.offer(data)

    def finish(self) -> bool:
        """Write some of the rest, waiting for the reader; False where nothing is left."""
        self._growing = None
        if self._writer.is_gone:
            return False
        self._writer.write()
        data = self._next()
        self._writer.write(data)
        return bool(data)

    def _next(self) -> bytes:
        while self._logs:
            log = self._logs[0]
            # Whether it still grows is asked first: what is written in between isn't missed.
            is_whole = log is not self._growing
            data = log.read()
            if data:
                self.last_bytes = log.read_bytes
                self.is_mid_line = not data.endswith(b"\n")
                return data
            if not is_whole:
                break
            self._logs.popleft().close()
        return b""
