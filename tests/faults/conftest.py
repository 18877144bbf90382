"""What tests of faults assert in modules that they share is told in full; their cases, and a
fresh project for each."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.faults.faulty_runs", "tests.faults.cases")

from tests.faults.cases import Cases  # noqa: E402  Registered first.
from tests.runs.conftest import project  # noqa: E402  Registered first, too.

__all__ = ["cases", "project"]


@pytest.fixture(scope="session")
def cases() -> Iterator[Cases]:
    """In memory where there is such a place: that files reach a disk is not the question here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Cases(Path(folder))
