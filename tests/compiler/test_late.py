"""Run-time expressions: what they give from facts, and how they fail."""

import subprocess
import sys
from typing import Any

import pytest

from orch.compiler.late import LateError, combined_status, evaluate_late, is_met, late_text

FACTS = {
    "stages": {
        "build": {"status": "succeeded", "exit_code": 0, "values": {"version": "1.2", "n": 3}},
        "web.lint": {"status": "skipped", "exit_code": None, "values": {}},
        "my-stage": {"status": "failed", "exit_code": 75, "values": {}},
    },
    "run": {"id": "2026-x", "status": "failed"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stages.build.values.version", "1.2"),
        ("stages.build.values.n + 1", 4),
        ('stages["web.lint"].status', "skipped"),
        ('stages["web.lint"].exit_code == 0', False),
        ('stages["my-stage"].status == "failed" and stages["my-stage"].exit_code == 75', True),
        ("run.id", "2026-x"),
        ("run.status", "failed"),
        ('"v" ~ stages.build.values.version', "v1.2"),
        ('stages["web.lint"].values.x | default("none")', "none"),
        ('stages["web.lint"].exit_code | default(7)', 7),
        ('stages.later.status | default("pending")', "pending"),
    ],
)
def test_an_expression_reads_the_facts(text: str, expected: Any) -> None:
    assert evaluate_late(text, FACTS) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('stages["web.lint"].values.x', "handed on no value `x`"),
        ("stages.later.status", "`later` has not ended"),
        ("stages.build.values.n / 0", "division by zero"),
        ("stages.build.values.version + 1", "can't take a string and an int"),
        ("1 +", "can't be read"),
        ("params.x", "unknown name"),
        ("matrix.x", "unknown name"),
        ("nope", "unknown name"),
        ("stages.build.values.version * 10 ** 9", "can't take"),
        ("glob('*')", "can't be used here"),
    ],
)
def test_what_has_no_value_is_an_error_for_people(text: str, message: str) -> None:
    with pytest.raises(LateError, match=message):
        evaluate_late(text, FACTS)


def test_without_a_run_its_status_is_not_known() -> None:
    with pytest.raises(LateError, match="isn't known yet"):
        evaluate_late("run.status", {})


def test_a_binding_is_text_as_it_would_be_in_a_string() -> None:
    facts = {"stages": {"a": {"values": {"yes": True, "n": 1.5, "l": [1], "z": "a\0b"}}}}
    assert late_text("stages.a.values.yes", facts) == "true"
    assert late_text("stages.a.values.n", facts) == "1.5"
    for text in ("stages.a.values.l", "stages.a.values.z"):
        with pytest.raises(LateError, match="can't be given to a command"):
            late_text(text, facts)


def test_nothing_is_never_given_as_empty_text() -> None:
    """A skipped stage has no exit code, and who writes one is told how to say something else."""
    with pytest.raises(LateError, match=r"nothing that could stand in text; .*`\| default\(…\)`"):
        late_text('stages["web.lint"].exit_code', FACTS)
    with pytest.raises(LateError, match="nothing that could stand in text"):
        late_text('"code " ~ stages["web.lint"].exit_code', FACTS)


def test_a_condition_must_be_a_bool() -> None:
    assert is_met('stages.build.status == "succeeded"', FACTS)
    with pytest.raises(LateError, match="must be a bool"):
        is_met("stages.build.status", FACTS)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["succeeded", "failed", "cancelled"], "failed"),
        (["succeeded", "cancelled", "skipped"], "cancelled"),
        (["skipped", "skipped"], "skipped"),
        (["skipped", "succeeded"], "succeeded"),
    ],
)
def test_the_status_of_many_is_the_worst(statuses: list[str], expected: str) -> None:
    assert combined_status(statuses) == expected


def test_importing_it_imports_nothing_heavy() -> None:
    """A run without run-time expressions must not pay for Jinja."""
    program = (
        "import sys, orch.compiler.late; "
        "sys.exit(any(m.split('.')[0] in {'jinja2', 'lark', 'asyncio'} for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
