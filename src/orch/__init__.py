"""orch: pipelines in a small declarative language, compiled into a plan, run by a hardened runtime.

Importing this package imports nothing else: a name of the library is looked for when it is used.
"""

__version__ = "0.1.0"

# Type checkers take this name for true; the `typing` module itself isn't imported for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    # The first of these is documented under the name that a builtin has, too.
    from orch.cli.library import compile, read_events, read_manifest, resume, run  # noqa: A004
    from orch.cli.library_errors import CompileError, MachineError, UsageError
    from orch.cli.library_run import Run
    from orch.cli.library_stage import run_command_stage
    from orch.compiler.plan import Plan, PlannedStage
    from orch.dsl.diagnostics import Diagnostic
    from orch.runtime.artifacts import ArtifactStager
    from orch.runtime.command_stage import StageOutcome
    from orch.runtime.environment import resolve_environment
    from orch.runtime.errors import append_command_error
    from orch.runtime.events import RunEvent
    from orch.runtime.ids import sanitize_run_id, sanitize_task_id
    from orch.runtime.manifest import Manifest
    from orch.runtime.manifest_file import RunManifestWriter
    from orch.runtime.paths import RunPaths, resolve_run_paths
    from orch.runtime.persistence import PersistenceCoordinator
    from orch.runtime.run_result import RunResult
    from orch.runtime.states import RunStatus, StageStatus
    from orch.runtime.task_state import TaskStateStore

__all__ = [
    "ArtifactStager",
    "CompileError",
    "Diagnostic",
    "MachineError",
    "Manifest",
    "PersistenceCoordinator",
    "Plan",
    "PlannedStage",
    "Run",
    "RunEvent",
    "RunManifestWriter",
    "RunPaths",
    "RunResult",
    "RunStatus",
    "StageOutcome",
    "StageStatus",
    "TaskStateStore",
    "UsageError",
    "__version__",
    "append_command_error",
    "compile",
    "read_events",
    "read_manifest",
    "resolve_environment",
    "resolve_run_paths",
    "resume",
    "run",
    "run_command_stage",
    "sanitize_run_id",
    "sanitize_task_id",
]

_HOMES = {
    "ArtifactStager": "orch.runtime.artifacts",
    "CompileError": "orch.cli.library_errors",
    "Diagnostic": "orch.dsl.diagnostics",
    "MachineError": "orch.cli.library_errors",
    "Manifest": "orch.runtime.manifest",
    "PersistenceCoordinator": "orch.runtime.persistence",
    "Plan": "orch.compiler.plan",
    "PlannedStage": "orch.compiler.plan",
    "Run": "orch.cli.library_run",
    "RunEvent": "orch.runtime.events",
    "RunManifestWriter": "orch.runtime.manifest_file",
    "RunPaths": "orch.runtime.paths",
    "RunResult": "orch.runtime.run_result",
    "RunStatus": "orch.runtime.states",
    "StageOutcome": "orch.runtime.command_stage",
    "StageStatus": "orch.runtime.states",
    "TaskStateStore": "orch.runtime.task_state",
    "UsageError": "orch.cli.library_errors",
    "append_command_error": "orch.runtime.errors",
    "compile": "orch.cli.library",
    "read_events": "orch.cli.library",
    "read_manifest": "orch.cli.library",
    "resolve_environment": "orch.runtime.environment",
    "resolve_run_paths": "orch.runtime.paths",
    "resume": "orch.cli.library",
    "run": "orch.cli.library",
    "run_command_stage": "orch.cli.library_stage",
    "sanitize_run_id": "orch.runtime.ids",
    "sanitize_task_id": "orch.runtime.ids",
}


def __getattr__(name: str) -> object:
    """The names of the library, each imported from its module when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'orch' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
