"""Durations, sizes and counts as people read them."""


def duration_text(duration_ms: int) -> str:
    """`340ms`, `2.1s`, `4m 10s`, `2h 5m`, `3d 4h`: at most two units, rounded down."""
    if duration_ms < 1000:
        return f"{max(0, duration_ms)}ms"
    if duration_ms < 60_000:
        return f"{duration_ms // 100 / 10:.1f}s"
    seconds = duration_ms // 1000
    for (unit, size), (smaller, part) in (
        (("d", 86_400), ("h", 3600)),
        (("h", 3600), ("m", 60)),
        (("m", 60), ("s", 1)),
    ):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size}{unit}" + (f" {rest}{smaller}" if rest else "")
    raise AssertionError("at least a minute")


def longest_text(duration_ms: int) -> str:
    """An upper bound: as `duration_text`, but rounded up."""
    limits = ((1000, 1), (60_000, 100), (3_600_000, 1000), (86_400_000, 60_000))
    step_ms = next((step for limit, step in limits if duration_ms < limit), 3_600_000)
    return duration_text(-(-duration_ms // step_ms) * step_ms)


def size_text(size_bytes: int) -> str:
    """`512 B`, `64 KiB`, `1.5 GiB`: binary units, one decimal where it says something."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.1f}".removesuffix(".0") + f" {unit}"
        size /= 1024
    return f"{size:.1f}".removesuffix(".0") + " TiB"


def count_text(count: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
