"""From a planned stage to an attempt that a warden can start: environment, folders, bounds."""

from collections.abc import Callable, Mapping
from typing import Any

from orch.compiler.plan import PlannedStage
from orch.runtime.attempt import AttemptSpec
from orch.runtime.environment import RunFacts, resolve_environment
from orch.runtime.paths import RunPaths

Evaluate = Callable[[str, Mapping[str, Any]], Any]


class LaunchPad:
    """Knows what all attempts of a run have in common.

    `base_environment` is what commands inherit; `evaluate(text, facts)` gives the value of a
    run-time expression or raises ValueError with a sentence for people.
    """

    def __init__(
        self,
        paths: RunPaths,
        pipeline: str,
        base_environment: Mapping[str, str],
        evaluate: Evaluate,
        *,
        is_streamed: bool,
    ) -> None:
        self._paths = paths
        self._run = RunFacts(paths, pipeline)
        self._base_environment = base_environment
        self._evaluate = evaluate
        self._is_streamed = is_streamed

    def spec(
        self, stage: PlannedStage, index: int, attempt: int, facts: Mapping[str, Any]
    ) -> AttemptSpec:
        """The attempt, complete. Raises ValueError where a binding can't be evaluated."""
        bindings = {
            name: self.text(expression, facts) for name, expression in stage.bindings.items()
        }
        logs = self._paths.logs(index, stage.id, attempt)
        output = stage.policy.output
        return AttemptSpec(
            argv=stage.argv,
            env=resolve_environment(self._base_environment, self._run, stage, attempt, bindings),
            cwd=str(self._paths.root / stage.cwd),
            stdin=stage.stdin,
            timeout_ms=stage.policy.timeout_ms,
            grace_ms=stage.policy.grace_ms,
            buffer_bytes=output.buffer_bytes,
            error_bytes=output.error_bytes,
            log_bytes=output.log_bytes,
            stdout_log=str(logs / "stdout.log"),
            stderr_log=str(logs / "stderr.log"),
            is_streamed=self._is_streamed,
        )

    def text(self, expression: str, facts: Mapping[str, Any]) -> str:
        """The text of a run-time expression, as a template in quotes would give it."""
        from orch.compiler.late import late_text

        return late_text(self._evaluate(expression, facts))
