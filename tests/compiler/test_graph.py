"""Circles, order and ancestry, held against slow and simple answers."""

import random

import pytest

from orch.compiler.graph import Ancestry, circles, stable_order

Graph = list[tuple[int, ...]]


def random_graph(dice: random.Random) -> Graph:
    size = dice.randint(0, 9)
    return [
        tuple(n for n in range(size) if n != node and dice.random() < 0.2) for node in range(size)
    ]


def reach(needs: Graph) -> list[set[int]]:
    """For each node all that it needs, however far."""
    found = [set(wanted) for wanted in needs]
    for _ in needs:
        for node in range(len(needs)):
            for need in list(found[node]):
                found[node] |= found[need]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_one_true_circle_is_given_for_each_knot(seed: int) -> None:
    """Each circle is one, begins with its first node, and every knot has exactly one."""
    dice = random.Random(seed)
    for _ in range(60):
        needs = random_graph(dice)
        far = reach(needs)
        knots = {
            frozenset(o for o in far[n] if n in far[o]) for n in range(len(needs)) if n in far[n]
        }
        found = circles(needs)
        assert len(found) == len(knots)
        for circle in found:
            assert circle[0] == min(circle)
            for one, following in zip(circle, [*circle[1:], circle[0]], strict=True):
                assert following in needs[one]
            assert any(set(circle) <= knot for knot in knots)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_the_first_in_definition_order_that_needs_allow(seed: int) -> None:
    """At each step the first node that may come is taken, those that are last behind all."""
    dice = random.Random(seed)
    for _ in range(60):
        needs = random_graph(dice)
        if circles(needs):
            continue
        last = [not wanted and dice.random() < 0.3 for wanted in needs]
        needs = [tuple(n for n in wanted if not last[n]) for wanted in needs]
        order: list[int] = []
        while len(order) < len(needs):
            free = [
                (last[n], n)
                for n in range(len(needs))
                if n not in order and set(needs[n]) <= set(order)
            ]
            order.append(min(free)[1])
        assert stable_order(needs, last) == order


@pytest.mark.parametrize("seed", range(10))
def test_ancestry_is_reachability(seed: int) -> None:
    """One node comes before another if and only if the other needs it, however far."""
    dice = random.Random(seed)
    for _ in range(40):
        needs = random_graph(dice)
        far = reach(needs)
        ancestry = Ancestry(needs)
        for later in range(len(needs)):
            for earlier in range(len(needs)):
                if earlier != later:
                    assert ancestry.comes_before(earlier, later) == (earlier in far[later])


def test_a_long_chain_is_no_deep_recursion() -> None:
    """A hundred thousand stages in a row, and in one circle."""
    chain: Graph = [(), *((n,) for n in range(99_999))]
    assert circles(chain) == []
    assert stable_order(chain, [False] * 100_000) == list(range(100_000))
    assert Ancestry(chain).comes_before(0, 99_999)
    ring: Graph = [((n + 1) % 100_000,) for n in range(100_000)]
    assert [len(circle) for circle in circles(ring)] == [100_000]
