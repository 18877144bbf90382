"""Single rules of services in the scheduler, each on a plan of a few stages; real ones are started
in tests/runs/test_services.py."""

from typing import Any

import pytest

from orch.compiler.plan import PlannedStage
from orch.runtime.decisions import DeadlinePassed, RetryDue, ServiceIsReady, StageHistory
from orch.runtime.states import StageStatus
from tests.runtime.table import STOPPED, Table, closing, outcome, plan, retry, stage


def service(service_id: str, **fields: Any) -> PlannedStage:
    return stage(service_id, kind="service", stop="TERM", **fields)


def test_a_service_takes_no_slot() -> None:
    """With one slot two services and a stage are at work together."""
    table = Table(plan(service("c"), service("d"), stage("a", "c d")), concurrency=1)
    assert table.launched == ["c", "d"]
    assert table.hand_in(ServiceIsReady("d", 1)).launched == []
    assert table.hand_in(ServiceIsReady("c", 1)).launched == ["a"]


def test_a_service_waits_with_the_first_stage_that_is_due() -> None:
    """Its stage waits for another need: nothing is started meanwhile."""
    table = Table(plan(service("c"), stage("b"), stage("a", "c b")))
    assert table.launched == ["b"]
    assert table.end("b").launched == ["c"]


def test_a_service_is_kept_for_a_stage_that_is_still_to_come() -> None:
    """Between two stages that need it, it is neither stopped nor started again."""
    table = Table(plan(service("c"), stage("a", "c"), stage("b", "a"), stage("d", "c b")))
    table.hand_in(ServiceIsReady("c", 1))
    assert table.end("a").stops == []
    assert table.end("b").launched == ["d"]
    assert table.end("d").stops == [("c", False)]
    assert table.finish is None
    assert table.end("c", STOPPED).finish == ("succeeded", None, 0)


def test_a_service_that_nobody_needs_any_more_may_end_as_it_likes() -> None:
    """Also by a failure of its own, or with its warden."""
    for how in (outcome(1), outcome(None), outcome(None, signal=9, is_stopped=True)):
        table = Table(plan(service("c"), stage("a", "c"))).hand_in(ServiceIsReady("c", 1))
        assert table.end("a").end("c", how).ends["c"] == ("succeeded", None)


def test_a_service_is_never_tried_again() -> None:
    """Whatever the policy of the run says."""
    table = Table(plan(service("c", tries=retry(5)), stage("a", "c"))).end("c", 1)
    assert table.ends["c"] == ("failed", "died: ended with exit code 1 while it was needed")
    assert table.ends["a"] == ("skipped", "needs `c`, which failed")
    assert table.finish == ("failed", "`c` failed", 1)


def test_the_stages_of_a_dead_service_are_told_by_its_name_under_fail_fast_too() -> None:
    """Only those that don't need it are skipped for `fail_fast`."""
    stages = stage("b"), stage("a", "c b"), stage("d", "b"), stage("e", "c")
    table = Table(plan(service("c"), *stages, fail_fast=True)).end("c", 1)
    assert table.ends["a"] == table.ends["e"] == ("skipped", "needs `c`, which failed")
    assert table.ends["d"] == ("skipped", "fail_fast")


def test_a_stage_that_ended_well_in_spite_of_its_dead_service_has_succeeded() -> None:
    """What it did before it could be stopped counts; a failure of its own is not tried again."""
    tries = retry(3)
    table = Table(plan(service("c"), stage("a", "c", tries), stage("b", "c", tries)))
    table.hand_in(ServiceIsReady("c", 1))
    assert table.end("c", 1).stops == [("a", False), ("b", False)]
    assert table.end("a").ends["a"] == ("succeeded", None)
    assert table.end("b", 1).ends["b"] == ("failed", "failure")


def test_a_stage_between_two_tries_fails_with_its_service() -> None:
    """When its retry is due nothing happens any more."""
    table = Table(plan(service("c"), stage("a", "c", retry(3)), stage("z")))
    table.hand_in(ServiceIsReady("c", 1)).end("a", 1).end("c", 1)
    assert table.ends["a"] == ("failed", "service: lost `c`, which it needs")
    assert table.hand_in(RetryDue("a")).launched == []


def test_a_stage_that_waits_is_told_of_its_service_before_the_run_is_closed() -> None:
    """Another stage fails with the service at the same moment, and closes the run."""
    stages = stage("a", "c", retry(3)), stage("b", "a c")
    table = Table(plan(service("c"), *stages, fail_fast=True))
    table.hand_in(ServiceIsReady("c", 1)).end("a", 1).end("c", 1)
    assert table.ends["b"] == ("skipped", "needs `c`, which failed")


@pytest.mark.parametrize(("event", "reason"), [(DeadlinePassed(), "deadline"), (None, "cancelled")])
def test_the_end_of_the_run_stops_services_with_the_stages(event: Any, reason: str) -> None:
    """All at once; `finally` stages wait for both."""
    table = Table(plan(service("c"), stage("a", "c"), closing("f")))
    table.hand_in(ServiceIsReady("c", 1))
    table = table.cancel() if event is None else table.hand_in(event)
    assert table.stops == [("c", False), ("a", False)]
    assert table.end("a", STOPPED).launched == []
    assert table.end("c", STOPPED).launched == ["f"]
    assert table.ends["c"] == table.ends["a"] == ("cancelled", reason)


def test_a_second_request_skips_the_grace_of_services_that_are_being_stopped() -> None:
    """Also of one that was stopped because nobody needed it; that stays a success."""
    table = Table(plan(service("c"), stage("a", "c"), stage("b")))
    table.hand_in(ServiceIsReady("c", 1)).end("a")
    assert table.cancel().stops == [("b", False)]
    assert table.cancel().stops == [("c", True), ("b", True)]
    assert table.end("c", STOPPED).ends["c"] == ("succeeded", None)


def test_a_ready_service_that_is_being_stopped_is_not_heard() -> None:
    """Its last stage has ended meanwhile, so nothing starts."""
    table = Table(plan(service("c"), stage("a", "c"))).cancel()
    assert table.hand_in(ServiceIsReady("c", 1)).last == ()


def test_a_service_that_cannot_say_whether_it_runs_fails_its_stages() -> None:
    """No other service of theirs is started."""
    table = Table(
        plan(service("c"), service("d", when="x"), stage("a", "c d")),
        answers={"x": ValueError("`x` has no value")},
    )
    assert table.launched == []
    assert table.ends["d"][0] == "failed"
    assert table.ends["a"] == ("skipped", "needs `d`, which failed")
    assert table.ends["c"] == ("skipped", "no stage that is to run needs it")


def test_a_resume_starts_a_service_only_for_stages_that_are_left() -> None:
    """One that all have done with stays as it ended."""
    done, left = StageHistory(StageStatus.SUCCEEDED, 1), StageHistory(StageStatus.RUNNING, 1)
    stages = service("c"), service("d"), stage("a", "c"), stage("b", "d")
    table = Table(plan(*stages), history={"a": done, "c": done, "d": done, "b": left})
    assert table.launched == ["d"]
    table.hand_in(ServiceIsReady("d", 1)).end("b").end("d", STOPPED)
    assert "c" not in table.ends
    assert table.finish == ("succeeded", None, 0)
