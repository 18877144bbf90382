"""A plan of one command, made without any file: what `orch exec` runs.

Its one stage starts the words as they are, by no shell, and no template is looked for in them. The
bounds are those of a stage that says nothing of its own: built-in, orch.toml, the command line.
"""

import re

from orch.compiler.bounds import add_up
from orch.compiler.outside_policies import read_command_line, read_project
from orch.compiler.plan import PipelineInfo, Plan, PlannedStage, SecretSource, with_digest
from orch.compiler.policy import BUILT_IN, Layers, contradictions, over, run_policy, stage_policy
from orch.compiler.project_settings import PROJECT_FILE, read_project_settings
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import sort_diagnostics
from orch.dsl.record import EMPTY, record

PIPELINE = "exec"
"""The name of the pipeline, so also the task that such runs are filed under."""

_ORIGIN = "orch exec"


@record
class OneCommand:
    """What is to be run: `argv` is not empty, nor is its first word; `cwd` is relative to the root;
    `secrets` are names of environment variables that must be there, and are masked."""

    argv: tuple[str, ...]
    cwd: str = "."
    secrets: tuple[str, ...] = ()


def plan_command(command: OneCommand, request: Request) -> Compilation:
    """The plan, where orch.toml and the policies of the request are sound; nothing else of the
    request is looked at."""
    settings = read_project_settings(request.project_file)
    project, project_found = read_project(settings)
    of_command_line, found = read_command_line(request.policy, _ORIGIN)
    layers = over(over(BUILT_IN, project), of_command_line)
    found += [*settings.diagnostics, *project_found, *contradictions(layers, None, _ORIGIN)]
    sources = {PROJECT_FILE: settings.source} if project_found or settings.diagnostics else {}
    plan = None if any(diagnostic.is_error for diagnostic in found) else _plan(command, layers)
    return Compilation(plan, sort_diagnostics(found), sources)


def _plan(command: OneCommand, layers: Layers) -> Plan:
    stage = PlannedStage(
        id=stage_name(command.argv[0]),
        kind="stage",
        title=None,
        needs=(),
        matrix=EMPTY,
        argv=command.argv,
        shell=None,
        env=EMPTY,
        cwd=command.cwd,
        stdin=None,
        tty=False,
        skip=None,
        when=None,
        bindings=EMPTY,
        policy=stage_policy(layers),
        secrets=command.secrets,
        values=EMPTY,
        inputs=(),
        outputs=(),
        artifacts=(),
        pool=None,
        exclusive=None,
        allow_failure=False,
        summary=None,
        ready=None,
    )
    policy = run_policy(layers)
    return with_digest(
        Plan(
            pipeline=PipelineInfo(PIPELINE, None, None, (), None),
            params=EMPTY,
            secrets=tuple(SecretSource(name, name, None, True) for name in command.secrets),
            pools=EMPTY,
            policy=policy,
            stages=(stage,),
            bounds=add_up((stage,), EMPTY, policy),
        )
    )


def stage_name(program: str) -> str:
    """The stage's id: the name of the program, where that can be the name of a stage."""
    name = program.rstrip("/").rpartition("/")[2]
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) else "command"
