"""Values of a Python program as the compiler takes them: arguments of params, and policies."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Any

Policy = Mapping[str, str | int | float | bool]
"""What `--policy` takes, by dotted names."""


def plain_value(value: Any) -> Any:
    """A Python value as the compiler takes arguments: durations and paths as texts."""
    match value:
        case timedelta():
            return f"{value / timedelta(milliseconds=1):.15g}ms"
        case PurePath():
            return value.as_posix()
        case list() | tuple():
            return [plain_value(item) for item in value]
        case Mapping():
            return {key: plain_value(item) for key, item in value.items()}
    return value


def policy_text(value: str | float) -> str:
    """A policy value as the command line gives it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
