"""What run-time expressions see of stages, and which statuses an expression reads."""

import pytest

from orch.compiler.late import evaluate_late
from orch.runtime.facts import StageFacts, status_is_read
from orch.runtime.states import StageStatus
from tests.runtime.table import stage

ENDS = {"f": "failed", "c": "cancelled", "s": "skipped", "o": "succeeded", "r": "running"}


@pytest.mark.parametrize(
    ("ends", "common"),
    [("ocf", "failed"), ("osc", "cancelled"), ("ss", "skipped"), ("so", "succeeded"), ("or", None)],
)
@pytest.mark.parametrize("form", ["all[n={}]", "all.part{}"])
def test_an_alias_or_matrix_stage_has_the_status_of_all_its_stages(
    ends: str, common: str | None, form: str
) -> None:
    """The rule of language.md section 6; there is none while one of them hasn't ended."""
    ids = [form.format(number) for number in range(len(ends))]
    statuses = [StageStatus(ENDS[end]) for end in ends]
    index = {stage_id: number for number, stage_id in enumerate(ids)}
    facts = StageFacts(tuple(map(stage, ids)), index, statuses)
    if common is None:
        with pytest.raises(KeyError):
            facts["all"]
    else:
        assert facts["all"] == {"status": common}


def test_services_and_last_stages_of_an_alias_do_not_hold_up_its_status() -> None:
    """They end after those that ask for it; where there is nothing else they count."""
    planned = (stage("w.db", kind="service"), stage("w.one"), stage("w.end", kind="finally"))
    only = stage("v.end", kind="finally")
    statuses = [StageStatus.RUNNING, StageStatus.FAILED, StageStatus.WAITING, StageStatus.WAITING]
    index = {"w.db": 0, "w.one": 1, "w.end": 2, "v.end": 3}
    facts = StageFacts((*planned, only), index, statuses)
    assert facts["w"] == {"status": "failed"}
    with pytest.raises(KeyError):
        facts["v"]


def test_only_stages_that_have_ended_are_seen() -> None:
    """Neither one under way nor a name that means none."""
    statuses = [StageStatus.SUCCEEDED, StageStatus.RUNNING]
    facts = StageFacts((stage("a"), stage("b")), {"a": 0, "b": 1}, statuses)
    assert (list(facts), len(facts)) == (["a"], 1)
    assert "b" not in facts
    assert "a.b" not in facts
    statuses[1] = StageStatus.FAILED
    assert facts["b"]["status"] == "failed"


def test_the_evaluator_of_the_compiler_reads_these_facts() -> None:
    """Of a stage, of an alias, and of none: that error is one the scheduler makes a failure of."""
    statuses = [StageStatus.FAILED, StageStatus.SUCCEEDED]
    planned = (stage("a", values={"version": "string"}), stage("web.lint"))
    stages = StageFacts(planned, {"a": 0, "web.lint": 1}, statuses)
    stages.record(0, 7, {"version": "1.2"})
    facts = {"stages": stages, "run": {"id": "r", "status": "running"}}
    text = "stages.a.exit_code == 7 and stages.a.values.version ~ stages.web.status"
    assert evaluate_late(text, facts) == "1.2succeeded"
    with pytest.raises(ValueError, match="has not ended"):
        evaluate_late("stages.b.status", facts)


@pytest.mark.parametrize(
    ("expression", "stage_id"),
    [
        ('stages.a.status == "failed"', "a"),
        ('not (stages.b.status == "x" or stages.a.status == "y")', "a"),
        ('stages["my-stage"].status', "my-stage"),
        ('stages["web.lint"].status', "web.lint"),
        ('stages["t[v=\\"a b\\"]"].status', 't[v="a b"]'),
        ("stages.web.status", "web.lint"),
        ("stages.t.status", "t[v=1]"),
    ],
)
def test_a_read_status_is_found(expression: str, stage_id: str) -> None:
    """In every spelling that a plan has for it."""
    assert status_is_read(expression, stage_id)


@pytest.mark.parametrize(
    ("expression", "stage_id"),
    [
        ("stages.a.values.status", "a"),
        ("stages.a.exit_code == 1", "a"),
        ("stages.ab.status", "a"),
        ("stages.a.status", "ab"),
        ("run.status", "run"),
        ("substages.a.status", "a"),
    ],
)
def test_what_only_looks_like_a_status_is_not(expression: str, stage_id: str) -> None:
    """Another field, another stage, the run's own status."""
    assert not status_is_read(expression, stage_id)
