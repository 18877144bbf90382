"""Numbers, durations, sizes and bools: their values, and what is said of malformed ones."""

import pytest

from orch.dsl.literals import read_boolean, read_duration, read_float, read_integer, read_size
from orch.dsl.tree import Boolean, Duration, Float, Integer, Range, Size
from tests.dsl.reading import helps, problems, value_of

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42), ("1_000", 1000), ("-3", -3), ("0", 0), ("1_0_0", 100),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775807", 1 - 2**63),
        ("9223372036854775808", None), ("1__0", None), ("1_", None), ("_1", None), ("01", None),
        ("", None), ("1.0", None), ("+1", None), (" 1", None), ("1\n", None), ("٣", None),
        ("9" * 100_000, None),
    ],
)  # fmt: skip
def test_integers_have_64_bits_and_separators_between_digits(text: str, value: int | None) -> None:
    """Whatever the length of the text, nothing is raised."""
    assert read_integer(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", 0.25), ("-1.5", -1.5), ("1_000.5", 1000.5), ("3", 3.0), ("0.0", 0.0),
        (".5", None), ("1.", None), ("1e5", None), ("inf", None), ("nan", None), ("1.2.3", None),
        ("9" * 400 + ".0", None), ("0." + "3" * 10_000, 1 / 3),
    ],
)  # fmt: skip
def test_floats_are_finite_and_take_integers(text: str, value: float | None) -> None:
    """An integer is accepted where a float is due."""
    assert read_float(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", DAY_MS),
        ("1h30m", 5_400_000), ("1d2h3m4s5ms", DAY_MS + 7_384_005), ("0s", 0), ("1_000ms", 1000),
        ("90m", 5_400_000), ("9007199254740992ms", 2**53), ("9007199254740993ms", None),
        ("999999999999d", None), ("30m1h", None), ("1h1h", None), ("1h30", None), ("5min", None),
        ("1.5h", None), ("-5s", None), ("", None), ("s", None), ("1S", None), ("05m", None),
        ("9" * 100_000 + "s", None),
    ],
)  # fmt: skip
def test_durations_are_exact_milliseconds_with_falling_units(text: str, value: int | None) -> None:
    """Each unit stands once, and the sum stays exact in every reader of a plan."""
    assert read_duration(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("512B", 512), ("64KiB", 65536), ("8MiB", 8 << 20), ("2GiB", 2 << 30), ("64KB", 64_000),
        ("8MB", 8_000_000), ("2GB", 2_000_000_000), ("1_024B", 1024), ("0B", 0),
        ("9007199254740992B", 2**53), ("9007199254740993B", None), ("64kib", None), ("1TB", None),
        ("1iB", None), ("1K", None), ("1.5GiB", None), ("-1B", None), ("", None), ("B", None),
    ],
)  # fmt: skip
def test_sizes_are_bytes_in_binary_and_decimal_units(text: str, value: int | None) -> None:
    """KiB is 1024 bytes, KB is 1000."""
    assert read_size(text) == value


def test_bools_are_two_words() -> None:
    """Other spellings are no bools."""
    assert [read_boolean(t) for t in ("true", "false", "True", "yes", "1")] == [
        True, False, None, None, None,
    ]  # fmt: skip


def test_each_literal_becomes_its_node() -> None:
    """Values are decoded; a float keeps how it was written."""
    nodes = [value_of(t) for t in ("-3", "1_0.50", "1h30m", "2KB", "true")]
    kinds = [type(node) for node in nodes]
    assert kinds == [Integer, Float, Duration, Size, Boolean]
    assert isinstance(nodes[1], Float)
    assert (nodes[1].value, nodes[1].written) == (10.5, "10.50")


@pytest.mark.parametrize("text", ["1..4", "0.01..1.0", "100ms..3s", "-3..-1", "1 .. 4", "1B..2KB"])
def test_ranges_hold_two_literals(text: str) -> None:
    """Which end is larger is not looked at here."""
    node = value_of(text)
    assert isinstance(node, Range)
    assert type(node.low) is type(node.high)


@pytest.mark.parametrize(
    "text",
    [
        "10sec", "5min", "1h30", "1__0", "01x", "007", "0x10", "1e5", "1e-5", "1.", ".5", "1.2.3",
        "2024-01-01", "10-20", "1.5h", "-5s", "1s1m", "64kib", "3x", "99999999999999999999",
        "9999999999d", "9999999999GiB", "7" * 5000, "1.1" + "0" * 400 + "s",
    ],
)  # fmt: skip
def test_a_malformed_literal_is_marked_as_a_whole(text: str) -> None:
    """One diagnostic, and the settings around it are read."""
    assert problems(f"stage s {{ a = 1 x = {text} b = 2 }}") == [("E0105", text)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10sec", "`10s`"), ("5min", "`5m`"), ("64kib", "`64KiB`"), ("3 s", "`10s`"),
        ("10-20", "`10..20`"), ("1.5h", "`1h30m`"), ("1.2.3", '"1.2.3"'), ("1__0", "between two"),
    ],
)  # fmt: skip
def test_a_help_proposes_what_was_meant(text: str, hint: str) -> None:
    """Units of other languages are known."""
    assert hint in helps(f"stage s {{ x = {text} }}")[0]
