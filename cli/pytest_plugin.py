"""The pytest plugin: the fixture `orch`, which compiles pipelines and holds their plans.

pytest imports this module wherever orch is installed (entry point `pytest11`), so it imports
nothing of orch before a test asks for the fixture.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orch.cli.under_test import ProjectUnderTest

ROOT_OPTION = "orch_root"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option `orch_root`."""
    parser.addini(
        ROOT_OPTION,
        "root of the project whose pipelines the fixture `orch` compiles, relative to pytest's "
        "rootdir (default: found from there as the command finds it from its folder)",
        default="",
    )


@pytest.fixture(scope="session")
def orch(pytestconfig: pytest.Config) -> "ProjectUnderTest":
    """Compiles pipelines of this project: `orch.plan(path, **arguments)`, `orch.check(path)`."""
    from orch.cli.project import nearest_root
    from orch.cli.under_test import ProjectUnderTest

    name = str(pytestconfig.getini(ROOT_OPTION))
    here = pytestconfig.rootpath
    return ProjectUnderTest(here / name if name else nearest_root(str(here)))


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Two plans that differ: how; diagnostics where none or others were expected: drawn."""
    import sys

    module = sys.modules.get("orch.cli.under_test")
    return None if module is None or op != "==" else module.explained(left, right)
