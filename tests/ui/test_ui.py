"""One `.pipeline` a behaviour, with the diagnostics it must yield written where they belong.

`#~ CODE text` stands on the line where the span starts, and `text` is what the span covers of that
line (left out: only code and line are compared). `#~^` means the line above, `#~v` the one below,
`#~! CODE` a diagnostic without a place; ` ;; ` divides several. All diagnostics are compared, lints
too. `#~ CODE text ?? word` also wants the help to be "did you mean `word`?". `#~ see text` is a
related place; a case that has one has them all. Headers: `#! planned` (arguments are demanded),
`#! params: a=b`, `#! env: A=b`, `#! policy: timeout=5m`, `#! files: a/b c`, `#! link: a -> b`,
`#! pad: BYTES`. A case of several files is a folder with a `main.pipeline`.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.catalogue import CODES
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import Span

CASES = Path(__file__).parent / "cases"
ANNOTATION = re.compile(r"#~(\^+|v+|!)?[ \t]+(.*?)(?=\s*#~|\s*$)")

# Codes that other tests hold, and why they can't stand here.
HELD_ELSEWHERE = {
    "W0706": "it is ShellCheck's, which need not be installed",
}


@dataclass(frozen=True, order=True)
class Said:
    """A diagnostic as an annotation shows it: `line` is 0 without a place. `meant` is the word that
    the help proposes; None where that is left open."""

    path: str
    line: int
    code: str
    text: str | None
    meant: str | None = None


def cases() -> list[Path]:
    """The main file of every case."""
    single = [path for path in CASES.glob("*.pipeline") if not path.stem.startswith("_")]
    return sorted([*single, *CASES.glob("*/main.pipeline")])


def name_of(main: Path) -> str:
    return main.parent.name if main.name == "main.pipeline" else main.stem


def headers(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("#!"):
            key, _, value = line[2:].partition(":")
            found[key.strip()] = value.strip()
    return found


def annotations(path: str, text: str) -> Iterator[Said]:
    for number, line in enumerate(text.split("\n"), 1):
        for match in ANNOTATION.finditer(line):
            place = match[1] or ""
            for part in match[2].split(" ;; "):
                rest, _, meant = part.partition("??")
                code, _, wanted = rest.strip().partition(" ")
                at = 0 if place == "!" else number + place.count("v") - place.count("^")
                yield Said(path, at, code, wanted.strip() or None, meant.strip() or None)


def said(compilation: Compilation, diagnostic: Diagnostic) -> Said:
    help_ = re.fullmatch(r"did you mean `(.*)`\?", diagnostic.help or "")
    meant = help_[1] if help_ else None
    if diagnostic.span is None:
        return Said(diagnostic.path, 0, diagnostic.code, None, meant)
    line, text = covered(compilation, diagnostic.path, diagnostic.span)
    return Said(diagnostic.path, line, diagnostic.code, text, meant)


def covered(compilation: Compilation, path: str, span: Span) -> tuple[int, str]:
    """The line where a span begins, and what it covers of that line."""
    source = compilation.sources[path]
    text = source.text[span.start : span.end].split("\n")[0]
    return source.position(span.start).line, text.partition("#~")[0].rstrip()


def seen_beside(compilation: Compilation) -> list[Said]:
    """The related places of all diagnostics."""
    return [
        Said(related.path, line, "see", text)
        for diagnostic in compilation.diagnostics
        for related in diagnostic.related
        for line, text in [covered(compilation, related.path, related.span)]
    ]


def compile_case(main: Path, place: Path) -> tuple[Compilation, list[Said]]:
    root = place / "project"
    if main.name == "main.pipeline":
        shutil.copytree(main.parent, root, symlinks=True)
        if (root / "_outside").is_dir():
            shutil.move(root / "_outside", place / "outside")
    else:
        root.mkdir()
        shutil.copy(main, root)
    expected = [
        one
        for path in sorted(root.rglob("*.pipeline"))
        for one in annotations(
            path.relative_to(root).as_posix(), path.read_bytes().decode("utf-8", "replace")
        )
    ]
    head = headers(main.read_bytes().decode("utf-8", "replace"))
    for name in head.get("files", "").split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if "link" in head:
        link, _, target = (part.strip() for part in head["link"].partition("->"))
        (root / link).symlink_to(target)
    if "pad" in head:
        with (root / main.name).open("ab") as stream:
            stream.write(b"# padding\n" * (int(head["pad"]) // 10))
    given = {
        key: dict(pair.split("=", 1) for pair in shlex.split(head.get(key, "")))
        for key in ("params", "env", "policy")
    }
    request = Request(
        arguments=given["params"],
        environment=given["env"],
        policy=given["policy"],
        demand_arguments="planned" in head,
    )
    return compile_pipeline(str(root), main.name, request), expected


@pytest.mark.parametrize("main", cases(), ids=name_of)
def test_a_case_yields_exactly_its_diagnostics(main: Path, tmp_path: Path) -> None:
    """Every diagnostic stands at its place, none is missing and none is said beside."""
    compilation, expected = compile_case(main, tmp_path)
    got = [said(compilation, diagnostic) for diagnostic in compilation.diagnostics]
    if any(one.code == "see" for one in expected):
        got += seen_beside(compilation)
    vague = {(e.path, e.line, e.code) for e in expected if e.text is None}
    told = {(e.path, e.line, e.code, e.text) for e in expected if e.meant is not None}
    seen = []
    for one in got:
        text = None if (one.path, one.line, one.code) in vague else one.text
        is_told = (one.path, one.line, one.code, text) in told
        seen.append(replace(one, text=text, meant=one.meant if is_told else None))
    assert sorted(map(str, seen)) == sorted(map(str, expected)), [
        diagnostic.message for diagnostic in compilation.diagnostics
    ]
    assert (compilation.plan is None) or not any(e.code.startswith("E") for e in expected)


@pytest.mark.parametrize("main", cases(), ids=name_of)
def test_messages_keep_the_rules_of_the_contract(main: Path, tmp_path: Path) -> None:
    """One lowercase sentence without a full stop, in our own words; only help proposes."""
    compilation, _ = compile_case(main, tmp_path)
    for diagnostic in compilation.diagnostics:
        message = diagnostic.message
        assert message
        assert not message[0].isupper(), message
        assert not message.endswith("."), message
        assert "\n" not in message
        assert "did you mean" not in message
        assert not re.search(r"jinja2|lark|pydantic|Traceback|Expected one of", message), message


def test_every_code_has_a_case() -> None:
    """A code without a case could stop being said, and nobody would see."""
    named = {
        one.code
        for path in CASES.rglob("*.pipeline")
        for one in annotations("", path.read_bytes().decode("utf-8", "replace"))
    }
    assert set(CODES) - named == set(HELD_ELSEWHERE)


def test_a_missing_and_a_surplus_diagnostic_both_fail(tmp_path: Path) -> None:
    """The comparison is no rubber stamp: it tells a planted mistake in either direction."""
    main = tmp_path / "case.pipeline"
    main.write_text("pipeline demo { titel = 1 }   #~ E0205 title\nstage a { run = 'x' }\n")
    (tmp_path / "a").mkdir()
    compilation, expected = compile_case(main, tmp_path / "a")
    got = [said(compilation, diagnostic) for diagnostic in compilation.diagnostics]
    assert got != expected
    assert [one.code for one in got] == ["E0205"]
