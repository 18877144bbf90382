"""Frozen records: what `@dataclass(frozen=True, slots=True)` promises, made much quicker.

A plain `orch run` makes some seventy record classes before it starts anything; the standard
decorator takes a third of a millisecond for each, and its import 5 ms more (ADR 5).
"""

from types import FunctionType, MappingProxyType, MethodType

from orch.dsl.initialisers import CODES, FIELDS_OF_LARGE
from orch.dsl.type_names import Any, ClassVar, Mapping, NoReturn, TypeVar, cast, dataclass_transform

_Made = TypeVar("_Made")

EMPTY: Mapping[str, Any] = MappingProxyType({})
"""The default of a field that holds a mapping."""


@dataclass_transform(frozen_default=True)
def record(plain: type[_Made]) -> type[_Made]:
    """Make a class of annotated fields a frozen record with slots.

    Fields are given in order or by name, a default is shared by all records that keep it, so it
    must be immutable; `ClassVar` is no field, and a record class has no subclass. Records of one
    class with equal fields are equal. `dataclasses.fields`, `replace` and `asdict` work, and
    whatever else asks for a dataclass.
    """
    body = dict(plain.__dict__)
    annotations = plain.__annotations__
    names = tuple(name for name, kind in annotations.items() if not _is_class_variable(kind))
    defaults = {name: body.pop(name) for name in names if name in body}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    body.update(
        __slots__=names,
        __match_args__=names,
        __dataclass_fields__=_LateFields(annotations, defaults),
        __init__=_LateInitialiser(names, defaults),
    )
    for name, method in _METHODS.items():
        body.setdefault(name, method)
    made: Any = type(plain.__name__, plain.__bases__, body)
    return cast("type[_Made]", made)


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The names of a record class's fields, in order."""
    names: tuple[str, ...] = kind.__slots__
    return names


def changed(original: _Made, **changes: Any) -> _Made:
    """A record like `original` but for the fields given."""
    kept = {name: getattr(original, name) for name in field_names(type(original))}
    return type(original)(**(kept | changes))


def as_dictionary(original: Any) -> dict[str, Any]:
    """Field values by name, nested records as dictionaries too, tuples as lists."""
    return {name: _plain(getattr(original, name)) for name in field_names(type(original))}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return as_dictionary(value) if hasattr(type(value), "__match_args__") else value


class _LateFields:
    """`__dataclass_fields__`, made by the standard library when somebody first asks."""

    def __init__(self, annotations: dict[str, Any], defaults: dict[str, Any]) -> None:
        self._annotations = annotations
        self._defaults = defaults

    def __get__(self, record: object, made: type[Any]) -> Any:
        import dataclasses

        kinds = {name: k for name, k in self._annotations.items() if not _is_class_variable(k)}
        body = {**self._defaults, "__annotations__": kinds, "__module__": made.__module__}
        for name, default in self._defaults.items():
            # The standard library takes whatever can't be hashed for mutable; `EMPTY` isn't.
            if type(default) is MappingProxyType:
                body[name] = dataclasses.field(default_factory=dict)
        twin: Any = dataclasses.dataclass(frozen=True)(type(made.__name__, (), body))
        fields = twin.__dataclass_fields__
        type.__setattr__(made, "__dataclass_fields__", fields)
        return fields


class _LateInitialiser:
    """`__init__`, made for the first record of its class: of half the classes that a plain run
    imports it makes no record."""

    def __init__(self, names: tuple[str, ...], defaults: dict[str, Any]) -> None:
        self._names = names
        self._defaults = defaults

    def __set_name__(self, made: type[Any], name: str) -> None:
        self._made = made

    def __get__(self, record: object, kind: type[Any]) -> Any:
        initialiser = _initialiser(self._made, self._names, self._defaults)
        type.__setattr__(self._made, "__init__", initialiser)
        return initialiser if record is None else MethodType(initialiser, record)


def _initialiser(made: type[Any], names: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """An `__init__` with a parameter for each field, as quick as one written by hand."""
    kept = tuple(defaults[name] for name in names if name in defaults)
    assert not kept or list(defaults) == list(names[-len(kept) :]), "defaults come last"
    assert len(names) < len(CODES), "a record of so many fields wants parts"
    scope: dict[str, Any] = {"__builtins__": {}}
    if len(names) < FIELDS_OF_LARGE:
        scope |= {
            f"_set_{at}": made.__dict__[name].__set__
            for at, name in zip("abc", names, strict=False)
        }
    else:
        twin = type(made.__name__, made.__bases__, {"__slots__": names})
        scope |= {"_become": object.__dict__["__class__"].__set__, "_twin": twin, "_made": made}
    code = CODES[len(names)]
    letters = code.co_varnames[1:]
    code = code.replace(
        co_varnames=("self", *names),
        co_names=tuple(_named(name, names, letters) for name in code.co_names),
        co_qualname=f"{made.__qualname__}.__init__",
    )
    return FunctionType(code, scope, "__init__", kept)


def _named(name: str, fields: tuple[str, ...], letters: tuple[str, ...]) -> str:
    """A name of a code of `CODES` as it is for these fields."""
    return fields[letters.index(name)] if name in letters else name


def _values(record: Any) -> tuple[Any, ...]:
    return tuple([getattr(record, name) for name in record.__slots__])


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{self.__class__.__qualname__}({shown})"


def _reduce(self: Any) -> tuple[type[Any], tuple[Any, ...]]:
    return self.__class__, _values(self)


def _refuse_change(self: Any, name: str, *_value: object) -> NoReturn:
    raise AttributeError(f"{self.__class__.__name__} is a frozen record: {name!r} can't change")


def _is_class_variable(kind: Any) -> bool:
    return kind is ClassVar


_METHODS = {
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _repr,
    "__reduce__": _reduce,
    "__setattr__": _refuse_change,
    "__delattr__": _refuse_change,
}
