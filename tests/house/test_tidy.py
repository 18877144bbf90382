"""The house is tidy: sizes, banned calls, dead files, pages that tell the truth.

Each rule stands in house.md or docs/adr. Where a rule needs an exception, it is named here with
its reason; an exception that is no longer needed fails too.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("dsl", "compiler", "runtime", "cli")
LINES_A_FILE = 400
LINES_A_FUNCTION = 60

# Files or functions (`file:function`) that may be longer, and why.
LONGER: dict[str, str] = {}

# Calls that no room makes, and why.
BANNED: dict[str, str] = {
    "print": "only faces draw, through cli/writer.py",
    "input": "a run asks nobody",
    "breakpoint": "left over",
    "eval": "text is data",
    "exec": "text is data",
    "os.system": "a shell nobody bounds",
    "os.popen": "a shell nobody bounds",
    "pickle.load": "a pickle from a file is code",
    "pickle.loads": "a pickle from a file is code",
    "tempfile.gettempdir": "a name in a shared folder can be taken by others",
    "datetime.datetime.now": "without a time zone",
    "datetime.datetime.utcnow": "without a time zone",
    "time.sleep": "clocks are arguments",
    "random.random": "randomness is an argument",
    "random.seed": "randomness is an argument",
    "os.chdir": "the working directory belongs to the user",
    "sys.setrecursionlimit": "depth is bounded by the language",
}

# Who makes one all the same, and why.
ALLOWED: dict[tuple[str, str], str] = {
    ("time.sleep", "runtime/processes.py"): "killing looks again until nothing is left",
    ("time.sleep", "runtime/leftovers.py"): "killing looks again until nothing is left",
    ("time.sleep", "runtime/fresh_records.py"): "a moment, while another run writes the file anew",
    ("os.chdir", "runtime/spawn.py"): "a warden's own, who spawns in the folder of its attempt",
    ("os.chdir", "runtime/probe.py"): "a warden's own, who must not keep a folder busy",
    ("os.chdir", "runtime/warden.py"): "a warden's own, who must not keep a folder busy",
}

# Modules that nobody imports because something else starts them.
ENTRIES: dict[str, str] = {
    "cli/library_owner.py": "the process that a run of the library is given",
    "cli/main.py": "the `orch` command of pyproject.toml",
    "cli/pygments_lexer.py": "the lexer of pyproject.toml, which Pygments imports",
    "cli/pytest_plugin.py": "the plugin of pyproject.toml, which pytest imports",
}


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all files that belong to the repository, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return tuple(sorted(path for path in listed if path and (ROOT / path).is_file()))


def modules() -> tuple[str, ...]:
    return tuple(p for p in tracked() if p.endswith(".py") and p.split("/")[0] in ROOMS)


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse(text_of(path), path)


def listing(found: Iterable[str]) -> str:
    """Findings, one a line."""
    return "\n".join(["", *sorted(found)])


def functions(path: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def imported_names(path: str) -> dict[str, str]:
    """What names of a module stand for: `sleep` → `time.sleep`, `dt` → `datetime`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def calls(path: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module with the full name of what is called, as far as it can be told."""
    names = imported_names(path)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            first, *rest = ast.unparse(node.func).split(".")
            yield ".".join([names.get(first, first), *rest]), node


def test_files_and_functions_stay_short() -> None:
    """A file is read in one sitting and a function on one screen."""
    sizes: dict[str, int] = {}
    for path in modules():
        sizes[path] = len(text_of(path).splitlines())
        for function in functions(path):
            name = f"{path}:{function.name}"
            length = (function.end_lineno or 0) - function.lineno + 1
            sizes[name] = max(length, sizes.get(name, 0))
    long = {
        name: size
        for name, size in sizes.items()
        if size > (LINES_A_FUNCTION if ":" in name else LINES_A_FILE)
    }
    found = [f"{name}: {size} lines" for name, size in long.items() if name not in LONGER]
    assert not found, listing(found)
    assert set(LONGER) <= set(long), "an exception that is no longer needed"


def test_rooms_make_no_banned_call() -> None:
    """What would print, block, guess the clock or start an unbounded shell is not called."""
    found = []
    for path in modules():
        for name, node in calls(path):
            if name == "datetime.datetime.now" and (node.args or node.keywords):
                continue
            if name in BANNED and (name, path) not in ALLOWED:
                found.append(f"{path}:{node.lineno}: {name} ({BANNED[name]})")
            if name.startswith("subprocess.") and any(k.arg == "shell" for k in node.keywords):
                found.append(f"{path}:{node.lineno}: shell=… (a shell nobody bounds)")
    assert not found, listing(found)


def test_what_outlives_a_crash_is_called_in_one_place() -> None:
    """The runtime makes, fills, syncs, renames, removes and locks files by `runtime/system.py`
    alone, or tests could not kill it there."""
    steps = {
        "os.fsync", "os.fdatasync", "os.rename", "os.replace", "os.ftruncate", "os.mkdir",
        "os.makedirs", "os.unlink", "os.remove", "os.rmdir", "shutil.rmtree", "fcntl.flock",
        "os.posix_spawn", "os.wait4",
    }  # fmt: skip
    found = [
        f"{path}:{node.lineno}: {name}"
        for path in modules()
        if path.startswith("runtime/") and path != "runtime/system.py"
        for name, node in calls(path)
        if name in steps or re.search(r"\.(mkdir|unlink|rmdir|rename|touch|write_text)$", name)
        if not name.startswith("orch.runtime.system.")
    ]
    assert not found, listing(found)


def test_every_exception_is_still_needed() -> None:
    """A file that may make a banned call makes it."""
    made = {(name, path) for path in modules() for name, _node in calls(path)}
    assert set(ALLOWED) <= made


def test_every_module_says_its_subject() -> None:
    """A module's docstring begins with a sentence; tests, programs and benchmarks too."""
    silent = [
        path
        for path in tracked()
        if path.endswith(".py") and not re.match(r"\S[^\n]*(\n\S[^\n]*)?[.:;]", docstring(path))
    ]
    assert not silent, listing(silent)


def docstring(path: str) -> str:
    return ast.get_docstring(tree_of(path)) or ""


def test_every_test_is_a_claim() -> None:
    """Its name says it in three words or more, or its docstring does."""
    silent = [
        f"{path}:{function.lineno}: {function.name}"
        for path in tracked()
        if path.startswith("tests/") and path.endswith(".py")
        for function in functions(path)
        if function.name.startswith("test_")
        if function.name.count("_") < 3 and not ast.get_docstring(function)
    ]
    assert not silent, listing(silent)


def test_tests_live_in_tests() -> None:
    """No room holds a test, and every Python file of tests/ holds tests or serves them."""
    misplaced = [
        path
        for path in tracked()
        if not path.startswith("tests/") and re.search(r"(^|/)(test_[^/]*|conftest)\.py$", path)
    ]
    assert not misplaced, listing(misplaced)


def test_no_module_is_dead() -> None:
    """Every module of a room is imported by another, or is one of the named entries."""
    used: set[str] = set()
    for path in tracked():
        if not path.endswith(".py"):
            continue
        for node in ast.walk(tree_of(path)):
            wanted: list[str] = []
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                wanted = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # The command's table names the modules that it imports when they are asked for.
                wanted = [node.value, *([f"orch.cli.{node.value}"] * (path == "cli/commands.py"))]
            if not path.startswith("tests/"):
                used.update(each for each in wanted if each != module_name(path))
    dead = [
        path
        for path in modules()
        if not path.endswith("__init__.py")
        and path not in ENTRIES
        and module_name(path) not in used
    ]
    assert not dead, listing(dead)
    assert set(ENTRIES) <= set(modules())


def module_name(path: str) -> str:
    return "orch." + path.removesuffix(".py").replace("/", ".")


def test_no_word_is_left_for_later() -> None:
    """What is left to do stands in an issue, not in the code."""
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    mine = str(Path(__file__).relative_to(ROOT))
    found = [
        f"{path}:{number}"
        for path in tracked()
        if path != mine and path.endswith((".py", ".md", ".toml", ".lark", ".pipeline", "Makefile"))
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if word.search(line)
    ]
    assert not found, listing(found)


def test_every_ignored_rule_has_a_reason() -> None:
    """`noqa` and `type: ignore` name their rule, and words beside or above them say why."""
    found = []
    for path in tracked():
        if not path.endswith(".py"):
            continue
        lines = text_of(path).splitlines()
        for token in tokenize.generate_tokens(io.StringIO(text_of(path)).readline):
            mark = re.search(r"(noqa|type: ignore)\b(.*)", token.string)
            if token.type != tokenize.COMMENT or mark is None:
                continue
            is_named = re.match(r": [A-Z]+[0-9]+|\[[a-z-]+", mark[2])
            is_reasoned = re.search(r"[a-z]{2,} [a-z]+", mark[2])
            above = lines[token.start[0] - 2].strip()
            if not (is_named and (is_reasoned or above.startswith("#"))):
                found.append(f"{path}:{token.start[0]}: {token.string}")
    assert not found, listing(found)


def test_nothing_names_a_place_of_one_machine() -> None:
    """No path of somebody's home or work folder, and no address of a package index."""
    place = re.compile(r"/(home|Users|root|work)/\w|[a-z]:\\\\Users|pypi\.org|pythonhosted")
    mine = str(Path(__file__).relative_to(ROOT))
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path != mine and not path.endswith((".svg", ".png", ".ambr"))
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if place.search(line)
    ]
    assert not found, listing(found)


def test_the_architecture_page_and_the_rooms_agree() -> None:
    """Every module named in docs/architecture.md exists, and every module is named there."""
    page = text_of("docs/architecture.md")
    named = set(re.findall(r"`((?:dsl|compiler|runtime|cli)/[\w/]+\.(?:py|lark))`", page))
    existing = {
        path
        for path in tracked()
        if path.split("/")[0] in ROOMS and path.endswith((".py", ".lark"))
        if not path.endswith("__init__.py")
    }
    assert named <= existing, listing(named - existing)
    assert existing <= named, listing(existing - named)


def pages() -> list[str]:
    return [path for path in tracked() if path.endswith(".md")]


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page names a file of the repository."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    broken = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target)
        and not ((ROOT / page).parent / target.split("#")[0]).exists()
    ]
    assert not broken, listing(broken)


def test_each_decision_has_context_decision_and_consequence() -> None:
    """An ADR is one page of one shape, numbered without gaps."""
    records = [path for path in tracked() if re.match(r"docs/adr/.+\.md$", path)]
    numbers = [int(Path(path).name[:4]) for path in records]
    assert numbers == list(range(1, len(records) + 1))
    for path in records:
        headings = re.findall(r"^## (.+)$", text_of(path), flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequence"], path
        assert text_of(path).startswith(f"# {int(Path(path).name[:4])}. "), path
        assert len(text_of(path).splitlines()) <= 60, f"{path} is longer than a page"


def test_every_promise_names_a_test_that_exists() -> None:
    """docs/promises.md: each numbered promise names the test that would break."""
    page = text_of("docs/promises.md")
    promises = re.findall(
        r"^\*\*P(\d+)\.\*\*(.*?)(?=^\*\*P|^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    assert [int(number) for number, _text in promises] == list(range(1, len(promises) + 1))
    for number, text in promises:
        tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
        assert tests, f"P{number} names no test"
        for path, name in tests:
            assert path in tracked(), f"P{number} names {path}"
            assert not name or f"def {name}(" in text_of(path), f"P{number} names {path}::{name}"
