"""From a planned stage to an attempt that a warden can start: environment, folders, bounds."""

from orch.compiler.plan import PlannedStage
from orch.dsl.record import EMPTY, changed, record
from orch.dsl.type_names import Any, Iterator, Mapping
from orch.runtime.attempt import AttemptOutcome, AttemptSpec, FreshnessOrder
from orch.runtime.environment import VALUES_VARIABLE, RunFacts, resolve_environment
from orch.runtime.ids import slug
from orch.runtime.paths import artifacts_name, logs_name
from orch.runtime.secrets import Secrets
from orch.runtime.system_signals import SIGTERM, signals_by_name

_MAY_NOT_BE_HANDED_ON = (
    "they hold a secret, which is never handed on; let the later stage list it in `secrets` itself"
)


@record
class LaunchPad:
    """What all attempts of a run have in common; `inherited` is the environment that commands
    get from orch's own, secrets included."""

    run: RunFacts
    inherited: Mapping[str, str]
    is_streamed: bool

    def spec(
        self,
        stage: PlannedStage,
        place: tuple[int, int],
        facts: Mapping[str, Any],
        freshness: FreshnessOrder | None = None,
    ) -> AttemptSpec:
        """The attempt, complete; `place` is the stage's in the plan, and the attempt's number.
        Raises ValueError, with a sentence for people, where a run-time expression has no value."""
        index, attempt = place
        variables = self.run.variables
        late = late_texts(stage, facts)
        stdin = late.pop("stdin", stage.stdin)
        env = resolve_environment(self.inherited, self.run, stage, attempt, late)
        values_file = None
        if stage.values:
            values_file = env[VALUES_VARIABLE] = self._values_file(index, stage.id, attempt)
        logs = f"{variables['ORCH_RUN_DIR']}/{logs_name(index, stage.id, attempt)}"
        output = stage.policy.output
        ready = _readiness(stage) if stage.kind == "service" else None
        return AttemptSpec(
            argv=stage.argv,
            env=env,
            cwd=f"{variables['ORCH_ROOT']}/{stage.cwd}",
            stdin=stdin,
            timeout_ms=stage.policy.timeout_ms if ready is None else ready.get("timeout_ms"),
            grace_ms=stage.policy.grace_ms,
            buffer_bytes=output.buffer_bytes,
            error_bytes=output.error_bytes,
            log_bytes=output.log_bytes,
            stdout_log=f"{logs}/stdout.log",
            stderr_log=f"{logs}/stderr.log",
            is_streamed=self.is_streamed,
            values_file=values_file,
            root=variables["ORCH_ROOT"],
            outputs=stage.outputs,
            artifacts=stage.artifacts,
            artifacts_folder=self._artifacts_folder(index, stage) if stage.artifacts else None,
            has_terminal=stage.tty,
            freshness=freshness,
            stop_signal=SIGTERM if stage.stop is None else signals_by_name()[stage.stop],
            ready=ready,
        )

    def _artifacts_folder(self, index: int, stage: PlannedStage) -> str:
        return f"{self.run.paths.artifacts}/{artifacts_name(index, stage.id)}"

    def _values_file(self, index: int, stage_id: str, attempt: int) -> str:
        return f"{self.run.paths.values}/{slug(index, stage_id)}.{attempt}"


def late_texts(stage: PlannedStage, facts: Mapping[str, Any]) -> dict[str, str]:
    """The texts of all that a stage's command uses and is known only now: its bindings by their
    names, and `stdin`. Raises ValueError, with a sentence for people, where one has no value."""
    texts = {name: _late_text(text, facts) for name, text in stage.bindings.items()}
    if "stdin" in stage.late:
        texts["stdin"] = _late_text(stage.late["stdin"], facts)
    return texts


def handed_on(stage: PlannedStage, outcome: AttemptOutcome, secrets: Secrets) -> Mapping[str, Any]:
    """The values of a stage whose attempt succeeded, as JSON. Raises ValueError, with a sentence
    for people, where they are not what it declares, or hold a secret in whatever form."""
    if not stage.values:
        return EMPTY
    from orch.compiler.handed_on import read_handed_on

    if secrets.is_in(outcome.values):
        raise ValueError(_MAY_NOT_BE_HANDED_ON)
    values = read_handed_on(outcome.values, stage.values)
    if any(map(secrets.is_in, _texts_in(values))):
        # JSON has escapes of its own, which hide it in the file.
        raise ValueError(_MAY_NOT_BE_HANDED_ON)
    return values


def _texts_in(value: Any) -> Iterator[str]:
    """All texts of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def masked_outcome(outcome: AttemptOutcome, secrets: Secrets) -> AttemptOutcome:
    """The outcome with secrets masked where orch itself says something; what the command wrote has
    been masked by its warden."""
    if secrets.mask is None:
        return outcome
    error, shortcoming = outcome.spawn_error, outcome.shortcoming
    if shortcoming is not None:
        shortcoming = changed(shortcoming, message=secrets.masked(shortcoming.message))
    return changed(
        outcome,
        spawn_error=None if error is None else secrets.masked(error),
        shortcoming=shortcoming,
    )


def late_summary(stage: PlannedStage, facts: Mapping[str, Any], secrets: Secrets) -> str | None:
    """The summary of a stage that has succeeded, masked, where it is known only now. One without a
    value is left out: a summary never makes a failure of a success."""
    if "summary" not in stage.late:
        return None
    try:
        return secrets.masked(_late_text(stage.late["summary"], facts))
    except ValueError:
        return None


def _late_text(expression: str, facts: Mapping[str, Any]) -> str:
    from orch.compiler.late import late_text

    return late_text(expression, facts)


def _readiness(service: PlannedStage) -> Mapping[str, Any]:
    from orch.runtime.readiness import readiness

    return readiness(service)
