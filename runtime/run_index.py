"""`.runs/.index.json`: what was said of runs that have ended, so that a long list of them is quick.

Each row is kept with the size, the time and the place of its run's journal; where that is another
now, the row isn't used. So the index may be deleted at any time, and may be of any age. One that is
damaged is as good as none, and is written anew; that it can't be written only costs time.
"""

import os
import zlib
from contextlib import suppress

from orch.dsl.json_codec import decode_json
from orch.dsl.type_names import Any, Mapping
from orch.runtime.files import StorageError, json_line, read_file, replace_file

NAME = ".index.json"
_HEAD = b"orch.run-index/1 "
_WORTH_WRITING = 50
"""So many rows that the index lacks are a reason to write it."""


class RunIndex:
    """The rows of the runs in the folder `runs`: lists of JSON values, by folder of the run."""

    def __init__(self, runs: str) -> None:
        self._runs = runs
        self._path = os.path.join(runs, NAME)
        self._rows: dict[str, Any] = dict(_read(self._path))
        self._added = 0

    def row(self, folder: str) -> list[Any] | None:
        """What was kept of the run in a folder of `runs`, if its journal is what it was then."""
        kept = self._rows.get(folder)
        match kept:
            case [signature, list() as row] if signature == self._signature(folder):
                return row
            case _:
                return None

    def add(self, folder: str, row: list[Any]) -> None:
        """Keep a row of a run that has ended."""
        if signature := self._signature(folder):
            self._rows[folder] = [signature, row]
            self._added += 1

    def save(self) -> None:
        """Write what was added, where it is enough, without the runs that are gone."""
        if self._added < _WORTH_WRITING:
            return
        kept = {folder: row for folder, row in self._rows.items() if self._signature(folder)}
        text = json_line(kept)
        with suppress(StorageError):
            replace_file(self._path, _head(text) + text, is_durable=False)

    def _signature(self, folder: str) -> list[int]:
        try:
            status = os.lstat(f"{self._runs}/{folder}/journal.jsonl")
        except (OSError, ValueError):
            return []
        return [status.st_size, status.st_mtime_ns, status.st_ino]


def _read(path: str) -> Mapping[str, Any]:
    try:
        head, _, text = (read_file(path) or b"").partition(b"\n")
        rows = decode_json(text) if head + b"\n" == _head(text) else {}
    except (StorageError, ValueError, RecursionError):
        return {}
    return rows if isinstance(rows, dict) else {}


def _head(text: bytes) -> bytes:
    """The first line: what the file is, and a sum over the second."""
    return _HEAD + b"%08x\n" % zlib.crc32(text)
