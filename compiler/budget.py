"""What an evaluation may cost, and how it fails: within these bounds every function is total."""

from collections.abc import Mapping
from typing import Any

from orch.dsl.limits import DEEPEST

MAX_OPERATIONS = 10_000
MAX_RESULT_BYTES = 1024 * 1024
MAX_INT = 2**63 - 1

_UNITS_PER_OPERATION = 1024
"""Characters or items that one operation may go through."""


class FaultError(Exception):
    """Evaluating failed; the message is a diagnostic's, the place is added by who knows it."""

    def __init__(self, message: str, help_: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help_


class AbsentError(FaultError):
    """What was looked for isn't there; the filter `default` answers this one."""


class Budget:
    """The operations left to one evaluation."""

    __slots__ = ("operations",)

    def __init__(self) -> None:
        self.operations = MAX_OPERATIONS

    def spend(self, units: int = 0) -> None:
        """Pay one operation, and more where many characters or items are gone through."""
        self.operations -= 1 + units // _UNITS_PER_OPERATION
        if self.operations < 0:
            raise FaultError(f"the evaluation takes more than {MAX_OPERATIONS:,} operations")

    def claim(self, size: int) -> None:
        """Pay for a result of so many characters or items before it is built."""
        if size > MAX_RESULT_BYTES:
            raise FaultError("the result is larger than 1 MiB")
        self.spend(size)


def size_of(value: Any) -> int:
    """Bytes of all texts in a value in UTF-8, and one for each item beside.

    Stops counting behind the limit: shared parts of a value may repeat without end.
    """
    size = 0
    stack = [value]
    while stack and size <= MAX_RESULT_BYTES:
        top = stack.pop()
        size += 1
        if isinstance(top, str):
            size += len(top) if top.isascii() else len(top.encode("utf-8", "surrogatepass"))
        elif isinstance(top, (tuple, list)):
            size += len(top)
            if size <= MAX_RESULT_BYTES:
                stack.extend(top)
        elif isinstance(top, Mapping):
            size += len(top)
            if size <= MAX_RESULT_BYTES:
                stack.extend(top.keys())
                stack.extend(top.values())
    return size


def is_too_deep(value: Any) -> bool:
    """Whether lists and maps are nested deeper in a value than in any file.

    Parts that a value shares are looked into once a level, however often they repeat.
    """
    level = [value]
    for _ in range(DEEPEST + 1):
        parts: dict[int, Any] = {}
        for each in level:
            inner = each.values() if isinstance(each, Mapping) else each
            if isinstance(each, (tuple, list, Mapping)):
                parts.update((id(part), part) for part in inner if not isinstance(part, str))
        level = list(parts.values())
    return bool(level)


def bounded_int(value: int) -> int:
    """The number, if it fits into 64 bits with a sign; raises `FaultError` otherwise."""
    if not -MAX_INT - 1 <= value <= MAX_INT:
        raise FaultError("the number is too large for 64 bits")
    return value
