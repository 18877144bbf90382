"""Numbers, durations, sizes and bools: from their text to their value, in files and arguments.

Each `read_…` takes the whole text of one literal, as language.md section 3 writes it, and returns
None for a text that is none. None of them raises, however long the text.
"""

import re

from orch.dsl.limits import LARGEST_INTEGER, LARGEST_QUANTITY
from orch.dsl.shown import shown
from orch.dsl.suggest import did_you_mean

_DIGITS = r"(?:0|[1-9][0-9]*(?:_[0-9]+)*)"
_INTEGER = re.compile(rf"-?{_DIGITS}")
_FLOAT = re.compile(rf"-?{_DIGITS}\.[0-9]+(?:_[0-9]+)*")
_DURATION = re.compile(
    rf"(?:({_DIGITS})d)?(?:({_DIGITS})h)?(?:({_DIGITS})m)?(?:({_DIGITS})s)?(?:({_DIGITS})ms)?"
)
_SIZE = re.compile(rf"({_DIGITS})([KMG]?i?B)")

DURATION_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
SIZE_UNITS_BYTES = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}


def read_integer(text: str) -> int | None:
    """`42`, `1_000`, `-3`, within 64 bits."""
    if not _INTEGER.fullmatch(text):
        return None
    value = _whole(text.removeprefix("-"))
    if value is None:
        return None
    return -value if text.startswith("-") else value


def read_float(text: str) -> float | None:
    """`0.25`, `-1.5`, and an integer, which is accepted wherever a float is due."""
    if not _FLOAT.fullmatch(text):
        whole = read_integer(text)
        return None if whole is None else float(whole)
    value = float(text.replace("_", ""))
    return None if value in (float("inf"), float("-inf")) else value


def read_duration(text: str) -> int | None:
    """`250ms`, `1h30m`: milliseconds. Units stand in falling order, each once."""
    match = _DURATION.fullmatch(text)
    if not text or not match:
        return None
    total = 0
    for digits, unit_ms in zip(match.groups(), DURATION_UNITS_MS.values(), strict=True):
        if digits is not None:
            count = _whole(digits)
            if count is None:
                return None
            total += count * unit_ms
    return total if total <= LARGEST_QUANTITY else None


def read_size(text: str) -> int | None:
    """`512B`, `64KiB`, `8MB`: bytes, with binary (KiB) and decimal (KB) units."""
    match = _SIZE.fullmatch(text)
    if not match or match[2] not in SIZE_UNITS_BYTES:
        return None
    count = _whole(match[1])
    if count is None:
        return None
    total = count * SIZE_UNITS_BYTES[match[2]]
    return total if total <= LARGEST_QUANTITY else None


def read_boolean(text: str) -> bool | None:
    """`true` or `false`."""
    return {"true": True, "false": False}.get(text)


def explain_literal(text: str) -> tuple[str, str | None]:
    """Why a text that begins like a number is no literal: a message and a help."""
    written = shown(text)
    if written != text and not text.removeprefix("-").isdigit():
        return f"`{written}` is no number, duration or size", None
    number = re.match(r"-?[0-9][0-9_]*(?:\.[0-9_]+)?", text)
    unit = text[number.end() :] if number else ""
    if re.fullmatch(r"-?[0-9_]+", text):
        return _explain_digits(text, written)
    if number and re.fullmatch(r"[A-Za-z]+", unit):
        return _explain_unit(number[0], unit, written)
    if re.fullmatch(r"-?0[xobXOB][0-9A-Za-z_]*|-?[0-9.]+[eE]-?[0-9]+", text):
        hint = "write a number with decimal digits, without an exponent"
        return f"`{written}` is no number", hint
    if re.fullmatch(r"(?:[0-9_.]+[A-Za-z]+)+[0-9]*", text):
        hint = "units stand in falling order, each once, and every number has one, as in `1h30m`"
        return f"`{written}` is no duration", hint
    if re.fullmatch(r"[0-9]+-[0-9]+", text):
        low, _, high = text.partition("-")
        hint = f"a range is written `{low}..{high}`"
    elif re.fullmatch(r"-?\.[0-9]+|-?[0-9]+\.", text):
        hint = "write digits on both sides of the point"
    else:
        hint = f'a text stands in quotes: `"{written}"`'
    return f"`{written}` is no number, duration or size", hint


def _explain_digits(text: str, written: str) -> tuple[str, str | None]:
    digits = text.removeprefix("-")
    if "__" in digits or digits.endswith("_"):
        return f"`{written}` is no number", "a `_` stands between two digits"
    if digits.startswith("0") and len(digits) > 1:
        return (
            f"`{written}` is no number, as it begins with a zero",
            "leave the zero out, or put a text such as a file mode in quotes",
        )
    return f"`{written}` is too large a number", "an int has 64 bits at most"


def _explain_unit(number: str, unit: str, written: str) -> tuple[str, str | None]:
    duration = _UNITS_MEANT.get(unit) or _UNITS_MEANT.get(unit.lower())
    known = unit in DURATION_UNITS_MS or unit in SIZE_UNITS_BYTES
    if known and number.startswith("-"):
        return f"`{written}` is negative, which a duration or a size can't be", None
    if known and "." in number:
        return f"`{written}` has a fraction", "write a smaller unit, as in `1h30m` or `1500ms`"
    if known and read_duration("1" + unit) is not None and read_integer(number) is not None:
        return f"`{written}` is too long a duration", None
    if known and read_integer(number) is not None:
        return f"`{written}` is too large a size", None
    size = next(
        (u for u in SIZE_UNITS_BYTES if u.lower() in (unit.lower(), unit.lower() + "b")), None
    )
    meant = duration or size
    if meant and not known:
        return f"`{unit}` is no unit", did_you_mean(f"{number}{meant}")
    return (
        f"`{unit}` is no unit" if not known else f"`{written}` is no number with a unit",
        "durations are in `ms s m h d`, sizes in `B KiB MiB GiB KB MB GB`",
    )


_UNITS_MEANT = {
    "msec": "ms", "msecs": "ms", "millis": "ms", "milliseconds": "ms",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "S": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "H": "h",
    "day": "d", "days": "d", "D": "d", "b": "B", "byte": "B", "bytes": "B",
}  # fmt: skip


def _whole(digits: str) -> int | None:
    """The value of digits with underscores; None beyond 64 bits, without reading them all."""
    plain = digits.replace("_", "")
    if len(plain) > 19:
        return None
    value = int(plain)
    return value if value <= LARGEST_INTEGER else None
