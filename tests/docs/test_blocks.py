"""The manual's reference of blocks tells every setting there is, with its type and its default."""

import re
from pathlib import Path
from typing import Any

import pytest

from orch.compiler.quantities import quantity_text
from orch.compiler.settings import BLOCKS, LARGEST_BYTES, LONGEST_MS, BlockSpec, SettingSpec
from orch.compiler.shapes import (
    ListOf,
    MapOf,
    Names,
    RangeOf,
    Scalar,
    Shape,
    Strings,
    Words,
)

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/reference/blocks.md"

# Blocks whose settings are told with the block of the same name.
TOLD_ELSEWHERE = {"policy", "retry", "output", "matrix"}


def type_text(shape: Shape) -> str:
    """A shape as the tables write it."""
    text = "any"
    match shape:
        case Scalar(type="string", allowed=words) if words:
            text = " ".join(f'`"{word}"`' for word in words)
        case Scalar(type=name, low=low, high=high):
            is_open = low is None or high in {None, LONGEST_MS, LARGEST_BYTES}
            text = name if is_open else f"{name} {_end(low, name)}..{_end(high, name)}"
        case Words(words=words):
            text = " ".join(f"`{word}`" for word in words)
        case ListOf(item=item):
            text = "list of string" if isinstance(item, Strings) else f"list of {type_text(item)}"
        case RangeOf(item=item) | MapOf(item=item):
            text = f"{'range' if isinstance(shape, RangeOf) else 'map'} of {type_text(item)}"
        case Strings():
            text = "string, or list of strings"
        case Names(of=of, is_list=is_list):
            text = f"list of {of} names" if is_list else f"{of} name"
    return text


def _end(value: Any, unit: str) -> str:
    return quantity_text(value, unit) if unit in {"duration", "size"} else str(value)


def default_text(setting: SettingSpec) -> str:
    """A default as the tables write it."""
    value, shape = setting.default, setting.shape
    if setting.is_required or value is None:
        return "required" if setting.is_required else ""
    match value, shape:
        case bool(), _:
            text = str(value).lower()
        case (low, high), RangeOf():
            text = f"{_end(low, 'duration')}..{_end(high, 'duration')}"
        case tuple(), _:
            text = f"[{', '.join(value)}]"
        case float(), _:
            text = f"{value:g}"
        case str(), Scalar():
            text = f'"{value}"'
        case _, Scalar(type=unit):
            text = _end(value, unit)
        case _:
            text = str(value)
    return f"`{text}`"


def rows_due(block: BlockSpec) -> dict[str, tuple[str, str]]:
    """Type and default of every setting that a block's table has to hold, by its name."""
    rows = {each.name: (type_text(each.shape), default_text(each)) for each in block.rows}
    for inner in block.inner:
        is_told = inner.keyword in TOLD_ELSEWHERE and block.keyword != "policy"
        if is_told or not inner.rows:
            rows[inner.keyword] = ("block", "")
        else:
            rows |= {
                f"{inner.keyword}.{each.name}": (type_text(each.shape), default_text(each))
                for each in inner.rows
            }
    return rows


def rows_told(keyword: str) -> dict[str, tuple[str, str]]:
    """What the page's table of a block holds."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {keyword}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            found[cells[0].strip("`")] = (cells[1], cells[2])
            assert len(cells[3]) > 5, f"{keyword}: `{cells[0]}` has no meaning"
    return found


@pytest.mark.parametrize("keyword", BLOCKS)
def test_the_table_of_a_block_is_complete_and_true(keyword: str) -> None:
    """Each setting once, with the type and the default that the compiler has."""
    due = rows_due(BLOCKS[keyword])
    if keyword == "finally":
        assert due == rows_due(BLOCKS["stage"]), "the page says: what a stage takes, but `needs`"
        due = {}
    assert rows_told(keyword) == due


def test_a_wrong_row_would_be_found() -> None:
    """The texts compared come from the compiler's table of the language."""
    policy = rows_due(BLOCKS["policy"])
    assert policy["retry.attempts"] == ("int 1..100", "`1`")
    assert policy["output.buffer"] == ("size 1KiB..16MiB", "`64KiB`")
    assert policy["retry.backoff"] == ("range of duration", "`100ms..3s`")
    assert rows_due(BLOCKS["service"])["stop"][1] == '`"TERM"`'
