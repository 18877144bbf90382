"""A run as a JUnit report, which CI systems read: each stage is a test case of one suite.

The form is the one that Jenkins' xunit plugin has a schema for and that all readers take: one
`testsuites`, in it one `testsuite`, in it `testcase`s. A stage that failed is a `failure`; one that
orch could not start or had to end is an `error`; one that was allowed to fail is `skipped`.
"""

import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from orch.cli.closing import blamed_failures
from orch.cli.failure import CommandError
from orch.cli.outcome_text import reason_text, why_text
from orch.cli.visible import visible, visible_lines
from orch.compiler.plan import Plan
from orch.runtime.manifest import Manifest
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus

if TYPE_CHECKING:
    from orch.runtime.run_result import RunResult

_BEYOND_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ERRORS = frozenset({"spawn", "warden", "cancelled", "deadline"})
"""Reasons that say nothing about what the command found."""

_UNFINISHED = (
    "nothing was run, or orch was killed before the run had ended; its own output says more, "
    "and `orch status last` how the run stands"
)


def begin_report(path: str) -> None:
    """Write a report that says that the run has not ended; the run's own takes its place.

    So a report of an earlier run is never taken for one of this. Raises `CommandError`.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise CommandError(f"--junit names `{path}`, which is no file")
    case = Element("testcase", name="orch", classname="orch", time="0")
    SubElement(case, "error", message=_UNFINISHED, type="unfinished")
    try:
        _write(path, _document("orch", (case,), 0))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CommandError(f"can't write `{path}`: {why}; --junit names a file to write") from None


def write_report(path: str, result: "RunResult", plan: Plan) -> None:
    """The report of a run that has ended, in a file. Raises OSError."""
    _write(path, junit_report(result, plan))


def _write(path: str, report: bytes) -> None:
    with open(path, "wb") as file:
        file.write(report)


def junit_report(result: "RunResult", plan: Plan) -> bytes:
    """The report of a run that has ended; the services of the plan are cases too."""
    manifest = result.manifest
    blamed = {entry.id for entry in blamed_failures(manifest, plan)}
    cases = [
        _case(result.whole(entry), manifest.pipeline, is_blamed=entry.id in blamed)
        for entry in manifest.stages
    ]
    is_said = any(
        case.find("failure") is not None or case.find("error") is not None for case in cases
    )
    if manifest.status is not RunStatus.SUCCEEDED and not is_said:
        cases.append(_case_of_run(manifest))
    properties = {
        "run_id": manifest.run_id,
        "task_id": manifest.task_id,
        "status": manifest.status.value,
        "plan_digest": manifest.plan_digest,
        "orch_version": manifest.orch_version,
    }
    return _document(
        manifest.pipeline, cases, manifest.duration_ms or 0, manifest.started_at, properties
    )


def _case(entry: StageEntry, pipeline: str, *, is_blamed: bool) -> Element:
    name = _text(visible(entry.id))
    seconds = _seconds(entry.duration_ms or 0)
    case = Element("testcase", name=name, classname=_text(visible(pipeline)), time=seconds)
    for kind, message in _verdict(entry, is_blamed=is_blamed):
        found = SubElement(case, kind, message=_text(message))
        if kind != "skipped":
            found.set("type", _text(visible(entry.reason or "failure")))
            said = entry.stderr_excerpt if entry.stderr_excerpt.strip() else entry.stdout_excerpt
            found.text = _lines(said)
    for tag, said in (("system-out", entry.stdout_excerpt), ("system-err", entry.stderr_excerpt)):
        if said:
            SubElement(case, tag).text = _lines(said)
    return case


def _verdict(entry: StageEntry, *, is_blamed: bool) -> Iterator[tuple[str, str]]:
    """What the case holds beside its output: nothing where the stage has succeeded."""
    tries = f" after {entry.attempts} attempts" if entry.attempts > 1 else ""
    match entry.status:
        case StageStatus.SUCCEEDED:
            return
        case StageStatus.FAILED if is_blamed:
            kind = "error" if entry.reason in _ERRORS else "failure"
            yield kind, why_text(entry.reason, entry) + tries
        case StageStatus.FAILED:
            yield "skipped", f"failed, as it may: {why_text(entry.reason, entry)}{tries}"
        case StageStatus.CANCELLED:
            yield "error", reason_text(entry.reason or "cancelled")
        case _:
            yield "skipped", reason_text(entry.reason or entry.status.value)


def _case_of_run(manifest: Manifest) -> Element:
    """What no stage shows: the run was ended before one of them had begun, for example."""
    case = Element("testcase", name="run", classname=_text(visible(manifest.pipeline)), time="0")
    why = reason_text(manifest.reason or manifest.status.value)
    SubElement(case, "error", message=_text(why), type=manifest.status.value)
    return case


def _document(
    name: str,
    cases: Iterable[Element],
    duration_ms: int,
    started_at: str | None = None,
    properties: dict[str, str] | None = None,
) -> bytes:
    cases = tuple(cases)
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
    }
    said = {key: str(count) for key, count in counts.items()}
    skipped = str(sum(case.find("skipped") is not None for case in cases))
    common = {"name": _text(visible(name)), "time": _seconds(duration_ms), **said}
    suites = Element("testsuites", common)
    suite = SubElement(suites, "testsuite", common, skipped=skipped)
    if started_at is not None:
        # Its schemas take an instant without zone or fraction; it is UTC.
        suite.set("timestamp", started_at[:19])
    if properties:
        table = SubElement(suite, "properties")
        for key, value in properties.items():
            SubElement(table, "property", name=key, value=_text(visible(value)))
    suite.extend(cases)
    indent(suites)
    text: bytes = tostring(suites, "utf-8", xml_declaration=True)
    return text + b"\n"


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.3f}"


def _lines(text: str) -> str:
    """A program's output, fit for XML, which has no way to write most control characters."""
    return _text("".join(f"{line}\n" for line in visible_lines(text)))


def _text(text: str) -> str:
    return _BEYOND_XML.sub("\N{REPLACEMENT CHARACTER}", text)
