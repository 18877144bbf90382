"""The difference of two plans drawn for people, in the words of a file: what goes is red, what
comes green, scripts are compared line by line.
"""

import json
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any

from orch.cli.graph_model import counted, segments
from orch.cli.plan_diff import ABSENT, Change, PlanDiff
from orch.cli.terminal import PLAIN, Terminal
from orch.cli.units import count_text, longest_text, size_text
from orch.cli.visible import cut, visible, visible_line, width_of
from orch.compiler.plan import Plan
from orch.compiler.quantities import quantity_text

_LISTS = ("needs", "secrets", "inputs", "outputs", "artifacts", "tags", "retry.on")
_WORDS = ("kind", "shell", "retry.jitter", "pool", "stop", "when", "skip")
_HEADS = {
    "pipeline": "Pipeline",
    "run": "Policy of the run",
    "params": "Parameters",
    "secrets": "Secrets",
    "pools": "Pools",
    "bounds": "At most",
}
_MOST_IDS = 3
_CONTEXT_LINES = 2
_MOST_LINES = 60
"""More lines of one script's difference than this are left out, and counted."""


def draw_diff(
    diff: PlanDiff, plans: tuple[Plan, Plan], terminal: Terminal = PLAIN, width: int = 100
) -> str:
    """Lines, each ended by a line end; `plans` are the old one and the new one."""
    if diff.is_empty:
        return "no changes\n"
    drawing = _Drawing(terminal, width)
    lines = [drawing.summary(diff)]
    for head in ("pipeline", "run", "params", "secrets", "pools"):
        lines += drawing.section(head, diff.sections[head])
    lines += drawing.stages(diff, *plans)
    lines += drawing.section("bounds", diff.sections["bounds"])
    return "".join(f"{line.rstrip()}\n" for line in lines)


class _Drawing:
    def __init__(self, terminal: Terminal, width: int) -> None:
        self._terminal = terminal
        self._width = width

    def summary(self, diff: PlanDiff) -> str:
        parts = [
            f"{count_text(count, 'stage')} {word}"
            for count, word in (
                (len(diff.added), "added"),
                (len(diff.removed), "removed"),
                (len(diff.changed_ids), "changed"),
            )
            if count
        ]
        return ", ".join(parts) if parts else "the stages stay as they are"

    def section(self, head: str, changes: Sequence[Change]) -> Iterator[str]:
        if changes:
            yield ""
            yield self._terminal.paint(_HEADS[head], "bold")
            yield from self._changes(changes, "  ", head)

    def stages(self, diff: PlanDiff, old: Plan, new: Plan) -> Iterator[str]:
        if diff.added or diff.removed or diff.changed or diff.is_reordered:
            yield ""
            yield self._terminal.paint("Stages", "bold")
        yield from self._whole("+", "green", diff.added, new)
        yield from self._whole("-", "red", diff.removed, old)
        for group in diff.changed:
            names = ", ".join(group.ids[:_MOST_IDS])
            more = len(group.ids) - _MOST_IDS
            names += f" and {more} more" if more > 0 else ""
            if more > 0 and len(group.ids) == len(new.stages) - len(diff.added):
                names = f"all {len(group.ids)} stages that are in both"
            yield "  " + self._terminal.paint(f"~ {self._fit(visible(names), 4)}", "yellow")
            yield from self._changes(group.changes, "      ")
        if diff.is_reordered:
            yield "  those that are in both are listed in another order"

    def _whole(self, mark: str, style: str, ids: Sequence[str], plan: Plan) -> Iterator[str]:
        """Stages that come or go; those of one matrix are one line."""
        known = {stage.id: stage for stage in plan.stages}
        matrices: dict[tuple[str, ...], list[str]] = {}
        for stage_id in ids:
            matrices.setdefault(tuple(name for name, _ in segments(stage_id)), []).append(stage_id)
        for names, members in matrices.items():
            stage = known[members[0]]
            name = members[0] if len(members) == 1 else counted(".".join(names), len(members))
            notes: list[str] = [stage.kind] if stage.kind != "stage" else []
            notes += ["skipped"] if stage.skip is not None else []
            needs = dict.fromkeys(".".join(n for n, _ in segments(need)) for need in stage.needs)
            notes += [f"after {', '.join(needs)}"] if needs else []
            shown = visible(name) + (f"  {visible('; '.join(notes))}" if notes else "")
            yield "  " + self._terminal.paint(f"{mark} {self._fit(shown, 4)}", style)

    # -- changes ---------------------------------------------------------------------

    def _changes(
        self, changes: Sequence[Change], indent: str, head: str | None = None
    ) -> Iterator[str]:
        shown = [(visible(_name(change.setting, head)), change) for change in changes]
        column = max(width_of(name) for name, _ in shown)
        for name, change in shown:
            is_free = _is_free(change.setting, head)
            lines = None if is_free and head else _lines_of(change)
            if lines is not None:
                yield indent + name
                yield from self._compared(*lines, f"{indent}  ")
                continue
            lead = f"{indent}{name}{' ' * (column - width_of(name))}  "
            if change.setting in _LISTS and not is_free:
                yield from self._parts(lead, _list_parts(change))
                continue
            old, new = (_value_text(change.setting, v, head) for v in (change.old, change.new))
            yield from self._values(lead, old, new)

    def _values(self, lead: str, old: str | None, new: str | None) -> Iterator[str]:
        if old is not None and new is not None:
            arrow = self._terminal.mark("arrow")
            was, now = visible(old), visible(new)
            if width_of(f"{lead}{was} {arrow} {now}") <= self._width:
                painted = self._terminal.paint(was, "red"), self._terminal.paint(now, "green")
                yield f"{lead}{painted[0]} {arrow} {painted[1]}"
                return
        parts = [(f"- {old}", "red")] if old is not None else []
        parts += [(f"+ {new}", "green")] if new is not None else []
        yield from self._parts(lead, parts)

    def _parts(self, lead: str, parts: Sequence[tuple[str, str]]) -> Iterator[str]:
        for text, style in parts:
            yield lead + self._terminal.paint(self._fit(visible(text), width_of(lead)), style)
            lead = " " * width_of(lead)

    def _compared(self, old: list[str], new: list[str], indent: str) -> Iterator[str]:
        """Two texts, line by line, with a little of what stays around it."""
        lines = list(unified_diff(old, new, n=_CONTEXT_LINES, lineterm=""))[2:]
        for number, line in enumerate(lines[:_MOST_LINES]):
            mark, text = line[:1], line[1:]
            if mark == "@":
                if number:
                    yield indent + self._terminal.paint(self._terminal.mark("ellipsis"), "dim")
                continue
            style = {"+": ("green",), "-": ("red",)}.get(mark, ("dim",))
            yield indent + self._terminal.paint(
                f"{mark} {self._fit(visible_line(text), len(indent) + 2)}", *style
            )
        if len(lines) > _MOST_LINES:
            yield f"{indent}and {len(lines) - _MOST_LINES} lines more"

    def _fit(self, text: str, indent: int) -> str:
        return cut(text, max(20, self._width - indent), self._terminal.mark("ellipsis"))


# -- words -------------------------------------------------------------------------


_FREE_SECTIONS = ("params", "secrets", "pools")
_FREE_TABLES = ("env", "values", "matrix")


def _is_free(setting: str, head: str | None) -> bool:
    """Whether a file made up the name, so that it says nothing of what the value means."""
    return head in _FREE_SECTIONS or setting.partition(".")[0] in _FREE_TABLES


def _name(setting: str, head: str | None) -> str:
    """A setting as a file calls it."""
    if _is_free(setting, head):
        return setting
    if head == "bounds":
        return _BOUNDS[setting]
    return {"skip": "skipped"}.get(setting, setting.removesuffix("_ms").removesuffix("_bytes"))


_BOUNDS = {
    "wall_ms": "time",
    "buffer_bytes": "memory for output",
    "log_bytes": "logs",
    "attempts": "processes",
}


def _list_parts(change: Change) -> list[tuple[str, str]]:
    """What a list gains and loses."""
    old, new = (v if isinstance(v, list) else [] for v in (change.old, change.new))
    parts = [(f"+ {item}", "green") for item in new if item not in old]
    parts += [(f"- {item}", "red") for item in old if item not in new]
    return parts or [("the same, in another order", "dim")]


def _lines_of(change: Change) -> tuple[list[str], list[str]] | None:
    """The lines of two texts that are best compared line by line: scripts, and texts of several
    lines. A list `run` is one line."""
    if change.setting == "run" and isinstance(change.old, list) and isinstance(change.new, list):
        old, new = change.old, change.new
        if old[:-1] == new[:-1] and len(old) > 1 and _is_script(old):
            return old[-1].splitlines(), new[-1].splitlines()
        return [_run_text(old)], [_run_text(new)]
    if isinstance(change.old, str) and isinstance(change.new, str):
        old_lines, new_lines = change.old.splitlines(), change.new.splitlines()
        if len(old_lines) > 1 or len(new_lines) > 1:
            return old_lines, new_lines
    return None


_SCRIPT_OPTIONS = ("-c", "-e")


def _is_script(argv: Sequence[str]) -> bool:
    return argv[-2] in _SCRIPT_OPTIONS


def _run_text(argv: Sequence[str]) -> str:
    if len(argv) > 1 and _is_script(argv) and "\n" not in argv[-1]:
        return argv[-1]
    return json.dumps(argv, ensure_ascii=False)


def _value_text(setting: str, value: Any, head: str | None) -> str | None:
    """A value as a file would write it; None where there is none."""
    if value is ABSENT:
        return None
    if _is_free(setting, head):
        return json.dumps(value, ensure_ascii=False)
    if head == "bounds":
        if setting == "wall_ms":
            return longest_text(value)
        return size_text(value) if setting.endswith("_bytes") else str(value)
    if value is None:
        return {"skip": "no", "concurrency": "one stage a CPU"}.get(setting, "none")
    return _written(setting, value)


def _written(setting: str, value: Any) -> str:
    if setting.endswith("_ms"):
        ends = value if isinstance(value, list) else [value]
        return "..".join(quantity_text(end, "duration") for end in ends)
    if setting.endswith("_bytes"):
        return quantity_text(value, "size")
    if setting.startswith(("bindings.", "late.")):
        return f"{{{{ {value} }}}}"
    if setting in _WORDS:
        return str(value)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
