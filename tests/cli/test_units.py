"""Durations and sizes read well, and a bound is never told smaller than it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.cli.units import duration_text, longest_text
from orch.dsl.literals import read_duration


@pytest.mark.parametrize(
    ("duration_ms", "rounded", "bound"),
    [
        (0, "0ms", "0ms"),
        (999, "999ms", "999ms"),
        (1001, "1.0s", "1.1s"),
        (59_999, "59.9s", "1m"),
        (60_001, "1m", "1m 1s"),
        (7_240_000, "2h", "2h 1m"),
        (86_399_999, "23h 59m", "1d"),
        (90_000_001, "1d 1h", "1d 2h"),
    ],
)
def test_a_duration_is_rounded_down_and_a_bound_up(
    duration_ms: int, rounded: str, bound: str
) -> None:
    """To the smaller of the two units shown."""
    assert (duration_text(duration_ms), longest_text(duration_ms)) == (rounded, bound)


@given(st.integers(0, 10**12))
def test_no_bound_is_told_smaller_than_it_is(duration_ms: int) -> None:
    """Read back as the language reads durations, it is at least as long."""
    text = longest_text(duration_ms).replace(" ", "")
    if "." in text:
        text = f"{round(float(text.removesuffix('s')) * 1000)}ms"
    told = read_duration(text)
    assert isinstance(told, int)
    assert told >= duration_ms
