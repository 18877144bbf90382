"""What is tried again, and after which wait.

The wait after the nth failure is `first * factor^(n-1)`, at most the longest wait, in whole
milliseconds rounded down. `full` jitter takes any part of it, `equal` its upper half; so jitter
never makes a wait longer, and the sum of the waits without jitter bounds every run.
"""

from orch.compiler.plan import RetryPolicy, longest_wait_ms
from orch.dsl.type_names import assert_never
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.ids import RandomBits


def is_retried(policy: RetryPolicy, outcome: AttemptOutcome) -> bool:
    """Whether `retry.on` names what happened to a failed attempt; counts no attempts.

    `exit(N)` stands for that code alone, `failure` for every exit code but 0, and for a command
    that exits with 0 and leaves undone what its stage promises (`values`, `outputs`,
    `artifacts`), or of which orch has no room to keep what it leaves (`storage`). A lost warden
    (`warden`) is orch's own failing and says nothing of the command, as a failed start does:
    `spawn` stands for both. What orch stopped itself (`cancelled`) is never tried again.
    """
    reason = outcome.reason
    if reason == "warden" or (reason == "storage" and outcome.exit_code is None):
        return "spawn" in policy.on
    if outcome.exit_code == 0 and outcome.shortcoming is not None:
        reason = "failure"
    if reason == "failure" and f"exit({outcome.exit_code})" in policy.on:
        return True
    return reason in policy.on


def wait_ms(policy: RetryPolicy, failures: int, random: RandomBits) -> int:
    """The wait after so many failures (from 1), jitter included."""
    longest = longest_wait_ms(policy, failures)
    match policy.jitter:
        case "none":
            return longest
        case "full":
            return _between(0, longest, random)
        case "equal":
            return _between(longest - longest // 2, longest, random)
        case _:
            assert_never(policy.jitter)


def _between(low: int, high: int, random: RandomBits) -> int:
    """A whole number, both ends included; the bias is under one in 2^53 / (high - low)."""
    return low + ((high - low + 1) * random.getrandbits(53) >> 53)
