"""What the scheduler costs, counted in steps of the interpreter and not in time."""

import sys
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from orch.runtime.decisions import AttemptEnded, Launch, RetryDue, WakeLater
from tests.runtime.table import Table, closing, outcome, plan, retry, stage


@pytest.mark.parametrize("shape", ["wide", "chain", "failing"])
def test_the_cost_of_a_run_is_linear_in_its_stages(shape: str) -> None:
    """Twice the stages take about twice the steps, however they are connected and end."""
    assert lines_of_a_run(shape, 600) < 2.3 * lines_of_a_run(shape, 300)


def lines_of_a_run(shape: str, size: int) -> int:
    """Lines of code that a run goes through, where every other stage wants the one slot of a pool.
    In a failing run all first attempts fail, and then all second ones."""
    is_chain, exit_code = shape == "chain", int(shape == "failing")
    stages = [
        stage(
            f"s{i}",
            f"s{i - 1}" if i and is_chain else "",
            retry(2),
            pool="db" if i % 2 else None,
        )
        for i in range(size)
    ]
    table = Table(plan(*stages, closing("f"), fail_fast=True, pools={"db": 1}), concurrency=4)
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        nonlocal lines
        lines += event == "line"
        return count

    outside_trace = sys.gettrace()
    sys.settrace(count)
    try:
        work, waits = deque(table.last), deque[WakeLater]()
        while work or waits:
            if not work:
                work.extend(table.scheduler.step(RetryDue(waits.popleft().stage)))
                continue
            match work.popleft():
                case Launch(launched):
                    work.extend(table.scheduler.step(AttemptEnded(launched.id, outcome(exit_code))))
                case WakeLater() as wait:
                    waits.append(wait)
    finally:
        sys.settrace(outside_trace)
    return lines
