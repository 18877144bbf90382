"""`import orch` costs nothing, and its names are known to people, programs and type checkers."""

import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import orch

ROOT = Path(__file__).parents[2]
FRONT_DOOR = ROOT / "src" / "orch" / "__init__.py"

THE_TEN = {
    "ArtifactStager", "PersistenceCoordinator", "RunManifestWriter", "TaskStateStore",
    "append_command_error", "resolve_environment", "resolve_run_paths", "run_command_stage",
    "sanitize_run_id", "sanitize_task_id",
}  # fmt: skip


def told_to_type_checkers() -> dict[str, str]:
    """The names that the front door imports for them, each with its module."""
    tree = ast.parse(FRONT_DOOR.read_text(encoding="utf-8"))
    return {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("orch.")
        for alias in node.names
    }


def test_import_orch_imports_nothing_else() -> None:
    """Not even `typing`: whoever only asks for the version pays for nothing."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); before = set(sys.modules); "
        "import orch; orch.__version__; print(sorted(set(sys.modules) - before))"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert said == "['orch']\n"


@pytest.mark.parametrize("name", orch.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    """Each is what type checkers are told, and has a docstring."""
    value = getattr(orch, name)
    if name != "__version__":
        assert orch._HOMES[name] == told_to_type_checkers()[name]
        assert inspect.getdoc(value)
        assert value.__module__ == orch._HOMES[name]


@pytest.mark.parametrize("name", orch.__all__)
def test_what_a_name_is_annotated_with_can_be_read(name: str) -> None:
    """By pages and editors that ask at run time; what stands in for a name of `typing` is shown as
    what it stands for."""
    value = getattr(orch, name)
    if name != "__version__":
        assert " object at 0x" not in str(typing.get_type_hints(value))


def test_all_names_are_listed_once_and_the_same_everywhere() -> None:
    """In `__all__`, in the table of modules, for type checkers and in `dir(orch)`."""
    names = set(orch.__all__) - {"__version__"}
    assert set(orch._HOMES) == set(told_to_type_checkers()) == names
    assert names <= set(dir(orch))
    assert names >= THE_TEN
    assert len(orch.__all__) == len(set(orch.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """So that `hasattr` and `from orch import x` work as everywhere."""
    assert not hasattr(orch, "compil")
