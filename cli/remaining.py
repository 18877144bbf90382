"""How much longer a run will take, by how long its stages took in the last runs of its task.

It is the longer of two: the stages that are left, shared out over as many as ran at once so far;
and the longest chain of stages that need each other, less what has passed of the one that runs. A
stage without history counts for nothing, and then the answer says `at least`. Whoever knows nothing
says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from statistics import median

from orch.cli.progress import Progress
from orch.compiler.plan import PlannedStage
from orch.runtime.past_durations import past_durations

_MOST_RUNS = 3
_ENOUGH_STAGES = 3000
"""Of so many durations the last runs are read no further: to read more would take a part of a run
that is worth nothing to anybody."""

_EVERY_S = 0.5
"""A guess is made no more often; and earlier runs are read one at a time, so that something is
drawn between two of them."""


class Remaining:
    """What is left of the run in the folder `run`."""

    def __init__(self, run: str) -> None:
        self._unread: Iterator[Mapping[str, int]] = islice(past_durations(run), _MOST_RUNS)
        self._known: list[Mapping[str, int]] = []
        self._said_at = float("-inf")
        self._said = ""
        self._estimate: Estimate | None = None

    def text(self, progress: Progress, now: float) -> str:
        """`about 2m left`, or nothing; `now` is a reading of the progress's clock."""
        if now - self._said_at >= _EVERY_S:
            self._said_at = now
            is_enough = sum(map(len, self._known)) >= _ENOUGH_STAGES
            if not is_enough and (durations := next(self._unread, None)):
                self._known.append(durations)
                self._estimate = None
            self._said = self._guess(progress, now) if self._known else ""
        return self._said

    def _guess(self, progress: Progress, now: float) -> str:
        if self._estimate is None or self._estimate.progress is not progress:
            self._estimate = Estimate(progress, self._known)
        return self._estimate.text(now)


class Estimate:
    """Durations of the stages of a plan, the medians of what is `known`, and the sums of them."""

    def __init__(self, progress: Progress, known: Sequence[Mapping[str, int]]) -> None:
        self.progress = progress
        self._ms: dict[str, float] = {}
        stages = progress.plan.stages
        for stage in stages:
            if stage.skip is not None:
                self._ms[stage.id] = 0.0
            elif taken := [durations[stage.id] for durations in known if stage.id in durations]:
                self._ms[stage.id] = median(taken)
        self._chains = _chains(stages, self._ms)
        self._longest = sorted(self._chains, key=self._chains.__getitem__)
        self._work_ms = sum(self._work_of(stage) for stage in stages)
        self._unknown = len(stages) - len(self._ms)
        self._seen = 0

    def text(self, now: float) -> str:
        """What is left, rounded as a guess may be."""
        self._forget_what_ended()
        running_ms = {
            one.stage.id: max(0, self._ms.get(one.stage.id, 0) - (now - one.since) * 1000)
            for one in self.progress.running.values()
        }
        left_ms = max(self._chain_ms(running_ms), self._shared_ms(running_ms))
        if left_ms == 0:
            return "" if self._unknown else "longer than before"
        return f"{'at least' if self._unknown else 'about'} {rounded_text(left_ms)} left"

    def _forget_what_ended(self) -> None:
        ended = self.progress.ended
        for stage_id in islice(ended, self._seen, None):
            self._work_ms -= self._work_of(self.progress.stages[stage_id])
            self._unknown -= stage_id not in self._ms
        self._seen = len(ended)
        while self._longest and self._longest[-1] in ended:
            self._longest.pop()

    def _chain_ms(self, running_ms: Mapping[str, float]) -> float:
        """The longest chain of stages that need each other."""
        begun = (self.progress.ended, running_ms)
        unbegun = (s for s in reversed(self._longest) if not any(s in known for known in begun))
        waiting = self._chains[first] if (first := next(unbegun, None)) else 0.0
        chains = [
            self._chains[stage_id] - self._ms.get(stage_id, 0) + left_ms
            for stage_id, left_ms in running_ms.items()
        ]
        return max(waiting, *chains, 0.0)

    def _shared_ms(self, running_ms: Mapping[str, float]) -> float:
        """All work that is left, done by as many at once as ever ran so far."""
        stages = self.progress.stages
        passed_ms = sum(self._work_of(stages[s]) - left_ms for s, left_ms in running_ms.items())
        return max(0.0, self._work_ms - passed_ms) / max(1, self.progress.most_running)

    def _work_of(self, stage: PlannedStage) -> float:
        """A service takes no slot from others for longer than the run lasts anyway."""
        return 0.0 if stage.kind == "service" else self._ms.get(stage.id, 0.0)


def rounded_text(left_ms: float) -> str:
    """`5s`, `45s`, `2m`, `2m 30s`, `1h 5m`: rounded up, more coarsely the longer it is."""
    seconds = left_ms / 1000
    step = next((step for limit, step in ((60, 5), (600, 30), (3600, 60)) if seconds <= limit), 300)
    minutes, rest = divmod(int(-(-seconds // step) * step), 60)
    if minutes >= 60:
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h" + (f" {minutes}m" if minutes else "")
    return " ".join(f"{n}{unit}" for n, unit in ((minutes, "m"), (rest, "s")) if n)


def _chains(stages: tuple[PlannedStage, ...], taken_ms: Mapping[str, float]) -> dict[str, float]:
    """For each stage, how long it and the longest chain that needs it take; `finally` stages come
    after everything."""
    after: dict[str, float] = {}
    chains: dict[str, float] = {}
    last = 0.0
    for stage in reversed(stages):
        base = after.get(stage.id, 0.0 if stage.kind == "finally" else last)
        chains[stage.id] = chain = taken_ms.get(stage.id, 0.0) + base
        for need in stage.needs:
            after[need] = max(after.get(need, 0.0), chain)
        if stage.kind == "finally":
            last = max(last, chain)
    return chains
