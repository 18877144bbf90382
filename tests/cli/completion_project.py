"""A project to complete command lines in, and what becomes of them in every shell."""

import os
import stat
import sys
from pathlib import Path

from tests.cli.orch_program import orch

MAIN = """\
pipeline main { title = "Something to complete" }
param level: string = "quick" { in = ["quick", "full"], help = "How much" }
param clean: bool = false
param source: path = "src"
stage build { title = "Build it" run = "true" }
stage test { matrix { python = ["3.11", "3.12"] } needs = [build] run = "true" }
stage lint { run = "test {{ params.level }} = quick -o {{ params.clean }} = {{ params.source }}" }
"""

# A line typed up to the cursor, and the line that Tab makes of it.
TYPED = {
    "orch ru": "orch run",  # `run` and `runs` have that much in common.
    "orch com": "orch completion ",
    "orch check pipel": "orch check pipelines/",
    "orch check pipelines/ma": "orch check pipelines/main.pipeline ",
    "orch start ma": "orch start main ",
    "orch run main --jun": "orch run main --junit ",
    "orch run main --format js": "orch run main --format json",
    "orch run main --format=te": "orch run main --format=text ",
    "orch run main -p lev": "orch run main -p level=",
    "orch run main -p level=f": "orch run main -p level=full ",
    "orch run main --param clean=t": "orch run main --param clean=true ",
    "orch run main -p source=pi": "orch run main -p source=pipelines/",
    "orch run main --only bui": "orch run main --only build ",
    "orch run main --policy retry.att": "orch run main --policy retry.attempts=",
    "orch plan --root pipel": "orch plan --root pipelines/",
    "orch logs la": "orch logs last ",
    "orch logs last bui": "orch logs last build ",
    "orch status --task ma": "orch status --task main ",
    "orch explain E060": "orch explain E060",
    "orch explain W0706": "orch explain W0706 ",
    "orch schema man": "orch schema manifest ",
}


def completion_project(folder: Path) -> tuple[Path, dict[str, str]]:
    """A project with a run, and an environment whose PATH has `orch`."""
    project, programs = folder / "project", folder / "bin"
    (project / "pipelines").mkdir(parents=True)
    (project / "pipelines" / "main.pipeline").write_text(MAIN, encoding="utf-8")
    assert orch("run", "main", cwd=project).returncode == 0
    programs.mkdir()
    program = programs / "orch"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orch.cli.main "$@"\n', "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}
    return project, environment
