"""Which code compiles: what else a plan hangs on, beside what it is made from.

The version alone would not tell the code of two checkouts apart, and a plan that an older state of
the code made is a puzzle for whoever changes it.
"""

import os
import sys

from orch import __version__
from orch.dsl.type_names import Iterator

_ROOMS = ("dsl", "compiler")

_kept: list[str] = []


def code_stamp() -> str:
    """A text that changes with the code that compiles: orch's version, its files, Python itself,
    and the folders of installed packages, which change when one of them does.

    Files are told apart by name, size and time of change, not by content: a look-up reads none.
    They are looked at once, as early as somebody asks, for what is imported stays as it was.
    """
    if not _kept:
        _kept.append("\n".join([__version__, sys.version, *_own_files(), *_libraries()]))
    return _kept[0]


def _own_files() -> Iterator[str]:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for room in _ROOMS:
        with os.scandir(f"{package}/{room}") as listing:
            for file in sorted(listing, key=lambda file: file.name):
                if file.name.endswith((".py", ".lark")):
                    found = file.stat()
                    yield f"{file.path} {found.st_size} {found.st_mtime_ns}"


def _libraries() -> Iterator[str]:
    for name in sys.path:
        folder = name.rstrip("/")
        if folder.endswith(("/site-packages", "/dist-packages")) and os.path.isdir(folder):
            yield f"{folder} {os.stat(folder).st_mtime_ns}"
