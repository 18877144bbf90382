"""What `orch check` does once its words are read: compile every file, say what is wrong."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from orch.cli.bounded_process import find_program
from orch.cli.face import Face
from orch.cli.sources import Given, compile_file
from orch.dsl.diagnostics import sort_diagnostics
from orch.dsl.record import record

if TYPE_CHECKING:
    from orch.compiler.request import Script
    from orch.dsl.diagnostics import Diagnostic
    from orch.dsl.source import SourceFile


@record
class CheckWords:
    """The words of `orch check`; with `is_strict` warnings count too, and `is_shellcheck_asked`
    says whether ShellCheck may read the scripts where it is installed."""

    files: tuple[str, ...]
    given: Given
    is_strict: bool
    root: str
    face: Face
    is_shellcheck_asked: bool = True


def check_files(words: CheckWords) -> int:
    """Returns the exit code: 0 where there are no errors, 2 where there are."""
    from orch.cli.report_diagnostics import draw_diagnostics, print_diagnostics

    face = words.face
    request = words.given.request(words.root, demand_arguments=False)
    found: list[Diagnostic] = []
    sources: dict[str, SourceFile] = {}
    scripts: dict[Script, None] = {}
    for file in dict.fromkeys(words.files):
        compilation = compile_file(words.root, file, request)
        found += compilation.diagnostics
        sources |= compilation.sources
        scripts |= dict.fromkeys(compilation.scripts)
    if words.is_shellcheck_asked:
        found += _findings_in(tuple(scripts), sources, face)
    diagnostics = sort_diagnostics(found)
    if face.is_text:
        if diagnostics or face.verbosity >= 0:
            file_count = len({*sources, *(d.path for d in diagnostics)})
            face.say(draw_diagnostics(diagnostics, sources, file_count, face.out))
    else:
        print_diagnostics(diagnostics, sources, words.root, face)
    is_bad = words.is_strict or any(diagnostic.is_error for diagnostic in diagnostics)
    return 2 if diagnostics and is_bad else 0


def _findings_in(
    scripts: "tuple[Script, ...]", sources: "Mapping[str, SourceFile]", face: Face
) -> "tuple[Diagnostic, ...]":
    """What ShellCheck finds in scripts; nothing where it isn't installed."""
    program = find_program("shellcheck", os.environ) if scripts else None
    if program is None:
        return ()
    from orch.cli.shellcheck import shell_findings

    findings = shell_findings(program, scripts, sources)
    if findings.note is not None and face.verbosity >= 0:
        face.complain(findings.note)
    return findings.diagnostics
