"""The published schemas accept what is written; plans from elsewhere are judged in our words."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from orch.compiler.plan import PlanFormatError, digest_of
from orch.runtime.clock import utc_text
from orch.runtime.errors import append_command_error
from orch.runtime.events import PAYLOADS
from orch.runtime.files import json_line
from orch.runtime.heartbeat import Heartbeat
from orch.runtime.owner import OwnerLock
from orch.runtime.persistence import PersistenceCoordinator
from orch.runtime.schemas import plan_problems, schema_names, schema_of, validate_plan
from tests.runtime.samples import (
    LOCK,
    START_MS,
    finished_manifest,
    sample_plan,
    written_run,
)
from tests.runtime.schema_check import problems
from tests.runtime.test_errors import FAILED, STAGE

PLAN = sample_plan("a", "b")


def check(name: str, text: bytes) -> None:
    schema = schema_of(name)
    assert problems(schema, json.loads(text)) == []


def test_every_file_that_a_run_writes_matches_its_schema(tmp_path: Path) -> None:
    """Files as they lie on disk, each event of the journal too."""
    paths, _ = written_run(tmp_path, PLAN)
    OwnerLock.acquire(paths.owner, "0.1.0")
    Heartbeat(
        paths, PLAN.policy.heartbeat, lambda: None, lambda _failure: None, lambda: START_MS
    ).tick(0)
    coordinator = PersistenceCoordinator(paths, LOCK, lambda _report: None)
    coordinator.handle_run_completed(finished_manifest(paths, PLAN))
    error = append_command_error(paths, (0, STAGE), 1, FAILED, utc_text(START_MS))
    check("plan", Path(paths.plan).read_bytes())
    check("manifest", Path(paths.manifest).read_bytes())
    check("state", Path(paths.state).read_bytes())
    check("owner", Path(paths.owner).read_bytes())
    check("heartbeat", Path(paths.heartbeat).read_bytes())
    check("error", (Path(paths.run) / error).read_bytes())
    for line in Path(paths.metrics).read_bytes().splitlines():
        check("metrics", line)
    for line in Path(paths.journal).read_bytes().splitlines():
        check("event", line)


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_refuses_what_is_none_of_its_own(name: str) -> None:
    schema = schema_of(name)
    assert problems(schema, {})
    assert problems(schema, [])
    assert schema["$id"] == f"urn:orch:{name}:1"
    assert json.loads(json_line(schema)) == schema


def test_the_schema_of_events_knows_every_type() -> None:
    kinds = {option["properties"]["type"]["const"] for option in schema_of("event")["oneOf"]}
    assert kinds == set(PAYLOADS)


def test_an_unknown_name_has_no_schema() -> None:
    with pytest.raises(KeyError):
        schema_of("unheard-of")


def plan_json() -> dict[str, Any]:
    return copy.deepcopy(PLAN.to_json())


def test_a_plan_that_orch_wrote_is_taken() -> None:
    assert validate_plan(json.loads(json_line(plan_json()))) == PLAN


def test_a_service_has_nothing_that_a_stage_alone_has() -> None:
    """Bounds and scheduler know a service without limits, results and files (language.md, 5)."""
    value = with_change("stages", 0, "kind", to="service")
    value["stages"][0] |= {"exclusive": "port", "tty": True, "outputs": ["x"]}
    told = [problem for problem in plan_problems(value) if "a service" in problem]
    assert told == [
        "stages[0].exclusive: a service has none",
        "stages[0].outputs: a service has none",
        "stages[0].tty: a service has none",
    ]


def test_a_secret_has_one_source() -> None:
    value = plan_json()
    value["secrets"] = [{"name": "TOKEN", "env": "TOKEN", "required": True}]
    assert plan_problems(value) == ()
    value["secrets"] = [{"name": "TOKEN", "required": True}]
    assert plan_problems(value) == ("secrets[0] has not exactly one of `env` and `file`",)


def with_change(*path: str | int, to: Any) -> dict[str, Any]:
    value: Any = plan_json()
    place = value
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return dict(value)


STAGE_POLICY = ("stages", 1, "policy")

WRONG = [
    (with_change("schema", to="orch.plan/9"), "schema is 'orch.plan/9', not 'orch.plan/1'"),
    (with_change("pipeline", "name", to=3), "pipeline.name is not a text"),
    (with_change("stages", to="x"), "stages is not a list"),
    (with_change("stages", to=[]), "stages is empty"),
    (with_change("stages", 1, to=None), "stages[1] is not an object"),
    (with_change("stages", 1, "id", to="a"), "stages[1].id 'a' stands for two stages"),
    (with_change("stages", 1, "argv", to=[]), "stages[1].argv names no program"),
    (with_change("stages", 1, "argv", to="x"), "stages[1].argv is not a list"),
    (with_change("stages", 1, "argv", to=["a\0"]), "stages[1] holds a NUL"),
    (with_change("stages", 1, "kind", to="job"), "stages[1].kind is not what belongs there"),
    (with_change("stages", 1, "tty", to=1), "stages[1].tty is neither true nor false"),
    (with_change("stages", 1, "needs", to=["b"]), "stages[1].needs[0] 'b' is no stage before"),
    (with_change("stages", 0, "needs", to=["b"]), "stages[0].needs[0] 'b' is no stage before"),
    (with_change("stages", 1, "cwd", to="../x"), "stages[1].cwd leaves the project root"),
    (with_change("stages", 1, "cwd", to="/etc"), "stages[1].cwd leaves the project root"),
    (with_change("stages", 1, "env", to={"A=B": "x"}), "'A=B' is no name of a variable"),
    (with_change("stages", 1, "pool", to="db"), "stages[1].pool 'db' is no pool of the plan"),
    (with_change("stages", 1, "matrix", to=[]), "stages[1].matrix is not an object"),
    (with_change(*STAGE_POLICY, "timeout_ms", to="3"), "policy.timeout_ms is not an integer"),
    (with_change(*STAGE_POLICY, "timeout_ms", to=1.5), "policy.timeout_ms is not an integer"),
    (with_change(*STAGE_POLICY, "timeout_ms", to=True), "policy.timeout_ms is not an integer"),
    (with_change(*STAGE_POLICY, "timeout_ms", to=0), "policy.timeout_ms is not above 0"),
    (with_change(*STAGE_POLICY, "retry", "attempts", to=0), "retry.attempts is not between"),
    (with_change(*STAGE_POLICY, "retry", "on", to=["luck"]), "retry.on[0] 'luck' is no reason"),
    (with_change(*STAGE_POLICY, "retry", "backoff_ms", to=[1]), "retry.backoff_ms"),
    (with_change(*STAGE_POLICY, "retry", "backoff_ms", to=[5, 1]), "backoff_ms does not rise"),
    (with_change("policy", "concurrency", to=0), "policy.concurrency is not between 1 and 1024"),
    (with_change("policy", "lock", "attempts", to=9), "policy.lock waits 3000 ms or more"),
    (with_change("policy", "heartbeat", "stale_ms", to=1), "stale_ms is not twice"),
]


@pytest.mark.parametrize(("value", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_no_plan_may_say_is_named_with_its_place(value: Any, message: str) -> None:
    value["digest"] = digest_of(value)
    with pytest.raises(PlanFormatError) as caught:
        validate_plan(value)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, [], "x", {}, {"schema": "orch.plan/1"}])
def test_what_is_no_plan_at_all_is_refused(value: Any) -> None:
    assert plan_problems(value)
    with pytest.raises(PlanFormatError):
        validate_plan(value)


def test_numbers_and_nestings_past_all_limits_are_refused() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    for value in (float("nan"), float("inf"), deep):
        assert plan_problems(with_change("params", to={"x": value}))


def test_all_that_is_wrong_is_said_at_once() -> None:
    value = with_change("pipeline", "name", to=3)
    value["stages"][1]["cwd"] = 4
    assert len(plan_problems(value)) == 2
    value["stages"] = [{} for _ in range(30)]
    with pytest.raises(PlanFormatError, match=r"and \d+ more$"):
        validate_plan(value)


def test_a_plan_that_was_changed_by_hand_does_not_pass_for_its_digest() -> None:
    with pytest.raises(PlanFormatError, match="digest"):
        validate_plan(with_change("stages", 1, "argv", to=["rm", "-rf", "/"]))


def test_later_versions_may_add_fields_to_a_plan() -> None:
    """The digest covers them, so nobody can take them away."""
    value = plan_json()
    value["later"] = 1
    assert plan_problems(value) == ()
    value["digest"] = digest_of(value)
    assert validate_plan(value).stages == PLAN.stages
