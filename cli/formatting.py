"""What `orch fmt` does once its words are read: format each file, replace it, tell of it."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from orch.cli.diff import diff_of, draw_diff
from orch.cli.face import Face
from orch.cli.failure import EXIT_MACHINE, EXIT_USAGE, CommandError
from orch.cli.project import relative_path
from orch.cli.report_diagnostics import diagnostics_json, draw_diagnostics
from orch.cli.units import count_text
from orch.cli.visible import visible
from orch.cli.writer import STDOUT
from orch.compiler.project_files import read_regular_file, why_unreadable
from orch.dsl.decode import decode_source, encode_source
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.formatter import FormatBugError, format_source
from orch.dsl.record import record
from orch.dsl.source import MOST_BYTES, SourceFile
from orch.runtime.files import StorageError, create_temporary, rename_over, storage_errors

EXIT_WOULD_CHANGE = 1

_INPUT = "<stdin>"
_ENDING = ".pipeline"
_NO_FILES = f"there are no files that end in {_ENDING}\n"


@record
class FormatWords:
    """The words of `orch fmt` but for its files."""

    is_check: bool
    is_diff: bool
    root: str
    face: Face

    @property
    def is_dry(self) -> bool:
        """Whether no file may be written to."""
        return self.is_check or self.is_diff


def format_files(names: Sequence[str], words: FormatWords) -> int:
    """Format files, and all below folders; gives the exit code."""
    session = _Session(words)
    for file in dict.fromkeys(chain.from_iterable(map(session.files, names))):
        session.file(file)
    return session.close()


def format_input(words: FormatWords) -> int:
    """Format standard input to standard output; gives the exit code."""
    session = _Session(words)
    # Standard input that was closed before orch began is None.
    before = sys.stdin.buffer.read(MOST_BYTES + 1) if sys.stdin else b""
    after = session.formatted(_INPUT, before)
    if after is not None and words.face.is_text and not words.is_dry:
        STDOUT.write(after)
        return 0
    if after is not None:
        session.document["formatted"] = after.decode()
        session.note_change(_INPUT, _INPUT, before, after)
    return session.close()


class _Session:
    """One call of `orch fmt`. `document` is what --format json tells."""

    def __init__(self, words: FormatWords) -> None:
        self.document: dict[str, Any] = {}
        self._words = words
        self._face = words.face
        self._changed: list[str] = []
        self._diagnostics: list[Diagnostic] = []
        self._sources: dict[str, SourceFile] = {}
        self._file_count = 0
        self._failures: list[str] = []

    def files(self, name: str) -> Iterator[str]:
        """A file, or the .pipeline files below a folder, sorted.

        Below a folder no link is followed, and what is in folders like `.git` is nobody's text.
        """
        if not os.path.isdir(name):
            yield name
            return
        for folder, folders, files in os.walk(name, onerror=self._fail_to_look):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            names = [os.path.join(folder, f) for f in sorted(files) if f.endswith(_ENDING)]
            yield from (name for name in names if not os.path.islink(name))

    def file(self, name: str) -> None:
        """Format one file, and replace it unless the words are dry."""
        path = _shown_path(self._words.root, name)
        try:
            before = read_regular_file(name, MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            message = f"`{path}` can't be read: {why_unreadable(error)}"
            self._diagnostics.append(Diagnostic("E0001", message, path, None))
            return
        after = self.formatted(path, before)
        if after is None:
            return
        if after != before and not self._words.is_dry:
            try:
                _replace(name, after)
            except StorageError as error:
                self._fail(str(error))
                return
        self.note_change(name, path, before, after)

    def formatted(self, path: str, before: bytes) -> bytes | None:
        """The canonical form of a file's bytes; None where it has none, which is noted."""
        self._file_count += 1
        source, refusal = decode_source(path, before)
        self._sources[path] = source
        if refusal is not None:
            self._diagnostics.append(refusal)
            return None
        try:
            text, found = format_source(source)
        except FormatBugError as error:
            self._fail(f"{error}, so it is left as it is; this is a bug of orch, please report it")
            return None
        if found:
            self._diagnostics += found
            return None
        after = encode_source(text)
        if len(after) > MOST_BYTES:
            self._fail(f"`{path}` would grow beyond 16 MiB, so it is left as it is")
            return None
        return after

    def note_change(self, name: str, path: str, before: bytes, after: bytes) -> None:
        """Tell of a file that was changed, or would be, if it was."""
        if after == before:
            return
        self._changed.append(path)
        is_told = self._face.is_text and self._face.verbosity >= 0
        if self._words.is_diff:
            diff = diff_of(visible(name), before.decode(), after.decode())
            if self._face.is_text:
                STDOUT.write(draw_diff(diff, self._face.out))
            else:
                self.document["diff"] = self.document.get("diff", "") + diff
        elif is_told:
            verb = "would format" if self._words.is_check else "formatted"
            self._face.say(f"{verb} {visible(name)}\n")

    def close(self) -> int:
        """Tell the rest; gives the exit code."""
        face = self._face
        diagnostics = sort_diagnostics(self._diagnostics)
        if not face.is_text:
            told = diagnostics_json(diagnostics, self._sources)
            told |= {"changed": self._changed, "failures": self._failures}
            face.print_json(told | self.document)
        elif diagnostics:
            file_count = len({diagnostic.path for diagnostic in diagnostics})
            drawn = draw_diagnostics(diagnostics, self._sources, file_count, face.err)
            face.note(f"{drawn}{'it was' if file_count == 1 else 'they were'} not formatted\n")
        elif not (self._changed or self._failures or self._words.is_diff or face.verbosity < 0):
            files = count_text(self._file_count, "file")
            face.say(f"nothing to format in {files}\n" if self._file_count else _NO_FILES)
        if self._failures:
            return EXIT_MACHINE
        if diagnostics:
            return EXIT_USAGE
        return EXIT_WOULD_CHANGE if self._changed and self._words.is_check else 0

    def _fail(self, sentence: str) -> None:
        self._failures.append(sentence)
        self._face.complain(sentence)

    def _fail_to_look(self, error: OSError) -> None:
        self._fail(f"can't look into `{error.filename}`: {(error.strerror or '').lower()}")


def _shown_path(root: str, name: str) -> str:
    """The path of a file in diagnostics: relative to the root, or as given for one outside."""
    try:
        return relative_path(root, name)
    except (CommandError, ValueError):
        return name


def _replace(name: str, data: bytes) -> None:
    """Replace a file at once; behind a link that is the file that the link leads to.

    Mode, and as far as the system lets us owner and group, stay as they were. Raises
    `StorageError`, also for a file that may not be written to.
    """
    path = os.path.realpath(name)
    with storage_errors(path, "write"):
        if not os.access(path, os.W_OK):
            # Replacing asks nothing of the file itself, only of its folder.
            raise PermissionError(errno.EACCES, "permission denied")
        known = os.stat(path)
    temporary, fd = create_temporary(path, (data,))
    with suppress(OSError):
        os.fchown(fd, known.st_uid, known.st_gid)
    os.close(fd)
    rename_over(temporary, path)
