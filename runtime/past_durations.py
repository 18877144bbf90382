"""How long stages took in earlier runs of their task, told by the manifests of those runs.

Nothing is promised: a manifest that is gone, not whole, too large or of another make says nothing.
"""

import os
from itertools import islice

from orch.dsl.json_codec import decode_json
from orch.dsl.type_names import Any, Iterator, Mapping
from orch.runtime.files import StorageError, read_file
from orch.runtime.ids import InvalidIdError, sanitize_run_id

_MOST_BYTES = 8 << 20
"""A larger manifest takes longer to read than a run that is drawn should stand still."""

_MOST_TRIED = 10


def past_durations(run: str) -> Iterator[Mapping[str, int]]:
    """Of each earlier run of a task, the newest first, the milliseconds that its stages took: of
    those that were run and succeeded; of services, until they were ready. `run` is the folder of
    the run for which it is asked."""
    folder, own_name = os.path.split(run)
    earlier = sorted((name for name in _names(folder) if name < own_name), reverse=True)
    for name in islice(filter(_is_id, earlier), _MOST_TRIED):
        if durations := _durations(f"{folder}/{name}/manifest.json"):
            yield durations


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _is_id(name: str) -> bool:
    try:
        sanitize_run_id(name)
    except InvalidIdError:
        return False
    return True


def _durations(manifest: str) -> Mapping[str, int]:
    try:
        if os.stat(manifest).st_size > _MOST_BYTES:
            return {}
        rows = decode_json(read_file(manifest) or b"")["stages"]
        taken = ((row["id"], _taken_ms(row)) for row in rows)
        return {stage: taken_ms for stage, taken_ms in taken if taken_ms is not None}
    except (OSError, StorageError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def _taken_ms(row: Mapping[str, Any]) -> int | None:
    if row["status"] != "succeeded" or row["fresh"]:
        return None
    taken_ms = row["ready_after_ms"] if row["kind"] == "service" else row["duration_ms"]
    return taken_ms if isinstance(taken_ms, int) else None
