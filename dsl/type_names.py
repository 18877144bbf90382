"""Names of types for the runtime, and for whatever a plain run imports: those that `typing`,
`collections.abc` and `collections` have.

Type checkers see the real ones. At run time those of `typing` are stand-ins, for only pydantic
looks at them: its import takes as long as that of forty modules of orch. The others are the real
ones, from where the interpreter has them already; `collections` takes as long as twenty (ADR 33).
"""

TYPE_CHECKING = False
"""Type checkers take this name for true."""

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import (
        Callable,
        Collection,
        Container,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
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
    from _collections import deque
    from _collections_abc import (
        Callable,
        Collection,
        Container,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

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
    "Callable",
    "ClassVar",
    "Collection",
    "Container",
    "Generator",
    "Iterable",
    "Iterator",
    "Literal",
    "Mapping",
    "NoReturn",
    "Protocol",
    "Self",
    "Sequence",
    "TypeVar",
    "assert_never",
    "cast",
    "dataclass_transform",
    "deque",
]
