"""The phases of an attempt in the hands of its warden, one sentence each."""

from orch.dsl.enumeration import Enum


class Phase(Enum):
    LOOKING = "looking"
    """The command has not started: its files are looked at."""
    RUNNING = "running"
    """The command runs; its deadline is the time-out, or that of a service to get ready."""
    DRAINING = "draining"
    """The command has ended, something it left holds the pipes; its deadline is `DRAIN_S`."""
    ENDING = "ending"
    """SIGTERM, or the signal that stops it, was sent to all; the deadline is the grace."""
    KILLING = "killing"
    """SIGKILL goes to whatever is left, pass after pass."""
    OVER = "over"
    """Nothing is left, or only what this user may not kill."""
