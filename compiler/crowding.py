"""How many stages of a plan can run at once: chains that cover its graph, slots that they share.

Of two stages of a chain the later one waits for the earlier, so a cover by n chains shows that
never more than n run at once. By Dilworth's theorem the smallest cover has as many chains as the
largest set of stages that can run together; in small graphs it is found, in large ones a greedy
cover stands in for it, which may have more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from orch.compiler.plan import PlannedStage

MOST_STAGES_COVERED_EXACTLY = 400
"""The work grows with the square of the stages, or worse."""


def chain_cover(order: Sequence[PlannedStage]) -> list[list[PlannedStage]]:
    """Chains over stages in topological order, each stage that isn't skipped in one of them.

    A skipped stage holds nothing, and passes on what it waits for. Services are left out: they run
    beside the stages that need them.
    """
    greedy = _greedy_cover(order)
    if len(greedy) == 1 or len(order) > MOST_STAGES_COVERED_EXACTLY:
        return greedy
    smallest = _smallest_cover(order)
    return smallest if len(smallest) < len(greedy) else greedy


def scarce(
    active: Iterable[PlannedStage], pools: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """The slots of each resource that more stages share than it has slots, and the resources of
    each stage, by its id."""
    members: dict[str, list[str]] = {}
    for stage in active:
        if stage.pool is not None:
            members.setdefault(f"pool {stage.pool}", []).append(stage.id)
        if stage.exclusive is not None:
            members.setdefault(f"exclusive {stage.exclusive}", []).append(stage.id)
    slots: dict[str, int] = {}
    users: dict[str, tuple[str, ...]] = {}
    for resource, ids in members.items():
        kind, _, name = resource.partition(" ")
        capacity = pools[name] if kind == "pool" else 1
        if len(ids) > capacity:
            slots[resource] = capacity
            for stage_id in ids:
                users[stage_id] = (*users.get(stage_id, ()), resource)
    return slots, users


def with_slots(
    stages: Iterable[PlannedStage],
    pools: Mapping[str, int],
    limit: int,
    weight: Callable[[PlannedStage], int],
) -> list[PlannedStage]:
    """The heaviest stages, at most `limit` and of each resource no more than it has slots; services
    are left out.

    Taking the largest first is right: one resource of each stage is looked at, and sets that
    respect the capacities of disjoint groups form a matroid.
    """
    stages = [s for s in stages if s.kind != "service" and s.skip is None]
    slots, users = scarce(stages, pools)
    taken: list[PlannedStage] = []
    for stage in sorted(stages, key=weight, reverse=True):
        if len(taken) == limit:
            break
        resource = users[stage.id][0] if stage.id in users else None
        if resource is not None:
            if slots[resource] == 0:
                continue
            slots[resource] -= 1
        taken.append(stage)
    return taken


def _is_counted(stage: PlannedStage) -> bool:
    return stage.skip is None and stage.kind != "service"


def _greedy_cover(order: Sequence[PlannedStage]) -> list[list[PlannedStage]]:
    """Each stage goes on with a chain that ends in one of its needs, where there is one."""
    chain_of_end: dict[str, list[PlannedStage]] = {}
    chains: list[list[PlannedStage]] = []
    for stage in order:
        if stage.kind == "service":
            continue
        end = next((need for need in reversed(stage.needs) if need in chain_of_end), None)
        if end is None:
            chains.append([])
            chain = chains[-1]
        else:
            chain = chain_of_end.pop(end)
        chain_of_end[stage.id] = chain
        if stage.skip is None:
            chain.append(stage)
    return [chain for chain in chains if chain]


def _smallest_cover(order: Sequence[PlannedStage]) -> list[list[PlannedStage]]:
    """As many stages as possible get one that runs just before them on their chain: a largest
    matching, found by augmenting paths. Sets of stages are bits of an integer."""
    counted = [stage for stage in order if _is_counted(stage)]
    number = {stage.id: at for at, stage in enumerate(counted)}
    before: dict[str, int] = {}
    for stage in order:
        bits = 0
        for need in stage.needs:
            bits |= before.get(need, 0) | (1 << number[need] if need in number else 0)
        before[stage.id] = bits
    earlier = [before[stage.id] for stage in counted]
    later_of: dict[int, int] = {}
    earlier_of: dict[int, int] = {}
    for start in range(len(counted)):
        _match(start, earlier, later_of, earlier_of)
    chains: list[list[PlannedStage]] = []
    chain_of: dict[int, list[PlannedStage]] = {}
    for at, stage in enumerate(counted):
        if at not in earlier_of:
            chains.append([])
        chain_of[at] = chain_of[earlier_of[at]] if at in earlier_of else chains[-1]
        chain_of[at].append(stage)
    return chains


def _match(
    start: int, earlier: Sequence[int], later_of: dict[int, int], earlier_of: dict[int, int]
) -> None:
    """Give a stage one that runs before it, moving others to another one where that helps."""
    found_by: dict[int, int] = {}
    untried = (1 << len(earlier)) - 1
    row = [start]
    for later in row:
        while candidates := earlier[later] & untried:
            at = candidates.bit_length() - 1
            untried ^= 1 << at
            found_by[at] = later
            if at in later_of:
                row.append(later_of[at])
                continue
            # A free one: every stage on the way takes the one that it found.
            free: int | None = at
            while free is not None:
                taker = found_by[free]
                given_up = earlier_of.get(taker)
                later_of[free], earlier_of[taker] = taker, free
                free = given_up
            return
