"""The difference of two plans: all of it, in the words of a file, and alike changes said once."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from orch.cli.diff_text import draw_diff
from orch.cli.plan_diff import diff_json, diff_of
from orch.compiler.plan import Plan, SecretSource, digest_of, plan_from_json, with_digest
from tests.cli.made_plans import make_plan, make_stage


def rich_plan() -> Plan:
    plan = make_plan(
        make_stage("db", kind="service", ready={"kind": "tcp", "port": 1, "timeout_ms": 5}),
        make_stage(
            "a", "one\ntwo", needs=("db",), env={"A": "x", "WAIT_ms": "y"}, values={"v": "int"}
        ),
        make_stage("m[x=1]", matrix={"x": 1}, needs=("a",), secrets=("S",), inputs=("*.c",)),
        make_stage("m[x=2]", matrix={"x": 2}, needs=("a",), stdin="text", when="true"),
        make_stage("z", kind="finally", title="End", bindings={"ORCH_B1": "run.id"}),
    )
    return with_digest(replace(plan, secrets=(SecretSource("S", "S", None, required=True),)))


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all scalars, and of lists and tables that are empty."""
    items = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list)
        else ()
    )  # fmt: skip
    found = [place for key, item in items for place in places_in(item, (*path, key))]
    return found or [path]


def mutated(value: Any, name: str, dice: random.Random) -> Any:
    """Another value of the same type."""
    if value is None and name in ("deadline_ms", "concurrency"):
        return 7
    if value is None and name == "ready":
        return {"kind": "log", "text": "up"}
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + dice.choice((-1, 1, 100))
    if isinstance(value, str):
        return value + dice.choice("x \n\u202e\\")
    return {None: "something", "[]": ["more"], "{}": {"more": "text"}}[
        None if value is None else json.dumps(value)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_plans_that_differ_have_a_change_and_equal_ones_none(seed: int) -> None:
    """Whatever is changed in a plan is told, drawn and put into JSON, in both directions."""
    dice = random.Random(seed)
    plan = rich_plan()
    text = json.dumps(plan.to_json())
    kept = {("digest",), ("schema",)}
    for place in places_in(json.loads(text)):
        if place in kept or "kind" in place or place[-1:] == ("id",):
            continue
        value = json.loads(text)
        inner = value
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = mutated(inner[place[-1]], str(place[-1]), dice)
        value["digest"] = digest_of(value)
        other = plan_from_json(value)
        for old, new in ((plan, other), (other, plan)):
            diff = diff_of(old, new)
            assert not diff.is_empty, place
            drawn = draw_diff(diff, (old, new))
            assert drawn != "no changes\n"
            assert "\u202e" not in drawn
            assert diff_json(diff, old, new)["is_changed"]
    again = plan_from_json(json.loads(json.dumps(plan.to_json(), sort_keys=True)))
    assert diff_of(plan, again).is_empty


def test_a_hundred_stages_that_change_alike_are_said_once() -> None:
    """Those of a matrix, though each has its own value in its command."""

    def plan(flag: str) -> Plan:
        stages = [
            make_stage(f"t[n={n},os=mac]", f"run {flag} {n} on mac", matrix={"n": n, "os": "mac"})
            for n in range(100)
        ]
        return make_plan(make_stage("same"), *stages)

    diff = diff_of(plan("-q"), plan("-v"))
    (group,) = diff.changed
    assert len(group.ids) == 100
    drawn = draw_diff(diff, (plan("-q"), plan("-v")))
    assert drawn == (
        "100 stages changed\n\nStages\n"
        "  ~ t[n=0,os=mac], t[n=1,os=mac], t[n=2,os=mac] and 97 more\n"
        "      run\n"
        "        - run -q 0 on mac\n"
        "        + run -v 0 on mac\n"
    )


def test_another_order_alone_is_a_change_too() -> None:
    """Its digest differs, so something has to be said."""
    a, b = make_stage("a"), make_stage("b")
    drawn = draw_diff(diff_of(make_plan(a, b), make_plan(b, a)), (make_plan(a, b), make_plan(b, a)))
    assert "listed in another order" in drawn


def test_long_values_and_scripts_fit_the_screen() -> None:
    """Lines are cut, and of a long difference the end is left out and counted."""
    old = make_plan(
        make_stage("a", "\n".join(f"old {n} {'x' * 200}" for n in range(80)), title="t")
    )
    new = make_plan(make_stage("a", "\n".join(f"new {n}" for n in range(80)), title="u" * 300))
    lines = draw_diff(diff_of(old, new), (old, new), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "lines more" in lines[-1]
