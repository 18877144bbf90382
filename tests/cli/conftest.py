"""Projects for the tests of the command."""

from pathlib import Path

import pytest

from tests.cli.orch_program import write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project root with `pipelines/demo`, `failing` and `broken`."""
    return write_project(tmp_path / "project")
