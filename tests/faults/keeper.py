"""A process above orch where everything that gets away from it lands: `keeper.py ORCH WORD…`.

It is a subreaper, so whatever orch and its wardens lose becomes its descendant, and no process can
change that by itself: not its name, session, user, environment, descriptors or namespace. It tells
orch's pid, then how it ended, and lasts until its standard input is closed; then it ends what is
left. What orch prints goes to the file `told`. It imports nothing of orch.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def process_table() -> dict[int, tuple[int, int]]:
    """Parent and session of every process, by one look at each."""
    table: dict[int, tuple[int, int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            fields = status_fields(folder)
            if fields is not None:
                table[int(folder.name)] = int(fields[1]), int(fields[3])
    return table


def below(root: int, table: dict[int, tuple[int, int]]) -> set[int]:
    """Children, their children and so on."""
    found = {root}
    while new := {pid for pid, (parent, _) in table.items() if parent in found} - found:
        found |= new
    return found - {root}


def descendants(root: int) -> dict[int, str]:
    """The living processes below one, each with its command line or else its name. A process lives
    while one of its threads does, whatever its first one says."""
    return {pid: line_of(pid) for pid in below(root, process_table()) if is_alive(pid)}


def status_fields(folder: Path) -> list[str] | None:
    """The fields of a `stat` file from the state on."""
    try:
        text = (folder / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    states = [status_fields(thread) for thread in threads]
    return any(fields is not None and fields[0] not in "ZX" for fields in states)


def line_of(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return line or Path(f"/proc/{pid}/comm").read_text()
    except (OSError, UnicodeDecodeError):
        return "?"


def kill_all() -> None:
    """End everything below this process, which has taken `SIGCHLD` for ignored."""
    while left := descendants(os.getpid()):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def wait_for_end() -> None:
    """End all when the test has nothing more to ask, however it ends itself."""
    while os.read(0, 4096):
        pass
    kill_all()
    os._exit(0)


def keep(words: list[str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told = (os.POSIX_SPAWN_OPEN, 1, "told", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    pid = os.posix_spawn(words[0], words, os.environ, setsid=True, file_actions=[told])
    os.write(1, b"%d\n" % pid)
    threading.Thread(target=wait_for_end).start()
    status = None
    while True:
        try:
            ended, said = os.wait()
        except ChildProcessError:
            time.sleep(0.05)
            continue
        if ended == pid and status is None:
            status = said
            os.write(1, b"%d\n" % os.waitstatus_to_exitcode(said))


if __name__ == "__main__":
    keep(sys.argv[1:])
