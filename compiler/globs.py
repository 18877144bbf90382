"""Patterns of file names: which are well formed, and which files of the project they match.

`*` and `?` stay within a folder's name, `[a-z]` and `[!a-z]` are sets of characters, `**` as a
whole part crosses folders. A part that begins with a wildcard doesn't match names that begin with
a dot. Only regular files below the root are found; symbolic links that lead out of it, or to a
folder, are not followed. Light: the plan cache asks its patterns again.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from functools import partial

from orch.compiler.project_files import is_below_root
from orch.dsl.record import record
from orch.dsl.shown import LONGEST_PATH, shown

MOST_FILES = 100_000
"""A pattern that matches more files than any plan can have stages is a mistake."""

_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class GlobError(ValueError):
    """A pattern is malformed, leaves the root, or matches too much; the text says which."""


def find_files(root: str, pattern: str) -> tuple[str, ...]:
    """The files below `root` that match, sorted, with `/` between folders.

    Raises `GlobError`.
    """
    parts = split_pattern(pattern)
    real_root = os.path.realpath(root)
    found: set[str] = set()
    for path in _Walker(real_root).files("", [_Part(part) for part in parts]):
        if not path.isprintable() and any("\udc80" <= sign <= "\udcff" for sign in path):
            raise GlobError(
                f"`{shown(pattern, LONGEST_PATH)}` matches a file whose name is not UTF-8"
            )
        found.add(path)
        if len(found) > MOST_FILES:
            raise GlobError(
                f"`{shown(pattern, LONGEST_PATH)}` matches more than {MOST_FILES} files"
            )
    return tuple(sorted(found))


def missing_files(root: str, cwd: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns that no file matches, seen from the folder `cwd` below `root`. Files that a
    `!pattern` matches count for none. Raises `GlobError` for a pattern that is malformed.

    Where `cwd` is a link, the folder it leads to counts; one that leads out of the root holds
    nothing that could match.
    """
    return tuple(
        pattern
        for pattern, files in _files_of_each(root, cwd, patterns)
        if next(files, None) is None
    )


@record
class Search:
    """What a search found, and what would have to change for another to find other names.

    `files` are those that any of the patterns means, as `missing_files` reads them: sorted,
    relative to the root, links in the way to `cwd` resolved. As long as each of `folders` (relative
    to the root, empty for the root itself) has the same entries and nothing comes to be at
    `absent`, the same names match; unless the search `is_open`: then something that was seen can't
    be told so simply.
    `passed_over` says of what patterns name and don't match why not: a folder, a link to one.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    absent: tuple[str, ...]
    is_open: bool
    passed_over: tuple[str, ...]


def search_files(root: str, cwd: str, patterns: Sequence[str]) -> Search:
    """The files that patterns mean, with all that was looked at. Raises `GlobError`."""
    found: set[str] = set()
    trail = _Trail()
    for pattern, files in _files_of_each(root, cwd, patterns, trail):
        for path in files:
            found.add(path)
            if len(found) > MOST_FILES:
                raise GlobError(
                    f"`{shown(pattern, LONGEST_PATH)}` matches more than {MOST_FILES} files"
                )
    folders, absent = sorted(trail.folders), sorted(trail.absent)
    passed_over = tuple(_why_passed_over(root, path) for path in sorted(trail.passed_over))
    return Search(tuple(sorted(found)), tuple(folders), tuple(absent), trail.is_open, passed_over)


def _why_passed_over(root: str, path: str) -> str:
    name = shown(path, LONGEST_PATH)
    if stat.S_ISLNK(_mode(f"{root}/{path}", is_followed=False)):
        return f"`{name}` is a link to a folder, and not followed: name the folder it leads to"
    return f"`{name}` is a folder: `{'' if path == '.' else f'{name}/'}**` means its files"


def split_pattern(pattern: str) -> tuple[str, ...]:
    """The parts of a pattern that stays below the root; raises `GlobError` for any other."""
    if not pattern:
        raise GlobError("an empty pattern matches nothing")
    if "\0" in pattern:
        raise GlobError("a pattern can't hold NUL")
    if pattern.startswith("/"):
        raise GlobError(f"`{shown(pattern, LONGEST_PATH)}` lies outside the project root")
    parts: list[str] = []
    for part in pattern.split("/"):
        if part == "..":
            if not parts or parts[-1] == "**":
                raise GlobError(f"`{shown(pattern, LONGEST_PATH)}` leaves the project root")
            parts.pop()
        elif part not in ("", "."):
            _check_part(pattern, part)
            if part != "**" or parts[-1:] != ["**"]:
                parts.append(part)
    return tuple(parts)


class _Trail:
    """What walks looked at, see `Search`."""

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.absent: set[str] = set()
        self.is_open = False
        self.passed_over: set[str] = set()


def _files_of_each(
    root: str, cwd: str, patterns: Sequence[str], trail: _Trail | None = None
) -> Iterator[tuple[str, Iterator[str]]]:
    """Each pattern that excludes nothing, and the files that it means."""
    real_root = os.path.realpath(root)
    folder = os.path.relpath(os.path.realpath(f"{root}/{cwd}"), real_root)
    if trail is not None and folder != os.path.normpath(cwd):
        trail.is_open = True
    if folder == ".." or folder.startswith("../"):
        yield from ((pattern, iter(())) for pattern in patterns if not pattern.startswith("!"))
        return
    excluded = [_parts_below(folder, p[1:]) for p in patterns if p.startswith("!")]
    for pattern in patterns:
        if not pattern.startswith("!"):
            parts = _parts_below(folder, pattern)
            if trail is not None and not parts:
                trail.passed_over.add(".")
            files = _Walker(real_root, trail).files("", parts)
            is_kept = partial(_is_path_of_none, excluded)
            yield pattern, filter(is_kept, files)


def _is_path_of_none(excluded: "list[list[_Part]]", path: str) -> bool:
    return not any(_is_path_of(parts, path) for parts in excluded)


def _parts_below(folder: str, pattern: str) -> "list[_Part]":
    """The parts of a pattern, seen from a folder whose name means only itself."""
    literal = re.sub(r"([*?[])", r"[\1]", folder)
    below = pattern if not pattern or pattern.startswith("/") else f"{literal}/{pattern}"
    return [_Part(part) for part in split_pattern(below)]


def _is_path_of(parts: "list[_Part]", path: str) -> bool:
    """Whether a path matches all the parts of a pattern, in time of their product at most."""
    reached = {0}
    for name in path.split("/"):
        after: set[int] = set()
        for at in _past_deep(reached, parts):
            if at == len(parts):
                continue
            if parts[at].is_deep:
                after |= set() if name.startswith(".") else {at}
            elif parts[at].text == name or (not parts[at].is_plain and parts[at].matches(name)):
                after.add(at + 1)
        reached = after
    return len(parts) in _past_deep(reached, parts)


def _past_deep(reached: set[int], parts: "list[_Part]") -> set[int]:
    """Where one may stand in a pattern too, because `**` stands for no folder at all as well."""
    found = set(reached)
    for at in reached:
        if at < len(parts) and parts[at].is_deep:
            found.add(at + 1)
    return found


def _check_part(pattern: str, part: str) -> None:
    if "**" in part and part != "**":
        raise GlobError(f"`**` is not a whole part of `{shown(pattern, LONGEST_PATH)}`")
    at = 0
    while at < len(part):
        if part[at] == "[":
            end = _end_of_set(part, at)
            if end < 0:
                raise GlobError(f"a `[` is never closed in `{shown(pattern, LONGEST_PATH)}`")
            at = end
        at += 1


def _end_of_set(part: str, at: int) -> int:
    """The place of the `]` that closes the set opened at `at`, or -1."""
    first = at + 2 if part[at + 1 : at + 2] == "!" else at + 1
    return part.find("]", first + 1)


class _Part:
    """One part of a pattern, ready to be matched against names."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_deep = text == "**"
        self.is_plain = not any(sign in text for sign in "*?[")
        self._shows_dots = text.startswith(".")
        self._tokens = _tokens(text)

    def matches(self, name: str) -> bool:
        if name.startswith(".") and not self._shows_dots:
            return False
        return _matches(self._tokens, name)


_STAR = re.compile("")
"""Stands for `*` among tokens; every other token matches exactly one character."""


def _tokens(part: str) -> tuple[re.Pattern[str], ...]:
    found: list[re.Pattern[str]] = []
    at = 0
    while at < len(part):
        sign = part[at]
        if sign == "*":
            found.append(_STAR)
        elif sign == "?":
            found.append(re.compile(".", re.DOTALL))
        elif sign == "[":
            end = _end_of_set(part, at)
            inside = part[at + 1 : end]
            negation = "^" if inside.startswith("!") else ""
            members = _members(inside[1:] if negation else inside)
            found.append(re.compile(f"[{negation}{members}]" if members else "(?!)"))
            at = end
        else:
            found.append(re.compile(re.escape(sign)))
        at += 1
    return tuple(found)


def _matches(tokens: tuple[re.Pattern[str], ...], name: str) -> bool:
    """Whether the whole name matches. Only the last `*` is ever taken back, so the time is at most
    the product of both lengths."""
    at = token = 0
    star: int | None = None
    star_at = 0
    while at < len(name):
        if token < len(tokens) and tokens[token] is _STAR:
            star, star_at = token, at
            token += 1
        elif token < len(tokens) and tokens[token].match(name[at]):
            token += 1
            at += 1
        elif star is None:
            return False
        else:
            star_at += 1
            token, at = star + 1, star_at
    return all(rest is _STAR for rest in tokens[token:])


def _members(inside: str) -> str:
    """The members of a set: single characters and ranges, low end first."""
    written: list[str] = []
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            low, high = inside[at], inside[at + 2]
            if low <= high:
                written.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            written.append(re.escape(inside[at]))
            at += 1
    return "".join(written)


class _Walker:
    """Walks the folders below a root, which is a path without links, for one pattern.

    No folder is asked twice for the same rest of the pattern: several `**` may lead there in more
    ways than there are files.
    """

    def __init__(self, root: str, trail: _Trail | None = None) -> None:
        self.root = root
        self._trail = trail or _Trail()
        self._asked: set[tuple[str, int]] = set()

    def files(self, folder: str, parts: list[_Part]) -> Iterator[str]:
        """The files below `folder` (empty, or with `/` at its end) that the parts match."""
        if not parts or (folder, len(parts)) in self._asked:
            return
        self._asked.add((folder, len(parts)))
        if parts[0].is_plain:
            path = f"{folder}{parts[0].text}"
            if os.path.lexists(f"{self.root}/{path}"):
                yield from self._follow(path, parts[1:], is_named=True)
            else:
                self._trail.absent.add(path)
        elif parts[0].is_deep:
            # `**` stands for no folder at all too.
            yield from self.files(folder, parts[1:])
            yield from self._deep(folder, parts)
        else:
            for name in self._names(folder):
                if parts[0].matches(name):
                    yield from self._follow(f"{folder}{name}", parts[1:])

    def _follow(self, path: str, rest: list[_Part], *, is_named: bool = False) -> Iterator[str]:
        """What the rest of a pattern finds at a path, which the pattern may name itself: then no
        folder that was listed tells of a change there."""
        if not rest and self._is_file(path):
            yield path
        elif rest and self._is_folder(path):
            yield from self.files(f"{path}/", rest)
        elif is_named:
            self._trail.is_open = True
            if stat.S_ISDIR(_mode(f"{self.root}/{path}")):
                self._trail.passed_over.add(path)

    def _deep(self, folder: str, parts: list[_Part]) -> Iterator[str]:
        """What a pattern that begins with `**` finds further down; at its end it means all files.

        Folders that begin with a dot are left out, as they are for `*`.
        """
        for name in self._names(folder):
            path = f"{folder}{name}"
            if name.startswith("."):
                continue
            if self._is_folder(path):
                yield from self.files(f"{path}/", parts)
            elif len(parts) == 1 and self._is_file(path):
                yield path

    def _names(self, folder: str) -> list[str]:
        self._trail.folders.add(folder.rstrip("/"))
        try:
            with os.scandir(f"{self.root}/{folder}") as listing:
                return sorted(item.name for item in listing)
        except OSError:
            return []

    def _is_folder(self, path: str) -> bool:
        return stat.S_ISDIR(_mode(f"{self.root}/{path}", is_followed=False))

    def _is_file(self, path: str) -> bool:
        mode = _mode(f"{self.root}/{path}", is_followed=False)
        if is_link := stat.S_ISLNK(mode):
            mode = _mode(f"{self.root}/{path}")
        is_found = stat.S_ISREG(mode) and (not is_link or is_below_root(self.root, path))
        if is_link and not is_found:
            self._trail.is_open = True
        return is_found


def _mode(path: str, *, is_followed: bool = True) -> int:
    """The mode of what has a name; 0 where that is nothing. Raises OSError where nobody can tell,
    for a file that is passed over by mistake would be missed by nobody."""
    try:
        return os.stat(path, follow_symlinks=is_followed).st_mode
    except ValueError:
        return 0
    except OSError as error:
        if error.errno in _NOTHING_THERE:
            return 0
        raise
