"""`orch init` on small projects of every kind: what it writes checks clean, and runs."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from orch.cli.surroundings import look_around
from tests.cli.orch_program import orch

MAIN = "pipelines/main.pipeline"
TEST = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self) -> None: ...\n"
PYTHON = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
CRATE = '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n'

PROJECTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {"build": "echo", "test": "echo"}),
    "python": (
        {
            "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n[dependency-groups]\n'
            'dev = ["pytest>=8", "ruff"]\n',
            ".venv/bin/python": PYTHON,
            "tests/test_it.py": "def test_it() -> None: ...\n",
        },
        {
            "lint": ".venv/bin/python -m ruff check",
            "test": ".venv/bin/python -m pytest",
        },
    ),
    "python with unittest": (
        {
            "pyproject.toml": '[project]\nname = "pytest-x"\nversion = "1"\n',
            ".venv/bin/python": PYTHON,
            "tests/test_it.py": TEST,
        },
        {"test": ".venv/bin/python -m unittest discover -s tests"},
    ),
    "python without tests": (
        {"pyproject.toml": "[broken", ".venv/bin/python": PYTHON, "src/x.py": "x = 1\n"},
        {"compile": r".venv/bin/python -m compileall -q -x '/(\.|node_modules)' src"},
    ),
    "npm": (
        {"package.json": '{"scripts": {"test": "node --version", "build": "true", "go": "x"}}'},
        {"test": "npm run test", "build": "npm run build"},
    ),
    "cargo": (
        {"Cargo.toml": CRATE, "src/main.rs": "fn main() {}\n"},
        {"build": "cargo build", "test": "cargo test"},
    ),
    "go": (
        {"go.mod": "module x\n\ngo 1.21\n", "x.go": "package main\n\nfunc main() {}\n"},
        {"build": "go build ./...", "vet": "go vet ./...", "test": "go test ./..."},
    ),
    "make": (
        {"Makefile": "CC := cc\n.PHONY: test build\nbuild deep: ; @true\ntest: build\n\t@true\n"},
        {"build": "make build", "test": "make test"},
    ),
    "make with other words": ({"Makefile": "site:\n\t@true\n"}, {"make": "make"}),
    "two kinds": (
        {
            "pyproject.toml": "[tool.pytest.ini_options]\n",
            ".venv/bin/python": PYTHON,
            "test_it.py": "def test_it() -> None: ...\n",
            "package.json": '{"scripts": {"lint": "true"}}',
            "Makefile": "test:\n\tfalse\n",
        },
        {"python-test": ".venv/bin/python -m pytest", "js-lint": "npm run lint"},
    ),
}


def made(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    return folder


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_first_pipeline_is_clean_canonical_and_runs(kind: str, tmp_path: Path) -> None:
    """Of every kind of project; it is run where its programs are installed."""
    files, runs = PROJECTS[kind]
    made(tmp_path, files)
    # It is the root, whatever stands above it.
    (tmp_path / "pipelines").mkdir()
    done = orch("init", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stages = json.loads(done.stdout)["stages"]
    assert [stage["id"] for stage in stages] == list(runs)
    assert all(stage["run"].startswith(runs[stage["id"]]) for stage in stages), stages
    checked = orch("check", "--strict", MAIN, cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "no problems in 1 file\n")
    assert orch("fmt", "--check", MAIN, cwd=tmp_path).returncode == 0
    programs = {stage["run"].split()[0] for stage in stages}
    if all(shutil.which(name) or (tmp_path / name).exists() for name in programs):
        ran = orch("run", MAIN, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr


def test_what_is_found_is_said_and_what_to_do_next(tmp_path: Path) -> None:
    """The commands that it names work as they are; what git would take for source is named."""
    made(tmp_path, {"Makefile": "test:\n\t@true\n", ".gitignore": "/out\n.orch/\n"})
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    deep = tmp_path / "deep"
    deep.mkdir()
    done = orch("init", cwd=deep)
    assert done.stdout == (
        "found Makefile: make\n"
        "wrote ../pipelines/main.pipeline: test\n"
        "\n"
        "  orch plan ../pipelines/main.pipeline  what would run, and its bounds\n"
        "  orch run ../pipelines/main.pipeline   run it\n"
        "  Left by runs, and for .gitignore: .runs/\n"
    )
    for line in done.stdout.splitlines()[3:5]:
        assert orch(*line.split()[1:3], cwd=deep).returncode == 0


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Exit 2, whatever it is; another name is taken beside it."""
    assert orch("init", cwd=tmp_path).returncode == 0
    (tmp_path / MAIN).write_text("mine\n", encoding="utf-8")
    (tmp_path / "pipelines/link.pipeline").symlink_to("gone")
    for name in ("main", "link"):
        done = orch("init", "--name", name, cwd=tmp_path)
        assert done.returncode == 2
        assert f"`pipelines/{name}.pipeline` is there already" in done.stderr
    assert (tmp_path / MAIN).read_text(encoding="utf-8") == "mine\n"
    assert not (tmp_path / "gone").exists()
    assert orch("init", "--name", "other", "-q", cwd=tmp_path).stdout == ""
    assert "pipeline other {" in (tmp_path / "pipelines/other.pipeline").read_text("utf-8")


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    """stdout is the file alone, which could be piped; what was found goes to stderr."""
    done = orch("init", "--stdout", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("# Begun by `orch init`.")
    assert "the stages are an example" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "a b", "1", "x.pipeline", "é"])
def test_a_name_is_one_of_the_language(name: str, tmp_path: Path) -> None:
    """Nothing else becomes a path."""
    done = orch("init", "--name", name, cwd=tmp_path)
    assert done.returncode == 2
    assert "--name takes letters" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_packages_are_installed_first_by_whoever_locked_them(tmp_path: Path) -> None:
    """Each lock file names its program; what `npm init` calls a test is none."""
    scripts = '"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1", "lint": "x"}'
    for lock, install in (
        ("", "npm install"), ("package-lock.json", "npm ci"), ("yarn.lock", "yarn install"),
        ("pnpm-lock.yaml", "pnpm install"),
    ):  # fmt: skip
        folder = tmp_path / (lock or "none")
        made(folder, {"package.json": f'{{{scripts}, "devDependencies": {{"x": "1"}}}}'})
        if lock:
            (folder / lock).touch()
        [found] = look_around(str(folder))
        first, lint = found.stages
        assert (first.id, lint.id, lint.needs) == ("install", "lint", ("install",))
        assert first.run.startswith(install)


def test_a_module_that_its_python_lacks_is_named(tmp_path: Path) -> None:
    """Of a virtual environment with ruff and without mypy; one that takes more is not judged."""
    venv.create(tmp_path / ".venv")
    [packages] = (tmp_path / ".venv").glob("lib/python3*/site-packages")
    (packages / "ruff").mkdir()
    made(tmp_path, {"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n", "tests/x.py": ""})
    done = orch("init", cwd=tmp_path)
    assert "\nnot installed here: mypy for .venv/bin/python\n" in done.stdout
    settings = tmp_path / ".venv/pyvenv.cfg"
    text = settings.read_text(encoding="utf-8")
    assert "packages = false" in text
    settings.write_text(text.replace("packages = false", "packages = true"), encoding="utf-8")
    assert "not installed" not in orch("init", "--name", "more", cwd=tmp_path).stdout


def test_a_program_for_packages_is_taken_as_named_without_a_lock(tmp_path: Path) -> None:
    """`packageManager` names it; a lock file says more, and a script that is no text is none."""
    package = {
        "packageManager": "pnpm@8.6.0",
        "scripts": {"lint": "x", "test": 5, "build": None},
        "dependencies": {"x": "1"},
    }
    made(tmp_path, {"package.json": json.dumps(package)})
    [found] = look_around(str(tmp_path))
    assert [stage.run for stage in found.stages] == ["pnpm install", "pnpm run lint"]
    (tmp_path / "yarn.lock").touch()
    [found] = look_around(str(tmp_path))
    assert found.stages[1].run == "yarn run lint"
    (tmp_path / "yarn.lock").unlink()
    made(tmp_path, {"package.json": json.dumps({**package, "packageManager": ["rm@1"]})})
    [found] = look_around(str(tmp_path))
    assert found.stages[1].run == "npm run lint"


def test_a_project_of_uv_is_run_by_uv(tmp_path: Path) -> None:
    """The environment is its own; a workspace of cargo is taken whole, by its lock."""
    made(
        tmp_path, {"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n", "uv.lock": "", "Cargo.lock": ""}
    )
    made(tmp_path, {"Cargo.toml": "[workspace]\n[lints.clippy]\nall = 'deny'\n"})
    python, rust = look_around(str(tmp_path))
    assert [stage.run for stage in python.stages] == [
        "uv run python -m ruff check",
        "uv run python -m mypy .",
    ]
    assert [stage.run for stage in rust.stages] == [
        "cargo build --workspace --locked",
        "cargo test --workspace --locked",
        "cargo clippy --workspace --locked",
    ]
