"""The system calls whose order decides what outlives a crash: one name for each, all in one place.

Whoever makes, fills, syncs, renames or removes a file of a run, locks one, or starts and reaps a
process, calls it from here: `system.fsync(fd)`. They are the functions of `os` and nothing else.

That they have one place is for tests: a test program puts others in their stead before it calls
`orch.cli.main.main`, and so lists the steps of a run, kills orch or a warden before or after any of
them, lets it fail, or keeps a record from which it rebuilds what a power loss leaves
(`tests/faults/steps.py`). Nothing in a command line or an environment leads here.
"""

import fcntl
import os

open_fd = os.open
write = os.write
cut = os.ftruncate
fsync = os.fsync
sync_content = os.fdatasync if hasattr(os, "fdatasync") else os.fsync
rename = os.replace
remove = os.unlink
make_folder = os.mkdir
make_folders = os.makedirs
remove_folder = os.rmdir
lock = fcntl.flock

pipe = os.pipe
fork = os.fork
spawn = os.posix_spawn
wait = os.waitpid
wait_with_usage = os.wait4


def remove_tree(name: str, *, dir_fd: int) -> None:
    """Remove a folder and all below it; a link is refused, and none below is followed."""
    import shutil

    shutil.rmtree(name, dir_fd=dir_fd)
