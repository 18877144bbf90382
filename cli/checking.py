"""What `orch check` does once its words are read: compile every file, say what is wrong."""

from pathlib import Path
from typing import TYPE_CHECKING

from orch.cli.face import Face
from orch.cli.sources import Given, compile_file
from orch.dsl.diagnostics import sort_diagnostics
from orch.dsl.record import record

if TYPE_CHECKING:
    from orch.dsl.diagnostics import Diagnostic
    from orch.dsl.source import SourceFile


@record
class CheckWords:
    """The words of `orch check`; with `is_strict` warnings count too."""

    files: tuple[str, ...]
    given: Given
    is_strict: bool
    root: Path
    face: Face


def check_files(words: CheckWords) -> int:
    """Returns the exit code: 0 where there are no errors, 2 where there are."""
    from orch.cli.report_diagnostics import draw_diagnostics, print_diagnostics

    face = words.face
    request = words.given.request(words.root, demand_arguments=False)
    found: list[Diagnostic] = []
    sources: dict[str, SourceFile] = {}
    for file in dict.fromkeys(words.files):
        compilation = compile_file(words.root, file, request)
        found += compilation.diagnostics
        sources |= compilation.sources
    diagnostics = sort_diagnostics(found)
    if face.is_text:
        if diagnostics or face.verbosity >= 0:
            file_count = len({*sources, *(d.path for d in diagnostics)})
            face.say(draw_diagnostics(diagnostics, sources, file_count, face.out))
    else:
        print_diagnostics(diagnostics, sources, words.root, face)
    is_bad = words.is_strict or any(diagnostic.is_error for diagnostic in diagnostics)
    return 2 if diagnostics and is_bad else 0
