"""The combinations of a matrix: axes as written, the last one fastest, then the included ones."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from orch.compiler.quantities import quantity_text
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.values import (
    UNKNOWN,
    DurationMs,
    SizeBytes,
    Unknown,
    example_of,
    kind_of,
    text_of,
)
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import List, Map, Name, Setting, Value

MOST_COMBINATIONS = 10_000
_MOST_EXCLUDED = 1_000_000
"""Combinations looked at in one matrix, those that an `exclude` removes included."""

_PLAIN = re.compile(r"[A-Za-z0-9._+/-]+")
_KEYS = ("include", "exclude")

Row = Mapping[str, Any]


@record
class Combinations:
    """The rows of a matrix. Where they can't be known there is one, of unknown values, so that
    everything else about the stage can be checked."""

    axes: tuple[str, ...]
    rows: tuple[Row, ...]
    is_known: bool


def combinations(matrix: Section, reader: Reader) -> Combinations:
    """Evaluate a matrix block (E0202, E0205, E0210, E0307, E0401, E0403, E0405)."""
    return _Matrix(matrix, reader).combine()


def row_text(row: Row) -> str:
    """A combination as it stands in a stage's id: `python=3.11,suite=db`."""
    return ",".join(f"{axis}={_id_text(value)}" for axis, value in row.items())


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one kind: 1 is not true, and `"1"` is not 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other)


def scalar_text(value: Any) -> str:
    """The text of a scalar, as it would be written in a file without quotes."""
    if isinstance(value, DurationMs):
        return quantity_text(value.value, "duration")
    if isinstance(value, SizeBytes):
        return quantity_text(value.value, "size")
    return text_of(value)


def _id_text(value: Any) -> str:
    import json

    if isinstance(value, Unknown):
        return "…"
    text = scalar_text(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _Matrix:
    """One matrix block while its rows are made."""

    def __init__(self, matrix: Section, reader: Reader) -> None:
        self._matrix = matrix
        self._reader = reader
        self._keyword = matrix.block.keyword.span
        self._axes = [entry for entry in matrix.entries if _key(entry) not in _KEYS]
        self._names = tuple(_key(entry) for entry in self._axes)
        self._is_sound = True

    def combine(self) -> Combinations:
        if not self._axes:
            if not self._matrix.block.is_broken:
                self._bad("E0405", "a matrix without axes makes no stage", self._keyword)
            return self._unknown()
        self._check_names()
        lists = [self._axis(entry) for entry in self._axes]
        excluded = self._entries("exclude", is_whole=False)
        included = self._entries("include", is_whole=True)
        if self._is_sound and any(isinstance(values, Unknown) for values in lists):
            self._is_sound = False
        if not self._is_sound or excluded is None or included is None:
            return self._unknown()
        rows = self._rows([list(values) for values in lists], [row for row, _ in excluded])
        if rows is None or not self._add(rows, included):
            return self._unknown()
        if not rows:
            self._bad("E0405", "nothing is left of the matrix", self._keyword)
            return self._unknown()
        return Combinations(self._names, tuple(rows.values()), is_known=True)

    def _unknown(self) -> Combinations:
        return Combinations(self._names, (dict.fromkeys(self._names, UNKNOWN),), is_known=False)

    def _bad(self, code: str, message: str, span: Span, help_: str | None = None) -> None:
        self._is_sound = False
        self._reader.report(code, message, span, help_)

    def _check_names(self) -> None:
        spelt: dict[str, str] = {}
        for entry in self._axes:
            first = spelt.setdefault(_key(entry).lower(), _key(entry))
            if first != _key(entry):
                message = (
                    f"the axis `{shown(_key(entry))}` differs only in case from `{shown(first)}`"
                )
                self._bad("E0202", message, entry.name.span)
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", _key(entry)):
                message = f"`{shown(_key(entry))}` can't be the name of an axis"
                self._bad("E0210", message, entry.name.span)

    def _axis(self, entry: Setting) -> Any:
        """The values of an axis, or `UNKNOWN`."""
        name = _key(entry)
        values = self._reader.value(entry.value)
        if isinstance(values, Unknown) and isinstance(example_of(values), (tuple, Unknown)):
            return UNKNOWN
        if not isinstance(values, (tuple, list)):
            message = f"the axis `{shown(name)}` is {kind_of(values)}, not a list"
            self._bad("E0401", message, entry.value.span, "put its values into `[…]`")
            return UNKNOWN
        nodes = entry.value.items if isinstance(entry.value, List) else None
        if not values:
            self._bad(
                "E0405", f"the axis `{shown(name)}` is empty, so it makes no stage", self._keyword
            )
        seen: set[str] = set()
        for at, value in enumerate(values):
            span = nodes[at].span if nodes else entry.value.span
            if isinstance(value, (tuple, list, Mapping)) or value is None:
                message = f"a value of the axis `{shown(name)}` is {kind_of(value)}"
                self._bad("E0401", message, span, "an axis holds strings, numbers and the like")
                return UNKNOWN
            text = scalar_text(value)
            if text in seen:
                message = (
                    f"the axis `{shown(name)}` holds `{shown(text)}` twice, so combinations repeat"
                )
                self._bad("E0405", message, self._keyword)
                return UNKNOWN
            seen.add(text)
        return values

    def _entries(self, key: str, *, is_whole: bool) -> list[tuple[Row, Span]] | None:
        """The maps of `include` or `exclude` with their places; None where one is unknown."""
        setting = next((e for e in self._matrix.entries if _key(e) == key), None)
        if setting is None:
            return []
        node = setting.value
        found: list[tuple[Row, Span]] = []
        nodes: Iterable[Value] = node.items if isinstance(node, List) else (node,)
        if isinstance(node, Map):
            self._bad("E0401", f"`{key}` takes a list of maps", node.span, "put it into `[…]`")
            return None
        for item in nodes:
            value = self._reader.value(item)
            maps = (value,) if isinstance(node, List) else value
            if isinstance(value, Unknown):
                return None
            if not isinstance(maps, (tuple, list)) or not all(
                isinstance(one, Mapping) for one in maps
            ):
                self._bad("E0401", f"`{key}` takes a list of maps", item.span)
                return None
            found += [
                (one, item.span)
                for one in maps
                if self._is_entry(one, item, key, is_whole=is_whole)
            ]
        return found

    def _is_entry(self, row: Row, node: Value, key: str, *, is_whole: bool) -> bool:
        places: dict[str, Span] = {}
        if isinstance(node, Map):
            places = {_key_text(entry.key): entry.key.span for entry in node.entries}
        is_good = True
        for name, value in row.items():
            if name not in self._names:
                hint = near_miss(name, self._names)
                help_ = did_you_mean(hint)
                message = f"the matrix has no axis `{shown(name)}`"
                self._bad("E0205", message, places.get(name, node.span), help_)
                is_good = False
            elif isinstance(value, (tuple, list, Mapping)) or value is None:
                message = (
                    f"`{shown(name)}` is {kind_of(value)}, and an axis holds strings and numbers"
                )
                self._bad("E0401", message, node.span)
                is_good = False
        missing = [name for name in self._names if name not in row]
        if is_good and is_whole and missing:
            message = f"an `{key}` entry names every axis, and this one lacks `{shown(missing[0])}`"
            self._bad("E0403", message, node.span)
            is_good = False
        elif not row:
            self._bad("E0403", f"an `{key}` entry names at least one axis", node.span)
            is_good = False
        return is_good

    def _rows(self, lists: list[list[Any]], excluded: list[Row]) -> dict[str, Row] | None:
        """The rows that are not excluded, by their text; None where they are too many."""
        total = prod(len(values) for values in lists)
        most = _MOST_EXCLUDED if excluded else MOST_COMBINATIONS
        if total > most:
            self._too_many(total)
            return None
        rows: dict[str, Row] = {}
        for row in self._products(lists):
            if any(_matches(row, entry) for entry in excluded):
                continue
            rows[row_text(row)] = row
            if len(rows) > MOST_COMBINATIONS:
                self._too_many(total)
                return None
        return rows

    def _products(self, lists: list[list[Any]]) -> Iterator[Row]:
        return (dict(zip(self._names, values, strict=True)) for values in product(*lists))

    def _add(self, rows: dict[str, Row], included: list[tuple[Row, Span]]) -> bool:
        for entry, span in included:
            row = {name: entry[name] for name in self._names}
            text = row_text(row)
            if text in rows:
                self._bad("E0405", f"the combination `{shown(text)}` is there already", span)
                return False
            rows[text] = row
        if len(rows) > MOST_COMBINATIONS:
            self._too_many(len(rows))
            return False
        return True

    def _too_many(self, total: int) -> None:
        message = f"the matrix makes {total:,} stages, and {MOST_COMBINATIONS:,} is the most"
        self._bad("E0307", message, self._matrix.block.span)


def _matches(row: Row, entry: Row) -> bool:
    return all(is_same(row[name], value) for name, value in entry.items())


def _key(entry: Setting) -> str:
    return _key_text(entry.name)


def _key_text(name: Any) -> str:
    return name.text if isinstance(name, Name) else name.static_text
