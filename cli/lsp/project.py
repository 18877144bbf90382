"""A project as an editor sees it: texts that are open, files that aren't, and what a check found.

A check is the whole compiler on one open file and all that it uses. What it looks at is prepared
here and what it found is taken here; it may be made anywhere else.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from orch.cli.failure import CommandError
from orch.cli.lsp.documents import Document
from orch.cli.lsp.insight import Insight, look_into
from orch.cli.lsp.positions import UTF_16, Positions
from orch.cli.project import read_project_file
from orch.compiler.project_files import read_regular_file
from orch.compiler.request import Request
from orch.dsl.decode import decode_source, encode_source
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.pieces import PiecedText, in_pieces
from orch.dsl.record import record
from orch.dsl.source import MOST_BYTES

ENDING = ".pipeline"
MOST_FILES = 2_000
"""So many files of a project are looked through for mentions of a name."""

MOST_FOLDERS = 5_000
"""So many folders are looked into for them."""


@record
class Question:
    """What a check is to look at: a file, the request, and the versions of what is open; and the
    program that reads scripts, if that is asked for."""

    path: str
    request: Request
    versions: Mapping[str, int]
    shellcheck: str | None = None


@record
class Answer:
    """What a check found."""

    question: Question
    insight: Insight

    def found(self, path: str) -> tuple[Diagnostic, ...]:
        """Its diagnostics of one file."""
        return tuple(d for d in self.insight.diagnostics if d.path == path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, by name, but for what is hidden; nothing for one that can't be read."""
    try:
        with os.scandir(folder) as listing:
            return sorted(
                (each for each in listing if not each.name.startswith(".")), key=lambda e: e.name
            )
    except OSError:
        return []


def _encoded(text: str) -> bytes:
    """The bytes of a file that is read as this text, as far as there is one: halves of characters,
    which no file holds, are told as what is no UTF-8."""
    try:
        return encode_source(text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class Project:
    """All that is known of one project. Paths are relative to `root`, with `/`."""

    def __init__(self, root: str, encoding: str = UTF_16) -> None:
        self.root = root
        self.encoding = encoding
        self.documents: dict[str, Document] = {}
        self.answers: dict[str, Answer] = {}
        self.addresses: dict[str, str] = {}
        """The editor's own names of files that it has opened: there are several for one file."""
        self.colored: dict[str, tuple[int, list[int]]] = {}
        """What was told last of the words of a file, and how often it was asked for."""
        self._read: dict[str, tuple[tuple[int, int], PiecedText, Positions]] = {}

    # -- texts ------------------------------------------------------------------

    def open(self, path: str, text: str) -> Document:
        """Take over a text from the editor."""
        self.documents[path] = Document(path, text, self.encoding)
        return self.documents[path]

    def close(self, path: str) -> set[str]:
        """The file on the disk counts again; gives the files whose diagnostics may be others."""
        self.documents.pop(path, None)
        answer = self.answers.pop(path, None)
        found = () if answer is None else answer.insight.diagnostics
        return {path, *(each.path for each in found)}

    def pieced(self, path: str) -> PiecedText | None:
        """The text of a file, as the editor or the disk has it; None where it can't be read."""
        if path in self.documents:
            return self.documents[path].pieced
        file = os.path.join(self.root, path)
        try:
            status = os.stat(file)
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
        self._read[path] = (stamp, pieced, Positions(pieced.text, self.encoding))
        return pieced

    def positions(self, path: str) -> Positions:
        """The places in a file; in one that can't be read there is only its beginning."""
        if path in self.documents:
            return self.documents[path].positions
        is_there = self.pieced(path) is not None
        return self._read[path][2] if is_there else Positions("", self.encoding)

    def files(self) -> Sequence[str]:
        """The pipeline files that are open, and those below the root, the nearest first; no links
        are followed, and what is in folders like `.git` is nobody's text."""
        found = islice(self._walk(), MOST_FILES)
        return list(dict.fromkeys([*self.documents, *found]))

    def _walk(self) -> Iterator[str]:
        waiting = deque([""])
        looked_into = 0
        while waiting and looked_into < MOST_FOLDERS:
            folder = waiting.popleft()
            looked_into += 1
            for entry in _entries(os.path.join(self.root, folder)):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{folder}{entry.name}/")
                elif entry.name.endswith(ENDING):
                    yield f"{folder}{entry.name}"

    # -- checks -----------------------------------------------------------------

    def touched_by(self, path: str) -> list[str]:
        """The open files whose check hangs on this one, itself first."""
        others = [
            each
            for each, answer in self.answers.items()
            if each != path and path in answer.insight.paths
        ]
        return [path, *others]

    def prepare(self, path: str, shellcheck: str | None = None) -> Question:
        """What a check of an open file has to look at, now."""
        versions = {each: document.version for each, document in self.documents.items()}
        return Question(path, self.request(), versions, shellcheck)

    def request(self, texts: Mapping[str, str] | None = None) -> Request:
        """That of `orch check`, over what is open; `texts` stand before that."""
        given = {path: document.text for path, document in self.documents.items()}
        given |= texts or {}
        try:
            project_file = read_project_file(self.root)
        except CommandError:
            project_file = b""
        return Request(
            {},
            {},
            dict(os.environ),
            demand_arguments=False,
            policy={},
            project_file=project_file,
            texts={path: _encoded(text) for path, text in given.items()},
        )

    def take(self, answer: Answer) -> set[str]:
        """Take what a check found; gives the files whose diagnostics may be others now."""
        path = answer.question.path
        document = self.documents.get(path)
        if document is None:
            return set()
        before = self.answers.get(path)
        self.answers[path] = answer
        question = answer.question
        has_read_scripts = question.shellcheck is not None
        document.settle(question.versions[path], answer.found(path), has_read_scripts)
        known = [*([before] if before else []), answer]
        return {path, *(d.path for each in known for d in each.insight.diagnostics)}

    def check(self, path: str) -> set[str]:
        """A whole check at once, in this process."""
        question = self.prepare(path)
        return self.take(Answer(question, look_into(self.root, path, question.request)))

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

    def insights(self, path: str) -> list[Insight]:
        """What the last checks that saw a file found out, its own first."""
        answers = sorted(self.answers.values(), key=lambda a: a.question.path != path)
        return [a.insight for a in answers if path in a.insight.paths]
