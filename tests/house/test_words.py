"""The words of the Makefile, README, CI and the main job say the same."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request

ROOT = Path(__file__).parents[2]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def recipe(word: str) -> list[str]:
    """The commands that `make WORD` would run where everything is installed."""
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/.installed", word],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_ci_says_make_check_and_make_test_and_nothing_else() -> None:
    """What is green here is green there."""
    words = [line for line in text(".ci/run").splitlines() if line.startswith("make")]
    assert words == ["make check", "make test"]


def test_readme_names_only_words_that_make_knows() -> None:
    """And the first two are the demonstration and the tests."""
    known = set(re.findall(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[0].split())
    named = re.findall(r"\bmake (\w+)(?= +#|`)", text("README.md"))
    assert named[:2] == ["demo", "test"]
    assert set(named) <= known


def test_the_lint_stage_runs_what_make_check_runs() -> None:
    """Line by line, with the tools of the same folder."""
    compilation = compile_pipeline(str(ROOT), "pipelines/diagnostics.pipeline", Request())
    assert compilation.plan is not None
    (lint,) = (stage for stage in compilation.plan.stages if stage.id == "lint")
    staged = lint.argv[-1].strip().splitlines()
    assert list(map(shlex.split, staged)) == list(map(shlex.split, recipe("check")))


def test_the_demonstration_is_the_main_job() -> None:
    """`make demo` is orch itself on its own pipeline, with no flag that softens it."""
    assert recipe("demo") == [".venv/bin/orch run pipelines/diagnostics.pipeline"]


def test_the_lock_pins_every_dependency_within_its_bounds() -> None:
    """Each declared dependency, of users and developers, has one version, and hashes."""
    project = tomllib.loads(text("pyproject.toml"))
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lock = text("requirements.lock")
    for requirement in map(Requirement, declared):
        pinned = re.findall(rf"^{re.escape(requirement.name)}==(\S+) ", lock, re.MULTILINE)
        assert len(pinned) == 1, requirement.name
        assert requirement.specifier.contains(pinned[0]), requirement.name
        assert {each.operator for each in requirement.specifier} == {">=", "<"}, requirement.name


def test_the_lock_hashes_every_file_and_names_no_index() -> None:
    """So that it installs the same bytes from wherever this machine gets its packages."""
    lock = text("requirements.lock")
    entries = re.split(r"^(?=[a-z0-9].*==)", lock, flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--(extra-)?index-url|--find-links", lock)
