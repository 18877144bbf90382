"""Frozen records, made of whatever class says which fields it has."""

from typing import Any

from orch.dsl.record import field_names, record


class _Late(type):
    """Its classes tell their annotations when they are asked, and hold none, as all do since
    Python 3.14."""

    @property
    def __annotations__(cls) -> dict[str, Any]:  # type: ignore[override]  # Never set.
        return {"name": str, "size_bytes": int}


class _Plain(metaclass=_Late):
    size_bytes = 0


def test_fields_are_those_that_a_class_tells_of() -> None:
    """Not those that stand in its dictionary."""
    made: Any = record(_Plain)
    assert field_names(made) == ("name", "size_bytes")
    assert (made("a").name, made("a").size_bytes) == ("a", 0)
