"""Slots of several limits at once, held against a model that looks at all that wait."""

from random import Random

from orch.runtime.slots import Limits, Slots

POOL, NAME = ("pool", "db"), ("exclusive", "production")
KINDS: tuple[Limits, ...] = ((), (POOL,), (NAME,), (POOL, NAME), (("exclusive", "other"),))


class Model:
    """The same limits, looked at one after the other each time."""

    def __init__(self, concurrency: int, pool: int) -> None:
        self.free = concurrency
        self.free_of = {POOL: pool, NAME: 1, ("exclusive", "other"): 1}
        self.row: list[tuple[tuple[bool, int], Limits]] = []

    def take(self) -> tuple[int, Limits] | None:
        for place, limits in sorted(self.row):
            if self.free > 0 and all(self.free_of[limit] > 0 for limit in limits):
                self.row.remove((place, limits))
                self.free -= 1
                for limit in limits:
                    self.free_of[limit] -= 1
                return place[1], limits
        return None

    def release(self, limits: Limits) -> None:
        for limit in limits:
            self.free_of[limit] += 1


def test_slots_are_handed_out_as_by_a_model_that_looks_at_everything() -> None:
    """Whatever comes, goes and waits in whichever order: the same stages start, in that order."""
    for seed in range(400):
        random = Random(seed)
        concurrency, pool = random.randint(1, 4), random.randint(1, 3)
        slots, model = Slots(concurrency, {"db": pool}), Model(concurrency, pool)
        running: list[Limits] = []
        waits = 0
        for _ in range(120):
            if random.random() < 0.55 or not running:
                limits, is_first = random.choice(KINDS), random.random() < 0.7
                slots.wait(waits, limits, is_first_attempt=is_first)
                model.row.append(((is_first, waits), limits))
                waits += 1
            else:
                limits = running.pop(random.randrange(len(running)))
                slots.give_back(limits)
                model.free += 1
                model.release(limits)
            while (expected := model.take()) is not None:
                assert slots.take() == expected, seed
                running.append(expected[1])
            assert slots.take() is None, seed


def test_a_thousand_that_wait_for_two_limits_cost_no_look_at_each() -> None:
    """Each stage that ends lets one start, though all need a full pool and a held name."""
    slots = Slots(9, {"db": 2})
    for index in range(1000):
        slots.wait(index, (POOL, NAME), is_first_attempt=True)
    for index in range(1000):
        assert slots.take() == (index, (POOL, NAME))
        assert slots.take() is None
        slots.give_back((POOL, NAME))
