"""The states of a stage and of a run, one sentence each; every change of a stage goes through one
function."""

from orch.dsl.enumeration import Enum


class StageStatus(Enum):
    """How far a stage is, or how it ended."""

    WAITING = "waiting"
    """A stage that it needs has not ended, or a service that it needs isn't ready."""
    READY = "ready"
    """It may start as soon as the limits leave room."""
    RUNNING = "running"
    """An attempt is under way, or the wait between two attempts."""
    SUCCEEDED = "succeeded"
    """Its last attempt ended with exit code 0, or it was fresh and needed none."""
    FAILED = "failed"
    """No attempt succeeded and none is left."""
    SKIPPED = "skipped"
    """It was never started, and the reason says why."""
    CANCELLED = "cancelled"
    """It was running, or still to run, when the run was cancelled."""

    is_final: bool

    def __init__(self, word: str) -> None:
        self.is_final = word in ("succeeded", "failed", "skipped", "cancelled")


FINAL_STATUSES = frozenset(status for status in StageStatus if status.is_final)


class RunStatus(Enum):
    """How a run stands or ended; `stale` and `lost` are judged by readers."""

    RUNNING = "running"
    """Its owner is at work."""
    SUCCEEDED = "succeeded"
    """Every stage succeeded, was skipped by its own condition, or was allowed to fail."""
    FAILED = "failed"
    """A stage failed, or the deadline passed."""
    CANCELLED = "cancelled"
    """It was interrupted."""
    STALE = "stale"
    """For readers: no sign of life for longer than `heartbeat.stale`; its owner may live."""
    LOST = "lost"
    """For readers: its owner is provably gone, and nobody has said how it ended (ADR 6)."""


_MOVES: dict[StageStatus, frozenset[StageStatus]] = {
    StageStatus.WAITING: frozenset(
        {
            StageStatus.READY,
            StageStatus.SUCCEEDED,
            StageStatus.SKIPPED,
            StageStatus.CANCELLED,
            StageStatus.FAILED,
        }
    ),
    StageStatus.READY: frozenset(
        {StageStatus.RUNNING, StageStatus.SKIPPED, StageStatus.CANCELLED, StageStatus.FAILED}
    ),
    StageStatus.RUNNING: frozenset(
        {StageStatus.SUCCEEDED, StageStatus.FAILED, StageStatus.CANCELLED}
    ),
}


def next_status(current: StageStatus, wanted: StageStatus) -> StageStatus:
    """The one gate of every state change. Raises AssertionError for a move that no rule allows."""
    if wanted not in _MOVES.get(current, frozenset()):
        raise AssertionError(f"a {current.value} stage can't become {wanted.value}")
    return wanted
