"""Single rules of the scheduler, each on a plan of a few stages (language.md 5 and 8, runtime.md 4,
7 and 9). That they hold together is for tests/properties/test_simulation.py."""

import pytest

from orch.runtime.decisions import (
    DeadlinePassed,
    ExecutorRaised,
    Looked,
    RetryDue,
    StageHistory,
)
from orch.runtime.states import StageStatus
from tests.runtime.table import STOPPED, Table, closing, outcome, plan, retry, stage


class TestStarting:
    def test_stages_start_in_plan_order_as_far_as_concurrency_reaches(self) -> None:
        """Of what may start, the plan's first goes first."""
        table = Table(plan(stage("a"), stage("b"), stage("c")), concurrency=2)
        assert table.launched == ["a", "b"]
        assert table.end("b").launched == ["c"]

    def test_a_stage_starts_when_its_last_need_has_ended(self) -> None:
        """One ended need of two starts nothing."""
        table = Table(plan(stage("a"), stage("b"), stage("c", "a b")))
        assert table.end("b").launched == []
        assert table.end("a").launched == ["c"]

    def test_a_full_pool_lets_later_stages_pass(self) -> None:
        """Who waits for a pool keeps no slot of the run from others."""
        pooled = [stage(name, pool="db") for name in ("a", "b", "c")]
        table = Table(plan(*pooled, stage("d"), pools={"db": 1}), concurrency=2)
        assert table.launched == ["a", "d"]
        assert table.end("d").launched == []
        assert table.end("a").launched == ["b"]
        assert table.end("b").launched == ["c"]

    def test_the_end_of_a_stage_is_told_before_what_depends_on_it_is_launched(self) -> None:
        """So the driver can make it durable in between (runtime.md section 3)."""
        table = Table(plan(stage("a"), stage("b", "a"))).end("a")
        kinds = [getattr(a, "payload", a).__class__.__name__ for a in table.last]
        assert kinds == ["StageCompleted", "StageReady", "StageStarted", "Launch"]

    def test_a_plan_without_stages_succeeds_at_once(self) -> None:
        """There is nothing that could fail, and nothing to wait for."""
        assert Table(plan()).finish == ("succeeded", None, 0)


class TestSkipping:
    def test_a_stage_is_skipped_after_a_failed_need_and_says_which(self) -> None:
        """A skip travels on: who needs a stage skipped for its needs is skipped as well."""
        table = Table(plan(stage("a"), stage("b", "a"), stage("c", "b"))).end("a", 1)
        assert table.ends["b"] == ("skipped", "needs `a`, which failed")
        assert table.ends["c"] == ("skipped", "needs `b`, which was skipped")
        assert table.finish == ("failed", "`a` failed", 1)

    def test_an_allowed_failure_is_recorded_and_lets_everything_go_on(self) -> None:
        """The stage is `failed`; dependents, `fail_fast` and the run take no notice."""
        table = Table(plan(stage("a", allow_failure=True), stage("b", "a"), fail_fast=True))
        assert table.end("a", 3).launched == ["b"]
        assert table.end("b").finish == ("succeeded", None, 0)
        assert table.ends["a"] == ("failed", "failure")

    def test_a_stage_that_is_switched_off_still_stands_between_its_neighbours(self) -> None:
        """Switching a stage off doesn't let what comes after it overtake what comes before it."""
        table = Table(plan(stage("a"), stage("b", "a", skip="when is false"), stage("c", "b")))
        assert table.launched == ["a"]
        assert table.end("a").launched == ["c"]
        assert table.ends["b"] == ("skipped", "when is false")

    def test_a_failure_passes_through_a_stage_that_is_switched_off(self) -> None:
        """Needs are judged before the stage's own condition."""
        table = Table(plan(stage("a"), stage("b", "a", skip="off"), stage("c", "b"))).end("a", 1)
        assert table.ends["c"] == ("skipped", "needs `b`, which was skipped")

    def test_a_chain_of_twenty_thousand_skips_needs_no_deep_stack(self) -> None:
        """Consequences are followed in a loop, not by recursion."""
        stages = [stage("s0")]
        stages += [stage(f"s{i}", f"s{i - 1}") for i in range(1, 20_000)]
        table = Table(plan(*stages)).end("s0", 1)
        assert len(table.ends) == 20_000


class TestConditions:
    def test_a_false_condition_skips_and_dependents_run(self) -> None:
        """A stage that doesn't want to run hinders nobody."""
        table = Table(plan(stage("a", when="x"), stage("b", "a")), answers={"x": False})
        assert table.launched == ["b"]
        assert table.ends["a"] == ("skipped", "when: `x` is false")

    @pytest.mark.parametrize("text", ['stages.a.status == "failed"', 'stages["a"].status != ""'])
    def test_a_condition_on_the_status_of_a_need_decides_over_its_failure(self, text: str) -> None:
        """Both spellings of a stage's name count (language.md section 8)."""
        table = Table(plan(stage("a"), stage("b", "a", when=text)), answers={text: True})
        assert table.end("a", 1).launched == ["b"]

    def test_a_condition_on_a_matrix_stage_decides_over_all_of_it(self) -> None:
        """The name of a matrix stage means each of its stages."""
        text = 'stages.t.status == "failed"'
        stages = [stage("t[v=1]"), stage("t[v=2]"), stage("b", "t[v=1] t[v=2]", when=text)]
        table = Table(plan(*stages), answers={text: True}).end("t[v=1]", 1)
        assert table.end("t[v=2]").launched == ["b"]

    def test_a_condition_on_values_does_not_decide_over_a_failure(self) -> None:
        """Only reading the status takes the decision over; nothing is evaluated here."""
        table = Table(plan(stage("a"), stage("b", "a", when="stages.a.values.x"))).end("a", 1)
        assert table.ends["b"] == ("skipped", "needs `a`, which failed")

    @pytest.mark.parametrize("answer", [ValueError("`x` has no value"), 1, None, "yes"])
    def test_a_condition_without_a_truth_value_fails_its_stage(self, answer: object) -> None:
        """An error or another type is never taken for true or false."""
        table = Table(plan(stage("a", when="x"), stage("b", "a")), answers={"x": answer})
        assert table.ends["a"][0] == "failed"
        assert str(table.ends["a"][1]).startswith("when: `x` ")
        assert table.finish == ("failed", "`a` failed", 1)

    def test_a_condition_is_asked_once_and_before_the_look(self) -> None:
        """A cancel that comes while files are looked at changes nothing of what was decided."""
        table = Table(plan(closing("f", when="x", inputs=("a",))), answers={"x": True}).cancel()
        assert table.hand_in(Looked({"f": None})).launched == ["f"]
        assert [text for text, _ in table.asked] == ["x"]

    def test_expressions_see_what_has_ended_and_the_run(self) -> None:
        """`run.status` is `running` until the `finally` stages, then what the run deserves."""
        stages = [stage("a"), stage("b"), stage("c", "a", when="x"), closing("f", when="y")]
        table = Table(plan(*stages), answers={"x": True, "y": True})
        table.end("a", values={"version": "1.2"}).end("b", 7).end("c")
        version = {"status": "succeeded", "exit_code": 0, "values": {"version": "1.2"}}
        run = {"id": "run-1", "status": "running"}
        assert table.asked[0] == ("x", {"stages": {"a": version}, "run": run})
        assert table.asked[1][1]["stages"]["b"] == {
            "status": "failed",
            "exit_code": 7,
            "values": {},
        }
        assert table.asked[1][1]["run"]["status"] == "failed"


class TestRetries:
    def test_a_failed_attempt_is_tried_again_after_growing_waits(self) -> None:
        """`retry.attempts` counts the first; the figures told are those of the last."""
        table = Table(plan(stage("a", tries=retry(3)))).end("a", 1)
        assert table.waits == [("a", 100)]
        assert table.hand_in(RetryDue("a")).launched == ["a"]
        assert table.end("a", 1).waits == [("a", 200)]
        table.hand_in(RetryDue("a")).end("a", 9)
        assert table.ends["a"] == ("failed", "failure")
        assert table.completed["a"].attempts == 3
        assert table.completed["a"].figures.exit_code == 9

    def test_what_retry_on_does_not_name_fails_at_once(self) -> None:
        """Tries that are left don't matter then."""
        table = Table(plan(stage("a", tries=retry(3, ("timeout", "exit(75)"))))).end("a", 1)
        assert table.ends["a"] == ("failed", "failure")

    def test_a_wait_holds_no_slot_and_a_due_retry_goes_first(self) -> None:
        """Others run meanwhile, and what was begun is ended before more is begun."""
        stages = [stage("a"), stage("b", tries=retry(2)), stage("c"), stage("d")]
        table = Table(plan(*stages), concurrency=1).end("a")
        assert table.end("b", 1).launched == ["c"]
        assert table.hand_in(RetryDue("b")).launched == []
        assert table.end("c").launched == ["b"]

    def test_a_wait_that_is_over_after_the_end_of_its_stage_changes_nothing(self) -> None:
        """The driver need not forget its timers."""
        stages = [stage("a", tries=retry(2)), closing("f")]
        table = Table(plan(*stages)).end("a", 1).cancel()
        assert table.hand_in(RetryDue("a")).last == ()
        assert table.end("f").ends["a"] == ("cancelled", "cancelled")

    def test_a_lost_warden_is_tried_again_like_a_failed_start(self) -> None:
        """`retry.on` has no word for it; `spawn` is the one for orch's own failing."""
        table = Table(plan(stage("a", tries=retry(2, ("spawn",)))))
        assert table.end("a", outcome(None)).waits == [("a", 100)]
        assert table.hand_in(RetryDue("a")).end("a", outcome(None)).ends["a"] == (
            "failed",
            "warden",
        )

    def test_an_executor_that_raised_is_a_failure_that_is_not_tried_again(self) -> None:
        """Exception type and message stand in the reason (runtime.md section 4)."""
        table = Table(plan(stage("a", tries=retry(5)), stage("b", "a")))
        table.hand_in(ExecutorRaised("a", "OSError", "no descriptors left", "errors/a.1.json"))
        assert table.ends["a"] == ("failed", "executor: OSError: no descriptors left")
        assert table.completed["a"].error == "errors/a.1.json"
        assert table.finish == ("failed", "`a` failed", 1)

    def test_a_stop_that_nobody_asked_for_is_a_failure(self) -> None:
        """Only the scheduler's own stop makes a stage `cancelled`."""
        table = Table(plan(stage("a", tries=retry(2)))).end("a", STOPPED)
        assert table.ends["a"] == ("failed", "cancelled")
        assert table.finish == ("failed", "`a` failed", 1)


class TestFailFast:
    def test_what_was_not_started_is_skipped_and_what_runs_finishes(self) -> None:
        """A stage between two attempts is running, and gets its other tries."""
        stages = [stage("a"), stage("b", tries=retry(2)), stage("c"), stage("d", "a")]
        table = Table(plan(*stages, fail_fast=True), concurrency=2).end("a", 1)
        assert table.ends["c"] == table.ends["d"] == ("skipped", "fail_fast")
        assert table.stops == []
        assert table.end("b", 1).waits == [("b", 100)]
        assert table.hand_in(RetryDue("b")).launched == ["b"]
        assert table.end("b").finish == ("failed", "`a` failed", 1)

    def test_the_run_says_what_failed_first_and_how_many_more(self) -> None:
        """In the order in which they failed."""
        table = Table(plan(stage("a"), stage("b"), stage("c"))).end("b", 1).end("c", 1).end("a")
        assert table.finish == ("failed", "`b` and 1 more failed", 1)


class TestFinally:
    def test_they_start_when_all_else_has_ended_whatever_happened(self) -> None:
        """Wherever they stand in the plan."""
        stages = [closing("f"), stage("a"), closing("g"), stage("b")]
        table = Table(plan(*stages, fail_fast=True)).end("a", 1)
        assert table.launched == []
        assert table.end("b").launched == ["f", "g"]

    def test_their_failure_fails_the_run_and_stops_no_other(self) -> None:
        """`fail_fast` doesn't reach them."""
        stages = [stage("a"), closing("f"), closing("g")]
        table = Table(plan(*stages, fail_fast=True), concurrency=1).end("a")
        assert table.end("f", 1).launched == ["g"]
        assert table.end("g").finish == ("failed", "`f` failed", 1)


class TestCancel:
    def test_the_first_request_stops_gently_and_cleans_up(self) -> None:
        """What is not under way is cancelled at once, also between two attempts."""
        stages = [stage("a"), stage("b", tries=retry(2)), stage("c", "a"), closing("f")]
        table = Table(plan(*stages)).end("b", 1).cancel()
        assert table.stops == [("a", False)]
        assert table.ends == {"b": ("cancelled", "cancelled"), "c": ("cancelled", "cancelled")}
        assert table.end("a", STOPPED).launched == ["f"]
        assert table.end("f").finish == ("cancelled", "cancelled", 130)

    @pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143), (None, 143)])
    def test_the_exit_code_names_the_signal(self, signal: int | None, code: int) -> None:
        """Without a signal a request counts as SIGTERM (runtime.md section 7)."""
        table = Table(plan(stage("a"))).cancel(signal).end("a", STOPPED)
        assert table.finish == ("cancelled", "cancelled", code)

    def test_the_second_request_skips_the_grace_and_the_third_ends_the_cleaning_up(self) -> None:
        """Requests beyond those change nothing."""
        table = Table(plan(stage("a"), closing("f"), closing("g")), concurrency=1)
        assert table.cancel().cancel().stops == [("a", True)]
        assert table.cancel().last == ()
        assert table.end("a", STOPPED).launched == ["f"]
        assert table.cancel().stops == [("f", True)]
        assert table.ends["g"] == ("cancelled", "cancelled")
        assert table.end("f", STOPPED).finish == ("cancelled", "cancelled", 130)

    def test_a_first_request_leaves_the_cleaning_up_to_finish(self) -> None:
        """And the run was cancelled all the same, whatever they came to."""
        table = Table(plan(stage("a"), closing("f"))).end("a").cancel(15)
        assert table.stops == []
        assert table.end("f", 1).finish == ("cancelled", "cancelled", 143)

    def test_what_ends_by_itself_meanwhile_counts_as_it_ended(self) -> None:
        """A stage that would have had another try is cancelled, not failed."""
        stages = [stage("a"), stage("b"), stage("c", tries=retry(2))]
        table = Table(plan(*stages)).cancel().end("a").end("b", 1).end("c", 1)
        assert table.ends["a"] == ("succeeded", None)
        assert table.ends["b"] == ("failed", "failure")
        assert table.ends["c"] == ("cancelled", "cancelled")
        assert table.finish == ("cancelled", "cancelled", 130)


class TestDeadline:
    def test_it_ends_the_stages_and_the_run_has_failed(self) -> None:
        """`finally` stages still run; exit 4 (runtime.md section 9)."""
        table = Table(plan(stage("a"), stage("b", "a"), closing("f"))).hand_in(DeadlinePassed())
        assert table.stops == [("a", False)]
        assert table.end("a", STOPPED).launched == ["f"]
        assert table.end("f").finish == ("failed", "deadline", 4)
        assert table.ends["a"] == table.ends["b"] == ("cancelled", "deadline")

    def test_the_first_request_after_it_is_still_gentle(self) -> None:
        """The deadline is not counted as a request, and still names the end."""
        table = Table(plan(stage("a"))).hand_in(DeadlinePassed()).cancel()
        assert table.last == ()
        assert table.cancel().stops == [("a", True)]
        assert table.end("a", STOPPED).finish == ("failed", "deadline", 4)

    def test_a_cancel_before_it_names_the_end(self) -> None:
        """What comes first does."""
        table = Table(plan(stage("a"))).cancel().hand_in(DeadlinePassed())
        assert table.last == ()
        assert table.end("a", STOPPED).finish == ("cancelled", "cancelled", 130)


def past(status: StageStatus, attempts: int = 1) -> StageHistory:
    return StageHistory(status, attempts, 0 if status is StageStatus.SUCCEEDED else 1)


class TestResume:
    def test_what_succeeded_is_kept_and_attempts_are_counted_on(self) -> None:
        """A lost attempt used up its number; the tries start anew."""
        history = {
            "a": past(StageStatus.SUCCEEDED),
            "b": past(StageStatus.RUNNING, 2),
            "c": past(StageStatus.SKIPPED, 0),
            "f": past(StageStatus.SUCCEEDED),
        }
        stages = [stage("a"), stage("b", "a", retry(2)), stage("c", "b"), closing("f")]
        table = Table(plan(*stages), history=history)
        table.end("b", 1).hand_in(RetryDue("b")).end("b").end("c")
        assert table.attempts == [("b", 3), ("b", 4), ("c", 1)]
        assert table.finish == ("succeeded", None, 0)
        assert set(table.ends) == {"b", "c"}

    @pytest.mark.parametrize("status", ["failed", "cancelled", "skipped", "waiting", "ready"])
    def test_what_did_not_succeed_runs_again(self, status: str) -> None:
        """Whatever became of it in the earlier life."""
        table = Table(plan(stage("a")), history={"a": past(StageStatus(status), 4)})
        assert table.attempts == [("a", 5)]

    def test_an_allowed_failure_is_kept(self) -> None:
        """It was accepted, and its dependents may have run."""
        stages = [stage("a", allow_failure=True), stage("b", "a")]
        table = Table(plan(*stages), history={"a": past(StageStatus.FAILED)})
        assert table.launched == ["b"]

    def test_a_succeeded_run_finishes_at_once(self) -> None:
        """Nothing is told of any stage."""
        history = {"a": past(StageStatus.SUCCEEDED), "f": past(StageStatus.SUCCEEDED)}
        table = Table(plan(stage("a"), closing("f")), history=history)
        assert len(table.last) == 1
        assert table.finish == ("succeeded", None, 0)

    def test_a_finally_stage_that_is_owed_runs(self) -> None:
        """Also where nothing else is left to do."""
        table = Table(plan(stage("a"), closing("f")), history={"a": past(StageStatus.SUCCEEDED)})
        assert table.launched == ["f"]

    def test_kept_stages_are_seen_by_expressions(self) -> None:
        """With the values that an earlier life handed on."""
        history = {"a": StageHistory(StageStatus.SUCCEEDED, 1, 0, {"n": 3})}
        stages = [stage("a"), stage("b", "a", when="x")]
        table = Table(plan(*stages), history=history, answers={"x": True})
        assert table.asked[0][1]["stages"]["a"]["values"] == {"n": 3}


class TestSummary:
    def test_a_summary_is_told_of_a_success_only(self) -> None:
        """It never hides a failure; an evaluated one replaces the planned text."""
        stages = [stage(name, summary="all well") for name in ("a", "b", "c")]
        table = Table(plan(*stages)).end("a").end("b", summary="12 well").end("c", 1, summary="?")
        told = {name: event.summary for name, event in table.completed.items()}
        assert told == {"a": "all well", "b": "12 well", "c": None}


def test_an_attempt_that_is_not_under_way_cannot_end() -> None:
    """A driver that says so has a defect, and hears of it."""
    table = Table(plan(stage("a"), stage("b", "a")))
    with pytest.raises(AssertionError, match="no attempt of b"):
        table.end("b")
