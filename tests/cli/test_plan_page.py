"""The page of a plan says all of it: what the plan holds moves it, how it is held does not."""

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orch.cli.plan_page import plan_page
from orch.compiler.plan import Plan, digest_of, plan_from_json
from orch.compiler.texts import read_scalar
from tests.plans.corpus import Entry, entries


def plan_of(entry: Entry, root: Path) -> dict[str, Any]:
    """The plan of an entry of the corpus as JSON values, keys sorted as a saved plan has them."""
    entry.place(root)
    value: dict[str, Any] = json.loads(entry.plan_text(root))
    return value


def read(value: dict[str, Any]) -> Plan:
    return plan_from_json({**value, "digest": digest_of(value)})


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a JSON value, containers and scalars."""
    keys: Any = ()
    if isinstance(value, dict):
        keys = value
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        yield (*way, key)
        yield from places(value[key], (*way, key))


def others(name: Any, value: Any) -> list[Any]:
    """Values of its kind that a plan could hold instead under this name."""
    is_number = name in {"deadline_ms", "concurrency", "backoff_ms"}
    found: list[Any] = []
    match value:
        case bool():
            found = [not value]
        case int() | float():
            found = [value + 1, value + 1000]
        case str():
            found = [value + end for end in ("x", " ", "\n", '"', "\\", "\u200b")]
        case None:
            found = [5] if is_number else ["x"] if name == "shell" else ["x", ""]
        case list():
            found = [] if is_number else [[*value, "x"], [*value, "x", ""], [*value, "x, y"]]
        case dict():
            found = [{**value, "X": "y"}]
    return found


def is_of_its_own_kind(way: tuple[Any, ...]) -> bool:
    """Whether another value of the same JSON type is a plan too, as far as its reader judges."""
    fixed = {"schema", "digest", "policy", "bounds", "pipeline", "stages", "secrets"}
    if way[-1] in fixed or way[-1] in {"retry", "output", "heartbeat", "lock", "late"}:
        return False
    if way[0] == "stages":
        return len(way) > 2
    return way[0] != "secrets" or len(way) > 2


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_whatever_moves_in_a_plan_moves_its_page(entry: Entry, tmp_path: Path) -> None:
    """Each value of the plan is replaced in turn: no other plan has the same page."""
    value = plan_of(entry, tmp_path)
    pages = {plan_page(read(value)): "nothing"}
    tried = 0
    for way in filter(is_of_its_own_kind, places(value)):
        for other in others(way[-1], _at(value, way)):
            changed = copy.deepcopy(value)
            _at(changed, way[:-1])[way[-1]] = other
            page = plan_page(read(changed))
            assert page not in pages, f"{way} = {other!r} looks like {pages[page]}"
            pages[page] = f"{way} = {other!r}"
            tried += 1
            if tried > 400:
                return
    assert tried > 50


def _at(value: Any, way: tuple[Any, ...]) -> Any:
    for key in way:
        value = value[key]
    return value


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_plan_read_back_has_the_same_page(entry: Entry, tmp_path: Path) -> None:
    """A saved plan has its keys sorted, and lists instead of tuples: none of that is meaning."""
    entry.place(tmp_path)
    plan = entry.compile(tmp_path).plan
    assert plan is not None
    assert plan_page(plan) == plan_page(read(plan_of(entry, tmp_path / "again")))


def test_no_two_texts_have_the_same_page(tmp_path: Path) -> None:
    """All texts of up to five signs that matter to quotes, lines and blanks, where a script and
    where a single setting stands."""
    value = plan_of(next(entry for entry in entries() if entry.name == "minimal"), tmp_path)
    pages = set()
    texts = [
        "".join(signs)
        for length in range(5)
        for signs in itertools.product("\"'`\n\\ ", repeat=length)
    ]
    texts += ['"""\n"""', 'a\n"""]', 'a\n"""]\n', '"""]\n', "a\r\nb", "a\u2028b\n", "a\tb\n"]
    for text in texts:
        value["stages"][0]["argv"][-1] = text
        value["stages"][0]["stdin"] = None
        pages.add(plan_page(read(value)))
        value["stages"][0]["argv"][-1] = "x"
        value["stages"][0]["stdin"] = text
        pages.add(plan_page(read(value)))
    assert len(pages) == 2 * len(texts)


def test_a_page_is_fit_for_editors_and_terminals(tmp_path: Path) -> None:
    """No line ends in blanks that an editor would trim, and no sign on it acts."""
    for entry in entries():
        page = plan_page(read(plan_of(entry, tmp_path / entry.name)))
        assert page.endswith("}\n")
        for line in page.split("\n"):
            assert line == line.rstrip()
            assert line.replace("\t", "").isprintable()


def test_a_script_stands_as_it_was_written(tmp_path: Path) -> None:
    """A reviewer reads its lines, not their escapes."""
    value = plan_of(next(entry for entry in entries() if entry.name == "minimal"), tmp_path)
    value["stages"][0]["argv"] = ["/bin/sh", "-eu", "-c", 'if x; then\n  echo "a\\b"\nfi\n']
    assert (
        '  sh = ["/bin/sh", "-eu", "-c", """\n    if x; then\n      echo "a\\b"\n    fi\n  """]\n'
    ) in plan_page(read(value))


@pytest.mark.parametrize("duration_ms", [0, 1, 999, 1000, 60_000, 5_450_500, 90_061_001])
def test_durations_are_exact_and_read_back(duration_ms: int, tmp_path: Path) -> None:
    """They stand as the language writes them."""
    value = plan_of(next(entry for entry in entries() if entry.name == "minimal"), tmp_path)
    value["bounds"]["wall_ms"] = duration_ms
    page = plan_page(read(value))
    shown = page.partition("wall = ")[2].partition("\n")[0]
    assert read_scalar(shown, "duration") == duration_ms
