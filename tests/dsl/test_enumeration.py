"""An enumeration made without `enum` does what one of the standard library does."""

import copy
import enum
import pickle
from collections.abc import Callable
from types import GenericAlias
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from orch.dsl.enumeration import Enum


class Light(Enum):
    """What a driver sees."""

    RED = "red"
    """Stop."""
    GREEN = "green"
    """Go."""

    is_for_all: bool

    def __init__(self, word: str) -> None:
        self.is_for_all = word == "red"

    def opposite(self) -> str:
        return "green" if self is Light.RED else "red"


class Standard(enum.Enum):
    """What a driver sees."""

    RED = "red"
    GREEN = "green"


Standard.__name__ = Standard.__qualname__ = "Light"


def told(act: Callable[[], object]) -> str:
    try:
        return repr(act())
    except (LookupError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def lists_of(kind: Any) -> TypeAdapter[Any]:
    several: Any = GenericAlias(list, kind)
    return TypeAdapter(several)


@pytest.mark.parametrize(
    "act",
    [
        list,
        len,
        lambda kind: [*map(str, kind)],
        lambda kind: [f"{member} {member.name} {member.value}" for member in kind],
        lambda kind: kind("green"),
        lambda kind: kind(kind.GREEN),
        lambda kind: kind("blue"),
        lambda kind: kind("RED"),
        lambda kind: kind(None),
        lambda kind: kind([]),
        lambda kind: kind["RED"],
        lambda kind: kind["red"],
        lambda kind: list(kind.__members__.items()),
        lambda kind: kind.RED in kind,
        lambda kind: isinstance(kind.RED, kind),
        lambda kind: kind.RED == "red",
        lambda kind: {kind.RED: 1}[kind("red")],
        lambda kind: TypeAdapter(kind).json_schema(),
        lambda kind: lists_of(kind).json_schema(),
        lambda kind: TypeAdapter(kind).validate_json('"red"', strict=True),
        lambda kind: TypeAdapter(kind).validate_python(kind.RED, strict=True),
        lambda kind: lists_of(kind).dump_json([kind.RED]),
        lambda kind: TypeAdapter(kind).dump_python(kind.RED),
    ],
)
def test_it_answers_as_the_standard_one_does(act: Callable[[Any], object]) -> None:
    """Also what it is shown as, what it refuses and in which words, and what pydantic makes of
    it."""
    assert told(lambda: act(Light)) == told(lambda: act(Standard))


def test_members_are_single_objects_whatever_is_done_with_them() -> None:
    """Copied, pickled, and kept in a set."""
    for member in Light:
        assert copy.copy(member) is copy.deepcopy(member) is member
        assert pickle.loads(pickle.dumps(member)) is member
        assert member in {*Light}


def test_texts_are_members_and_nothing_else_is() -> None:
    """A class may add to its members, and a text is in it where it is the value of one."""
    assert [member.is_for_all for member in Light] == [True, False]
    assert Light.GREEN.opposite() == "red"
    words: tuple[Any, ...] = ("red", "blue", "RED", [])
    assert [word in Light for word in words] == [True, False, False, False]


def test_a_member_never_changes() -> None:
    """It is shared by all who have it."""
    member: Any = Light.RED
    with pytest.raises(AttributeError, match=r"Light\.RED is a member"):
        member.value = "green"
    with pytest.raises(AttributeError, match=r"Light\.RED is a member"):
        del member.value
    assert Light("red").value == "red"


@pytest.mark.parametrize("value", ["blue", 1, None])
def test_pydantic_refuses_what_is_no_value_of_it(value: object) -> None:
    """In the words that it has for the standard one."""
    said = []
    for kind in (Light, Standard):
        with pytest.raises(ValidationError) as refused:
            TypeAdapter[Any](kind).validate_python(value)
        said.append(str(refused.value))
    assert said[0] == said[1]
