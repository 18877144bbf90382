"""Numbers, durations and sizes as they would be written here, in place of how others write them."""

import re
from collections.abc import Sequence
from decimal import Decimal

from orch.dsl.literals import DURATION_UNITS_MS, SIZE_UNITS_BYTES

Match = re.Match[str]
_LARGEST = 2**63 - 1
_LONGEST = 40
"""More characters are no duration or size that anybody means."""


def with_digits(text: str, _: Match) -> Sequence[str]:
    """`.5` becomes `0.5`, and `1.` `1.0`."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return [f"{sign}0{digits}" if digits.startswith(".") else f"{text}0"]


def with_single_lines(text: str, _: Match) -> Sequence[str]:
    """`1__0` becomes `1_0`, and `1_` `1`."""
    return [re.sub(r"_+", "_", text).rstrip("_")]


def without_zero(text: str, _: Match) -> Sequence[str]:
    """`007` becomes `7`, or a text."""
    sign = "-" if text.startswith("-") else ""
    return [f"{sign}{text.lstrip('-0_') or 0}", f'"{text}"']


def largest(text: str, _: Match) -> Sequence[str]:
    """The int that is nearest to one beyond all bounds."""
    return [str(-_LARGEST - 1 if text.startswith("-") else _LARGEST)]


def decimal(text: str, _: Match) -> Sequence[str]:
    """`0x1F` becomes `31`, and `1.5e-3` `0.0015`; a text where it is no number or too long."""
    try:
        number = Decimal(int(text, 0) if re.match(r"-?0[xobXOB]", text) else text)
    except (ArithmeticError, ValueError):
        return [f'"{text}"']
    if not -20 < number.adjusted() < 19:
        return [f'"{text}"']
    return [f"{int(number)}" if number == int(number) else f"{number:f}"]


def in_smaller_units(text: str, _: Match) -> Sequence[str]:
    """`1.5h` becomes `1h30m`, and `1.5GiB` `1536MiB`."""
    number, unit = _divided(text)
    if len(text) > _LONGEST:
        return []
    if unit in DURATION_UNITS_MS:
        return [_duration(round(Decimal(number) * DURATION_UNITS_MS[unit]))]
    size_bytes = round(Decimal(number) * SIZE_UNITS_BYTES[unit])
    alike = [each for each in SIZE_UNITS_BYTES if each.endswith(unit[1:])]
    units = [each for each in reversed(alike) if size_bytes % SIZE_UNITS_BYTES[each] == 0]
    shown = units[0] if units else "B"
    return [f"{size_bytes // SIZE_UNITS_BYTES[shown]}{shown}"]


def in_falling_order(text: str, _: Match) -> Sequence[str]:
    """`30m1h` becomes `1h30m`; a number without a unit at the end has the next smaller one. A text
    where it is no duration."""
    units = list(DURATION_UNITS_MS)
    total_ms, last = Decimal(0), ""
    for number, written in re.findall(r"([0-9.]+)([A-Za-z]*)", text.replace("_", "")):
        unit = written or units[min(units.index(last) + 1, len(units) - 1)] if last else written
        is_number = len(text) <= _LONGEST and re.fullmatch(r"\d+(?:\.\d+)?", number)
        if unit not in DURATION_UNITS_MS or not is_number:
            return [f'"{text}"']
        total_ms += Decimal(number) * DURATION_UNITS_MS[unit]
        last = unit
    return [_duration(round(total_ms))]


def with_known_unit(text: str, _: Match) -> Sequence[str]:
    """`5parsecs` becomes one of `5s`, `5m`, `5KiB` and `5MiB`."""
    number, _unit = _divided(text)
    whole = number.partition(".")[0].lstrip("-")
    return [f"{whole}{unit}" for unit in ("s", "m", "KiB", "MiB")]


def _divided(text: str) -> tuple[str, str]:
    number = re.match(r"-?[0-9_.]*", text)
    assert number is not None
    return number[0], text[number.end() :]


def _duration(total_ms: int) -> str:
    parts: list[str] = []
    for unit, worth_ms in DURATION_UNITS_MS.items():
        count, total_ms = divmod(total_ms, worth_ms)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
