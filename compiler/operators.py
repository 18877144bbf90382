"""Comparisons and arithmetic of expressions, strict about kinds and bounded.

Nothing is converted silently: `==` between a string and an int is an error, not `false`. Numbers
compare with numbers; what isn't there (an absent exit code) equals only itself.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from orch.compiler.budget import AbsentError, Budget, FaultError, bounded_int, size_of
from orch.compiler.functions import concatenate
from orch.compiler.values import DurationMs, SizeBytes, kind_of
from orch.dsl.shown import shown

_NUMBER = "a number"


def is_true(value: Any) -> bool:
    """What `if`, `and`, `or` and `not` take for true: all but false, zero and what is empty."""
    if isinstance(value, (DurationMs, SizeBytes)):
        return value.value != 0
    return bool(value)


def compare(budget: Budget, symbol: str, left: Any, right: Any) -> bool:
    """The truth of one comparison. Raises `FaultError` for kinds that don't compare."""
    match symbol:
        case "==":
            return _is_equal(budget, left, right)
        case "!=":
            return not _is_equal(budget, left, right)
        case "in":
            return _is_in(budget, left, right)
        case "not in":
            return not _is_in(budget, left, right)
        case _:
            return _is_ordered(budget, symbol, left, right)


def _kind(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return _NUMBER if is_number else kind_of(value)


def _is_equal(budget: Budget, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    if _kind(left) != _kind(right):
        raise FaultError(
            f"{kind_of(left)} never equals {kind_of(right)}",
            "convert one of them, with `| string` or `| int`",
        )
    if isinstance(left, (str, tuple, list, Mapping)):
        budget.spend(size_of(left))
    return bool(left == right)


def _is_in(budget: Budget, left: Any, right: Any) -> bool:
    if isinstance(right, (tuple, list)):
        return any(_is_equal(budget, left, item) for item in right)
    if isinstance(right, (str, Mapping)):
        if not isinstance(left, str):
            raise FaultError(f"{kind_of(right)} holds strings, not {kind_of(left)}")
        budget.spend(size_of(right))
        return left in right
    raise FaultError(f"`in` looks into a list, a string or a map, not {kind_of(right)}")


_ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _is_ordered(budget: Budget, symbol: str, left: Any, right: Any) -> bool:
    kind = _kind(left)
    if kind != _kind(right) or kind in {"a bool", "a list", "a map", "nothing"}:
        raise FaultError(f"`{symbol}` can't compare {kind_of(left)} with {kind_of(right)}")
    if isinstance(left, str):
        budget.spend(len(left))
    return bool(_ORDERS[symbol](left, right))


def negate(symbol: str, value: Any) -> Any:
    """`-value` or `+value`, of numbers only."""
    if _kind(value) != _NUMBER:
        raise FaultError(f"`{symbol}` takes a number, not {kind_of(value)}")
    if symbol == "+":
        return value
    return bounded_int(-value) if isinstance(value, int) else -value


def calculate(budget: Budget, symbol: str, left: Any, right: Any) -> Any:
    """`left symbol right`. Raises `FaultError` for kinds that don't have it, and on overflow."""
    kinds = (_kind(left), _kind(right))
    if kinds == (_NUMBER, _NUMBER):
        return _number(symbol, left, right)
    if symbol == "+" and kinds == ("a string", "a string"):
        return concatenate(budget, (left, right))
    if symbol == "+" and kinds == ("a list", "a list"):
        budget.claim(len(left) + len(right))
        return (*left, *right)
    quantity = _quantity(symbol, left, right)
    if quantity is None:
        help_ = "`~` joins texts" if "a string" in kinds and symbol == "+" else None
        raise FaultError(f"`{symbol}` can't take {kind_of(left)} and {kind_of(right)}", help_)
    return quantity


def _number(symbol: str, left: Any, right: Any) -> int | float:
    if symbol in {"/", "//", "%"} and right == 0:
        raise FaultError("division by zero")
    if symbol == "**":
        return _power(left, right)
    try:
        result = _OPERATIONS[symbol](left, right)
    except OverflowError:
        raise FaultError("the number is too large for a float") from None
    return _bounded(result)


def _power(left: float, right: float) -> int | float:
    if isinstance(left, int) and isinstance(right, int) and right >= 0:
        if abs(left) <= 1:
            # The power of 0, 1 and -1 hangs on no more than whether the exponent is 0 or odd.
            return bounded_int(left ** (right if right < 2 else 2 + right % 2))
        if right > 64:
            raise FaultError("the number is too large for 64 bits")
        # An exponent this small keeps even the largest base at a few thousand bits.
        return bounded_int(left**right)
    try:
        result = left**right
    except OverflowError:
        raise FaultError("the number is too large for a float") from None
    except ZeroDivisionError:
        raise FaultError("division by zero") from None
    if isinstance(result, complex):
        raise FaultError("a negative number has no power with a fraction")
    return _bounded(result)


def _bounded(result: Any) -> int | float:
    if isinstance(result, int):
        return bounded_int(result)
    if not math.isfinite(result):
        raise FaultError("the number is too large for a float")
    return float(result)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _quantity(symbol: str, left: Any, right: Any) -> Any:
    """Arithmetic of durations and sizes; None where it makes no sense.

    Sums and differences of two, a multiple by a number, a part by a number, and the ratio of two.
    """
    for class_ in (DurationMs, SizeBytes):
        if isinstance(left, class_) and isinstance(right, class_):
            if symbol in {"+", "-"}:
                return class_(_whole(_number(symbol, left.value, right.value)))
            return _number("/", left.value, right.value) if symbol == "/" else None
        if isinstance(left, class_) and _kind(right) == _NUMBER and symbol in {"*", "/"}:
            return class_(_whole(_number(symbol, left.value, right)))
        if _kind(left) == _NUMBER and isinstance(right, class_) and symbol == "*":
            return class_(_whole(_number(symbol, left, right.value)))
    return None


def _whole(value: float) -> int:
    """Milliseconds or bytes, rounded down to whole ones."""
    if value < 0:
        raise FaultError("a duration or size below zero")
    return bounded_int(math.floor(value))


def item_of(budget: Budget, target: Any, key: Any) -> Any:
    """`target[key]`. Raises `AbsentError` for a key or an index that isn't there."""
    budget.spend()
    if isinstance(target, Mapping):
        if not isinstance(key, str):
            raise FaultError(f"a map's keys are strings, not {kind_of(key)}")
        if key not in target:
            known = ", ".join(f"`{shown(name)}`" for name in list(target)[:5])
            raise AbsentError(
                f"the map has no key `{shown(key)}`", f"it has {known}" if known else None
            )
        return target[key]
    if isinstance(target, (tuple, list)):
        if not isinstance(key, int) or isinstance(key, bool):
            raise FaultError(f"a list's items are counted with an int, not {kind_of(key)}")
        if not -len(target) <= key < len(target):
            raise AbsentError(f"there is no item {key} in a list of {len(target)}")
        return target[key]
    raise FaultError(f"{kind_of(target)} has no items")
