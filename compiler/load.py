"""The first pass: read the entry file and all it uses, each once, and order the uses.

Nothing outside the project root is read, whether named by `..`, by an absolute path or through a
symbolic link. What goes wrong with a `use` leaves it without a target, and later passes are
silent about what hangs on it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from posixpath import basename, dirname, isabs, join, normpath, relpath

from orch.compiler.project_files import is_below_root, read_regular_file, why_unreadable
from orch.dsl.decode import decode_source
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.parse import parse
from orch.dsl.record import EMPTY, record
from orch.dsl.shown import LONGEST_PATH, shown
from orch.dsl.source import MOST_BYTES, SourceFile, Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import Block, String, SyntaxTree

DEEPEST_USE = 16
_MOST_LISTED = 1000
"""So many files of a folder are looked at for the one that was meant."""


@record
class Loaded:
    """All files of a pipeline. `trees` is empty where the entry file can't be read.

    `targets` gives, for the path and span of a `use` block, the file it brings in; a use that is
    missing there is broken, and its diagnostic is among `diagnostics`.
    """

    entry: str
    trees: Mapping[str, SyntaxTree]
    targets: Mapping[tuple[str, Span], str]
    sources: Mapping[str, SourceFile]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """One `use` whose path is written and lies below the root."""

    user: str
    block: Block
    label: String
    target: str


def load(root: str, path: str, texts: Mapping[str, bytes] = EMPTY) -> Loaded:
    """Read `path` (relative to `root`, or absolute below it) and every file it uses. What `texts`
    holds under a path is taken for the content of that file."""
    loader = _Loader(root, texts)
    entry = loader.enter(path)
    uses = [] if entry is None else loader.read_all(entry)
    closing = _uses_that_close_a_circle(uses)
    too_deep = _uses_too_deep(entry or path, [use for use in uses if use not in closing])
    found = [*loader.diagnostics, *map(_too_deep, too_deep)]
    found += [_circle(use, way, uses) for use, way in closing.items()]
    broken = {*closing, *too_deep}
    targets = {
        (use.user, use.block.span): use.target
        for use in uses
        if use not in broken and use.target in loader.trees
    }
    return Loaded(entry or path, loader.trees, targets, loader.sources, tuple(found))


class _Loader:
    """Reads files below a root, and collects what it read and what went wrong."""

    def __init__(self, root: str, texts: Mapping[str, bytes]) -> None:
        self._texts = texts
        self._root = os.path.realpath(root)
        self._root_as_given = os.path.abspath(root)
        self.trees: dict[str, SyntaxTree] = {}
        self.sources: dict[str, SourceFile] = {}
        self.diagnostics: list[Diagnostic] = []
        self._failures: dict[str, str] = {}

    def enter(self, path: str) -> str | None:
        """Read the entry file; its path as it is known from now on, or None."""
        target = normpath(path.replace(os.sep, "/"))
        for root in (self._root_as_given, self._root):
            if path.startswith(root.rstrip(os.sep) + os.sep):
                target = normpath(os.path.relpath(path, root).replace(os.sep, "/"))
        if not self._is_below_root(target):
            message = f"`{shown(path, LONGEST_PATH)}` lies outside the project root"
            self.diagnostics.append(Diagnostic("E0004", message, path, None))
            return None
        reason = self._read(target)
        if reason:
            message = f"`{shown(target, LONGEST_PATH)}` can't be read: {reason}"
            help_ = did_you_mean(self._near(target))
            self.diagnostics.append(Diagnostic("E0001", message, target, None, help=help_))
        return target if target in self.trees else None

    def read_all(self, entry: str) -> list[_Use]:
        """Read what the entry uses, and what that uses, in order of writing."""
        waiting = [entry]
        seen = {entry}
        uses: list[_Use] = []
        while waiting:
            user = waiting.pop()
            found = self._uses_of(self.trees[user])
            uses += found
            for use in reversed(found):
                if use.target in self.trees and use.target not in seen:
                    seen.add(use.target)
                    waiting.append(use.target)
        return uses

    def _uses_of(self, tree: SyntaxTree) -> list[_Use]:
        user = tree.source.path
        uses: list[_Use] = []
        for block in tree.blocks:
            label = block.label
            if block.keyword.text != "use" or not isinstance(label, String) or not block.alias:
                continue
            if not label.is_static:
                self._report("E0401", "a `use` takes a plain path, without templates", user, label)
                continue
            written = label.static_text
            target = normpath(join(dirname(user), written))
            if not written or isabs(written) or not self._is_below_root(target):
                code, message = (
                    "E0004",
                    f"`{shown(written, LONGEST_PATH)}` lies outside the project root",
                )
                if not written:
                    code, message = "E0001", "an empty path names no file"
                self._report(code, message, user, label)
                continue
            if target not in self.trees and target not in self._failures:
                self._failures[target] = self._read(target) or ""
            if reason := self._failures.get(target):
                message = f"`{shown(written, LONGEST_PATH)}` can't be read: {reason}"
                near = self._near(target)
                meant = None if near is None else relpath(near, dirname(user) or ".")
                self._report("E0001", message, user, label, did_you_mean(meant))
            uses.append(_Use(user, block, label, target))
        return uses

    def _report(
        self, code: str, message: str, path: str, label: String, help_: str | None = None
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, path, label.span, help=help_))

    def _near(self, target: str) -> str | None:
        """A file beside one that is missing whose name is nearly the same."""
        folder = join(self._root, dirname(target))
        if not self._is_below_root(dirname(target) or "."):
            return None
        try:
            with os.scandir(folder) as listing:
                names = [item.name for item in islice(listing, _MOST_LISTED) if item.is_file()]
        except (OSError, ValueError):
            return None
        near = near_miss(basename(target), names)
        return None if near is None else join(dirname(target), near)

    def _is_below_root(self, target: str) -> bool:
        # No file has a name with NUL in it; reading it says so.
        return "\0" in target or is_below_root(self._root, target)

    def _read(self, target: str) -> str | None:
        """Read and parse one file; the reason, where the file system refuses."""
        try:
            data = self._texts.get(target)
            if data is None:
                data = read_regular_file(join(self._root, target), MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            return why_unreadable(error)
        source, refusal = decode_source(target, data)
        self.sources[target] = source
        if refusal is not None:
            self.diagnostics.append(refusal)
            return None
        self.trees[target], found = parse(source)
        self.diagnostics += found
        return None


def _uses_that_close_a_circle(uses: list[_Use]) -> dict[_Use, list[str]]:
    """The uses that lead back to a file being inlined, each with the circle's files."""
    of_file: dict[str, list[_Use]] = {}
    for use in uses:
        of_file.setdefault(use.user, []).append(use)
    closing: dict[_Use, list[str]] = {}
    done: set[str] = set()
    for start, first_uses in of_file.items():
        way = [start]
        pending = [iter(first_uses)] if start not in done else []
        while pending:
            further = next(pending[-1], None)
            if further is None:
                pending.pop()
                done.add(way.pop())
            elif further.target in way:
                closing[further] = [*way[way.index(further.target) :], further.target]
            elif further.target not in done:
                way.append(further.target)
                pending.append(iter(of_file.get(further.target, ())))
    return closing


def _uses_too_deep(entry: str, uses: list[_Use]) -> list[_Use]:
    """The uses that stand one step below the deepest allowed level; `uses` hold no circle."""
    depth = {entry: 0}
    too_deep: dict[_Use, None] = {}
    changed = [use for use in uses if use.user == entry]
    while changed:
        further: dict[str, None] = {}
        for use in changed:
            if depth[use.user] >= DEEPEST_USE:
                too_deep[use] = None
            elif depth.get(use.target, -1) <= depth[use.user]:
                depth[use.target] = depth[use.user] + 1
                further[use.target] = None
        changed = [use for use in uses if use.user in further]
    return list(too_deep)


def _circle(closing: _Use, way: list[str], uses: list[_Use]) -> Diagnostic:
    printed = " → ".join(way)
    message = f"files use each other in a circle: `{shown(printed, 16 * LONGEST_PATH)}`"
    steps = dict.fromkeys(pairwise(way))
    related = tuple(
        Related(
            f"`{shown(use.user, LONGEST_PATH)}` uses `{shown(use.target, LONGEST_PATH)}`",
            use.user,
            use.label.span,
        )
        for step in steps
        for use in [next(use for use in uses if (use.user, use.target) == step)]
        if use is not closing
    )
    label = "this closes the circle"
    return Diagnostic("E0304", message, closing.user, closing.label.span, label, None, related)


def _too_deep(use: _Use) -> Diagnostic:
    message = f"files use each other deeper than {DEEPEST_USE} levels"
    return Diagnostic("E0308", message, use.user, use.label.span)
