"""The environment of a stage's command."""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Mapping
from orch.runtime.ids import TASK_VARIABLE
from orch.runtime.paths import RunPaths
from orch.runtime.secrets import NO_SECRETS, Secrets

RUN_VARIABLE = "ORCH_RUN_ID"
"""Names the run that a command belongs to."""

VALUES_VARIABLE = "ORCH_VALUES"
"""Names the file for what a stage hands on, in stages that declare values."""

# What an outer run bound for a stage of its own means nothing to a run inside that stage.
_OF_OUTER_STAGE = frozenset((VALUES_VARIABLE, "ORCH_STAGE", "ORCH_ATTEMPT"))
_OUTER_BINDING = "ORCH_B"
"""Begins the names of its bindings, which go on with a number."""


class RunFacts:
    """What every command of a run is told of it: `variables`, made once for all attempts. Each is
    told of `secrets` only what its stage lists."""

    def __init__(self, paths: RunPaths, pipeline: str, secrets: Secrets = NO_SECRETS) -> None:
        self.paths = paths
        self.secrets = secrets
        self.variables = {
            RUN_VARIABLE: paths.run_id,
            "ORCH_TASK_ID": paths.task_id,
            "ORCH_PIPELINE": pipeline,
            "ORCH_RUN_DIR": paths.run,
            "ORCH_ROOT": paths.root,
            "ORCH_MANIFEST": paths.manifest,
            "ORCH_ARTIFACTS": paths.artifacts,
            TASK_VARIABLE: paths.task_id,
        }
        self._last_passed_on: tuple[Mapping[str, str], frozenset[str], dict[str, str]] | None = None

    def passed_on(self, inherited: Mapping[str, str], hidden: frozenset[str]) -> dict[str, str]:
        """A copy of what commands inherit, but for what is `hidden` or belongs to an outer stage;
        picked out once for as long as both stay the same."""
        last = self._last_passed_on
        if last is None or last[0] is not inherited or last[1] != hidden:
            picked = {
                name: value
                for name, value in inherited.items()
                if not (name in _OF_OUTER_STAGE or is_binding(name)) and name not in hidden
            }
            last = self._last_passed_on = (inherited, hidden, picked)
        return dict(last[2])


def is_binding(name: str) -> bool:
    """Whether a variable can hold the value of a binding: ORCH_B0, ORCH_B1 and so on."""
    number = name.removeprefix(_OUTER_BINDING)
    return number != name and number.isascii() and number.isdecimal()


def resolve_environment(
    inherited: Mapping[str, str],
    run: RunFacts,
    stage: PlannedStage,
    attempt: int,
    bindings: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of one attempt: the inherited one without the variables that secrets of
    other stages come from, over it the stage's `env`, over that its secrets and the values of its
    `bindings`, and last what orch says of the run, which nothing replaces.

    `bindings` maps the names in `stage.bindings` to their evaluated text. Paths are absolute.
    """
    environment = run.passed_on(inherited, run.secrets.hidden_from(stage))
    environment.update(stage.env)
    environment.update(run.secrets.of(stage))
    environment.update(bindings)
    environment.update(run.variables)
    environment.update(ORCH_STAGE=stage.id, ORCH_ATTEMPT=str(attempt))
    return environment
