"""What a project is made of, as its files say, and the stages that this suggests.

Nothing is run and nothing is looked up elsewhere: `pyproject.toml`, `package.json`, `Cargo.toml`,
`go.mod`, and the Makefile where none of them is there. Text of these files never becomes part of a
command; only names that are known here do.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orch.compiler.project_files import read_regular_file
from orch.dsl.record import record

_MOST_BYTES = 1 << 20


@record
class Suggestion:
    """A stage for a first pipeline: `run` is a line of shell, `needs` names other suggestions."""

    id: str
    run: str
    needs: tuple[str, ...] = ()
    is_retried: bool = False
    """Whether it uses the network, and so deserves a second attempt."""


@record
class Found:
    """A part of the project: the file that shows it, what it is, and what it suggests.

    `note` says why it suggests less than it might.
    """

    file: str
    kind: str
    stages: tuple[Suggestion, ...]
    note: str | None = None


def look_around(root: str) -> tuple[Found, ...]:
    """What is found in the project's root folder, in a fixed order."""
    top = Path(root)
    found = [each for look in _KINDS if (each := look(top)) is not None]
    makefile = _makefile(top)
    if makefile is not None and not any(each.stages for each in found):
        found.append(makefile)
    elif makefile is not None:
        note = "left aside, because the other files say more"
        found.append(Found(makefile.file, makefile.kind, (), note))
    return tuple(found)


def _python(root: Path) -> Found | None:
    file = "pyproject.toml"
    text = _text(root / file)
    if text is None:
        return None
    table, note = _table(text, tomllib.loads, "TOML")
    run = f"{_python_words(root)} -m"
    stages = []
    if _uses(root, text, "ruff", "ruff.toml", ".ruff.toml"):
        stages.append(Suggestion("lint", f"{run} ruff check"))
    if _uses(root, text, "mypy", "mypy.ini", ".mypy.ini"):
        names_files = {"files", "packages", "modules"} & set(_within(table, "tool", "mypy"))
        stages.append(Suggestion("types", f"{run} mypy" + ("" if names_files else " .")))
    tests = next((name for name in ("tests", "test") if (root / name).is_dir()), None)
    if _uses(root, text, "pytest", "pytest.ini", "conftest.py", "tests/conftest.py"):
        stages.append(Suggestion("test", f"{run} pytest"))
    elif tests is not None:
        stages.append(Suggestion("test", f"{run} unittest discover -s {tests}"))
    if not stages:
        folder = "src" if (root / "src").is_dir() else "."
        stages.append(
            Suggestion("compile", rf"{run} compileall -q -x '/(\.|node_modules)' {folder}")
        )
    return Found(file, "Python", tuple(stages), note)


def _python_words(root: Path) -> str:
    for lock, words in (
        ("uv.lock", "uv run"),
        ("poetry.lock", "poetry run"),
        ("pdm.lock", "pdm run"),
    ):
        if (root / lock).is_file():
            return f"{words} python"
    environment = ".venv/bin/python"
    return environment if (root / environment).exists() else "python3"


def _uses(root: Path, text: str, name: str, *files: str) -> bool:
    """Whether a tool has a table, is required, or has a file of its own."""
    said = rf"(?m)^\[tool\.{name}\b|[\"']{name}(?![\w-])|^{name}\s*="
    return bool(re.search(said, text)) or any((root / file).is_file() for file in files)


_SCRIPTS = ("lint", "typecheck", "type-check", "check", "test", "build")

_MANAGERS = (
    ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
    ("bun.lock", "bun", "bun install --frozen-lockfile"),
    ("bun.lockb", "bun", "bun install --frozen-lockfile"),
    ("package-lock.json", "npm", "npm ci --no-audit --no-fund"),
)
"""Lock files, whose they are, and how what they name is installed."""


def _node(root: Path) -> Found | None:
    file = "package.json"
    text = _text(root / file)
    if text is None:
        return None
    table, note = _table(text, json.loads, "JSON")
    scripts = {n: s for n, s in _within(table, "scripts").items() if isinstance(s, str)}
    # What `npm init` writes, and what fails without a test.
    names = [n for n in _SCRIPTS if n in scripts and "no test specified" not in scripts[n]]
    locks = ((manager, install) for lock, manager, install in _MANAGERS if (root / lock).is_file())
    manager, install = next(locks, _named_manager(table))
    has_packages = any(_within(table, key) for key in ("dependencies", "devDependencies"))
    needs = ("install",) if has_packages else ()
    stages = [Suggestion(name, f"{manager} run {name}", needs) for name in names]
    if has_packages:
        stages.insert(0, Suggestion("install", install, is_retried=True))
    if not names:
        known = ", ".join(_SCRIPTS[:-1])
        note = note or f"it has no script named {known} or {_SCRIPTS[-1]}"
    return Found(file, "JavaScript", tuple(stages), note)


def _named_manager(table: dict[str, Any]) -> tuple[str, str]:
    """The program that `packageManager` names, as in `pnpm@8`, else npm; without a lock file."""
    named = re.match(r"(pnpm|yarn|bun)@", str(table.get("packageManager")))
    if named is None:
        return "npm", "npm install --no-audit --no-fund"
    return named[1], f"{named[1]} install"


def _rust(root: Path) -> Found | None:
    file = "Cargo.toml"
    text = _text(root / file)
    if text is None:
        return None
    table, note = _table(text, tomllib.loads, "TOML")
    more = " --workspace" if "workspace" in table else ""
    more += " --locked" if (root / "Cargo.lock").is_file() else ""
    stages = [
        Suggestion("build", f"cargo build{more}"),
        Suggestion("test", f"cargo test{more}", ("build",)),
    ]
    if any((root / name).is_file() for name in ("rustfmt.toml", ".rustfmt.toml")):
        stages.insert(0, Suggestion("format", "cargo fmt --check"))
    if (root / "clippy.toml").is_file() or _within(table, "lints", "clippy"):
        stages.append(Suggestion("lint", f"cargo clippy{more}", ("build",)))
    return Found(file, "Rust", tuple(stages), note)


def _go(root: Path) -> Found | None:
    if _text(root / "go.mod") is None:
        return None
    stages = (
        Suggestion("build", "go build ./..."),
        Suggestion("vet", "go vet ./...", ("build",)),
        Suggestion("test", "go test ./...", ("build",)),
    )
    return Found("go.mod", "Go", stages)


_KINDS: tuple[Callable[[Path], Found | None], ...] = (_python, _node, _rust, _go)

_TARGETS = ("lint", "check", "build", "test")


def _makefile(root: Path) -> Found | None:
    for file in ("GNUmakefile", "makefile", "Makefile"):
        text = _text(root / file)
        if text is not None:
            return Found(file, "make", tuple(_make_stages(text)))
    return None


def _make_stages(text: str) -> Iterator[Suggestion]:
    """A stage for each target with a name that is known here, else one that makes the first."""
    rules = re.findall(r"^([A-Za-z0-9_. -]+?)\s*::?(?!=)", text, re.MULTILINE)
    known = {target for rule in rules for target in rule.split()}
    names = [name for name in _TARGETS if name in known]
    for name in names:
        # Targets of one Makefile share what they build, so they come one after the other.
        at = names.index(name)
        yield Suggestion(name, f"make {name}", (names[at - 1],) if at else ())
    if not names:
        yield Suggestion("make", "make")


def _text(path: Path) -> str | None:
    """A file as text; None where there is none that can be read."""
    try:
        return read_regular_file(str(path), _MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _table(
    text: str, read: Callable[[str], Any], language: str
) -> tuple[dict[str, Any], str | None]:
    """What a file holds, and a note where it holds something else than it should."""
    try:
        value = read(text)
    except (ValueError, RecursionError):
        return {}, f"it is no {language}, so little is known of it"
    return (value, None) if isinstance(value, dict) else ({}, "it holds no table of names")


def _within(table: dict[str, Any], *path: str) -> dict[str, Any]:
    """A table in a table; empty where there is none."""
    value: Any = table
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
