"""The limits of a run, as one table of slots, and the row of stages that wait for them.

`concurrency`, each pool and each `exclusive` name are limits of one kind: a number of slots, one of
which an attempt holds from its launch to its end. A stage needs a slot of every limit that concerns
it, at once.

The wait between two attempts holds none, and a retry that is due goes before first attempts. That
keeps the bound of the plan valid: whenever a stage on the path that ends last neither runs nor
waits for its retry, all slots of a limit it needs are held by attempts, which the bound adds up as
well; with waits kept out of the slots there is only less to add. What it costs: under
`concurrency = 1` another stage may start between two attempts of one. A service holds no slot.
"""

from heapq import heappop, heappush

from orch.dsl.type_names import Mapping

Place = tuple[bool, int]
"""First attempts come after retries, each in plan order: `(is_first_attempt, index)`."""

Limit = tuple[str, str]
"""A limit beside `concurrency`: `("pool", name)` or `("exclusive", name)`, which has one slot."""

Limits = tuple[Limit, ...]


class Slots:
    """Hands out slots to waiting stages, in the order of their places.

    Stages that need the same limits are of one kind. Where one of these is full, those of the kind
    step aside, and later ones pass; a slot that the limit gets back calls the first of them in
    again, and whoever takes its slots the next one. So the first of each kind stands in the row, or
    beside a limit that is full, and no step looks at all that wait.
    """

    def __init__(self, concurrency: int, pools: Mapping[str, int]) -> None:
        self._free = concurrency
        self._free_of: dict[Limit, int] = {("pool", name): n for name, n in pools.items()}
        self._row: list[tuple[Place, Limits]] = []
        self._aside: dict[Limits, list[Place]] = {}
        self._full: dict[Limits, Limit] = {}
        self._beside: dict[Limit, list[Limits]] = {}

    def wait(self, index: int, limits: Limits, *, is_first_attempt: bool) -> None:
        """Let the stage of this plan index stand in the row for these limits."""
        place = (is_first_attempt, index)
        if limits in self._full:
            heappush(self._aside[limits], place)
        else:
            heappush(self._row, (place, limits))

    def take(self) -> tuple[int, Limits] | None:
        """The plan index of the next stage that may start, and the limits that it waited for: a
        slot of each is taken now, and one of `concurrency`. None if none may start."""
        while self._free > 0 and self._row:
            place, limits = heappop(self._row)
            full = next((limit for limit in limits if self._free_of.get(limit, 1) == 0), None)
            if full is not None:
                heappush(self._aside.setdefault(limits, []), place)
                if limits not in self._full:
                    self._full[limits] = full
                    self._beside.setdefault(full, []).append(limits)
                continue
            for limit in limits:
                self._free_of[limit] = self._free_of.get(limit, 1) - 1
            self._free -= 1
            self._call_in(limits)
            return place[1], limits
        return None

    def give_back(self, limits: Limits) -> None:
        """An attempt has ended, and its slots are free."""
        self._free += 1
        self.release(limits)

    def release(self, limits: Limits) -> None:
        """Slots of these limits are free, and none of `concurrency`."""
        for limit in limits:
            self._free_of[limit] += 1
            for kind in self._beside.pop(limit, ()):
                del self._full[kind]
                self._call_in(kind)

    def _call_in(self, limits: Limits) -> None:
        """The first of those of a kind that have stepped aside comes back into the row."""
        if limits not in self._full and self._aside.get(limits):
            heappush(self._row, (heappop(self._aside[limits]), limits))
