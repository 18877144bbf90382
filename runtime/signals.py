"""Signals as a queue: caught while a run is under way, taken by its loop, given back afterwards."""

import os
from types import FrameType, TracebackType

from orch.dsl.type_names import Self
from orch.runtime import system_signals as signal

ALL_SIGNALS = frozenset(signal.valid_signals())
"""Kept: each attempt begins with the default actions of all."""

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SignalInbox:
    """Catches SIGINT, SIGTERM and SIGHUP between `__enter__` and `__exit__`.

    `fileno()` becomes readable when a signal has come; `take()` returns those that came, in order.
    A signal that the process was started to ignore (`nohup`, a background job) stays ignored.
    Works in the main thread only, as signals do.
    """

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former: dict[int, object] = {}
        self._former_wakeup = -1

    def __enter__(self) -> Self:
        self._former_wakeup = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in _CAUGHT:
            former = signal.getsignal(number)
            if former != signal.SIG_IGN:
                self._former[number] = former
                signal.signal(number, _wake_only)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]  # It came from getsignal.
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._read_end)
        os.close(self._write_end)

    def fileno(self) -> int:
        return self._read_end

    def take(self) -> tuple[int, ...]:
        """The caught signals that have come since the last call, by their numbers."""
        try:
            numbers = os.read(self._read_end, 512)
        except BlockingIOError:
            return ()
        return tuple(number for number in numbers if number in self._former)


def _wake_only(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor has carried the number; there is nothing else to do."""
