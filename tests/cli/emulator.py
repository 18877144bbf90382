"""A program in a real terminal: a pseudo-terminal whose other end is a terminal emulator, pyte."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from itertools import groupby
from pathlib import Path
from typing import Self

import pyte
import pyte.graphics

from tests.cli.orch_program import ORCH

PATIENCE_S = 60.0
"""No wait of a test depends on speed; this one only keeps a broken one from hanging."""

# pyte knows no dim text; crossed-out text, which orch never writes, stands for it.
pyte.graphics.TEXT[2] = "+strikethrough"


class Emulator:
    """One program and the window that a person sees it in; lines that scroll out are kept."""

    def __init__(
        self, *argv: str, cwd: Path, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            plain = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            self._set_size(1, columns, rows)
            os.chdir(cwd)
            os.execve(argv[0], argv, {**os.environ, **plain, **environment})
        self._status: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    def wait_for(self, pattern: str) -> list[str]:
        """Go on until some line of the window matches; the whole window then."""
        end = time.monotonic() + PATIENCE_S
        while not any(re.search(pattern, line) for line in self.window()):
            assert time.monotonic() < end, f"no {pattern!r} on:\n" + "\n".join(self.window())
            assert self._read(), f"ended without {pattern!r}:\n" + "\n".join(self.window())
        return self.window()

    def finish(self) -> int:
        """Go on until the program has ended and its terminal is closed; its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < end, "it doesn't end:\n" + "\n".join(self.window())
        _, self._status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(self._status)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def write_beside(self, text: str) -> None:
        """Write to the terminal as another program that has it, such as the shell."""
        fd = os.open(f"/proc/{self.pid}/fd/1", os.O_WRONLY | os.O_NOCTTY)
        os.write(fd, text.encode())
        os.close(fd)

    def resize(self, columns: int, rows: int) -> None:
        """As when somebody pulls at the window's corner; the program gets SIGWINCH."""
        self._set_size(self._master, columns, rows)
        self.screen.resize(rows, columns)

    def window(self) -> list[str]:
        """The lines in the window, without trailing blanks."""
        return [line.rstrip() for line in self.screen.display]

    def lines(self) -> list[str]:
        """Everything that is still there, above the window too, without empty lines at the end."""
        above = [
            "".join(line[column].data for column in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]
        return "\n".join([*above, *self.window()]).rstrip().split("\n")

    def pieces(self) -> list[list[tuple[str, tuple[str, ...]]]]:
        """The lines in the window as pieces of text with their styles: `bold`, `dim`, a colour."""
        rows = [
            [self.screen.buffer[row][column] for column in range(self.screen.columns)]
            for row in range(self.screen.lines)
        ]
        return [
            [
                ("".join(cell.data for cell in cells), styles)
                for styles, cells in groupby(row, key=_styles)
            ]
            for row in rows
        ]

    def _read(self) -> bool:
        """Wait a little for output; False when there will be no more."""
        if not select.select([self._master], [], [], 1)[0]:
            return True
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            # Linux says EIO when the last program in a terminal has ended.
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    def _set_size(self, fd: int, columns: int, rows: int) -> None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def orch_window(
    *words: str, cwd: Path, columns: int = 80, rows: int = 24, **environment: str
) -> Emulator:
    """`orch WORDS` in a window of its own."""
    return Emulator(*ORCH, *words, cwd=cwd, columns=columns, rows=rows, **environment)


def _styles(cell: pyte.screens.Char) -> tuple[str, ...]:
    found = [cell.fg.removeprefix("bright")] if cell.fg != "default" else []
    found += ["bold"] if cell.bold else []
    found += ["dim"] if cell.strikethrough else []
    return tuple("yellow" if style == "brown" else style for style in found)
