"""Columns stand straight where a terminal's encoding spells names and signs out."""

import fcntl
import os
import re
import struct
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest

from orch.cli.outcome_text import excerpt_lines
from orch.cli.terminal import Terminal
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


@dataclass(frozen=True)
class Wrote:
    """What a failed stage said."""

    reason: str = "exit"
    stdout_excerpt: str = ""
    stderr_excerpt: str = "\u00e9" * 200


@pytest.mark.parametrize("columns", [20, 60])
def test_an_excerpt_is_cut_as_it_is_shown(columns: int) -> None:
    """Spelled out first; two cells are left for what it is indented by."""
    outer, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    terminal = Terminal(inner, is_terminal=True, has_unicode=False, encoding="ascii")
    (line,) = excerpt_lines(Wrote(), terminal, 5)
    assert len(terminal.encode(line)) == columns - 2
    os.close(outer)
    os.close(inner)
