"""Where the stages of a run stand in the pipeline files that it was made of."""

from collections.abc import Mapping

from orch.cli.failure import CommandError
from orch.cli.graph_model import segments
from orch.cli.project import read_project_file
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.runtime.events import RunStarted
from orch.runtime.files import StorageError
from orch.runtime.journal import JournalDamagedError, JournalReader
from orch.runtime.paths import RunPaths


def run_started(journal: str) -> RunStarted | None:
    """What a run said first; None where its journal begins with something else. Raises
    `StorageError` and `JournalDamagedError`."""
    first = next(iter(JournalReader(journal)), None)
    return first.payload if first is not None and isinstance(first.payload, RunStarted) else None


def is_in_project(source: str) -> bool:
    """Whether what a journal names is a path that leads nowhere but down from the root."""
    return not source.startswith("/") and ".." not in source.split("/")


class StagePlaces:
    """The places of stages, by what the file says now, which need not be what it said then."""

    def __init__(self, paths: RunPaths) -> None:
        self._places: Mapping[str, tuple[str, int]] = {}
        try:
            started = run_started(paths.journal)
            source = None if started is None else started.source
            if isinstance(source, str) and is_in_project(source):
                self._places = _places(paths.root, source)
        except (CommandError, JournalDamagedError, OSError, StorageError, ValueError):
            # An annotation without a line is one all the same.
            pass

    def of(self, stage_id: str) -> tuple[str, int] | None:
        """The file, from the project root, and the line of a stage; None where it isn't known."""
        return self._places.get(_names(stage_id))


def _places(root: str, source: str) -> Mapping[str, tuple[str, int]]:
    """By the names in an id, without combinations: over these decide arguments, which aren't known
    here."""
    request = Request(demand_arguments=False, project_file=read_project_file(root))
    compilation = compile_pipeline(root, source, request)
    found: dict[str, tuple[str, int]] = {}
    for node in () if compilation.expansion is None else compilation.expansion.nodes:
        path = node.file.outline.path
        position = compilation.sources[path].position(node.section.head.start)
        found.setdefault(_names(node.id), (path, position.line))
    return found


def _names(stage_id: str) -> str:
    return ".".join(name for name, _ in segments(stage_id))
