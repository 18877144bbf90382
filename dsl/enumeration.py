"""`Enum` for enumerations of texts, without `enum`, whose import takes a tenth of a small run.

Type checkers see the standard class. What stands in for it at run time has members that are single
objects with `name` and `value`, found by either, iterated in order and shown as the standard ones
are, the same ones again when they were copied or pickled. It is no subclass of `enum.Enum`.
"""

from orch.dsl.type_names import TYPE_CHECKING, Any, Iterator, NoReturn

if TYPE_CHECKING:
    from enum import Enum
else:

    class _Enumeration(type):
        """The class of enumerations: each public name of a text in the body of one is a member."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            made = super().__new__(cls, name, bases, body)
            made.__members__ = {}
            for key, value in body.items():
                if type(value) is str and not key.startswith("_"):
                    member = made.__members__[key] = object.__new__(made)
                    member.name, member.value = key, value
                    member.__init__(value)
                    setattr(made, key, member)
            if made.__members__:
                made.__setattr__ = made.__delattr__ = _refuse_change
            return made

        def __call__(cls, value: object) -> Any:
            for member in cls:
                if value == member.value or value is member:
                    return member
            raise ValueError(f"{value!r} is not a valid {cls.__qualname__}")

        def __contains__(cls, value: object) -> bool:
            return any(value == member.value or value is member for member in cls)

        def __getitem__(cls, name: str) -> Any:
            return cls.__members__[name]

        def __iter__(cls) -> Iterator[Any]:
            return iter(cls.__members__.values())

        def __len__(cls) -> int:
            return len(cls.__members__)

    class Enum(metaclass=_Enumeration):
        def __init__(self, _value: str) -> None:
            """For what a class adds to its members."""

        def __repr__(self) -> str:
            return f"<{self}: {self.value!r}>"

        def __str__(self) -> str:
            return f"{type(self).__name__}.{self.name}"

        def __reduce__(self) -> tuple[type, tuple[str]]:
            return type(self), (self.value,)

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> dict[str, Any]:
            place = f"{cls.__module__}.{cls.__qualname__}"
            return {"type": "enum", "cls": cls, "members": list(cls), "ref": place}

    def _refuse_change(member: Enum, name: str, *_value: object) -> NoReturn:
        raise AttributeError(f"{member} is a member of an enumeration: {name!r} can't change")


__all__ = ["Enum"]
