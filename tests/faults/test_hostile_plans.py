"""Saved plans that somebody has doctored, their digests made anew: nothing is written outside.

Hostile ids: `tests/runtime/test_ids.py`; links: `tests/runtime/test_paths.py`, `test_links.py`.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orch.compiler.plan import digest_of
from tests.faults.evidence import assert_spoken_like_people
from tests.runs.project import Answer, Project

OUTSIDE = "../../../../../../outside"

REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "task": lambda plan: plan["pipeline"].update(task=OUTSIDE),
    "name": lambda plan: plan["pipeline"].update(name=OUTSIDE),
    "cwd": lambda plan: plan["stages"][0].update(cwd="../outside"),
    "absolute": lambda plan: plan["stages"][0].update(cwd="/"),
    "kind": lambda plan: plan["stages"][0].update(kind="weird"),
    "timeout": lambda plan: plan["stages"][0]["policy"].update(timeout_ms=-1),
    "nul": lambda plan: plan["stages"][0].update(argv=["a\0b"]),
}
FAILING: dict[str, Callable[[dict[str, Any]], object]] = {
    "id": lambda plan: plan["stages"][0].update(id=OUTSIDE),
    "artifacts": lambda plan: plan["stages"][0].update(artifacts=[f"{OUTSIDE}/file"]),
    "outputs": lambda plan: plan["stages"][0].update(outputs=["/etc/passwd"]),
}


def test_a_doctored_plan_writes_nothing_outside(tmp_path: Path) -> None:
    """What can't be a plan is refused with exit 2; the rest stays in its run's own folders."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("precious")
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.write('stage a { run = "echo out; echo err >&2; test ! -e fail" }')
    saved = project.orch("plan", "demo.pipeline", "--format", "json").json()
    (project.root / "fail").touch()
    doctored = REFUSED | FAILING
    for name, change in doctored.items():
        plan = json.loads(json.dumps(saved))
        change(plan)
        plan["digest"] = digest_of(plan)
        (project.root / f"{name}.json").write_text(json.dumps(plan))
    root = str(project.root)
    lines = [["run", f"{root}/{name}.json", "--root", root] for name in doctored]
    words = [sys.executable, "-m", "tests.faults.zygote", json.dumps(lines)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    for name, fields in zip(doctored, json.loads(done.stdout), strict=True):
        answer = Answer(*fields)
        assert answer.exit_code == (2 if name in REFUSED else 1), (name, answer)
        assert_spoken_like_people(answer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "project"]
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["file"]
    assert (tmp_path / "outside/file").read_text() == "precious"
    assert len(list(project.root.glob(".runs/demo/cli/*/journal.jsonl"))) == len(FAILING)
