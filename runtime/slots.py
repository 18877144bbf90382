"""The limits of a run, as one table of slots, and the row of stages that wait for them.

`concurrency` and each pool are limits of one kind: a number of slots, one of which an attempt
holds from its launch to its end. A stage needs a slot of every limit that concerns it, at once. The
wait between two attempts holds none, and a retry that is due goes before first attempts. That keeps
the bound of the plan valid: whenever a stage on the path that ends last neither runs nor waits for
its retry, all slots of a limit it needs are held by attempts, which the bound adds up as well; with
waits kept out of the slots there is only less to add. What it costs: under `concurrency = 1`
another stage may start between two attempts of one. A service holds no slot.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

Place = tuple[bool, int]
"""First attempts come after retries, each in plan order: `(is_first_attempt, index)`."""


class Slots:
    """Hands out slots to waiting stages, in the order of their places.

    A stage whose pool is full steps aside into the pool's own row and lets later ones pass; each
    slot that a pool gets back calls one of its row in again. So every stage moves a constant number
    of times for each attempt that ends, and no step looks at all that wait.
    """

    def __init__(self, concurrency: int, pools: Mapping[str, int]) -> None:
        self._free = concurrency
        self._free_in_pool = dict(pools)
        self._row: list[tuple[Place, str | None]] = []
        self._aside: dict[str, list[Place]] = {pool: [] for pool in pools}

    def wait(self, index: int, pool: str | None, *, is_first_attempt: bool) -> None:
        """Let the stage of this plan index stand in the row."""
        heappush(self._row, ((is_first_attempt, index), pool))

    def take(self) -> int | None:
        """The plan index of the next stage that may start, its slots taken; None if none may."""
        while self._free > 0 and self._row:
            place, pool = heappop(self._row)
            if pool is not None:
                if self._free_in_pool[pool] == 0:
                    heappush(self._aside[pool], place)
                    continue
                self._free_in_pool[pool] -= 1
            self._free -= 1
            return place[1]
        return None

    def give_back(self, pool: str | None) -> None:
        """An attempt has ended, and its slots are free."""
        self._free += 1
        if pool is not None:
            self._free_in_pool[pool] += 1
            if self._aside[pool]:
                heappush(self._row, (heappop(self._aside[pool]), pool))
