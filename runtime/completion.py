"""What is told of a stage when it has ended, made of what its last attempt left."""

from orch.compiler.plan import PlannedStage
from orch.dsl.record import EMPTY, record
from orch.dsl.type_names import Any, Mapping
from orch.runtime.attempt import AttemptOutcome
from orch.runtime.decisions import AttemptEnded, ExecutorRaised
from orch.runtime.events import AttemptFigures, StageCompleted
from orch.runtime.states import StageStatus

_NOTHING_MEASURED = AttemptFigures()


@record
class FailedAttempt:
    """What is kept of an attempt while its stage waits for the next: its figures, without its
    excerpts, because any number of stages may wait, and the path of its error record."""

    figures: AttemptFigures
    error: str | None


def completion(
    stage: PlannedStage,
    status: StageStatus,
    reason: str | None,
    attempts: int,
    last: AttemptEnded | ExecutorRaised | FailedAttempt | None,
) -> StageCompleted:
    """The event of a stage that reaches its final status; `last` is how its last attempt ended,
    None where there was none."""
    figures = _NOTHING_MEASURED
    stdout = stderr = ""
    summary = key = error = None
    values: Mapping[str, Any] = EMPTY
    why: tuple[str, ...] = ()
    match last:
        case AttemptEnded():
            error, why = last.error, last.why
            outcome = last.outcome
            figures = figures_of(outcome)
            stdout = outcome.stdout.excerpt
            stderr = outcome.spawn_error or outcome.stderr.excerpt
            if status is StageStatus.SUCCEEDED:
                summary = stage.summary if last.summary is None else last.summary
                values, key = last.values, last.key
        case FailedAttempt():
            figures, error = last.figures, last.error
        case ExecutorRaised():
            error = last.error
        case _:
            pass
    # By names the last seven would take half as long again.
    return StageCompleted(
        stage.id, status, reason, attempts, figures,
        stdout, stderr, error, summary, values, key, why,
    )  # fmt: skip


def figures_of(outcome: AttemptOutcome) -> AttemptFigures:
    """What is measured of an attempt, as events tell it."""
    return AttemptFigures(
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        timed_out=outcome.is_timed_out,
        duration_ms=outcome.duration_ms,
        cpu_ms=outcome.cpu_ms,
        peak_rss_bytes=outcome.peak_rss_bytes,
        stdout_bytes=outcome.stdout.total_bytes,
        stderr_bytes=outcome.stderr.total_bytes,
    )
