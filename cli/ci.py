"""What a run leaves for the CI system that it ran in: a JUnit report, annotations, a summary."""

import os
from typing import TYPE_CHECKING

from orch.cli.face import Face
from orch.cli.github_annotations import is_on_github
from orch.cli.github_run import SUMMARY_VARIABLE, append_summary, stage_annotations
from orch.cli.junit import write_report
from orch.compiler.plan import Plan

if TYPE_CHECKING:
    from orch.runtime.run_result import RunResult


def tell_ci(result: "RunResult", plan: Plan, face: Face, junit: str | None) -> None:
    """Write the report where `junit` says, and tell GitHub Actions, if that is where we are.

    What can't be written is said, and changes nothing of how the run has ended.
    """
    if junit is not None:
        try:
            write_report(junit, result, plan)
        except OSError as error:
            face.complain(f"can't write `{junit}`: {_why(error)}")
    if not is_on_github(os.environ):
        return
    # To stderr, which the runner reads as well: stdout may hold a document for a program.
    face.note("".join(f"{line}\n" for line in stage_annotations(result, plan, os.environ)))
    summary = os.environ.get(SUMMARY_VARIABLE)
    if summary:
        try:
            append_summary(summary, result, plan)
        except OSError as error:
            face.complain(f"can't write the summary to `{summary}`: {_why(error)}")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
