"""Random graphs, and schedules of them that keep every limit: what bounds are held against."""

import heapq
import random
from dataclasses import replace
from typing import Any

from orch.compiler.plan import PlannedStage
from tests.compiler.planned import POLICY, stage


def random_stages(
    dice: random.Random, *, timeouts_ms: tuple[int, ...] = (10, 1000, 0)
) -> tuple[list[PlannedStage], dict[str, int]]:
    """Some stages in topological order and the slots of their pools; a time-out of 0 stands for
    any."""
    pools = {"p": dice.randint(1, 3), "q": 1}
    if dice.random() < 0.2:
        pools |= {f"p{n}": dice.randint(1, 2) for n in range(6)}
    services = [random_service(dice, f"v{n}") for n in range(dice.choice((0, 0, 0, 1, 2)))]
    stages: list[PlannedStage] = []
    shape = dice.choice(("layered", "sparse", "flat"))
    for n in range(dice.randint(1, 14)):
        before = [s.id for s in stages]
        needs = dice.sample(before, dice.randint(0, min(3, len(before))))
        if shape == "layered":
            needs = before if n % 4 == 3 else needs
        elif shape == "flat":
            needs = []
        needs += [s.id for s in services if dice.random() < 0.3]
        given: dict[str, Any] = {
            "pool": dice.choice([None, None, None, *pools]),
            "exclusive": dice.choice([None, None, None, None, "x"]),
            "skip": "no" if dice.random() < 0.1 else None,
        }
        timeout_ms = dice.choice(timeouts_ms) or dice.randint(1, 3000)
        attempts = dice.choice([1, 1, 1, 3]) if shape != "flat" or dice.random() < 0.1 else 1
        stages.append(stage(f"s{n}", *needs, timeout_ms=timeout_ms, attempts=attempts, **given))
    return [*services, *stages], pools


def random_service(dice: random.Random, name: str) -> PlannedStage:
    ready = {"timeout_ms": dice.choice((1, 500, 2000))} if dice.random() < 0.7 else None
    policy = replace(POLICY, grace_ms=dice.choice((0, 10, 1500)))
    service: PlannedStage = stage(name, kind="service", policy=policy, ready=ready)
    return service


class Schedule:
    """One schedule that never leaves a slot free which a stage could use.

    Durations and retries are random. With `is_ordered` stages start in the order of the plan,
    retries first, as the scheduler of the runtime starts them; else in any. A stage that waits for
    a retry holds no slot, nor does a service, which starts when the first stage that needs it is
    due and is stopped when the last has ended.
    """

    def __init__(
        self,
        stages: list[PlannedStage],
        pools: dict[str, int],
        concurrency: int,
        dice: random.Random,
        *,
        is_ordered: bool,
    ) -> None:
        self.dice = dice
        self.is_ordered = is_ordered
        self.by_id = {s.id: s for s in stages}
        self.place = {s.id: place for place, s in enumerate(stages)}
        self.services = {s.id for s in stages if s.kind == "service" and s.skip is None}
        self.waiting = {s.id: s for s in stages if s.kind != "service"}
        self.free = {"slots": concurrency, **pools, "x": 1}
        self.ended: set[str] = set()
        self.ready: list[str] = []
        self.running: set[str] = set()
        self.begun: set[str] = set()
        self.up: set[str] = set()
        self.down: set[str] = set()
        self.tries = dict.fromkeys(self.by_id, 0)
        self.events: list[tuple[int, float, str, str]] = []
        self.now_ms = 0
        self.most_bytes = 0

    def run(self) -> None:
        self.follow_needs()
        while self.ready or self.events:
            self.launch()
            self.note_bytes()
            self.now_ms, _, what, name = heapq.heappop(self.events)
            if what == "wake":
                self.ready.append(name)
            elif what == "end":
                self.land(name)
            else:
                (self.up if what == "up" else self.down).add(name)
            self.follow_needs()

    def resources(self, name: str) -> list[str]:
        s = self.by_id[name]
        return ["slots", *filter(None, (s.pool, s.exclusive))]

    def follow_needs(self) -> None:
        moved = True
        while moved:
            due = [s for s in self.waiting.values() if set(s.needs) - self.services <= self.ended]
            moved = False
            for s in due:
                needed = self.services & set(s.needs) if s.skip is None else set()
                for service in sorted(needed - self.begun):
                    self.begun.add(service)
                    ready = self.by_id[service].ready
                    self.later(ready["timeout_ms"] if ready else 0, "up", service)
                if s.skip is None and needed <= self.up:
                    self.ready.append(s.id)
                elif s.skip is not None:
                    self.ended.add(s.id)
                else:
                    continue
                del self.waiting[s.id]
                moved = True
        self.stop_services()

    def stop_services(self) -> None:
        for service in sorted(self.begun & self.up):
            users = {s.id for s in self.by_id.values() if service in s.needs}
            if users <= self.ended:
                self.up.discard(service)
                self.later(self.by_id[service].policy.grace_ms, "down", service)

    def launch(self) -> None:
        if self.is_ordered:
            self.ready.sort(key=lambda name: (self.tries[name] == 0, self.place[name]))
        else:
            self.dice.shuffle(self.ready)
        for name in list(self.ready):
            if not all(self.free[r] for r in self.resources(name)):
                continue
            for r in self.resources(name):
                self.free[r] -= 1
            self.ready.remove(name)
            self.running.add(name)
            policy = self.by_id[name].policy
            self.later(policy.timeout_ms + policy.grace_ms, "end", name)

    def note_bytes(self) -> None:
        alive = [*self.running, *(self.begun - self.down)]
        held = sum(2 * self.by_id[name].policy.output.buffer_bytes for name in alive)
        self.most_bytes = max(self.most_bytes, held)

    def later(self, longest_ms: int, what: str, name: str) -> None:
        """Something that takes as long as it may, or less."""
        lasts_ms = self.dice.choice([longest_ms, longest_ms, self.dice.randint(0, longest_ms)])
        heapq.heappush(self.events, (self.now_ms + lasts_ms, self.dice.random(), what, name))

    def land(self, name: str) -> None:
        self.running.discard(name)
        for r in self.resources(name):
            self.free[r] += 1
        self.tries[name] += 1
        retry = self.by_id[name].policy.retry
        if self.tries[name] < retry.attempts and self.dice.random() < 0.9:
            self.later(
                min(retry.backoff_ms[0] * 2 ** (self.tries[name] - 1), retry.backoff_ms[1]),
                "wake",
                name,
            )
        else:
            self.ended.add(name)
