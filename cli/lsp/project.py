"""A project as an editor sees it: texts that are open, files that aren't, and what a check found.

A check is the whole compiler on one open file and all that it uses. It is made apart from
everything else here (`prepare`, `run`, `take`), so that it can be made in another thread.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from orch.cli.failure import CommandError
from orch.cli.lsp.documents import Document
from orch.cli.lsp.positions import UTF_16, Positions
from orch.cli.project import read_project_file
from orch.compiler.compile import compile_pipeline
from orch.compiler.project_files import read_regular_file
from orch.compiler.request import Compilation, Request
from orch.dsl.decode import MOST_BYTES, decode_source
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.pieces import PiecedText, in_pieces
from orch.dsl.record import record

ENDING = ".pipeline"
MOST_FILES = 2_000
"""So many files of a project are looked through for mentions of a name."""


@record
class Question:
    """What a check is to look at: a file, the request, and the versions of what is open."""

    path: str
    request: Request
    versions: Mapping[str, int]


@record
class Answer:
    """What a check found."""

    question: Question
    compilation: Compilation

    def found(self, path: str) -> tuple[Diagnostic, ...]:
        """Its diagnostics of one file."""
        return tuple(d for d in self.compilation.diagnostics if d.path == path)


class Project:
    """All that is known of one project. Paths are relative to `root`, with `/`."""

    def __init__(self, root: Path, encoding: str = UTF_16) -> None:
        self.root = root
        self._encoding = encoding
        self.documents: dict[str, Document] = {}
        self.answers: dict[str, Answer] = {}
        self._read: dict[str, tuple[tuple[int, int], PiecedText]] = {}

    # -- texts ------------------------------------------------------------------

    def open(self, path: str, text: str) -> Document:
        """Take over a text from the editor."""
        self.documents[path] = Document(path, text, self._encoding)
        return self.documents[path]

    def close(self, path: str) -> set[str]:
        """The file on the disk counts again; gives the files whose diagnostics may be others."""
        self.documents.pop(path, None)
        answer = self.answers.pop(path, None)
        found = () if answer is None else answer.compilation.diagnostics
        return {path, *(each.path for each in found)}

    def pieced(self, path: str) -> PiecedText | None:
        """The text of a file, as the editor or the disk has it; None where it can't be read."""
        if path in self.documents:
            return self.documents[path].pieced
        file = self.root / path
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if path in self._read and self._read[path][0] == stamp:
                return self._read[path][1]
            data = read_regular_file(file, MOST_BYTES + 1)
        except (OSError, ValueError):
            return None
        source, refusal = decode_source(path, data)
        if refusal is not None:
            return None
        pieced = in_pieces(path, source.text)
        self._read[path] = (stamp, pieced)
        return pieced

    def positions(self, path: str) -> Positions:
        """The places in a file; in one that can't be read there is only its beginning."""
        if path in self.documents:
            return self.documents[path].positions
        pieced = self.pieced(path)
        return Positions("" if pieced is None else pieced.text, self._encoding)

    def files(self) -> Sequence[str]:
        """The pipeline files that are open, and those below the root; no links are followed, and
        what is in folders like `.git` is nobody's text."""
        found = islice(self._walk(), MOST_FILES)
        return list(dict.fromkeys([*self.documents, *found]))

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(files):
                if name.endswith(ENDING):
                    yield Path(folder, name).relative_to(self.root).as_posix()

    # -- checks -----------------------------------------------------------------

    def touched_by(self, path: str) -> list[str]:
        """The open files whose check hangs on this one, itself first."""
        others = [
            each
            for each, answer in self.answers.items()
            if each != path and path in answer.compilation.sources
        ]
        return [path, *others]

    def prepare(self, path: str) -> Question:
        """What a check of an open file has to look at, now."""
        versions = {each: document.version for each, document in self.documents.items()}
        return Question(path, self.request(), versions)

    def request(self, texts: Mapping[str, str] | None = None) -> Request:
        """That of `orch check`, over what is open; `texts` stand before that."""
        given = {path: document.text for path, document in self.documents.items()}
        given |= texts or {}
        try:
            project_file = read_project_file(self.root)
        except CommandError:
            project_file = b""
        return Request(
            environment=dict(os.environ),
            demand_arguments=False,
            project_file=project_file,
            texts={path: text.encode("utf-8", "surrogatepass") for path, text in given.items()},
        )

    def run(self, question: Question) -> Answer:
        """Make a check. Touches nothing that another thread may change."""
        return Answer(question, compile_pipeline(self.root, question.path, question.request))

    def take(self, answer: Answer) -> set[str]:
        """Take what a check found; gives the files whose diagnostics may be others now."""
        path = answer.question.path
        document = self.documents.get(path)
        if document is None:
            return set()
        before = self.answers.get(path)
        self.answers[path] = answer
        document.settle(answer.question.versions[path], answer.found(path))
        known = [*([before] if before else []), answer]
        return {path, *(d.path for each in known for d in each.compilation.diagnostics)}

    def check(self, path: str) -> set[str]:
        """A whole check at once."""
        return self.take(self.run(self.prepare(path)))

    def diagnostics(self, path: str) -> tuple[Diagnostic, ...]:
        """What is shown for a file: its own, and what checks of files that use it found."""
        document = self.documents.get(path)
        found = [] if document is None else list(document.shown)
        for answer in self.answers.values():
            is_own = answer.question.path == path
            seen = answer.question.versions.get(path)
            if not is_own and seen == (document.version if document else None):
                found += answer.found(path)
        return sort_diagnostics(found)

    def compilations(self, path: str) -> Iterable[Compilation]:
        """The last checks that saw a file, its own first."""
        answers = sorted(self.answers.values(), key=lambda a: a.question.path != path)
        return [a.compilation for a in answers if path in a.compilation.sources]
