"""A fresh project for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.project import Project
from tests.runs.serving import Serving
from tests.runtime.pool import processes_with, wait_until


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """A fresh one; when the test has ended nothing of its services is alive."""
    made = Serving(tmp_path)
    yield made
    wait_until(lambda: not processes_with(made.token), "nothing is left")
