"""The plan cache: an unchanged question gets its plan, a changed one or a damaged entry none."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import orch.compiler.plan_cache
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan_cache import (
    FOLDER,
    cached_compilation,
    cached_plan,
    store_compilation,
)
from orch.compiler.request import Request
from tests.compiler.cached_plans import entry, stored

MAIN = """\
pipeline demo { }

param level: string = "quick" { env = "LEVEL" }
param unused: int = 3

use "lib/part.pipeline" as part { }

stage each { run = ["echo", "{{ level }}", {{ glob("data/*.csv") }}] }
"""
REQUEST = Request(environment={"LEVEL": "full", "OTHER": "x"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose plan hangs on two files, a variable and a glob."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "main.pipeline").write_text(MAIN)
    (tmp_path / "lib" / "part.pipeline").write_text('stage run { run = "true" }\n')
    (tmp_path / "data" / "a.csv").touch()
    return tmp_path


def test_an_unchanged_question_gets_its_plan_and_its_lints(root: Path) -> None:
    """What comes back equals what was compiled, lints and sources included."""
    plan = stored(root, REQUEST)
    assert cached_plan(str(root), "main.pipeline", REQUEST) == plan
    again = cached_compilation(str(root), "main.pipeline", REQUEST)
    fresh = compile_pipeline(str(root), "main.pipeline", REQUEST)
    assert again is not None
    assert again.diagnostics == fresh.diagnostics
    assert [d.code for d in again.diagnostics] == ["W0701"]
    assert again.sources == fresh.sources


def change_main(root: Path) -> None:
    (root / "main.pipeline").write_text(MAIN + "\n")


def change_used_file(root: Path) -> None:
    (root / "lib" / "part.pipeline").write_text('stage run { run = "false" }\n')


def remove_used_file(root: Path) -> None:
    (root / "lib" / "part.pipeline").unlink()


def add_to_glob(root: Path) -> None:
    (root / "data" / "b.csv").touch()


def lead_out_of_the_root(root: Path) -> None:
    part = root / "lib" / "part.pipeline"
    outside = root.parent / f"{root.name}-outside.pipeline"
    part.rename(outside)
    part.symlink_to(outside)


def replace_by_a_pipe(root: Path) -> None:
    import os

    (root / "main.pipeline").unlink()
    os.mkfifo(root / "main.pipeline")


@pytest.mark.parametrize(
    "change",
    [
        change_main,
        change_used_file,
        remove_used_file,
        add_to_glob,
        lead_out_of_the_root,
        replace_by_a_pipe,
    ],
)
def test_what_the_plan_hangs_on_is_judged_by_content(
    root: Path, change: Callable[[Path], None]
) -> None:
    """A changed file, a file that left the root, one more match: no plan."""
    stored(root, REQUEST)
    change(root)
    assert cached_plan(str(root), "main.pipeline", REQUEST) is None


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, environment={"LEVEL": "quick"}),
        replace(REQUEST, environment={}),
        replace(REQUEST, arguments={"level": "full"}),
        replace(REQUEST, argument_values={"level": "full"}),
        replace(REQUEST, is_planned=True),
        replace(REQUEST, policy={"timeout": "5m"}),
        replace(REQUEST, project_file=b"[policy]\ntimeout = '5m'\n"),
        replace(REQUEST, demand_arguments=False),
    ],
)
def test_another_request_is_another_question(root: Path, request_: Request) -> None:
    """Arguments, policies and the variables that parameters name are part of the question."""
    stored(root, REQUEST)
    assert cached_plan(str(root), "main.pipeline", request_) is None


def test_a_variable_that_no_parameter_names_is_no_part_of_it(root: Path) -> None:
    """Only what was consulted counts, and line ends and a touched file change nothing."""
    plan = stored(root, REQUEST)
    (root / "main.pipeline").write_bytes(b"\xef\xbb\xbf" + MAIN.replace("\n", "\r\n").encode())
    other = replace(REQUEST, environment={"LEVEL": "full", "OTHER": "y"})
    assert cached_plan(str(root), "main.pipeline", other) == plan


def test_no_argument_stands_in_an_entry_beside_the_plan(root: Path) -> None:
    """Of the environment an entry holds digests only."""
    stored(root, Request(environment={"LEVEL": "quick", "SECRET": "hunter2-hunter2"}))
    assert "hunter2" not in entry(root).read_text()
    assert "LEVEL" in json.loads(entry(root).read_text().splitlines()[1])["variables"]


def test_a_plan_with_errors_is_not_remembered(root: Path) -> None:
    """There is nothing to remember."""
    (root / "main.pipeline").write_text("pipeline demo { }")
    compilation = compile_pipeline(str(root), "main.pipeline", REQUEST)
    store_compilation(str(root), "main.pipeline", REQUEST, compilation)
    assert not (root / FOLDER).exists()


def test_other_code_is_another_question(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that an older state of the compiler made is never given."""
    plan = stored(root, REQUEST)
    monkeypatch.setattr(orch.compiler.plan_cache, "code_stamp", lambda: "other code")
    assert cached_plan(str(root), "main.pipeline", REQUEST) is None
    monkeypatch.undo()
    assert cached_plan(str(root), "main.pipeline", REQUEST) == plan


def test_what_the_check_asks_is_remembered_without_a_plan(root: Path) -> None:
    """Lints alone, also of a library and of a pipeline whose arguments are missing."""
    (root / "main.pipeline").write_text("param needed: int\n")
    request = Request(demand_arguments=False)
    compilation = compile_pipeline(str(root), "main.pipeline", request)
    store_compilation(str(root), "main.pipeline", request, compilation)
    again = cached_compilation(str(root), "main.pipeline", request)
    assert again is not None
    assert again.plan is None
    assert [d.code for d in again.diagnostics] == ["W0701"]
    assert cached_compilation(str(root), "main.pipeline", Request()) is None


def test_a_look_up_imports_no_library(root: Path) -> None:
    """Neither lark, nor Jinja, nor pydantic, nor a pass of the compiler is loaded for a hit."""
    stored(root, Request())
    program = (
        "import sys; from pathlib import Path\n"
        "from orch.compiler.plan_cache import cached_plan\n"
        "from orch.compiler.request import Request\n"
        "assert cached_plan(Path(sys.argv[1]), 'main.pipeline', Request()) is not None\n"
        "heavy = {'lark', 'jinja2', 'pydantic', 'asyncio', 'subprocess', 'filelock', 'logging'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))\n"
        "print([n for n in sys.modules if n in ('orch.compiler.compile', 'orch.dsl.parse')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n[]\n"
