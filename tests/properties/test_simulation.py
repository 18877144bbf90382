"""Ten thousand random runs, with time-outs, cancels and crashes, in which the scheduler keeps every
rule. `SIMULATION_SEED=n` lives one of them alone."""

import os

import pytest

from tests.properties.simulator import simulate

RUNS = 10_000
BATCH = 1_000


def live_through(first: int, last: int) -> None:
    for seed in range(first, last):
        try:
            simulate(seed)
        except Exception as error:
            error.add_note(f"alone: SIMULATION_SEED={seed} pytest {__file__}")
            raise


ONE_SEED = os.environ.get("SIMULATION_SEED")
FIRST_SEEDS = range(0, RUNS, BATCH) if ONE_SEED is None else [int(ONE_SEED)]


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_random_runs_keep_every_rule(first: int) -> None:
    """Each stage ends once, nothing starts before its needs, limits hold, retries and exit codes
    are right, no run outlasts its bounds, and any prefix of the journal replays to its state."""
    live_through(first, first + (BATCH if ONE_SEED is None else 1))
