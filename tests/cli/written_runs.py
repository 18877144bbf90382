"""Runs written to disk event by event, for the tests of what is shown of runs."""

from collections.abc import Iterable
from pathlib import Path

from orch.compiler.plan import Plan
from orch.runtime.clock import utc_text
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunCompleted,
    RunEvent,
    StageCompleted,
    StageReady,
    StageRetrying,
    StageStarted,
)
from orch.runtime.paths import RunPaths
from orch.runtime.states import RunStatus, StageStatus
from tests.runtime.samples import START_MS, new_run, run_started, write_events

Story = list[tuple[int, Payload]]
"""Payloads, each with its milliseconds since the run began."""

TRICKS = (
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    "\" onfocus=alert(1) autofocus x='",
    "]]> --> <!-- <![CDATA[",
    "&lt;b&gt; &#x3c;",
    "line\u2028paragraph\u2029end",
    "\u202egnp.exe\u202c \u2066iso\u2069",
    "nul\0bell\a\x9b31m csi",
    "\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2J",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "https://evil.example/x.js //evil.example/y",
)
"""What nobody should put into names and output, and somebody will."""


def events_of(paths: RunPaths, plan: Plan, story: Story) -> list[RunEvent]:
    """The events of a run, `run:started` before what the story tells."""
    whole = [(0, run_started(paths, plan)), *story]
    return [
        RunEvent(number, utc_text(START_MS + at_ms), said)
        for number, (at_ms, said) in enumerate(whole, 1)
    ]


def write_run(root: Path, plan: Plan, story: Story) -> RunPaths:
    """A run on disk: its plan and its journal, and nothing else."""
    paths = new_run(root)
    write_events(paths, plan, events_of(paths, plan, story))
    return paths


def ready(stage: str) -> StageReady:
    return StageReady(stage)


def started(stage: str, attempt: int = 1) -> StageStarted:
    return StageStarted(stage, attempt, f"stages/{attempt}")


def retrying(stage: str, delay_ms: int, attempt: int = 1) -> StageRetrying:
    figures = AttemptFigures(exit_code=7, duration_ms=5, stderr_bytes=100)
    return StageRetrying(stage, attempt, delay_ms, "failure", figures, None)


def completed(
    stage: str,
    status: StageStatus = StageStatus.SUCCEEDED,
    *,
    attempts: int = 1,
    output: str = "",
    reason: str | None = None,
    duration_ms: int = 20,
) -> StageCompleted:
    """Its end; `output` is what it wrote to stderr, where it failed, or stdout."""
    is_failed = status is StageStatus.FAILED
    size_bytes = len(output.encode("utf-8", "replace"))
    figures = AttemptFigures(
        exit_code=None if not attempts else 1 if is_failed else 0,
        duration_ms=duration_ms if attempts else None,
        cpu_ms=duration_ms // 4 if attempts else None,
        peak_rss_bytes=8_000_000 + 2_000 * duration_ms if attempts else None,
        stdout_bytes=0 if is_failed else size_bytes,
        stderr_bytes=size_bytes if is_failed else 0,
    )
    out, err = ("", output) if is_failed else (output, "")
    why = reason or ("failure" if is_failed else None)
    return StageCompleted(stage, status, why, attempts, figures, out, err)


def ended(status: RunStatus = RunStatus.SUCCEEDED, duration_ms: int = 1000) -> RunCompleted:
    code = 0 if status is RunStatus.SUCCEEDED else 1
    return RunCompleted("r", status, None, code, duration_ms)


def one_after_the_other(stages: Iterable[str], *, failed: Iterable[str] = ()) -> Story:
    """Each is ready, runs and ends, ten milliseconds apart; some fail and say why."""
    bad = set(failed)
    story: Story = []
    for number, stage in enumerate(stages):
        at_ms = 10 * number
        status = StageStatus.FAILED if stage in bad else StageStatus.SUCCEEDED
        end = completed(stage, status, output=f"{stage} says\nsomething\n")
        story += [(at_ms, ready(stage)), (at_ms + 1, started(stage)), (at_ms + 10, end)]
    return story
