"""The examples that `--help` shows are commands that work, as they are printed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orch.cli.commands import COMMANDS, load_command
from tests.cli.orch_program import orch

PIPELINE = """\
pipeline {name} {{ }}

param level: string = "quick" {{ in = ["quick", "full"] }}

stage build {{ run = "echo {{{{ params.level }}}}" }}

stage test {{ needs = [build], run = "echo tested >&2" }}

stage deploy {{ needs = [test], run = "{run}" }}
"""

DEPLOY = "test -e mended || exit 1"
"""Fails at first, so that there is something to resume."""

SLOW = "until test -e never; do sleep 0.1; done"

PROGRAMS = {
    "orch": f'exec "{sys.executable}" -m orch.cli.main "$@"',
    "jq": "cat",
    "deploy": "true",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with what the examples speak of, under git, and a run of it that failed."""
    root = tmp_path_factory.mktemp("examples") / "project"
    for name in ("pipelines/diagnostics", "x", "site", "build", "slow"):
        path = root / f"{name}.pipeline"
        path.parent.mkdir(parents=True, exist_ok=True)
        run = {"build": DEPLOY, "slow": SLOW}.get(name, "true")
        path.write_text(PIPELINE.format(name=path.stem, run=run), encoding="utf-8")
    (root / "Makefile").write_text("test:\n\t@true\n", encoding="utf-8")
    (root / ".gitignore").write_text(".*\nout\nbin\n", encoding="utf-8")
    (root / ".config/fish/completions").mkdir(parents=True)
    (root / "bin").mkdir()
    for name, line in PROGRAMS.items():
        (root / "bin" / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (root / "bin" / name).chmod(0o755)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "1"),
                  ("commit", "-qm", "2", "--allow-empty")):  # fmt: skip
        subprocess.run(["git", *author, *words], cwd=root, check=True)
    assert orch("run", "build.pipeline", cwd=root).returncode == 1
    return root


def examples_of(name: str) -> tuple[str, ...]:
    found: tuple[str, ...] = load_command(name).examples  # type: ignore[attr-defined] # Ours has.
    return found


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "start"])
def test_the_examples_of_a_command_work(name: str, prepared: Path, tmp_path: Path) -> None:
    """Two at least, each of the command itself; run one after the other where what they speak of
    is there, they exit with 0. A run id is that of a run there is. `start` shows those of `run`."""
    examples = examples_of(name)
    assert len(examples) >= 2
    project = tmp_path / "project"
    shutil.copytree(prepared, project, symlinks=True)
    environment = os.environ | {
        "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
        "HOME": str(project),
        "LC_ALL": "C.UTF-8",
        "TOKEN": "secret",
    }
    if name == "resume":
        (project / "mended").touch()
    for example in examples:
        assert re.match(rf"orch {name} ?", example) or {name, example.split()[1]} == {
            "run",
            "start",
        }
        if name == "cancel":
            orch("run", "slow.pipeline", "--detach", cwd=project)
        command = re.split(r" {2,}", example)[0]
        if "2026-11-22" in command:
            run_id = json.loads(orch("status", "--format", "json", cwd=project).stdout)["run_id"]
            command = re.sub(r"2026-11-22T09(-55)?", run_id, command)
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_help_shows_the_examples(prepared: Path) -> None:
    """Behind the options, as they are; `start` is `run` by another name."""
    assert load_command("start") is load_command("run")
    shown = orch("check", "--help", cwd=prepared).stdout
    assert shown.partition("\nExamples:\n")[2].splitlines() == [
        f"  {example}" for example in examples_of("check")
    ]
