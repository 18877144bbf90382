"""`make fuzz`: what it says of minutes and seeds reaches the random tests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TELL = """
import tests.conftest
from tests.properties.fuzzing import MINUTES, seeds
print(MINUTES, list(seeds(3, 0.5)))
"""


def told(**variables: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", TELL],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_minutes_and_seeds_outlive_the_cleaning_of_the_environment() -> None:
    """Where nothing is said, the first seeds are taken, and no more."""
    assert told(ORCH_FUZZ_MINUTES="2", ORCH_FUZZ_SEED="7") == "2.0 [7]\n"
    assert told(ORCH_FUZZ_MINUTES="0") == "0.0 [0, 1, 2]\n"
