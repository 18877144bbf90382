"""Ten thousand random runs, with time-outs, cancels and crashes, in which the scheduler keeps every
rule. `SIMULATION_SEED=n` lives one of them alone."""

import os
from functools import partial

import pytest

from orch.runtime.scheduler import Scheduler
from tests.properties.books import Disproved
from tests.properties.planted import PLANTED
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


@pytest.mark.parametrize("broken", PLANTED, ids=lambda kind: kind.__name__)
def test_a_planted_bug_is_seen(broken: type[Scheduler]) -> None:
    """Each broken scheduler is disproved by one of the first random runs."""
    with pytest.raises(Disproved):
        list(map(partial(simulate, make_scheduler=broken), range(BATCH)))


def test_the_same_seed_gives_the_same_run() -> None:
    """A failing seed can be lived again: nothing depends on anything but the seed."""
    assert [simulate(seed) for seed in range(50)] == [simulate(seed) for seed in range(50)]
