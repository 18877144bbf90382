"""The page of the library says of every name what its docstring says; `make bless` writes it."""

import ast
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import orch

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/reference/library.md"

HEAD = (
    "# The library, name by name\n\n"
    "What `import orch` offers, from the docstrings of the code; [From Python](../python.md) shows "
    "how it is used. Records are frozen: they are read, compared and copied, never changed.\n"
)

Documented = ast.ClassDef | ast.FunctionDef


def definition_of(name: str) -> Documented:
    """The class or function of a name of the library, as it is written."""
    spec = find_spec(orch._HOMES[name])
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, Documented) and node.name == name:
            return node
    raise AssertionError(f"{name} is neither a class nor a function")


def section(name: str) -> str:
    node = definition_of(name)
    said = ast.get_docstring(node)
    assert said, f"{name} has no docstring"
    if isinstance(node, ast.FunctionDef):
        return f"## {name}\n\n```python\n{head(node, 'orch.')}\n```\n\n{said}\n"
    return f"## {name}\n\n{said}\n" + "".join(f"\n{part}\n" for part in parts_of(node))


def head(node: ast.FunctionDef, lead: str) -> str:
    """How a function is called, with one parameter a line where it would be long."""
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    text = f"{lead}{node.name}({arguments}){returns}".replace("=EMPTY", "={}").replace("'", '"')
    return "\n".join(textwrap.wrap(text, 96, subsequent_indent="    ", break_long_words=False))


def parts_of(node: ast.ClassDef) -> Iterator[str]:
    """Fields of a record or members of an enum, then properties and methods."""
    fields = [
        field_text(part, after)
        for part, after in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(part, ast.AnnAssign | ast.Assign) and not is_for_python(part)
    ]
    if fields:
        yield "\n".join(fields)
    for method in node.body:
        # A `Run` is made by `orch.run` alone, and members of an enum by nobody.
        is_maker = isinstance(method, ast.FunctionDef) and method.name == "__init__"
        if isinstance(method, ast.FunctionDef) and (
            not method.name.startswith("_")
            or (is_maker and node.name != "Run" and not is_enum(node))
        ):
            yield f"```python\n{method_head(method, node.name)}\n```"
            if said := ast.get_docstring(method):
                yield said


def is_enum(node: ast.ClassDef) -> bool:
    return any(ast.unparse(kind) == "Enum" for kind in node.bases)


def is_for_python(part: ast.AnnAssign | ast.Assign) -> bool:
    """Whether Python reads a name (`__hash__`), no person."""
    return isinstance(part, ast.Assign) and ast.unparse(part.targets[0]).startswith("__")


def field_text(part: ast.AnnAssign | ast.Assign, after: ast.stmt | None) -> str:
    """One field, with the docstring behind it."""
    text = ast.unparse(part).replace("'", '"').replace(" = EMPTY", "")
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return f"- `{text}`: {' '.join(str(after.value.value).split())}"
    return f"- `{text}`"


def method_head(method: ast.FunctionDef, class_name: str) -> str:
    if any(ast.unparse(each) == "property" for each in method.decorator_list):
        return head(method, ".").replace("()", "", 1)
    return head(method, ".").replace(".__init__", class_name)


def test_the_page_is_what_the_docstrings_say(request: pytest.FixtureRequest) -> None:
    """Every name of `orch.__all__` has its section, in their order."""
    names = [name for name in orch.__all__ if not name.startswith("__")]
    due = "\n".join([HEAD, *map(section, names)])
    if request.config.getoption("update_snapshots"):
        (ROOT / PAGE).write_text(due, encoding="utf-8")
    assert (ROOT / PAGE).read_text(encoding="utf-8") == due
