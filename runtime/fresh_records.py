"""`.orch/cache/fresh/PIPELINE.jsonl`: of each stage, how it was at its last success.

One file for all stages of a pipeline, one line for each thing that happened: a digest, the stage's
id, its record as JSON, details that are asked for only where something has changed, and the texts
of a sight of the record (`orch.runtime.first_sight`) behind a digest of their own, if there is one.
Instead of a record there is `null` from the moment in which its command starts: whatever that
leaves behind counts for nothing until it has succeeded. Of a stage the last line counts; a line
that is torn or damaged is as if it weren't there. Losing lines only costs time, so nothing here
waits for the disk. Who uses a file has it locked, and shares it; the last one writes it anew when
half of it is of no use.
"""

import errno
import fcntl
import os
import time
from io import BytesIO
from zlib import crc32

from orch.dsl.json_codec import decode_json, encode_basestring_ascii, json_encoder
from orch.dsl.type_names import Any, Iterable, Mapping, Sequence
from orch.runtime import system
from orch.runtime.files import (
    StorageError,
    is_current,
    open_file,
    replace_file,
    storage_errors,
    write_all,
)
from orch.runtime.folders import make_folder_below
from orch.runtime.ids import WORD_CHARACTERS

FOLDER = ".orch/cache/fresh"
LARGEST_BYTES = 64 * 2**20
"""A larger file is begun anew: reading it would take longer than it saves."""

WORTHLESS = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a record raises that is no record; it is as if it weren't there."""

_CONTENT, _DETAILS = 1, 2
"""Their places in a line, behind its digest and the stage; the sight is last."""

_BETWEEN_TEXTS = "\x1f"
"""Stands between the texts of a sight, which are printable."""

_LONGEST_WAIT_S = 1.0
_PAUSE_S = 0.005
_SMALLEST_TO_REWRITE_BYTES = 1 << 16
_LONGEST_PLAIN = 100
_PLAIN_CHARACTERS = WORD_CHARACTERS | {"-"}
_encode = json_encoder()
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND


def records_path(root: str, pipeline: str) -> str:
    """The file of a pipeline, by its name."""
    name = pipeline
    if not _is_plain(pipeline):
        from hashlib import sha256

        name = sha256(pipeline.encode("utf-8", "replace")).hexdigest()[:32]
    return os.path.join(root, FOLDER, f"{name}.jsonl")


def _is_plain(name: str) -> bool:
    """Whether it can be the name of a file as it is, on any file system."""
    is_short = 0 < len(name) <= _LONGEST_PLAIN
    return is_short and name[0] != "-" and _PLAIN_CHARACTERS.issuperset(name)


def record_line(
    stage: str,
    content: Mapping[str, Any] | None,
    details: Mapping[str, Any] | bytes = b"{}",
    sight: Sequence[str] = (),
) -> bytes:
    """A line of the file; without content the stage is not known to have succeeded. The texts of
    `sight` are printable."""
    known = details if isinstance(details, bytes) else _json(details)
    key, seen = _json(stage), _BETWEEN_TEXTS.join(sight).encode()
    body = b"\t".join((key, _json(content), known, _sight_digest(key, seen) + seen))
    return b"%08x\t%b\n" % (crc32(body), body)


def _sight_digest(key: bytes, seen: bytes) -> bytes:
    """Goes before the texts of a sight, which are read alone: to digest a whole line takes longer
    than all else that a fresh stage needs of it."""
    return b"%08x" % crc32(seen, crc32(key))


def _json(value: Any) -> bytes:
    return _encode(value).encode()


def forget(path: str, stage: str) -> None:
    """Note that the command of a stage starts now. Raises OSError."""
    fd = system.open_fd(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        system.write(fd, record_line(stage, None))
    finally:
        os.close(fd)


class FreshRecords:
    """The open file of a pipeline, read once. Raises `StorageError` where it can't be had; after
    that `put` alone does."""

    def __init__(self, root: str, pipeline: str) -> None:
        make_folder_below(root, FOLDER)
        self.path = records_path(root, pipeline)
        self._fd = self._open()
        self._lines: dict[bytes, bytes] = {}
        self._count = 0
        self._size_bytes = 0
        try:
            self._read()
        except BaseException:
            os.close(self._fd)
            raise

    def get(self, stage: str) -> Mapping[str, Any] | None:
        """How a stage was at its last success; None where that isn't known."""
        return self._part(stage, _CONTENT)

    def details(self, stage: str) -> Mapping[str, Any]:
        """What was put as its details."""
        return self._part(stage, _DETAILS) or {}

    def sight(self, stage: str) -> list[str]:
        """The texts of the sight of its record; of one that is damaged, or none, an empty one."""
        key = _key(stage)
        column = self._lines.get(key, b"").rpartition(b"\t")[2]
        seen = column[8:-1]
        if column[:8] != _sight_digest(key, seen):
            return [""]
        return seen.decode(errors="replace").split(_BETWEEN_TEXTS)

    def _part(self, stage: str, place: int) -> Mapping[str, Any] | None:
        try:
            text = self._body(stage).split(b"\t")[place].decode()
            content = decode_json(text)
        except (ValueError, IndexError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

    def _body(self, stage: str) -> bytes:
        """The line of a stage without its digest; empty where it is damaged or there is none."""
        line = self._lines.get(_key(stage), b"")
        body = line[9:-1]
        try:
            return body if int(line[:8], 16) == crc32(body) else b""
        except ValueError:
            return b""

    def is_forgotten(self, stage: str) -> bool:
        """Whether its command was started after its last success, and didn't succeed."""
        return _is_null(self._lines.get(_key(stage), b""))

    def put(
        self,
        stage: str,
        content: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
        sight: Sequence[str] = (),
    ) -> None:
        """Keep how a stage was when it succeeded just now; its details stay as they are where none
        are given. Raises `StorageError`."""
        key = _key(stage)
        kept = self._body(stage).split(b"\t")[_DETAILS:] if details is None else []
        line = record_line(stage, content, kept[0] if kept else details or {}, sight)
        write_all(self.path, self._fd, line)
        self._lines[key] = line
        self._count += 1
        self._size_bytes += len(line)

    def close(self) -> None:
        """Write the file anew if much of it is of no use and nobody else has it."""
        try:
            is_large = self._size_bytes > _SMALLEST_TO_REWRITE_BYTES
            if is_large and self._count >= 2 * len(self._lines):
                self._rewrite()
        finally:
            os.close(self._fd)

    def _open(self) -> int:
        until = time.monotonic() + _LONGEST_WAIT_S
        while True:
            fd = open_file(self.path, _FLAGS)
            try:
                system.lock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if is_current(self.path, fd):
                    return fd
            except OSError as error:
                # Nobody has it alone for longer than it takes to write it anew, but who is stopped.
                if error.errno != errno.EWOULDBLOCK or time.monotonic() > until:
                    os.close(fd)
                    raise StorageError(self.path, "lock", error) from error
                time.sleep(_PAUSE_S)
            os.close(fd)

    def _read(self) -> None:
        with storage_errors(self.path, "read"):
            size_bytes = os.fstat(self._fd).st_size
            if size_bytes > LARGEST_BYTES:
                system.cut(self._fd, 0)
            data = os.pread(self._fd, size_bytes, 0)
        if data and not data.endswith(b"\n"):
            write_all(self.path, self._fd, b"\n")
            data += b"\n"
        self._count = 0
        # A file finds the ends of lines some times as quickly as `split` does.
        for line in BytesIO(data):
            stage = line[9 : line.find(b"\t", 9)]
            if stage:
                self._lines[stage] = line
                self._count += 1
        self._size_bytes = len(data)

    def _rewrite(self) -> None:
        """Not while others have it: their lines would go where nobody reads them."""
        try:
            system.lock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        self._lines.clear()
        self._read()
        kept = (line for line in self._lines.values() if not _is_null(line))
        try:
            replace_file(self.path, b"".join(kept), is_durable=False)
        except StorageError:
            pass


def _key(stage: str) -> bytes:
    """The id of a stage as its lines have it."""
    return encode_basestring_ascii(stage).encode()


def _is_null(line: bytes) -> bool:
    return line[9:].split(b"\t")[_CONTENT:][:1] == [b"null"]


def has_head(known: Mapping[str, Any]) -> bool:
    """Whether a record says what a first look asks of it, but for its listings."""
    try:
        return (
            type(known["run"]) is str
            and type(known["plan"]) is str
            and type(known["key"]) is str
            and type(known["definition"]) is str
            and isinstance(known["needs"], str | None)
            and isinstance(known["values"], dict)
            and "inputs" in known
            and "outputs" in known
        )
    except KeyError:
        return False


def is_sound(known: Mapping[str, Any]) -> bool:
    """Whether a record has the shape of those that orch writes: nothing in it leads out of the
    project or breaks who reads it."""
    try:
        return (
            has_head(known)
            and _is_listing(known["inputs"])
            and _is_listing(known["outputs"])
            and all(map(_is_artifact, known["artifacts"]))
        )
    except WORTHLESS:
        return False


def _is_listing(value: Any) -> bool:
    return (
        isinstance(value["is_open"], bool)
        and all(map(_is_file_row, value["files"]))
        and all(isinstance(path, str) and _are_numbers(rest) for path, *rest in value["folders"])
        and all(isinstance(path, str) for path in value["absent"])
    )


def _is_file_row(row: Any) -> bool:
    path, content, is_executable, size, mtime_ns, ctime_ns, inode = row
    return (
        _is_below(path)
        and isinstance(content, str)
        and isinstance(is_executable, bool)
        and _are_numbers((size, mtime_ns, ctime_ns, inode))
    )


def _is_artifact(kept: Any) -> bool:
    is_executable = kept["is_executable"]
    return _is_below(kept["source"]) and all(
        (isinstance(kept["sha256"], str), isinstance(is_executable, bool))
    )


def _is_below(path: Any) -> bool:
    return isinstance(path, str) and {"", ".", ".."}.isdisjoint(path.split("/"))


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(type(value) is int for value in values)
