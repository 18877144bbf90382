"""Imports go down only: import-linter holds the borders, and would notice if one were crossed."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# For each contract of pyproject.toml, by name: lines that it forbids, and the files that may not
# hold them.
PLANTED = (
    ("Imports go down only", "runtime/states.py", "import orch.cli"),
    ("Imports go down only", "compiler/plan.py", "import orch.runtime.states"),
    ("Imports go down only", "dsl/source.py", "from orch.compiler import plan"),
    ("Imports go down only", "dsl/source.py", "from orch.cli import main"),
    (
        "The runtime sees the compiler's border modules alone",
        "runtime/states.py",
        "from orch.compiler.compile import compile_pipeline",
    ),
    (
        "The runtime sees the compiler's border modules alone",
        "runtime/states.py",
        "import orch.dsl.source",
    ),
    ("lark stays in the grammar", "dsl/source.py", "import lark"),
    ("lark stays in the grammar", "compiler/plan.py", "from lark import Token"),
    ("Jinja stays in one module", "dsl/source.py", "import jinja2"),
    ("Jinja stays in one module", "compiler/plan.py", "from jinja2.nodes import Node"),
    ("pydantic stays in the schemas", "compiler/plan.py", "import pydantic"),
    ("pydantic stays in the schemas", "runtime/states.py", "from pydantic import TypeAdapter"),
    ("pytest and syrupy are the plugin's alone", "cli/main.py", "import pytest"),
    ("pytest and syrupy are the plugin's alone", "runtime/states.py", "import syrupy"),
    ("RE2 stays in one module", "compiler/parameters.py", "import re2"),
    (
        "pygls speaks in three modules",
        "cli/lsp/project.py",
        "from pygls.workspace import Workspace",
    ),
    ("pygls speaks in three modules", "cli/lsp/positions.py", "from lsprotocol import types"),
    ("filelock guards the state of a task", "runtime/states.py", "import filelock"),
    (
        "The runtime imports no slow module of the standard library: names of ours do for them",
        "runtime/states.py",
        "from typing import Any",
    ),
    (
        "The runtime imports no slow module of the standard library: names of ours do for them",
        "runtime/states.py",
        "import json",
    ),
    (
        "The runtime imports no slow module of the standard library: names of ours do for them",
        "runtime/states.py",
        "from collections.abc import Mapping",
    ),
    (
        "Paths are texts: only the command imports pathlib",
        "compiler/plan_cache.py",
        "from pathlib import Path",
    ),
    (
        "click and Pygments are the command's alone",
        "runtime/states.py",
        "import pygments.token",
    ),
    ("click and Pygments are the command's alone", "compiler/plan.py", "import click"),
)


def copy_of_the_house(folder: Path) -> Path:
    """A copy of the four rooms and the links to them, without what was built."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("dsl", "compiler", "runtime", "cli", "src"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def judged(house: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a copy, which comes before the checkout in the import path."""
    program = "from importlinter.cli import lint_imports_command as judge; judge()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=house, env={**os.environ, "PYTHONPATH": str(house / "src"), "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_faithful_copy_keeps_every_contract(tmp_path: Path) -> None:
    """Without a planted violation nothing is reported, so the reports below mean something."""
    answer = judged(copy_of_the_house(tmp_path))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " 0 broken" in answer.stdout


@pytest.mark.parametrize(("contract", "path", "line"), PLANTED)
def test_a_planted_import_breaks_its_contract(
    contract: str, path: str, line: str, tmp_path: Path
) -> None:
    """One forbidden line, also inside a function, turns the check red and names the contract."""
    house = copy_of_the_house(tmp_path)
    with (house / path).open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef planted() -> None:\n    {line}\n")
    answer = judged(house)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"{contract} BROKEN" in answer.stdout


def test_every_contract_has_a_planted_violation() -> None:
    """A contract that no test breaks might hold nothing."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"] for each in settings["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for contract, _path, _line in PLANTED}


def test_a_room_refuses_its_bare_name() -> None:
    """`import runtime` from the project root names the right way instead of half working."""
    for room in ("dsl", "compiler", "runtime", "cli"):
        answer = subprocess.run(
            [sys.executable, "-c", f"import {room}"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == 1
        assert f"is the room `orch.{room}`: import it by that name" in answer.stderr
