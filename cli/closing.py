"""The last screen of a run: how it ended, what failed and why, and what to type next."""

from orch.cli.outcome_text import (
    count_pieces,
    excerpt_lines,
    reason_text,
    shell_text,
    why_text,
)
from orch.cli.terminal import Terminal
from orch.cli.units import duration_text
from orch.cli.visible import visible
from orch.compiler.plan import Plan
from orch.dsl.type_names import TYPE_CHECKING, Iterator, Mapping
from orch.runtime.manifest import Manifest
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus

if TYPE_CHECKING:
    from orch.runtime.run_result import RunResult

_EXIT_STAGE_FAILED = 1
_MAX_FAILURES = 5
_EXCERPT_LINES = 5
_ROWS_AROUND = 9
"""The headline, the commands with the blank line before each of both, and the prompt below."""


def draw_closing(result: "RunResult", plan: Plan, terminal: Terminal) -> str:
    """The screen for a run that has ended; no more than the window holds, where it is one."""
    manifest = result.manifest
    lines = [headline(manifest, manifest.status, terminal)]
    if manifest.status is not RunStatus.SUCCEEDED:
        failures = blamed_failures(manifest, plan)
        shown, excerpt = _room_for(len(failures), terminal)
        for failure in failures[:shown]:
            lines += ["", *failure_lines(result.whole(failure), terminal, excerpt)]
        if len(failures) > shown:
            more = len(failures) - shown
            lines += ["", f"  and {more} more; `orch status -v last` lists all"]
        lines += ["", *_next_lines(failures, manifest, terminal)]
    return "".join(f"{line}\n" for line in lines)


def _room_for(failures: int, terminal: Terminal) -> tuple[int, int]:
    """How many failures are shown, and so many lines of output of each at most."""
    if not terminal.is_terminal or not failures:
        return _MAX_FAILURES, _EXCERPT_LINES
    # A blank line, the failure's own and one of its output are the least that tells anything.
    rows = terminal.size()[1] - _ROWS_AROUND
    shown = max(1, min(failures, _MAX_FAILURES, rows // 3))
    rows -= 2 if failures > shown else 0
    return shown, max(1, min(_EXCERPT_LINES, rows // shown - 2))


def headline(
    manifest: Manifest, status: RunStatus, terminal: Terminal, age_ms: int | None = None
) -> str:
    """How the run stands in one line; `status` may be judged otherwise than it is recorded.
    `age_ms`: how long one that is under way has been."""
    duration_ms = manifest.duration_ms
    duration = "" if age_ms is None else f" for {duration_text(age_ms)}"
    if duration_ms is not None:
        duration = f" in {duration_text(duration_ms)}"
    # Which stages failed is shown further down; any other reason is said here.
    has_failures = any(entry.status is StageStatus.FAILED for entry in manifest.stages)
    is_said = manifest.reason in (None, "cancelled") or (
        has_failures and manifest.exit_code == _EXIT_STAGE_FAILED
    )
    why = "" if is_said else f", {reason_text(manifest.reason or '')}"
    counts = terminal.drawn(count_pieces(stage_counts(manifest)))
    fresh = sum(entry.fresh for entry in manifest.stages)
    counts += f" ({fresh} fresh)" if fresh else ""
    return (
        f"{terminal.status_mark(status.value)} "
        f"{terminal.paint(visible(manifest.pipeline), 'bold')} "
        f"{terminal.paint(f'{status.value}{duration}', 'bold')}{why}: {counts}"
    )


def blamed_failures(manifest: Manifest, plan: Plan) -> list[StageEntry]:
    """The failed stages that were not allowed to fail."""
    allowed = {stage.id for stage in plan.stages if stage.allow_failure}
    return [
        entry
        for entry in manifest.stages
        if entry.status is StageStatus.FAILED and entry.id not in allowed
    ]


def stage_counts(manifest: Manifest) -> Mapping[str, int]:
    """How many stages have each status."""
    statuses = [entry.status for entry in manifest.stages]
    return {status.value: statuses.count(status) for status in StageStatus if status in statuses}


def failure_lines(
    entry: StageEntry, terminal: Terminal, limit: int = _EXCERPT_LINES
) -> Iterator[str]:
    """A failed stage: its name, why it failed, the last lines that it wrote."""
    tries = f" after {entry.attempts} attempts" if entry.attempts > 1 else ""
    yield (
        f"  {terminal.status_mark('failed')} {terminal.paint(visible(entry.id), 'bold')} "
        f"{terminal.paint(why_text(entry.reason, entry), 'red')}{tries}"
    )
    for line in excerpt_lines(entry, terminal, limit):
        yield f"  {line}"


def _next_lines(
    failures: list[StageEntry], manifest: Manifest, terminal: Terminal
) -> Iterator[str]:
    """Commands to copy, with what they show where there is room to say it; and where all is."""
    commands = [
        ("orch status last", "every stage, and why"),
        ("orch resume last", "go on where it stopped"),
    ]
    if failures:
        logs = shell_text(("orch", "logs", "last", failures[0].id))
        commands.insert(0, (logs, "all that it wrote"))
    column = max(len(command) for command, _ in commands)
    has_room = column + 4 + max(len(what) for _, what in commands) < terminal.size()[0]
    for command, what in commands:
        said = f"  {terminal.paint(what, 'dim')}" if has_room else ""
        lead = command.ljust(column) if has_room else command
        yield f"  {terminal.paint(lead, 'cyan')}{said}"
    yield f"  {terminal.paint(visible(manifest.manifest), 'dim')}"
