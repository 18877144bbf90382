"""A revision of git as a folder to compile in: what a project's files were at that time.

git is asked for objects alone. It checks nothing out, so no filter, hook or attribute of the
repository runs or changes a byte, and the working tree and its index are not touched. Only
pipelines and what they use are read; of all others there are the names, for globs.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from orch.cli.failure import EXIT_MACHINE, CommandError
from orch.dsl.record import record

_SECONDS = 60
_FILE, _PROGRAM, _LINK, _SUBMODULE = "100644", "100755", "120000", "160000"


@record
class Revision:
    """A commit of the repository around `root`; `prefix` leads from the repository's top to the
    root (`sub/`, or nothing)."""

    root: str
    name: str
    commit: str
    prefix: str


def find_revision(root: str, name: str) -> Revision:
    """The commit that a name such as `HEAD~1` stands for. Raises `CommandError`."""
    # git takes a word that begins with a dash for an option, wherever it stands.
    if not name or name.startswith("-") or re.search(r"[\0\n]", name):
        raise CommandError(f"`{name}` is no revision of git")
    prefix = _git(root, "rev-parse", "--show-prefix")
    if prefix is None:
        raise CommandError(
            f"`{name}` is no file, and `{root}` lies in no git repository that git would open"
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", name)
    named = _text(found) if found is not None else ""
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")
    if not named or commit is None:
        raise CommandError(f"`{name}` is neither a file nor a revision of git")
    return Revision(root, name, _text(commit), _text(prefix))


def _text(answer: bytes) -> str:
    return os.fsdecode(answer.removesuffix(b"\n"))


class Checkout:
    """The files of a revision below a project's root, written into an empty folder as they are
    asked for."""

    def __init__(self, revision: Revision, folder: str) -> None:
        self.folder = folder
        self._root = revision.root
        self._entries = _entries(revision)
        self._written: set[str] = set()
        self._has_names = False

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def write(self, paths: Iterable[str]) -> bool:
        """Write those of these files that the revision holds; whether any was not there yet."""
        wanted = [p for p in paths if p in self._entries and p not in self._written]
        contents = _blobs(self._root, [self._entries[path][1] for path in wanted])
        for path, content in zip(wanted, contents, strict=True):
            self._create(path, content)
        self._written.update(wanted)
        return bool(wanted)

    def write_pipelines(self) -> None:
        """Write what a compilation is most likely to read."""
        self.write(
            path
            for path, (mode, _) in self._entries.items()
            if mode in (_FILE, _PROGRAM) and (path.endswith(".pipeline") or path == "orch.toml")
        )

    def write_names(self) -> bool:
        """Let every other file be there, empty; whether that is new."""
        if self._has_names:
            return False
        self._has_names = True
        # Links last: nothing is written through one.
        for path, (mode, _) in self._entries.items():
            if mode == _SUBMODULE:
                Path(self.folder, path).mkdir(parents=True, exist_ok=True)
            elif mode != _LINK and path not in self._written:
                self._create(path, b"")
        links = [path for path, (mode, _) in self._entries.items() if mode == _LINK]
        targets = _blobs(self._root, [self._entries[path][1] for path in links])
        for path, target in zip(links, targets, strict=True):
            place = Path(self.folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(place):
                place.symlink_to(os.fsdecode(target))
        return True

    def _create(self, path: str, content: bytes) -> None:
        place = Path(self.folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        is_elsewhere = Path(os.path.realpath(place.parent)) != place.parent
        if is_elsewhere or place.is_symlink() or place.is_dir():
            raise CommandError(f"`{path}` stands twice in that revision")
        place.write_bytes(content)


def _entries(revision: Revision) -> Mapping[str, tuple[str, str]]:
    """Mode and object of every file below the root, by its path there."""
    tree = f"{revision.commit}:{revision.prefix.rstrip('/')}"
    listed = _git(revision.root, "ls-tree", "-r", "-z", "--full-tree", tree)
    if listed is None:
        raise CommandError(f"the project's folder is not in `{revision.name}`")
    found: dict[str, tuple[str, str]] = {}
    for line in listed.split(b"\0"):
        if line:
            head, _, name = line.partition(b"\t")
            mode, _, object_name = head.decode().split(" ")
            path = os.fsdecode(name)
            # No tree of git's own making holds such names; one made by hand may.
            if not {"", ".", "..", ".git"}.isdisjoint(path.split("/")):
                raise CommandError(f"`{revision.name}` holds a path that leads elsewhere: `{path}`")
            found[path] = mode, object_name
    return found


def _blobs(root: str, objects: list[str]) -> list[bytes]:
    """The contents of objects, byte for byte."""
    if not objects:
        return []
    asked = "".join(f"{name}\n" for name in objects).encode()
    answer = _git(root, "cat-file", "--batch", asked=asked)
    if answer is None:
        raise CommandError("git could not read its objects", EXIT_MACHINE)
    contents: list[bytes] = []
    at = 0
    for name in objects:
        end = answer.index(b"\n", at)
        words = answer[at:end].split(b" ")
        if len(words) != 3:
            raise CommandError(f"git lacks the object {name}", EXIT_MACHINE)
        at = end + 1
        contents.append(answer[at : at + int(words[2])])
        at += int(words[2]) + 1
    return contents


def _git(root: str, *words: str, asked: bytes = b"") -> bytes | None:
    """What git answers; None where it says no."""
    # A hook or an alias of the user may have set these; the repository is the root's own.
    environment = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 # The words are ours; a revision's name begins with no dash.
            ["git", "--no-pager", *words],  # noqa: S607 # The git of the user's path is the one meant.
            cwd=root,
            env=environment,
            input=asked,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise CommandError("comparing with a revision takes git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"git took more than {_SECONDS} s", EXIT_MACHINE) from None
    return done.stdout if done.returncode == 0 else None
