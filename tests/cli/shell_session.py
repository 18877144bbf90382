"""An interactive shell in a terminal of its own, typed to as a person types."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 60
_SHOWN = re.compile(r"<<<(.*?)>>>", re.DOTALL)


class ShellSession:
    """A shell that has been told, by `setup`, to answer Ctrl-X Ctrl-P with `<<<the line>>>`."""

    def __init__(self, argv: list[str], cwd: Path, env: dict[str, str], setup: str) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            os.chdir(cwd)
            os.execve(argv[0], argv, env | {"TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self._seen = ""
        self._type(setup + "\n")
        self._type("echo re''ady\n")
        self._wait_for("ready")

    def completed(self, line: str, keys: str = "\t") -> str:
        """What becomes of the line when the keys are pressed behind it."""
        self._type("\x15" + line + keys + "\x18\x10")
        return self._wait_for(_SHOWN)

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _wait_for(self, sign: str | re.Pattern[str]) -> str:
        """Read on until the sign is there; the text of its first group, or itself."""
        pattern = re.compile(re.escape(sign)) if isinstance(sign, str) else sign
        until = time.monotonic() + _PATIENCE_S
        while (match := pattern.search(self._seen)) is None:
            assert time.monotonic() < until, f"nothing like {pattern.pattern} in {self._seen!r}"
            if select.select([self._terminal], [], [], 1)[0]:
                self._seen += os.read(self._terminal, 1 << 16).decode(errors="replace")
        self._seen = self._seen[match.end() :]
        return match[match.lastindex or 0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
