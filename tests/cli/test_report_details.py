"""What a report says of a single stage, in words."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.made_plans import make_plan, make_stage
from tests.cli.test_report import report_of
from tests.cli.written_runs import completed, ended, ready, started, write_run

TIMES = {"every_ms": 200, "timeout_ms": 30_000}


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"kind": "tcp", "port": 80}, "when port 80 answers, asked every 200ms, for 30.0s at most"),
        (
            {"kind": "exec", "argv": ["/bin/sh", "-eu", "-c", "<b> & up"]},
            "when `<b> & up` succeeds, asked every 200ms, for 30.0s at most",
        ),
        ({"kind": "log", "text": "up\x1b[2J"}, "when it writes `up^[[2J`, for 30.0s at most"),
    ],
)
def test_when_a_service_is_ready_is_said(tmp_path: Path, probe: dict[str, Any], said: str) -> None:
    """As what it is asked, how often, and for how long."""
    plan = make_plan(make_stage("db", kind="service", ready={**probe, **TIMES}), make_stage("a"))
    write_run(
        tmp_path, plan, [(0, ready("a")), (0, started("a")), (9, completed("a")), (9, ended())]
    )
    page = report_of(tmp_path)
    names, values = page.all("dt"), page.all("dd")
    facts = [(name.text, value.text) for name, value in zip(names, values, strict=True)]
    assert ("Ready", said) in facts
