"""The graph of stages as numbers: circles, a stable order, and who comes before whom.

Nodes are numbered in definition order; `needs[n]` holds the numbers that node n needs. Everything
here is linear in nodes and edges, and nothing recurses, so long chains are fine.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

Needs = Sequence[Sequence[int]]


def stable_order(needs: Needs, is_last: Sequence[bool]) -> list[int]:
    """The nodes so that each stands after all it needs: always the first in definition order of
    those that may come next, the nodes of `is_last` after all others.

    The graph has no circle, and no node that isn't last needs one that is.
    """
    users: list[list[int]] = [[] for _ in needs]
    missing = [0] * len(needs)
    for node, wanted in enumerate(needs):
        missing[node] = len(wanted)
        for need in wanted:
            users[need].append(node)
    ready = [(is_last[node], node) for node, count in enumerate(missing) if count == 0]
    heapify(ready)
    order: list[int] = []
    while ready:
        _, node = heappop(ready)
        order.append(node)
        for user in users[node]:
            missing[user] -= 1
            if missing[user] == 0:
                heappush(ready, (is_last[user], user))
    return order


def circles(needs: Needs) -> list[list[int]]:
    """One circle, as short as can be found quickly, of each group of nodes that need each other.

    A circle is listed in the direction of needs and begins with its first node in definition
    order. A node that needs only itself is no circle here.
    """
    if all(max(wanted, default=-1) < node for node, wanted in enumerate(needs)):
        return []  # Written in an order that holds already, as most graphs are.
    found = [_circle_within(needs, group) for group in _groups(needs) if len(group) > 1]
    return sorted(found)


def _groups(needs: Needs) -> list[list[int]]:
    """The strongly connected components (Kosaraju and Sharir 1981), without recursion."""
    users: list[list[int]] = [[] for _ in needs]
    for node, wanted in enumerate(needs):
        for need in wanted:
            users[need].append(node)
    finished: list[int] = []
    seen = [False] * len(needs)
    for start in range(len(needs)):
        finished += _reached(needs, start, seen)
    seen = [False] * len(needs)
    groups = (_reached(users, start, seen) for start in reversed(finished))
    return [group for group in groups if group]


def _reached(edges: Needs, start: int, seen: list[bool]) -> list[int]:
    """The nodes reached from `start` that were not seen yet, in the order in which they are left
    for good by a walk into depth."""
    if seen[start]:
        return []
    seen[start] = True
    left: list[int] = []
    trail = [(start, iter(edges[start]))]
    while trail:
        node, further = trail[-1]
        following = next((other for other in further if not seen[other]), None)
        if following is None:
            left.append(node)
            trail.pop()
        else:
            seen[following] = True
            trail.append((following, iter(edges[following])))
    return left


def _circle_within(needs: Needs, group: Sequence[int]) -> list[int]:
    """A shortest circle through the first node of a strongly connected group."""
    members = set(group)
    first = min(group)
    came_from: dict[int, int] = {}
    layer = [first]
    while layer:
        further: list[int] = []
        for node in layer:
            for need in needs[node]:
                if need == first:
                    return _way_back(came_from, first, node)
                if need in members and need not in came_from:
                    came_from[need] = node
                    further.append(need)
        layer = further
    raise AssertionError("a strongly connected group holds a circle through each of its nodes")


def _way_back(came_from: dict[int, int], first: int, last: int) -> list[int]:
    way = [last]
    while way[-1] != first:
        way.append(came_from[way[-1]])
    return way[::-1]


_ANSWERS_KEPT = 256


class Ancestry:
    """Answers whether one node comes before another: whether the other needs it, however far.

    Some answers are remembered, for the stages of a matrix need the same ones.
    """

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._known: dict[tuple[int, ...], frozenset[int]] = {}

    def comes_before(self, earlier: int, later: int) -> bool:
        """Whether `later` needs `earlier`, directly or through others."""
        wanted = self._needs[later]
        if earlier in wanted:
            return True
        key = tuple(wanted)
        if key not in self._known:
            if len(self._known) >= _ANSWERS_KEPT:
                self._known.clear()
            self._known[key] = self._all_before(key)
        return earlier in self._known[key]

    def _all_before(self, wanted: tuple[int, ...]) -> frozenset[int]:
        seen = set(wanted)
        waiting = list(wanted)
        while waiting:
            for need in self._needs[waiting.pop()]:
                if need not in seen:
                    seen.add(need)
                    waiting.append(need)
        return frozenset(seen)
