"""Instants as this house writes them: integer milliseconds since 1970 inside, UTC text outside."""

import time

_kept_second: dict[int, str] = {}


def wall_ms() -> int:
    """Milliseconds since 1970 by the wall clock; it may jump, so it only stamps, never measures."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Milliseconds by a clock that never goes back; only differences mean anything."""
    return time.monotonic_ns() // 1_000_000


def utc_text(instant_ms: int) -> str:
    """`2026-11-22T09:55:41.431Z`; texts of the years 0 to 9999 sort as their instants do."""
    seconds, milliseconds = divmod(instant_ms, 1000)
    return f"{_second_text(seconds)}.{milliseconds:03d}Z"


def _second_text(seconds: int) -> str:
    """A run asks some thousand times within the same second."""
    text = _kept_second.get(seconds)
    if text is None:
        moment = time.gmtime(seconds)
        text = (
            f"{moment.tm_year:04d}-{moment.tm_mon:02d}-{moment.tm_mday:02d}"
            f"T{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
        )
        _kept_second.clear()
        _kept_second[seconds] = text
    return text


def instant_ms(text: str) -> int:
    """The inverse of `utc_text`. Raises ValueError for text that isn't an instant in UTC."""
    from datetime import UTC, datetime, timedelta

    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"{text!r} is not a time in UTC")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
