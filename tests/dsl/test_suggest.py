"""Near misses are near, deterministic, and absent where nothing is near."""

import pytest

from orch.dsl.suggest import near_miss

KNOWN = ["fetch", "build", "timeout", "retry", "web-lint", "in", "env"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fetsh", "fetch"), ("fecth", "fetch"), ("fetc", "fetch"), ("fetchh", "fetch"),
        ("Fetch", "fetch"), ("web_lint", "web-lint"), ("timeuot", "timeout"), ("tmeout", "timeout"),
        ("evn", "env"), ("fetch", None), ("zzz", None), ("", None), ("x", None), ("publish", None),
        ("f" * 100_000, None),
    ],
)  # fmt: skip
def test_the_nearest_name_is_suggested(name: str, expected: str | None) -> None:
    """A third of the letters may differ; swapped neighbours count once."""
    assert near_miss(name, KNOWN) == expected


def test_equally_near_names_are_taken_by_their_order() -> None:
    """However the known names are listed."""
    assert (
        near_miss("cat", ["rat", "bat", "hat"]) == near_miss("cat", ["hat", "rat", "bat"]) == "bat"
    )
