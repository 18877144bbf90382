"""The `orch` command as a process of its own, as people and programs start it."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

from tests.cli.screen import Screen

ORCH = (sys.executable, "-m", "orch.cli.main")

DEMO = """\
pipeline demo { title = "A demonstration" }
param level: string = "quick" { in = ["quick", "full"] }
stage build { run = "echo compiling; echo careful >&2" summary = "one file" }
stage test { needs = [build] run = "printf '%s' '{{ params.level }}'" }
stage deploy { needs = [test] when = {{ params.level == "full" }} run = "true" }
finally clean { run = "true" }
"""

FAILING = """\
pipeline failing { }
stage good { run = "echo fine" }
stage bad { needs = [good] retry { attempts = 2, backoff = 1ms..1ms }
  run = "echo one; echo 'no such thing' >&2; test -e mended" }
stage after { needs = [bad] run = "true" }
"""

BROKEN = """\
pipeline broken { }
stage build { needs = [biuld2] run = "true" }
stage test { timeout = 3 parsecs }
"""


def orch(*words: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `orch` with these words to its end; stdout and stderr are text, UTF-8."""
    environment = os.environ | {"LC_ALL": "C.UTF-8"} | more.pop("env", {})
    return subprocess.run(
        [*ORCH, *words],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        **more,
    )


def orch_in_terminal(
    *words: str, cwd: Path, screen: Screen, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run `orch` in a terminal of the screen's size; its exit code and everything it wrote.

    The screen has seen all of it.
    """
    pid, master = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", screen.rows, screen.columns, 0, 0)
        fcntl.ioctl(1, termios.TIOCSWINSZ, size)
        os.chdir(cwd)
        environment = os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | (env or {})
        os.execve(ORCH[0], [*ORCH, *words], environment)
    pieces = []
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:
            # Linux says EIO when the last program in a terminal has ended.
            break
        if not data:
            break
        pieces.append(data)
    os.close(master)
    _, status = os.waitpid(pid, 0)
    written = b"".join(pieces).decode()
    screen.feed(written)
    return os.waitstatus_to_exitcode(status), written


def write_project(root: Path) -> Path:
    """A project with three pipelines: one that succeeds, one that fails, one that is wrong."""
    folder = root / "pipelines"
    folder.mkdir(parents=True)
    for name, text in (("demo", DEMO), ("failing", FAILING), ("broken", BROKEN)):
        (folder / f"{name}.pipeline").write_text(text, encoding="utf-8")
    return root
