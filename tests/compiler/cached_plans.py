"""Plans in the plan cache of a project, and the files that hold them."""

from pathlib import Path

from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan
from orch.compiler.plan_cache import FOLDER, store_compilation
from orch.compiler.request import Request


def stored(root: Path, request: Request) -> Plan:
    """The plan of `main.pipeline`, compiled and kept."""
    compilation = compile_pipeline(str(root), "main.pipeline", request)
    assert compilation.plan is not None, compilation.diagnostics
    store_compilation(str(root), "main.pipeline", request, compilation)
    return compilation.plan


def entry(root: Path) -> Path:
    """The only entry of the cache."""
    (only,) = (root / FOLDER).glob("*.json")
    return only
