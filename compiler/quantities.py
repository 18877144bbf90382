"""Numbers with units in messages: how a file would write them, and whether they are in range."""

from typing import Any

from orch.compiler.settings import LARGEST_BYTES, LONGEST_MS
from orch.compiler.shapes import ListOf, RangeOf, Scalar, Shape


def out_of_range(value: Any, shape: Scalar, name: str) -> str | None:
    """Why a number is outside a shape's range; None if it is inside."""
    low, high = shape.low, shape.high
    is_low = low is not None and value < low
    if not is_low and not (high is not None and value > high):
        return None
    shown = quantity_text(value, shape.type)
    is_practical = high in (LONGEST_MS, LARGEST_BYTES)
    if low is not None and high is not None and not is_practical:
        limits = f"{quantity_text(low, shape.type)}..{quantity_text(high, shape.type)}"
        return f"`{name}` is {shown}, outside {limits}"
    limit = low if is_low else high
    return (
        f"`{name}` is {shown}, {'below' if is_low else 'above'} {quantity_text(limit, shape.type)}"
    )


_DURATION_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_SIZE_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))


def quantity_text(value: Any, type_name: str) -> str:
    """A number as it would be written in a file: `90s`, `64KiB`."""
    units = {"duration": _DURATION_UNITS, "size": _SIZE_UNITS}.get(type_name)
    if units is None:
        return str(value)
    if value == 0:
        return f"0{units[-1][0]}"
    return next(f"{value // size}{unit}" for unit, size in units if value % size == 0)


def setting_text(value: Any, shape: Shape) -> str:
    """A value of a setting as it would be written in a file: `100ms..3s`, `[failure, exit(75)]`."""
    match shape:
        case _ if isinstance(value, bool):
            return "true" if value else "false"
        case RangeOf(item=item):
            low, high = value
            return f"{quantity_text(low, item.type)}..{quantity_text(high, item.type)}"
        case ListOf(item=item):
            return f"[{', '.join(setting_text(part, item) for part in value)}]"
        case Scalar(type="float"):
            return f"{value:g}"
        case Scalar(type=type_):
            return quantity_text(value, type_)
    return str(value)
