"""Waits between attempts, and which failures are tried again (language.md section 5, `retry`)."""

from random import Random

import pytest

from orch.compiler.longest_time import waits_ms
from orch.compiler.plan import longest_wait_ms
from orch.runtime.attempt import AttemptOutcome, Shortcoming
from orch.runtime.backoff import is_retried, wait_ms
from tests.runtime.table import ALL_REASONS, STOPPED, outcome, retry


def test_waits_grow_by_the_factor_from_the_first_to_the_longest() -> None:
    """And stay there."""
    policy = retry(10, backoff_ms=(100, 3000), factor=2.0)
    waits = [longest_wait_ms(policy, failures) for failures in range(1, 8)]
    assert waits == [100, 200, 400, 800, 1600, 3000, 3000]


def test_a_factor_of_one_keeps_the_wait() -> None:
    """Over all the attempts that a policy may allow."""
    policy = retry(100, backoff_ms=(250, 9000), factor=1.0)
    assert {longest_wait_ms(policy, failures) for failures in range(1, 100)} == {250}


def test_the_steepest_growth_over_most_attempts_overflows_nothing() -> None:
    """10^98 days are cut to the longest wait."""
    day_ms = 86_400_000
    policy = retry(100, backoff_ms=(day_ms, 100 * day_ms), factor=10.0)
    assert longest_wait_ms(policy, 99) == 100 * day_ms


@pytest.mark.parametrize(
    ("jitter", "shortest", "longest"), [("none", 101, 101), ("full", 0, 101), ("equal", 51, 101)]
)
def test_jitter_takes_its_part_of_a_wait_and_reaches_both_ends(
    jitter: str, shortest: int, longest: int
) -> None:
    """`full` any part of it, `equal` its upper half, in whole milliseconds."""
    policy = retry(3, backoff_ms=(101, 5000), jitter=jitter)
    random = Random(7)
    waits = {wait_ms(policy, 1, random) for _ in range(5000)}
    assert (min(waits), max(waits)) == (shortest, longest)


def test_no_waits_are_longer_than_the_plan_is_bound_to() -> None:
    """With jitter they are less, and without it exactly as much as is added up."""
    random = Random(11)
    for _ in range(2000):
        first_ms = random.randint(0, 1000)
        policy = retry(
            random.randint(1, 100),
            backoff_ms=(first_ms, first_ms + random.randint(0, 100_000)),
            factor=random.uniform(1, 10),
            jitter=random.choice(["none", "full", "equal"]),
        )
        waits = [wait_ms(policy, failures, random) for failures in range(1, policy.attempts)]
        assert sum(waits) <= waits_ms(policy)
        assert sum(waits) == waits_ms(policy) or policy.jitter != "none"


@pytest.mark.parametrize(
    ("ended", "word"),
    [
        (outcome(1), "failure"),
        (outcome(None, signal=9), "signal"),
        (outcome(None, signal=15, is_timed_out=True), "timeout"),
        (outcome(0, is_timed_out=True), "timeout"),
        (outcome(None, spawn_error="no such file"), "spawn"),
        (outcome(None), "spawn"),
        (outcome(0, shortcoming=Shortcoming("storage", "no space")), "failure"),
        (outcome(None, spawn_error="no", shortcoming=Shortcoming("storage", "no")), "spawn"),
    ],
)
def test_each_reason_is_tried_again_where_its_word_stands_and_nowhere_else(
    ended: AttemptOutcome, word: str
) -> None:
    """A time-out stays one whatever the command exited with; a lost warden goes with `spawn`."""
    others = tuple(other for other in ALL_REASONS if other != word)
    assert is_retried(retry(2, (word,)), ended)
    assert not is_retried(retry(2, others), ended)


def test_an_exit_code_that_is_named_stands_for_itself_alone() -> None:
    """Not for an attempt that was ended by its time-out."""
    policy = retry(2, ("exit(75)", "exit(1)"))
    tried_again = [code for code in range(1, 256) if is_retried(policy, outcome(code))]
    assert tried_again == [1, 75]
    assert not is_retried(policy, outcome(75, is_timed_out=True))


def test_what_orch_stopped_is_never_tried_again() -> None:
    """Even if `retry.on` holds every word."""
    assert not is_retried(retry(2), STOPPED)
