"""What a power loss may leave of the folders of runs, from a record of every step that made them.

The model forgets as much as POSIX lets a file system forget. Content is on the disk once its file
was synced; what was written since may be there, be missing, be cut anywhere, or be zeros. A name is
on the disk once its folder was synced; of the changes since each may be there or not, but a rename
is there whole or not at all. Syncing a file doesn't save its name.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.steps import Watcher, append_json

_PAGE_BYTES = 4096


class Recorder(Watcher):
    """Adds a line for each step that changes or syncs something to the file at `path`; with it the
    number of bytes that the commands' own file, `counted`, has by then."""

    def __init__(self, path: str, root: str, counted: str) -> None:
        self._path = path
        self._root = root
        self._counted = counted
        self._is_new = False
        self._missing: list[str] = []

    def before(self, step: str, call: str, place: str, arguments: tuple[Any, ...]) -> None:
        del step
        if call == "open_fd":
            self._is_new = bool(arguments[1] & os.O_CREAT) and not os.path.lexists(place)
        if call == "make_folders":
            parents = [Path(place), *Path(place).parents]
            self._missing = [str(path) for path in reversed(parents) if not path.exists()]

    def after(
        self, step: str, call: str, place: str, arguments: tuple[Any, ...], result: Any
    ) -> None:
        del step
        match call:
            case "open_fd" if self._is_new:
                self._add("create", place, file=os.fstat(result).st_ino)
            case "write":
                data = bytes(arguments[1])[:result].decode("latin-1")
                self._add("write", place, file=os.fstat(arguments[0]).st_ino, data=data)
            case "cut":
                file = os.fstat(arguments[0]).st_ino
                self._add("cut", place, file=file, size_bytes=arguments[1])
            case "fsync" | "sync_content":
                known = os.fstat(arguments[0])
                is_folder = stat.S_ISDIR(known.st_mode)
                self._add("sync folder" if is_folder else "sync", place, file=known.st_ino)
            case "rename":
                self._add("rename", place, source=str(Path.cwd() / arguments[0]))
            case "remove" | "remove_folder" | "remove_tree":
                self._add("remove", place)
            case "make_folder":
                self._add("make", place)
            case "make_folders":
                for path in self._missing:
                    self._add("make", path)

    def _add(self, operation: str, place: str, **more: Any) -> None:
        counted = Path(self._counted)
        size_bytes = counted.stat().st_size if counted.exists() else 0
        path = os.path.relpath(place, self._root)
        if "source" in more:
            more["source"] = os.path.relpath(more["source"], self._root)
        line = {"operation": operation, "path": path, "counted_bytes": size_bytes, **more}
        append_json(self._path, line)


def read_record(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@dataclass
class _File:
    """`versions` are the contents since the last sync, the synced one first."""

    versions: list[bytes] = field(default_factory=lambda: [b""])


@dataclass
class _Folder:
    """`names` are those on the disk; `changes` came since: a name, what it stands for (None: gone)
    and the name that it had before."""

    names: dict[str, "_Entry"] = field(default_factory=dict)
    changes: list[tuple[str, "_Entry | None", str | None]] = field(default_factory=list)

    def now(self) -> "dict[str, _Entry]":
        return _changed(self.names, self.changes)


_Entry = _File | _Folder


def _changed(
    names: dict[str, _Entry], changes: list[tuple[str, _Entry | None, str | None]]
) -> dict[str, _Entry]:
    names = dict(names)
    for name, entry, before in changes:
        if before is not None:
            names.pop(before, None)
        if entry is None:
            names.pop(name, None)
        else:
            names[name] = entry
    return names


class Disk:
    """The disk while a record is played."""

    def __init__(self) -> None:
        self.root = _Folder()
        self._files: dict[int, _File] = {}

    def play(self, line: dict[str, Any]) -> None:
        """Do one step of a record."""
        folder, name = self._folder_of(line["path"])
        match line["operation"]:
            case "create":
                self._files[line["file"]] = _File()
                folder.changes.append((name, self._files[line["file"]], None))
            case "write":
                versions = self._files[line["file"]].versions
                versions.append(versions[-1] + line["data"].encode("latin-1"))
            case "cut":
                versions = self._files[line["file"]].versions
                versions.append(versions[-1][: line["size_bytes"]])
            case "sync":
                file = self._files[line["file"]]
                file.versions = file.versions[-1:]
            case "sync folder":
                synced = self._at(line["path"])
                synced.names, synced.changes = synced.now(), []
            case "rename":
                before = Path(line["source"]).name
                folder.changes.append((name, folder.now()[before], before))
            case "remove":
                folder.changes.append((name, None, None))
            case "make":
                folder.changes.append((name, _Folder(), None))

    def durable(self, path: str) -> bytes:
        """What is on the disk for certain of the file at a path."""
        entry: _Entry | None = self.root
        for name in Path(path).parts:
            entry = entry.names.get(name) if isinstance(entry, _Folder) else None
        return entry.versions[0] if isinstance(entry, _File) else b""

    def _folder_of(self, path: str) -> tuple[_Folder, str]:
        return self._at(str(Path(path).parent)), Path(path).name

    def _at(self, path: str) -> _Folder:
        folder = self.root
        for name in Path(path).parts:
            below = folder.now()[name]
            assert isinstance(below, _Folder)
            folder = below
        return folder

    def left(self, choose: "Choice") -> Iterator[tuple[str, bytes | None]]:
        """What is left when the power fails now: paths, parents first, with content, which is None
        for a folder."""
        yield from _left("", self.root, choose)


def _left(path: str, folder: _Folder, choose: "Choice") -> Iterator[tuple[str, bytes | None]]:
    for name, entry in _changed(folder.names, choose.changes(folder.changes)).items():
        if isinstance(entry, _File):
            yield f"{path}{name}", choose.content(entry.versions)
        else:
            yield f"{path}{name}", None
            yield from _left(f"{path}{name}/", entry, choose)


class Choice:
    """What becomes of all that was not synced; this one keeps it."""

    def changes(self, changes: list[Any]) -> list[Any]:
        return changes

    def content(self, versions: list[bytes]) -> bytes:
        return versions[-1]


class NothingKept(Choice):
    """All that was not synced is gone."""

    def changes(self, changes: list[Any]) -> list[Any]:
        return changes[:0]

    def content(self, versions: list[bytes]) -> bytes:
        return versions[0]


class Chance(Choice):
    """Each change of a name is there or not; content is old, new, cut, or zeros in some pages."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def changes(self, changes: list[Any]) -> list[Any]:
        return [change for change in changes if self._random.random() < 0.6]

    def content(self, versions: list[bytes]) -> bytes:
        synced, last = versions[0], self._random.choice(versions)
        match self._random.randrange(4):
            case 0:
                return synced
            case 1:
                return last
            case 2:
                return last[: self._random.randint(min(len(synced), len(last)), len(last))]
        return self._with_zeros(last, min(len(synced), len(last)))

    def _with_zeros(self, content: bytes, synced_bytes: int) -> bytes:
        """Pages that were not synced may be zeros; of the one that the synced content ends in only
        the rest."""
        damaged = bytearray(content)
        begin = synced_bytes
        while begin < len(content):
            end = min(len(content), (begin // _PAGE_BYTES + 1) * _PAGE_BYTES)
            if self._random.random() < 0.5:
                damaged[begin:end] = bytes(end - begin)
            begin = end
        return bytes(damaged)


def put_down(left: Iterable[tuple[str, bytes | None]], root: Path) -> None:
    """Make what is left in a fresh folder."""
    for path, content in left:
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
