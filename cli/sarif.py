"""Diagnostics as a SARIF 2.1.0 log, as code hosts and editors read it.

One run, with the project root as the base of all paths. Nothing of the machine stands in it, so
that two machines write the same bytes. Lines and columns are those of the text: a byte order mark
counts nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from orch import __version__
from orch.dsl.catalogue import CODES, page
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import SourceFile, Span
from orch.dsl.suggest import near_miss, proposed_word

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"

_PLAIN = re.compile(r"[\w.-]+")


def sarif_log(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile]
) -> dict[str, Any]:
    """The log of one check: a result for each diagnostic, a rule for each code that occurs."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    rules = {code: number for number, code in enumerate(codes)}
    paths = sorted({*sources, *(diagnostic.path for diagnostic in diagnostics)})
    artifacts = {path: number for number, path in enumerate(paths)}
    run = {
        "tool": {
            "driver": {
                "name": "orch",
                "version": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the project."}}},
        "artifacts": [{"location": _artifact(path, artifacts)} for path in paths],
        "results": [
            {"ruleIndex": rules[diagnostic.code], **_result(diagnostic, sources, artifacts)}
            for diagnostic in diagnostics
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    text = page(code)
    cause = text.split("\n")[2]
    return {
        "id": code,
        "shortDescription": {"text": CODES[code]},
        "fullDescription": {"text": cause},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": "error" if code.startswith("E") else "warning"},
    }


def _result(
    diagnostic: Diagnostic, sources: Mapping[str, SourceFile], artifacts: Mapping[str, int]
) -> dict[str, Any]:
    message = diagnostic.message
    if diagnostic.help is not None:
        message += f"\nhelp: {diagnostic.help}"
    location = _location(diagnostic.path, diagnostic.span, sources, artifacts)
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.value,
        "message": {"text": message},
        "locations": [location],
    }
    if diagnostic.label and "region" in location["physicalLocation"]:
        location["physicalLocation"]["region"]["message"] = {"text": diagnostic.label}
    if diagnostic.related:
        result["relatedLocations"] = [
            {
                "id": number,
                **_location(related.path, related.span, sources, artifacts),
                "message": {"text": related.message},
            }
            for number, related in enumerate(diagnostic.related, 1)
        ]
    if (word := _replacement(diagnostic, sources)) is not None:
        result["fixes"] = [_fix(location["physicalLocation"], word)]
    return result


def _location(
    path: str, span: Span | None, sources: Mapping[str, SourceFile], artifacts: Mapping[str, int]
) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(path, artifacts)}
    source = sources.get(path)
    if span is not None and source is not None:
        start, end = source.position(span.start), source.position(span.end)
        place["region"] = {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        }
    return {"physicalLocation": place}


def _artifact(path: str, artifacts: Mapping[str, int]) -> dict[str, Any]:
    # A name that is not UTF-8 keeps its bytes.
    location = {"uri": quote(path, errors="surrogateescape"), "uriBaseId": ROOT}
    return {**location, "index": artifacts[path]} if path in artifacts else location


def _replacement(diagnostic: Diagnostic, sources: Mapping[str, SourceFile]) -> str | None:
    """The word that should stand in the span's place, where that is all there is to do.

    So it is for what was mistyped. What another tool calls a thing is often written otherwise too,
    and what stands in quotes would have to keep them.
    """
    word = proposed_word(diagnostic.help)
    source = sources.get(diagnostic.path)
    if word is None or diagnostic.span is None or source is None:
        return None
    written = source.text[diagnostic.span.start : diagnostic.span.end]
    is_plain = _PLAIN.fullmatch(written) and _PLAIN.fullmatch(word)
    is_as_deep = written.count(".") == word.count(".")
    # A literal of another unit (`5min`) is always the same thing written right.
    is_near = near_miss(written, (word,)) is not None or diagnostic.code == "E0105"
    return word if is_plain and is_as_deep and is_near else None


def _fix(place: Mapping[str, Any], word: str) -> dict[str, Any]:
    region = {key: value for key, value in place["region"].items() if key != "message"}
    change = {"deletedRegion": region, "insertedContent": {"text": word}}
    return {
        "description": {"text": f"Write `{word}`."},
        "artifactChanges": [
            {"artifactLocation": place["artifactLocation"], "replacements": [change]}
        ],
    }
