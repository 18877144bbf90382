"""A run as GitHub Actions shows it: an annotation for each stage that failed, and a summary page.

GitHub reads annotations in what a step writes, and shows ten of a kind for each step at most; a
summary is Markdown in the file that GITHUB_STEP_SUMMARY names, up to 1 MiB for each step.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from orch.cli.closing import blamed_failures, stage_counts
from orch.cli.github_annotations import checkout_folder, workflow_command
from orch.cli.outcome_text import COUNTED, reason_text, why_text
from orch.cli.units import count_text, duration_text
from orch.cli.visible import cut, visible, visible_lines
from orch.compiler.plan import Plan
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import StageStatus

if TYPE_CHECKING:
    from orch.runtime.run_result import RunResult

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"

_MOST_ANNOTATIONS = 10
_MOST_ROWS = 200
_MOST_EXCERPTS = 10
_EXCERPT_LINES = 20
_LINE_CELLS = 400

_MARKS = {"succeeded": "✅", "failed": "❌", "cancelled": "🟡", "skipped": "⚪"}
_FIRST = (StageStatus.FAILED, StageStatus.CANCELLED)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def stage_annotations(result: "RunResult", plan: Plan, environment: Mapping[str, str]) -> list[str]:
    """A workflow command for each failed stage: an error, or a warning where it may fail; at the
    line of the stage, where that is found."""
    blamed = blamed_failures(result.manifest, plan)
    allowed = [
        entry
        for entry in result.manifest.stages
        if entry.status is StageStatus.FAILED and entry not in blamed
    ]
    if not blamed and not allowed:
        return []
    find_place = _stage_places(result)
    folder = checkout_folder(result.paths.root, environment)

    def place(stage_id: str) -> Mapping[str, str]:
        found = find_place(stage_id)
        return {} if found is None else {"file": folder + found[0], "line": str(found[1])}

    return [
        *_annotations("error", blamed, result, place),
        *_annotations("warning", allowed, result, place),
    ]


def _stage_places(result: "RunResult") -> Callable[[str], tuple[str, int] | None]:
    """Finds the file and the line of a stage of the run."""
    try:
        # It compiles: a run of which nothing failed doesn't wait for that.
        from orch.cli.stage_places import StagePlaces
    except ImportError:
        # A command of the run has removed what orch runs from; there is no compiler any more.
        return lambda _stage_id: None
    return StagePlaces(result.paths).of


def _annotations(
    kind: str,
    entries: list[StageEntry],
    result: "RunResult",
    place: Callable[[str], Mapping[str, str]],
) -> Iterator[str]:
    """At most ten; where there are more, the last one counts them."""
    shown = entries if len(entries) <= _MOST_ANNOTATIONS else entries[: _MOST_ANNOTATIONS - 1]
    for entry in shown:
        lines = [_why(entry), *_excerpt(result.whole(entry), 5)]
        title = f"{visible(result.manifest.pipeline)}: {visible(entry.id)}"
        yield workflow_command(kind, {**place(entry.id), "title": title}, "\n".join(lines))
    if len(shown) < len(entries):
        rest = count_text(len(entries) - len(shown), "more stage")
        yield workflow_command(kind, {"title": visible(result.manifest.pipeline)}, f"{rest} failed")


def append_summary(path: str, result: "RunResult", plan: Plan) -> None:
    """Add the run to the summary of its step. Raises OSError."""
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(f"{line}\n" for line in summary_lines(result, plan)))


def summary_lines(result: "RunResult", plan: Plan) -> Iterator[str]:
    """The summary: a headline, a table of stages with the failed ones first, their last lines."""
    manifest = result.manifest
    mark = _MARKS.get(result.status.value, "")
    took = "" if manifest.duration_ms is None else f" in {duration_text(manifest.duration_ms)}"
    yield f"### {mark} {_escaped(manifest.pipeline)} {result.status.value}{took}"
    yield ""
    counts = stage_counts(manifest)
    yield ", ".join(f"{counts[word]} {word}" for word in COUNTED if counts.get(word)) + (
        f"; run {_code(manifest.run_id)}"
    )
    yield ""
    yield "| | stage | time | |"
    yield "|---|---|---:|---|"
    ordered = sorted(manifest.stages, key=lambda entry: entry.status not in _FIRST)
    blamed = blamed_failures(manifest, plan)
    for entry in ordered[:_MOST_ROWS]:
        yield _row(entry, is_allowed=entry.status is StageStatus.FAILED and entry not in blamed)
    yield ""
    if len(ordered) > _MOST_ROWS:
        yield f"and {count_text(len(ordered) - _MOST_ROWS, 'more stage')}"
        yield ""
    for entry in blamed[:_MOST_EXCERPTS]:
        yield f"**{_escaped(entry.id)}**: {_escaped(_why(entry))}"
        yield ""
        yield from _fenced(_excerpt(result.whole(entry), _EXCERPT_LINES))


def _row(entry: StageEntry, *, is_allowed: bool) -> str:
    took = "" if entry.duration_ms is None else duration_text(entry.duration_ms)
    mark = _MARKS.get(entry.status.value, "")
    said = _said(entry) + (", which is allowed" if is_allowed else "")
    return f"| {mark} | {_escaped(entry.id)} | {took} | {_escaped(said)} |"


def _said(entry: StageEntry) -> str:
    match entry.status:
        case StageStatus.FAILED:
            return _why(entry)
        case StageStatus.SUCCEEDED:
            tries = f"{entry.attempts} attempts" if entry.attempts > 1 else ""
            parts = ("fresh" if entry.fresh else "", entry.summary or "", tries)
            return ", ".join(part for part in parts if part)
        case _:
            return reason_text(entry.reason or entry.status.value)


def _why(entry: StageEntry) -> str:
    tries = f" after {entry.attempts} attempts" if entry.attempts > 1 else ""
    return why_text(entry.reason, entry) + tries


def _excerpt(entry: StageEntry, limit: int) -> list[str]:
    """The last lines that a stage wrote to stderr, or to stdout where that is empty."""
    said = entry.stderr_excerpt if entry.stderr_excerpt.strip() else entry.stdout_excerpt
    lines = [line for line in visible_lines(said) if line.strip()]
    return [cut(line, _LINE_CELLS) for line in lines[-limit:]]


def _fenced(lines: list[str]) -> Iterator[str]:
    """Lines as they are, behind a fence that none of them can close."""
    if not lines:
        return
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    yield f"{fence}text"
    yield from lines
    yield fence
    yield ""


def _code(text: str) -> str:
    return f"`{visible(text)}`"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, in a table too: no tag, no link, no emphasis."""
    return _PUNCTUATION.sub(r"\\\g<0>", visible(text))
