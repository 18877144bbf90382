"""spec-guard: does the repository keep its own rules? Run in the project root; see `--help`.

Four questions, each with its findings: does every file in pipelines/ compile, does every
`pipeline` example in README.md and docs/ compile (on the error pages: yields the example exactly
its code), has every diagnostic code its page and its test, and did whoever changed dsl/, compiler/
or runtime/ touch docs/ or tests/ too.

An example is a fenced block marked `pipeline`. Blocks marked `pipeline file=NAME` under the same
heading are the files it uses, one marked `sh setup` is run before, and a command such as
`orch plan main.pipeline -p level=full` in a block marked `sh` after it gives its arguments.

Outside of the error pages every such block is an example, those with a file's name too, and a
block without `pipeline NAME { … }` is a fragment: what it declares need not be used. There an
example yields exactly what comments on its own lines say, `# E0201` or `# W0701, W0704`.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.catalogue import CODES

GUARDED = ("dsl/", "compiler/", "runtime/")
WITNESSES = ("docs/", "tests/")
SHOWN_FINDINGS = 12

MARK = re.compile(r"# ?([EW]\d{4}(?:, [EW]\d{4})*)\b")
WHOLE = re.compile(r"^\s*pipeline\s+[\w-]+\s*\{", re.MULTILINE)
REST_OF_A_FRAGMENT = '\npipeline example { }\nstage rest-of-the-page { run = "true" }\n'

# Codes that no compilation says, and why: their examples and cases are judged elsewhere.
NOT_COMPILED = {"W0706": "ShellCheck's, which need not be installed"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its heading and line, what its fence says, its text."""

    section: str
    line: int
    info: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that it is the text of."""
        return self.info.partition("file=")[2] or None


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a page: its files by path, `entry` among them unless setup makes it.

    `is_planned` says that its command demands arguments, as `orch plan` and `orch run` do.
    """

    page: str
    section: str
    line: int
    files: Mapping[str, str] = field(default_factory=dict)
    setup: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    is_planned: bool = False
    entry: str = "main.pipeline"

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_of_error_page(self) -> bool:
        return self.page.startswith("docs/errors/")

    @property
    def is_fragment(self) -> bool:
        """Whether it takes a pipeline beside what stands on the page to compile it."""
        text = self.files.get(self.entry, "pipeline demo { }")
        is_main = self.entry == "main.pipeline" and not self.is_of_error_page
        return is_main and not WHOLE.search(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found: a sentence, and what is wrong."""

    question: str
    said: str
    findings: tuple[str, ...]


def main() -> int:
    """0: nothing found, or `--dry-run`; 1: findings; 2: wrong usage."""
    parser = argparse.ArgumentParser(
        prog="spec-guard", allow_abbrev=False, description=(__doc__ or "").partition("\n\nAn ")[0]
    )
    parser.add_argument("--dry-run", action="store_true", help="report and exit 0 all the same")
    is_dry = parser.parse_args().dry_run
    root = Path.cwd()
    if not (root / "pipelines").is_dir():
        parser.error(f"no folder pipelines/ in {root}: start it in the project root")

    answers = (pipelines(root), examples(root), codes(root), changes(root))
    for answer in answers:
        sys.stdout.write(f"{'FAIL' if answer.findings else 'ok':>4}  {answer.said}\n")
        for finding in answer.findings[:SHOWN_FINDINGS]:
            sys.stdout.write(f"      - {finding}\n")
        if len(answer.findings) > SHOWN_FINDINGS:
            sys.stdout.write(f"      - and {len(answer.findings) - SHOWN_FINDINGS} more\n")
    return 1 if any(answer.findings for answer in answers) and not is_dry else 0


def pipelines(root: Path) -> Answer:
    """Every file below pipelines/ is checked as `orch check` does."""
    files = sorted((root / "pipelines").rglob("*.pipeline"))
    findings = []
    for file in files:
        path = file.relative_to(root).as_posix()
        said = codes_of(root, path, Request(demand_arguments=False))
        findings += [f"{path}: {code}" for code in said if code.startswith("E")]
    return Answer("pipelines", f"{len(files)} files in pipelines/ compile", tuple(findings))


def examples(root: Path) -> Answer:
    """Every example yields what its page says: nothing, the codes marked in it, or its code."""
    found = [example for page in pages(root) for example in examples_of(root, page)]
    findings = [finding for example in found for finding in judge(example)]
    return Answer("examples", f"{len(found)} examples in README.md and docs/", tuple(findings))


def codes(root: Path) -> Answer:
    """Every code of the catalogue has its page in docs/errors and a case in tests/ui."""
    cases = "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in sorted((root / "tests" / "ui").rglob("*"))
        if path.is_file()
    )
    tested = set(re.findall(r"#~\S*\s+([EW]\d{4})|;;\s*([EW]\d{4})", cases))
    named = {code for pair in tested for code in pair}
    findings = [
        f"{code} has no page docs/errors/{code}.md"
        for code in CODES
        if not (root / "docs" / "errors" / f"{code}.md").is_file()
    ]
    untested = [code for code in CODES if code not in named and code not in NOT_COMPILED]
    findings += [f"{code} has no case in tests/ui" for code in untested]
    return Answer("codes", f"{len(CODES)} codes have their page and their test", tuple(findings))


def changes(root: Path) -> Answer:
    """A change of the guarded rooms since the base comes with a change of docs or tests."""
    if not git(root, "rev-parse", "--is-inside-work-tree"):
        return Answer("changes", "changes are not compared: this is no git checkout", ())
    given = os.environ.get("BASE_SHA", "").strip()
    given = "" if set(given) <= {"0"} else given  # CI writes zeros where there is no base.
    base = git(root, "rev-parse", "--verify", "--quiet", f"{given or 'origin/main'}^{{commit}}")
    if given and not base:
        return Answer("changes", "changes", (f"BASE_SHA: {given} names no commit here",))
    base = base or git(root, "rev-list", "--max-parents=0", "HEAD").partition("\n")[0]
    if not base:
        return Answer("changes", "changes are not compared: there is no commit yet", ())
    fork = git(root, "merge-base", base, "HEAD") or base
    changed = git(root, "diff", "--name-only", "--no-renames", fork).splitlines()
    changed += git(root, "ls-files", "--others", "--exclude-standard").splitlines()
    guarded = sorted({path for path in changed if path.startswith(GUARDED)})
    said = f"{len(changed)} files changed since {fork[:10]}, {len(guarded)} of them in the rooms"
    if not guarded or any(path.startswith(WITNESSES) for path in changed):
        return Answer("changes", said, ())
    return Answer(
        "changes", said, tuple(f"{path} changed, docs/ and tests/ did not" for path in guarded)
    )


def git(root: Path, *words: str) -> str:
    """What git prints, or nothing where it fails or isn't there."""
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words],  # noqa: S607 - git is found by PATH.
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def codes_of(root: Path, path: str, request: Request) -> list[str]:
    return [each.code for each in compile_pipeline(str(root), path, request).diagnostics]


def pages(root: Path) -> list[str]:
    """README.md and every page of docs/, relative to the root."""
    found = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]


def judge(example: Example) -> list[str]:
    """What is wrong with an example; nothing where it keeps what its page says."""
    if example.is_of_error_page:
        code = Path(example.page).stem
        said, expected = said_of(example), [code] if example.section == "Example" else []
        wrong = said != expected and code not in NOT_COMPILED
        return [f"{example.place} ({example.section}): {said}"] if wrong else []
    compilation = compile_example(example)
    told = set[tuple[str, int, str]]()
    for each in compilation.diagnostics:
        source = compilation.sources.get(each.path)
        line = source.position(each.span.start).line if source and each.span else 0
        if not (example.is_fragment and each.code == "W0701"):
            told.add((each.path, line, each.code))
    marked = {
        (path, line, code)
        for path in compilation.sources
        for line, text in enumerate(example.files.get(path, "").splitlines(), 1)
        for mark in MARK.findall(text)
        for code in mark.split(", ")
    }
    findings = [(*found, "is said, not marked") for found in told - marked]
    findings += [(*found, "is marked, not said") for found in marked - told]
    return [
        f"{example.place}: {code} {what}, line {line} of {path}"
        for path, line, code, what in sorted(findings)
    ]


def said_of(example: Example) -> list[str]:
    """The codes that compiling an example yields, lints included."""
    return [each.code for each in compile_example(example).diagnostics]


def compile_example(example: Example) -> Compilation:
    """Compile an example in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        for path, text in example.files.items():
            is_open = path == example.entry and example.is_fragment
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            rest = REST_OF_A_FRAGMENT if is_open else ""
            (root / path).write_text(text + rest, encoding="utf-8")
        if example.setup:
            subprocess.run(["/bin/sh", "-eu", "-c", example.setup], cwd=root, check=True)
        request = Request(arguments=example.arguments, demand_arguments=example.is_planned)
        return compile_pipeline(str(root), example.entry, request)


def blocks_of(root: Path, page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    section, opened, fence = "", 0, ""
    lines = (root / page).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        mark = re.match(r"(`{3,})\s*(.*)$", line)
        if fence and line.strip() == fence.partition(" ")[0]:
            text = "".join(f"{each}\n" for each in lines[opened : number - 1])
            yield Block(section, opened, fence.partition(" ")[2], text)
            fence = ""
        elif not fence and mark:
            fence, opened = f"{mark[1]} {mark[2]}", number
        elif not fence and line.startswith("## "):
            section = line[3:].strip()


def examples_of(root: Path, page: str) -> Iterator[Example]:
    """The examples of a page, each with the files, the setup and the command of its section."""
    sections: dict[str, list[Block]] = {}
    for block in blocks_of(root, page):
        sections.setdefault(block.section, []).append(block)
    for name, blocks in sections.items():
        yield from _section_examples(Example(page, name, 0), blocks)


def _section_examples(empty: Example, blocks: list[Block]) -> Iterator[Example]:
    used = {block.file: block.text for block in blocks if block.file}
    example: Example | None = None
    setup: str | None = None
    for block in blocks:
        match block.info.split():
            case ["pipeline"]:
                if example:
                    yield example
                files = {**used, "main.pipeline": block.text}
                example = replace(empty, line=block.line, files=files, setup=setup)
            case ["pipeline", _] if block.file and not empty.is_of_error_page:
                files = {**used, block.file: block.text}
                yield replace(empty, line=block.line, files=files, setup=setup, entry=block.file)
            case ["sh", "setup"]:
                setup = block.text
            case ["sh"] if example and block.text.startswith("orch "):
                words = shlex.split(block.text.partition("\n")[0])
                given = [word for flag, word in pairwise(words) if flag == "-p"]
                example = replace(
                    example,
                    arguments={name: value for name, _, value in (g.partition("=") for g in given)},
                    is_planned=words[1] in {"plan", "run", "start"},
                )
    if example is None and setup and empty.is_of_error_page:
        example = replace(empty, line=blocks[0].line, files=used, setup=setup)
    if example:
        yield example


if __name__ == "__main__":
    sys.exit(main())
