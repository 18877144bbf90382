"""Starts the process that owns a run of the library, and hears of it.

A process that has threads must not fork wardens, and the signal handlers, the terminal and the
children of a program are its own. So a run of the library always happens in a fresh process.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from orch.cli.library_errors import MachineError, refusal

_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from orch.cli.library_owner import main
main()
"""

_SLICE_S = 0.5
_WORDS_BYTES = 2000

_living: "set[OwnerProcess]" = set()
"""Those that may still be under way, so that one nobody waits for is not left a zombie for good."""


class OwnerProcess:
    """One owner process. All methods may be called from several threads at once."""

    def __init__(
        self,
        request: Mapping[str, Any],
        root: str,
        environment: Mapping[str, str] | None,
        *,
        is_detached: bool = False,
    ) -> None:
        """Start it and hand the request over. Raises `MachineError`."""
        for other in tuple(_living):
            other.is_over()
        if not sys.executable:
            raise MachineError("can't start a run: this program doesn't know its Python")
        self._lock = threading.Lock()
        self._buffer = b""
        self._reports: list[dict[str, Any]] = []
        self._is_at_end = False
        self.last_words = ""
        """The end of what it wrote to its standard error, once it has ended."""
        # A file, because nobody reads along and a pipe would fill.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 # It lives as long as the process.
        search = json.dumps([os.path.abspath(each) for each in sys.path if isinstance(each, str)])
        try:
            self._process = subprocess.Popen(  # noqa: S603 # Our own program.
                [sys.executable, "-P", "-c", _PROGRAM, search],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                cwd=root,
                start_new_session=True,
            )
        except OSError as error:
            self._words.close()
            raise MachineError(f"can't start a run: {str(error.strerror).lower()}") from None
        _living.add(self)
        whole = {
            **request,
            "root": root,
            "host": None if is_detached else os.getpid(),
            "environment": dict(os.environ if environment is None else environment),
        }
        self._hand_over(json.dumps(whole).encode())

    @property
    def pid(self) -> int:
        return self._process.pid

    def first_report(self) -> dict[str, Any] | None:
        """What it says first, waiting for it; None where it ended without a word."""
        self._wait(lambda: bool(self._reports), None)
        return self._reports[0] if self._reports else None

    def last_report(self, timeout_s: float | None = None) -> dict[str, Any] | None:
        """What it said last, after waiting for its end; None where it never said how it ended.
        Raises `TimeoutError`."""
        self._wait(lambda: False, timeout_s)
        is_told = bool(self._reports) and self._reports[-1]["type"] != "begun"
        return self._reports[-1] if is_told else None

    def _wait(self, is_enough: Callable[[], bool], timeout_s: float | None) -> None:
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not (self._is_at_end or is_enough()):
            left_s = _SLICE_S if until_s is None else min(_SLICE_S, until_s - time.monotonic())
            if left_s <= 0:
                raise TimeoutError
            if self._lock.acquire(timeout=left_s):
                try:
                    self._hear(left_s)
                finally:
                    self._lock.release()

    def is_over(self) -> bool:
        """Whether it has ended; doesn't wait."""
        if not self._is_at_end and self._lock.acquire(blocking=False):
            try:
                self._hear(0)
            finally:
                self._lock.release()
        return self._is_at_end

    def terminate(self) -> None:
        """SIGTERM, where it still runs."""
        self._process.terminate()

    def _hand_over(self, request: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request)
            self._process.stdin.close()
        except OSError:
            # It has ended already; what it said on its standard error tells why.
            return

    def _hear(self, timeout_s: float) -> None:
        """Read reports for so long at most, until one has come or the process has ended."""
        if self._is_at_end:
            return
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        if not poller.poll(timeout_s * 1000):
            # Another process of this program may have inherited the other end of the pipe.
            if self._process.poll() is not None and not poller.poll(0):
                self._end()
            return
        data = os.read(fd, 1 << 16)
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        self._reports += map(json.loads, lines)
        if not data:
            self._process.wait()
            self._end()

    def _end(self) -> None:
        self.last_words = self._read_words()
        self._words.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        _living.discard(self)
        self._is_at_end = True

    def _read_words(self) -> str:
        size = os.fstat(self._words.fileno()).st_size
        data = os.pread(self._words.fileno(), _WORDS_BYTES, max(0, size - _WORDS_BYTES))
        return data.decode("utf-8", "replace").strip()


def first_report(process: OwnerProcess) -> dict[str, Any]:
    """What it says first. Where it refuses or is broken, raises `UsageError` or `MachineError`; an
    exception of the caller's, such as KeyboardInterrupt, ends it."""
    try:
        report = process.first_report()
    except BaseException:
        process.terminate()
        raise
    if report is None:
        words = process.last_words or "it said nothing"
        raise MachineError(f"the process of the run ended before it began: {words}")
    if report["type"] == "refused":
        process.last_report()
        raise refusal(report["exit_code"], report["message"])
    return report
