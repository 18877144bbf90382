"""`.runs/<task>/metrics.json`: JSON lines, one for each finished run, in the order they ended.

All runs of a task append to it. Each holds the file's own lock for the moment, and cuts off what
a crash left of a line before it adds its own; so every line is always whole, and a run that is
completed once more has one line still.
"""

import errno
import fcntl
import os
import time

from orch.dsl.json_codec import decode_json
from orch.dsl.type_names import Any, Callable, Iterator
from orch.runtime import system
from orch.runtime.files import (
    StorageError,
    cut_file,
    is_current,
    json_line,
    make_folder,
    open_file,
    read_file,
    remove_temporaries,
    replace_file,
    storage_errors,
    sync_data,
    sync_folder,
    write_all,
)
from orch.runtime.run_record import RunMetrics

# An append takes a few milliseconds, so 50 runs that end at once are through long before.
_TRIES = 300
_WAIT_S = 0.01
_CHUNK_BYTES = 1048576


def append_metrics(
    path: str, metrics: RunMetrics, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Add the line of a run, durably; a line of the same run, written before a crash or a resume,
    is replaced.

    Raises `StorageError`, also when another process holds the lock for three seconds; then the
    file is as it was.
    """
    line = json_line(metrics.to_json())
    folder, name = os.path.split(path)
    make_folder(folder)
    fd = _open_locked(path, sleep)
    try:
        # Only who has the lock replaces the file, so these are of processes that were killed.
        remove_temporaries(folder, f".{name}.")
        with storage_errors(path, "read"):
            size_bytes, is_known = _look_through(fd, metrics.run_id)
        if is_known:
            _replace_line(path, metrics.run_id, line)
        else:
            _append_line(path, fd, size_bytes, line)
    finally:
        os.close(fd)


def read_metrics(path: str) -> Iterator[dict[str, Any]]:
    """The lines of a metrics file; what isn't a JSON object is passed over.

    Raises `StorageError`.
    """
    for line in (read_file(path) or b"").split(b"\n"):
        row = _row(line)
        if row:
            yield row


def _open_locked(path: str, sleep: Callable[[float], None]) -> int:
    """A descriptor with the lock, which ends with it, so also with a process that is killed."""
    for _ in range(_TRIES):
        fd = open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            system.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_current(path, fd):
                return fd
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                os.close(fd)
                raise StorageError(path, "lock", error) from error
        os.close(fd)
        sleep(_WAIT_S)
    raise StorageError(path, "lock", "another process has held it for too long")


def _look_through(fd: int, run_id: str) -> tuple[int, bool]:
    """The size of the file up to its last line end, and whether it may hold a line of the run.

    In canonical JSON a run id has one spelling, so bytes are enough to look for.
    """
    needle = json_line({"run_id": run_id})[1:-2]
    offset = whole_bytes = 0
    overlap = b""
    is_known = False
    while chunk := os.pread(fd, _CHUNK_BYTES, offset):
        seen = overlap + chunk
        is_known = is_known or needle in seen
        line_end = chunk.rfind(b"\n")
        if line_end >= 0:
            whole_bytes = offset + line_end + 1
        overlap = seen[-len(needle) :]
        offset += len(chunk)
    return whole_bytes, is_known


def _append_line(path: str, fd: int, size_bytes: int, line: bytes) -> None:
    if os.fstat(fd).st_size != size_bytes:
        cut_file(path, fd, size_bytes)
    try:
        write_all(path, fd, line)
        sync_data(path, fd)
    except StorageError:
        cut_file(path, fd, size_bytes)
        raise
    if size_bytes == 0:
        sync_folder(os.path.dirname(path))


def _replace_line(path: str, run_id: str, line: bytes) -> None:
    """Others that wait for the lock of the file that is replaced see that it is no longer current
    and open the new one."""
    lines = (read_file(path) or b"").split(b"\n")
    kept = [old for old in lines if old and _row(old).get("run_id") != run_id]
    replace_file(path, b"".join(old + b"\n" for old in kept if _row(old)) + line)


def _row(line: bytes) -> dict[str, Any]:
    try:
        value = decode_json(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
