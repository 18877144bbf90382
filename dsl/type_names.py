"""Names of the standard library's `typing` for the runtime, and for whatever a plain run imports.

Type checkers see the real ones. At run time stand-ins are enough, for only pydantic looks at them:
the import of `typing` takes as long as that of forty modules of orch (ADR 33).
"""

from collections.abc import Callable

TYPE_CHECKING = False
"""Type checkers take this name for true."""

if TYPE_CHECKING:
    from typing import (
        Any,
        ClassVar,
        Literal,
        NoReturn,
        Protocol,
        Self,
        TypeVar,
        assert_never,
        cast,
        dataclass_transform,
    )
else:
    Any = NoReturn = Protocol = Self = object

    class ClassVar:
        """Marks what is no field of a record."""

    class Literal:
        """Values by which a field is judged where pydantic reads its record."""

        def __init__(self, *values: object) -> None:
            self._values = values

        def __class_getitem__(cls, values: object) -> "Literal":
            return cls(*values) if isinstance(values, tuple) else cls(values)

        def __repr__(self) -> str:
            return f"Literal[{', '.join(map(repr, self._values))}]"

        def __get_pydantic_core_schema__(
            self, _source: object, handler: Callable[[object], object]
        ) -> object:
            import typing

            return handler(typing.Literal[self._values])

    def TypeVar(_name: str) -> type:  # noqa: N802 # It stands in for a class.
        return object

    def cast(_kind: object, value: object) -> object:
        return value

    def dataclass_transform(**_promises: object) -> Callable[[object], object]:
        return lambda decorator: decorator

    def assert_never(value: object) -> NoReturn:
        raise AssertionError(f"no case for {value!r}")


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "ClassVar",
    "Literal",
    "NoReturn",
    "Protocol",
    "Self",
    "TypeVar",
    "assert_never",
    "cast",
    "dataclass_transform",
]
