"""Frozen records, made of whatever class says which fields it has."""

import inspect
from typing import Any

import pytest

from orch.dsl.initialisers import CODES
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


@pytest.mark.parametrize("size", range(len(CODES)))
def test_each_value_is_stored_in_its_field_whatever_their_number(size: int) -> None:
    """By place and by name; one too few or too many is refused, and so is a change."""
    names = [f"field_{at}" for at in range(size)]
    made: Any = record(type("Made", (), {"__annotations__": dict.fromkeys(names, int)}))
    assert list(inspect.signature(made).parameters) == names
    for it in (made(*range(size)), made(**dict(zip(names, range(size), strict=True)))):
        assert type(it) is made
        assert [getattr(it, name) for name in names] == list(range(size))
        with pytest.raises(AttributeError):
            it.field_0 = 1
    with pytest.raises(TypeError, match="positional argument"):
        made(*range(size + 1))
    if size:
        with pytest.raises(TypeError, match=f"'field_{size - 1}'"):
            made(*range(size - 1))
