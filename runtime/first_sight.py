"""What makes a stage known as fresh at first sight: all that must be as it was, as short texts.

To decode a record and to compare it takes longer than to ask the system for the times of two files.
So its line carries a sight of it, which is compared as it stands: what the stage was made of, and
what the system said of each file and folder. Where a text differs, or there is no sight, nothing is
known yet, and the record itself is judged. A sight never says more than its record.
"""

import os
import stat
import struct

from orch.dsl.type_names import Any, Mapping, Sequence
from orch.runtime.listings import MOST_QUICKLY, Listing

_FILE = struct.Struct("<Qqqq?").pack
_FOLDER = struct.Struct("<Qqq").pack
"""What the system says of a file and of a folder, as bytes: to make texts of five numbers would
take longer than all else. That of a folder is the beginning of that of a file."""

Sight = Sequence[str]
"""The digests of the plan and of the keys of its needs, the run of its last success, its key; then
paths, and behind each what the system says first of it while it is the same, in hexadecimal. Empty:
there is none."""


def sight_of(record: Mapping[str, Any]) -> Sight:
    """What there is to compare of a record; empty where a first look asks for more than times, and
    of a stage that hands on values."""
    inputs, outputs = record.get("inputs"), record.get("outputs")
    if inputs is None or outputs is None or record["needs"] is None or record["values"]:
        return ()
    try:
        looks = [*_looks(inputs), *_looks(outputs)]
    except (struct.error, TypeError):
        # Numbers that no system says.
        return ()
    sight = [record["plan"], record["needs"], record["run"], record["key"], *looks]
    # Paths of a record that orch didn't write may be anything.
    is_plain = all(isinstance(text, str) and text.isprintable() for text in sight)
    return sight if is_plain and "" not in looks and len(looks) <= 2 * MOST_QUICKLY else ()


def _looks(listing: Listing) -> list[str]:
    """With an empty text where times don't tell."""
    looks = [""] if listing["is_open"] or listing["absent"] else []
    for path, _sha256, is_executable, size, mtime_ns, ctime_ns, inode in listing["files"]:
        said = _FILE(inode, ctime_ns, mtime_ns, size, is_executable) if inode else b""
        looks += (path, said.hex())
    for path, mtime_ns, ctime_ns, inode in listing["folders"]:
        looks += (path, _FOLDER(inode, ctime_ns, mtime_ns).hex() if inode else "")
    return looks


def is_as_seen(root: str, looks: Sequence[str]) -> bool:
    """Whether the system says of all paths what it said; `looks` are those of a sight."""
    try:
        texts = iter(looks)
        for path, known in zip(texts, texts, strict=True):
            now = os.stat(f"{root}/{path}")
            is_executable = now.st_mode & stat.S_IXUSR
            said = _FILE(now.st_ino, now.st_ctime_ns, now.st_mtime_ns, now.st_size, is_executable)
            if not said.hex().startswith(known):
                return False
    except (OSError, ValueError, struct.error):
        return False
    return True
