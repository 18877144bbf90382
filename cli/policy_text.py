"""Policies for people and programs: what is in force where, and the place it came from."""

from collections.abc import Iterator, Sequence
from typing import Any

from orch.cli.terminal import PLAIN, Terminal
from orch.cli.units import count_text
from orch.cli.visible import visible, width_of
from orch.compiler.plan import Kind
from orch.compiler.policy import Layers, is_of_run
from orch.compiler.quantities import setting_text
from orch.compiler.request import Compilation, Given
from orch.compiler.settings import dotted_policy

_SPECS = dotted_policy()

_UNSET = {"concurrency": "one stage a CPU", "deadline": "none"}
_OF_SERVICES = ("grace", "output.buffer", "output.error", "output.log")
"""A service is neither timed out nor tried again."""

_MOST_NAMES = 4
Row = tuple[str, str, str]
"""The name of a setting, its value as a file would write it, and its origin."""
Section = tuple[str, str, Sequence[Row]]
"""A visible title, a note beside it, and what holds there."""


def draw_policies(
    compilation: Compilation,
    terminal: Terminal = PLAIN,
    chosen: Sequence[str] | None = None,
    *,
    is_whole: bool = False,
) -> str:
    """Lines for people, each ended by a line end. With `chosen` all of those stages and nothing
    else; with `is_whole` all of every stage."""
    sections = policy_sections(compilation, chosen, is_whole=is_whole)
    widths = _widths([row for _, _, rows in sections for row in rows])
    lines: list[str] = []
    for title, note, shown in sections:
        lines += ["", terminal.paint(title, "bold") + terminal.paint(note and f"  {note}", "dim")]
        lines += _lines(shown, widths, terminal)
    return "".join(f"{line.rstrip()}\n" for line in lines[1:])


def policy_sections(
    compilation: Compilation, chosen: Sequence[str] | None = None, *, is_whole: bool = False
) -> list[Section]:
    """What holds for the run, for stages that say nothing of their own, and for those that do:
    stages for which the same holds stand together."""
    assert compilation.plan is not None
    defaults = compilation.policies[""]
    known = frozenset(_rows(defaults, list(_SPECS)))
    sections: list[Section] = []
    if chosen is None:
        of_run = [name for name in _SPECS if is_of_run(name)]
        of_stages = [name for name in _SPECS if not is_of_run(name)]
        sections.append(("The run", "", _rows(defaults, of_run)))
        sections.append(
            ("Stages", "where nothing below says otherwise", _rows(defaults, of_stages))
        )
    groups: dict[tuple[Row, ...], list[str]] = {}
    for stage in compilation.plan.stages:
        layers = compilation.policies[stage.id]
        if chosen is not None and stage.id not in chosen:
            continue
        rows = tuple(_rows(layers, _settings_of(stage.kind)))
        if chosen is None and not is_whole:
            rows = tuple(row for row in rows if row not in known)
        if rows:
            groups.setdefault(rows, []).append(stage.id)
    return sections + [(*_names(ids), rows) for rows, ids in groups.items()]


def policies_json(compilation: Compilation, chosen: Sequence[str] | None = None) -> dict[str, Any]:
    """`{"run", "stages"}`: of the run and of every stage, by dotted name, `value` as a file would
    write it, and `origin`; `path` and `line` where it is a place in a file."""
    assert compilation.plan is not None
    stages = [s for s in compilation.plan.stages if chosen is None or s.id in chosen]
    defaults = compilation.policies[""]
    return {
        "run": _json(defaults, [name for name in _SPECS if is_of_run(name)]),
        "defaults": _json(defaults, [name for name in _SPECS if not is_of_run(name)]),
        "stages": {s.id: _json(compilation.policies[s.id], _settings_of(s.kind)) for s in stages},
    }


def _settings_of(kind: Kind) -> Sequence[str]:
    if kind == "service":
        return _OF_SERVICES
    return [name for name in _SPECS if not is_of_run(name)]


def _rows(layers: Layers, names: Sequence[str]) -> list[Row]:
    return [(name, _text(name, layers[name]), layers[name].origin) for name in names]


def _text(name: str, given: Given) -> str:
    if given.value is None:
        return _UNSET[name]
    return setting_text(given.value, _SPECS[name].shape)


def _names(ids: Sequence[str]) -> tuple[str, str]:
    """The title of a group of stages, and what is left out of it."""
    names = ", ".join(map(visible, ids[:_MOST_NAMES]))
    more = len(ids) - _MOST_NAMES
    return names, f"and {count_text(more, 'stage')} more" if more > 0 else ""


def _widths(rows: Sequence[Row]) -> tuple[int, int]:
    return max(len(name) for name, _, _ in rows), max(width_of(text) for _, text, _ in rows)


def _lines(rows: Sequence[Row], widths: tuple[int, int], terminal: Terminal) -> Iterator[str]:
    for name, text, origin in rows:
        place = visible(origin)
        shown = terminal.paint(place, "dim") if origin == "built-in" else place
        yield f"  {name:<{widths[0]}}  {text}{' ' * (widths[1] - width_of(text))}  {shown}"


def _json(layers: Layers, names: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        given = layers[name]
        path, _, line = given.origin.rpartition(":")
        found[name] = {
            "value": None if given.value is None else setting_text(given.value, _SPECS[name].shape),
            "origin": given.origin,
            "path": path or None,
            "line": int(line) if path else None,
        }
    return found
