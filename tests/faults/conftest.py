"""A fresh project for each test, as the tests of runs have it."""

from tests.runs.conftest import project

__all__ = ["project"]
