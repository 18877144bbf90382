"""Evaluating: values, names, what stays open until the run, and the bounds."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch.compiler.evaluate import EvaluationError, evaluate, residual
from orch.compiler.late import evaluate_late
from orch.compiler.names import Scope
from orch.compiler.spelling import spell_value
from orch.compiler.values import DurationMs, Late, SizeBytes, Unknown, WrittenFloat
from tests.compiler.written import expression, failure, failures, underlined, value

SCOPE = Scope(
    params={
        "level": "full",
        "tries": 3,
        "words": ("b", "a"),
        "labels": {"tier": "front"},
        "wait": DurationMs(1500),
        "room": SizeBytes(65536),
        "given_later": Unknown(),
        "big": "x" * 500_000,
    },
    lets={"image": "app"},
    matrix={"python": WrittenFloat(3.1, "3.10")},
    pipeline_name="demo",
    secrets={"TOKEN"},
)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("params.level", "full"),
        ("level", "full"),
        ("image", "app"),
        ("lets.image ~ '-' ~ pipeline.name", "app-demo"),
        ("matrix.python", 3.1),
        ("matrix.python ~ ''", "3.10"),
        ("1.50 ~ ''", "1.50"),
        ("params.words", ("b", "a")),
        ("params.words[0] ~ params.words[-1] ~ words.0", "bab"),
        ("params.labels.tier ~ labels['tier']", "frontfront"),
        ("[1, 'a', true]", (1, "a", True)),
        ("{'a': 1 + 1}", {"a": 2}),
        ("2 + 3 * 4 - 1", 13),
        ("7 / 2", 3.5),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("2 ** 10", 1024),
        ("0 ** 0", 1),
        ("(0 - 1) ** 3", -1),
        ("2 ** (0 - 1)", 0.5),
        (" -3 + +4", 1),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", (1, 2)),
        ("params.tries == 3 and level != 'quick'", True),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("'u' in level", True),
        ("'x' not in words", True),
        ("'tier' in labels", True),
        ("'many' if words | length > 1 else 'few'", "many"),
        ("not words", False),
        ("'' or 'fallback'", "fallback"),
        ("1 / 0 if false else 2", 2),
        ("false and 1 / 0", False),
        ("wait * 2", DurationMs(3000)),
        ("2 * wait + wait", DurationMs(4500)),
        ("wait / 2", DurationMs(750)),
        ("wait / wait", 1.0),
        ("room - room", SizeBytes(0)),
        ("wait > wait", False),
        ("wait == wait", True),
        ("1 == 1.0", True),
        ("true == true", True),
        ("params.given_later", Unknown()),
        ("params.given_later ~ 'x' | upper", Unknown()),
        ("'x' if params.given_later else 'y'", Unknown()),
        ("[params.given_later]", Unknown()),
    ],
)
def test_a_value_is_what_it_says(inside: str, expected: Any) -> None:
    found = value(inside, SCOPE)
    assert found == expected
    assert type(found) in {type(expected), WrittenFloat}


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (" params.levle ", [("E0203", "levle")]),
        (" params['levle'] ", [("E0203", "'levle'")]),
        (" lets.level ", [("E0203", "level")]),
        (" nope ~ params.nada ", [("E0203", "nope"), ("E0203", "nada")]),
        (" 1 if true else nope ", [("E0203", "nope")]),
        (" matrix.suite ", [("E0203", "suite")]),
        (" params ", [("E0203", "params")]),
        (" loop ", [("E0203", "loop")]),
        (" env.HOME ", [("E0203", "env")]),
        (" run.status ", [("E0203", "status")]),
        (" TOKEN ", [("E0505", "TOKEN")]),
        (" params.TOKEN ", [("E0505", "TOKEN")]),
        (" secrets.TOKEN ", [("E0505", "TOKEN")]),
        (" secrets.OTHER ", [("E0203", "OTHER")]),
        (" stages.a.values.v ", [("E0507", "stages.a.values.v")]),
        (" run.id ~ stages.a.status ", [("E0507", "run.id"), ("E0507", "stages.a.status")]),
        (" nope + 1 / 0 ", [("E0203", "nope")]),
    ],
)
def test_wrong_names_are_all_reported_at_their_places(
    inside: str, expected: list[tuple[str, str]]
) -> None:
    assert failures(inside, SCOPE) == expected


def test_a_matrix_is_only_there_in_a_matrix_stage() -> None:
    assert failures(" matrix.python ", Scope()) == [("E0203", "python")]


def test_near_misses_and_other_homes_of_a_name_are_suggested() -> None:
    assert failure("params.levle", SCOPE).help == "did you mean `level`?"
    assert failure("lets.level", SCOPE).help == "write `params.level`"
    assert failure("python", SCOPE).help == "write `matrix.python`"


def test_the_status_of_the_run_is_for_finally_stages() -> None:
    scope = Scope(is_finally=True)
    assert value("run.status", scope, may_be_late=True) == Late("run.status")
    assert failures(" run.status ", scope) == [("E0507", "run.status")]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("1 / 0", "division by zero"),
        ("1 // 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ** (0 - 1)", "division by zero"),
        ("words[5]", "there is no item 5 in a list of 2"),
        ("labels.nope", "the map has no key `nope`"),
        ("level.upper", "a string has no `upper`"),
        ("level[0]", "a string has no items"),
        ("words['a']", "a list's items are counted with an int, not a string"),
        ("labels[0]", "a map's keys are strings, not an int"),
        ("1 == '1'", "an int never equals a string"),
        ("true == 1", "a bool never equals an int"),
        ("wait == room", "a duration never equals a size"),
        ("1 < 'a'", "`<` can't compare an int with a string"),
        ("true < false", "`<` can't compare a bool with a bool"),
        ("1 in 'abc'", "a string holds strings, not an int"),
        ("1 in 2", "`in` looks into a list, a string or a map, not an int"),
        ("1 + 'a'", "`+` can't take an int and a string"),
        ("'a' * 3", "`*` can't take a string and an int"),
        ("'%s' % 1", "`%` can't take a string and an int"),
        ("true + 1", "`+` can't take a bool and an int"),
        ("wait + 1", "`+` can't take a duration and an int"),
        ("wait * wait", "`*` can't take a duration and a duration"),
        ("wait - 2 * wait", "a duration or size below zero"),
        ("(0 - 8) ** 0.5", "a negative number has no power with a fraction"),
        ("wait ~ 's'", "a duration has no unit in text"),
        ("words ~ ''", "a list can't stand in text"),
        ("{1: 2}", "a map's keys are strings, not an int"),
        ("level | join", "`join` takes a list, not a string"),
        ("level | replace('a')", "`replace` needs an argument `new`"),
        ("level | lower('a')", "`lower` takes at most 0 arguments"),
        ("level | trim(nope='a')", "`trim` has no argument `nope`"),
        ("level | trim('a', characters='b')", "`trim` is given `characters` twice"),
    ],
)
def test_what_has_no_value_says_why_under_the_whole_template(inside: str, message: str) -> None:
    found = failure(inside, SCOPE)
    assert (found.code, found.message[: len(message)]) == ("E0506", message)
    assert underlined(found, inside) == f"{{{{{inside}}}}}"


@pytest.mark.parametrize(
    "inside",
    [
        "'x' * 10 ** 9",
        "range(0, 10 ** 9)",
        "range(10001)",
        "10 ** 10 ** 9",
        "2 ** 63",
        "9223372036854775807 + 1",
        "1e308 * 10",
        "10.0 ** 400",
        "9 ** 9 ** 9 ** 9",
        "(big ~ big) ~ big",
        "big | replace('x', 'xxxxxxxx')",
        "big | replace('x', big)",
        "big | split('x') | join(big)",
        "[big, big, big]",
        "[[big], [big], {'a': big}]",
        "big | json | json | json | json" + " ~ big" * 3,
        "big | list | join('12345')",
        "big | quote | quote | quote ~ big ~ big",
        "['\\'' ] | join | replace('\\'', big) | replace('x', '\\'') | quote",
        "[" + ", ".join(["range(10000)"] * 150) + "]",
        " ~ ".join(["big | upper | lower | upper | lower | trim | length"] * 150),
        "[" + "big in big," * 150 * 5 + "]",
        "[" + "1," * 10_001 + "]",
    ],
)
def test_every_blow_up_is_stopped_early(inside: str) -> None:
    """Within 10,000 operations and 1 MiB, whatever the expression says, and quickly."""
    read = expression(inside)
    begun = time.process_time()
    with pytest.raises(EvaluationError) as raised:
        evaluate(read, SCOPE)
    assert time.process_time() - begun < 1.5
    assert {found.code for found in raised.value.diagnostics} == {"E0506"}


def test_lets_that_share_parts_cannot_grow_without_end() -> None:
    """Twenty doublings share one list, and are as large as a million."""
    grown: Any = ("item",)
    for _ in range(25):
        grown = (grown, grown)
    assert failure("grown", Scope(lets={"grown": grown})).code == "E0506"


def test_a_result_of_exactly_one_mebibyte_is_allowed() -> None:
    assert len(value("big", Scope(params={"big": "x" * 1024 * 1024}))) == 1024 * 1024
    assert failure("big ~ 'x'", Scope(params={"big": "x" * 1024 * 1024})).code == "E0506"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("stages.build.values.version", "stages.build.values.version"),
        ("stages['my-stage'].status == 'failed'", 'stages["my-stage"].status == "failed"'),
        ("level == 'full' and stages.t.status == 'failed'", 'stages.t.status == "failed"'),
        ("stages.t.exit_code == params.tries", "stages.t.exit_code == 3"),
        ("(1 + stages.b.values.n) * (tries + 1)", "(1 + stages.b.values.n) * 4"),
        ("stages.a.values.v | default('z' ~ tries)", 'stages.a.values.v | default("z3")'),
        ("'x' if stages.a.status == 'failed' else words", None),
        ("stages.a.values.d > wait", "stages.a.values.d > duration(1500)"),
        ("'v' ~ stages.a.values.v ~ matrix.python", '"v" ~ stages.a.values.v ~ 3.10'),
        ("stages.a.values.l | join(level)", 'stages.a.values.l | join("full")'),
        ("run.id", "run.id"),
    ],
)
def test_what_is_known_is_folded_and_the_rest_stays_open(inside: str, text: str | None) -> None:
    found = value(inside, SCOPE, may_be_late=True)
    text = text or '"x" if stages.a.status == "failed" else ["b", "a"]'
    assert found == Late(text)
    assert residual(expression(inside), SCOPE) == text


def test_a_condition_that_is_decided_already_is_known() -> None:
    inside = "level == 'quick' and stages.t.status == 'failed'"
    assert value(inside, SCOPE, may_be_late=True) is False
    assert residual(expression(inside), SCOPE) == "false"


def test_a_missing_argument_makes_a_run_time_value_unknown() -> None:
    inside = "given_later ~ stages.a.status"
    assert value(inside, SCOPE, may_be_late=True) == Unknown()


def test_run_time_references_get_the_plans_names_of_stages() -> None:
    scope = Scope(stage_id=lambda name: f"release.{name}")
    assert value("stages.build.status", scope, may_be_late=True) == Late(
        'stages["release.build"].status'
    )


def test_a_run_time_value_is_never_code() -> None:
    inside = " stages.a.values.v | raw "
    assert failures(inside, may_be_late=True) == [("E0507", "stages.a.values.v")]


def test_scopes_may_evaluate_when_they_are_asked() -> None:
    asked: list[str] = []

    class Lazy(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            asked.append(name)
            return "v"

        def __iter__(self) -> Iterator[str]:
            return iter(["one", "two"])

        def __len__(self) -> int:
            return 2

        def __contains__(self, name: object) -> bool:
            return name in {"one", "two"}

    assert value("params.one", Scope(params=Lazy())) == "v"
    assert asked == ["one"]


def test_globs_come_from_the_scope() -> None:
    scope = Scope(glob=lambda pattern: [f"{pattern}/a", f"{pattern}/b"])
    assert value("glob('x') | join(' ')", scope) == "x/a x/b"
    assert failure("glob('x')", Scope()).code == "E0506"


VALUES = st.recursive(
    st.text() | st.integers(-(2**62), 2**62) | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(DurationMs, st.integers(0, 10**9)) | st.builds(SizeBytes, st.integers(0, 10**9)),
    lambda inner: st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=200, derandomize=True)
@given(VALUES)
def test_a_spelled_value_is_read_back_the_same(found: Any) -> None:
    assert evaluate_late(spell_value(found), {}) == found
