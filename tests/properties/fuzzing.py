"""How long the random tests go on: a few fixed seeds in `make test`, minutes in `make fuzz`."""

import os
import time
from collections.abc import Iterator

MINUTES = float(os.environ.get("ORCH_FUZZ_MINUTES", "0"))
"""What `make fuzz` spends on all random tests together; 0 in `make test`."""

FIRST_SEED = time.time_ns() // 1000 % 1_000_000_000
"""Every random test of `make fuzz` begins with it."""

_ONE = os.environ.get("ORCH_FUZZ_SEED")


def seeds(few: int, share: float) -> Iterator[int]:
    """The seeds of a random test: the first `few`, or new ones for its share of the minutes.

    A failure names its seed; `ORCH_FUZZ_SEED=n` runs that one alone.
    """
    if _ONE is not None:
        yield int(_ONE)
    elif not MINUTES:
        yield from range(few)
    else:
        end = time.monotonic() + MINUTES * 60 * share
        seed = FIRST_SEED
        while time.monotonic() < end:
            yield seed
            seed += 1
