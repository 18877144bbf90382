"""The filters and functions of expressions (language.md section 6), pure and bounded.

Each takes the budget, then its values, and raises `FaultError` with a diagnostic's message. Where
Jinja knows a filter of the same name, ours does the same where that makes sense; the differences:
`int` and `float` never guess, `sort` and `unique` tell capital letters apart, `first` and `last`
of nothing are an error, and `default` answers for what isn't there (a missing key or item, the
first of nothing, a value that a stage didn't hand on), with `true` also for what is empty.
"""

import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orch.compiler.budget import AbsentError, Budget, FaultError, bounded_int, size_of
from orch.compiler.values import (
    DurationMs,
    NoTextError,
    Raw,
    SizeBytes,
    WrittenFloat,
    kind_of,
    text_of,
)
from orch.dsl.record import record
from orch.dsl.shown import shown

MAX_RANGE = 10_000

REQUIRED = object()
"""The default of a parameter that has none."""


@record
class Signature:
    """A filter or function: `parameters` are names and defaults, a filter's operand left out."""

    body: Callable[..., Any]
    parameters: tuple[tuple[str, Any], ...] = ()

    def bind(
        self, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """The values of all parameters in order. Raises `FaultError` where they don't fit."""
        names = [parameter for parameter, _ in self.parameters]
        if len(arguments) > len(names):
            raise FaultError(
                f"`{name}` takes at most {len(names)} {_plural('argument', len(names))}"
            )
        given = dict(zip(names, arguments, strict=False))
        for key, value in named.items():
            if key in given:
                raise FaultError(f"`{name}` is given `{shown(key)}` twice")
            if key not in names:
                raise FaultError(f"`{name}` has no argument `{shown(key)}`")
            given[key] = value
        for parameter, default in self.parameters:
            if parameter not in given and default is REQUIRED:
                raise FaultError(f"`{name}` needs an argument `{parameter}`")
        return tuple(given.get(parameter, default) for parameter, default in self.parameters)


def as_text(value: Any) -> str:
    """A value's text. Raises `FaultError` for what has none."""
    try:
        return text_of(value)
    except NoTextError as error:
        raise FaultError(str(error), error.help) from None


def concatenate(budget: Budget, parts: Sequence[Any], separator: str = "") -> str:
    """The texts of values in a row."""
    texts = [as_text(part) for part in parts]
    budget.claim(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise FaultError(f"`{name}` takes a string, not {kind_of(value)}")
    return value


def _items(value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)):
        raise FaultError(f"`{name}` takes a list, not {kind_of(value)}")
    return tuple(value)


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise FaultError(f"`{name}` takes an int, not {kind_of(value)}")
    return value


# -- texts --------------------------------------------------------------------


def _lower(budget: Budget, value: Any) -> str:
    text = _text(value, "lower")
    budget.claim(len(text))
    return text.lower()


def _upper(budget: Budget, value: Any) -> str:
    text = _text(value, "upper")
    budget.claim(len(text))
    return text.upper()


def _trim(budget: Budget, value: Any, characters: Any) -> str:
    text = _text(value, "trim")
    budget.spend(len(text))
    return text.strip(None if characters is None else _text(characters, "trim"))


def _replace(budget: Budget, value: Any, old: Any, new: Any, limit: Any) -> str:
    text, old, new = (_text(part, "replace") for part in (value, old, new))
    if not old:
        raise FaultError("`replace` can't replace an empty string")
    budget.spend(len(text))
    found = text.count(old)
    if limit is not None:
        found = min(found, max(0, _whole(limit, "replace")))
    budget.claim(len(text) + found * (len(new) - len(old)))
    return text.replace(old, new, found)


def _split(budget: Budget, value: Any, separator: Any, limit: Any) -> tuple[str, ...]:
    text = _text(value, "split")
    budget.claim(len(text))
    if separator is not None and not _text(separator, "split"):
        raise FaultError("`split` can't split at an empty string", "for its characters: `| list`")
    return tuple(text.split(separator, -1 if limit is None else _whole(limit, "split")))


def _join(budget: Budget, value: Any, separator: Any) -> str:
    return concatenate(budget, _items(value, "join"), _text(separator, "join"))


def _quote(budget: Budget, value: Any) -> str:
    """A value as a word of the shell's, a list as several: for text that a shell reads later."""
    texts = [as_text(part) for part in (value if isinstance(value, (tuple, list)) else (value,))]
    quotes = sum(text.count("'") for text in texts)
    budget.claim(sum(map(len, texts)) + 3 * quotes + 3 * len(texts))
    return " ".join(single_quoted(text) for text in texts)


def single_quoted(text: str) -> str:
    """The text in single quotes, one word in any shell whatever it holds (but no NUL)."""
    return "'" + text.replace("'", "'\\''") + "'"


def _raw(_budget: Budget, value: Any) -> Raw:
    return Raw(as_text(value))


def _string(_budget: Budget, value: Any) -> str:
    return as_text(value)


def _json(budget: Budget, value: Any) -> str:
    budget.claim(size_of(value))
    _refuse_units(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    budget.claim(len(text))
    return text


def _refuse_units(value: Any) -> None:
    if isinstance(value, (DurationMs, SizeBytes)):
        filter_ = "seconds" if isinstance(value, DurationMs) else "bytes"
        raise FaultError(f"{kind_of(value)} has no unit in JSON", f"say the unit: `| {filter_}`")
    parts = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, (tuple, list, Mapping)):
        for part in parts:
            _refuse_units(part)


# -- paths --------------------------------------------------------------------


def _basename(_budget: Budget, value: Any) -> str:
    return posixpath.basename(_text(value, "basename"))


def _dirname(_budget: Budget, value: Any) -> str:
    return posixpath.dirname(_text(value, "dirname")) or "."


def _stem(_budget: Budget, value: Any) -> str:
    return posixpath.splitext(posixpath.basename(_text(value, "stem")))[0]


# -- lists --------------------------------------------------------------------


def _first(budget: Budget, value: Any) -> Any:
    return _end(budget, value, "first", 0)


def _last(budget: Budget, value: Any) -> Any:
    return _end(budget, value, "last", -1)


def _end(budget: Budget, value: Any, name: str, at: int) -> Any:
    budget.spend()
    if not isinstance(value, (str, tuple, list)):
        raise FaultError(f"`{name}` takes a list or a string, not {kind_of(value)}")
    if not value:
        raise AbsentError(f"{kind_of(value)} without items has no {name} one")
    return value[at]


def _length(_budget: Budget, value: Any) -> int:
    if not isinstance(value, (str, tuple, list, Mapping)):
        raise FaultError(f"`length` takes a string, a list or a map, not {kind_of(value)}")
    return len(value)


def _unique(budget: Budget, value: Any) -> tuple[Any, ...]:
    items = _items(value, "unique")
    budget.spend(size_of(items))
    for item in items:
        if isinstance(item, (tuple, list, Mapping)):
            raise FaultError(
                f"`unique` compares texts and numbers, no item that is {kind_of(item)}"
            )
    first: dict[Any, Any] = {}
    for item in items:
        # A bool equals 0 or 1 in Python, so the kind is part of the key.
        first.setdefault((isinstance(item, bool), item), item)
    return tuple(first.values())


def _sort(budget: Budget, value: Any, reverse: Any) -> tuple[Any, ...]:
    items = _items(value, "sort")
    budget.spend(size_of(items) * 16)
    kinds = {kind_of(item) for item in items}
    if kinds - {"an int", "a float"} and len(kinds) > 1:
        raise FaultError(f"`sort` can't compare {' with '.join(sorted(kinds))}")
    for kind in kinds & {"a list", "a map", "a bool", "nothing"}:
        raise FaultError(f"`sort` can't order an item that is {kind}")
    return tuple(sorted(items, reverse=bool(reverse)))


def _list(budget: Budget, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (str, tuple, list, Mapping)):
        raise FaultError(f"`list` takes a string, a list or a map, not {kind_of(value)}")
    budget.claim(len(value))
    return tuple(value)


def _range(budget: Budget, start: Any, end: Any) -> tuple[int, ...]:
    """From `start` up to, and without, `end`; with one argument from 0."""
    low, high = _whole(start, "range"), None if end is None else _whole(end, "range")
    if high is None:
        low, high = 0, low
    if high - low > MAX_RANGE:
        raise FaultError(f"a range of {high - low:,} items; at most {MAX_RANGE:,} are allowed")
    budget.claim(max(0, high - low))
    return tuple(range(low, high))


# -- numbers ------------------------------------------------------------------

_INT_TEXT = re.compile(r"[+-]?[0-9](_?[0-9])*")
_FLOAT_TEXT = re.compile(r"[+-]?[0-9](_?[0-9])*(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9]+)?")


def _int(_budget: Budget, value: Any) -> int:
    if isinstance(value, str):
        if len(value) > 80 or not _INT_TEXT.fullmatch(value):
            raise FaultError(f"`{shown(value)}` is no int")
        return bounded_int(int(value))
    if not isinstance(value, (int, float)):
        raise FaultError(f"`int` takes a number or a string, not {kind_of(value)}")
    return bounded_int(int(value))


def _float(_budget: Budget, value: Any) -> float:
    if isinstance(value, str):
        if len(value) > 400 or not _FLOAT_TEXT.fullmatch(value):
            raise FaultError(f"`{shown(value)}` is no float")
        return WrittenFloat(_finite(float(value)), value.replace("_", ""))
    if not isinstance(value, (int, float)):
        raise FaultError(f"`float` takes a number or a string, not {kind_of(value)}")
    return value if isinstance(value, float) else float(value)


def _finite(value: float) -> float:
    if value in {float("inf"), float("-inf")}:
        raise FaultError("the number is too large for a float")
    return value


def _seconds(_budget: Budget, value: Any) -> int | float:
    if not isinstance(value, DurationMs):
        raise FaultError(f"`seconds` takes a duration, not {kind_of(value)}")
    return value.value / 1000 if value.value % 1000 else value.value // 1000


def _bytes(_budget: Budget, value: Any) -> int:
    if not isinstance(value, SizeBytes):
        raise FaultError(f"`bytes` takes a size, not {kind_of(value)}")
    return value.value


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _handled_by_the_evaluator(*_: Any) -> Any:
    raise AssertionError("`default` and `glob` need what only the evaluator has")


FILTERS: Mapping[str, Signature] = {
    "default": Signature(_handled_by_the_evaluator, (("value", REQUIRED), ("boolean", False))),
    "join": Signature(_join, (("separator", ""),)),
    "lower": Signature(_lower),
    "upper": Signature(_upper),
    "trim": Signature(_trim, (("characters", None),)),
    "replace": Signature(_replace, (("old", REQUIRED), ("new", REQUIRED), ("count", None))),
    "split": Signature(_split, (("separator", None), ("limit", None))),
    "first": Signature(_first),
    "last": Signature(_last),
    "length": Signature(_length),
    "unique": Signature(_unique),
    "sort": Signature(_sort, (("reverse", False),)),
    "int": Signature(_int),
    "float": Signature(_float),
    "string": Signature(_string),
    "list": Signature(_list),
    "json": Signature(_json),
    "quote": Signature(_quote),
    "basename": Signature(_basename),
    "dirname": Signature(_dirname),
    "stem": Signature(_stem),
    "seconds": Signature(_seconds),
    "bytes": Signature(_bytes),
    "raw": Signature(_raw),
}

FUNCTIONS: Mapping[str, Signature] = {
    "range": Signature(_range, (("start", REQUIRED), ("end", None))),
    "glob": Signature(_handled_by_the_evaluator, (("pattern", REQUIRED),)),
}


def _duration(_budget: Budget, value: Any) -> DurationMs:
    return DurationMs(_whole(value, "duration"))


def _size(_budget: Budget, value: Any) -> SizeBytes:
    return SizeBytes(_whole(value, "size"))


LATE_FUNCTIONS: Mapping[str, Signature] = {
    "duration": Signature(_duration, (("milliseconds", REQUIRED),)),
    "size": Signature(_size, (("bytes", REQUIRED),)),
}
"""How the plan's run-time expressions spell what has no literal; no source may use them."""
