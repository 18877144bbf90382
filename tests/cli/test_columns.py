"""Columns stand straight where a terminal's encoding spells names and signs out."""

import re
from pathlib import Path

from tests.cli.orch_program import orch

TEXT = """\
pipeline demo { }
policy { fail_fast = false }
stage a { run = "test {{ matrix.l }} = x", matrix { l = ["é", "x", "日本"] } }
stage b { needs = [a], run = "true" }
"""


def columns(lines: list[str], word: str) -> list[int]:
    """Where a column begins or ends in each line that has such a word."""
    return [found.end() for line in lines if (found := re.search(word, line))]


def test_names_that_are_spelled_out_keep_the_columns(tmp_path: Path) -> None:
    """In `status`, `runs` and `plan`."""
    (tmp_path / "a.pipeline").write_text(TEXT, encoding="utf-8")
    for task in ("one", "dé"):
        orch("run", "a.pipeline", "--task", task, cwd=tmp_path)
    orch("run", "a.pipeline", "--only", "a[l=x]", cwd=tmp_path)
    runs = orch("runs", cwd=tmp_path, env={"LC_ALL": "C"}).stdout.splitlines()
    assert len(set(columns(runs, r"^\w+ +"))) == 1
    assert len(set(columns(runs, r"  (?=failed|succeeded)"))) == 1
    plan = orch("plan", "a.pipeline", cwd=tmp_path, env={"LC_ALL": "C"}).stdout.splitlines()
    assert len(columns(plan, "  at most")) == 4
    assert len(set(columns(plan, "  at most"))) == 1
    status = orch("status", runs[1].split()[1], cwd=tmp_path, env={"LC_ALL": "C"})
    stages = status.stdout.splitlines()[5:9]
    assert [line.split()[:2] for line in stages] == [
        ["FAILED", r'a[l="\xe9"]'],
        ["ok", "a[l=x]"],
        ["FAILED", r'a[l="\u65e5\u672c"]'],
        ["skipped", "b"],
    ]
    assert len(set(columns(stages, "^  [A-Za-z]+ +(?=[ab])"))) == 1
    assert len(columns(stages, r"\d+ms")) == 3
    assert len(set(columns(stages, r"\d+ms"))) == 1
