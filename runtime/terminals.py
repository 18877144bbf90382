"""Pseudo-terminals for commands that want one (`tty`), in the place of the pipes for their output.

There is one for standard output, which is the controlling terminal and standard input too, and one
for standard error, so that both streams stay apart. They change no byte of what is written, echo
nothing, and have the size of an old screen.
"""

import os
from struct import pack

_ROWS, _COLUMNS = 24, 80
_ENDS_OF_INPUT = b"\x04" * 1000
"""Each tells one reader that the input has ended; no stage has more readers than these."""
_OUTPUT_FLAGS, _LOCAL_FLAGS = 1, 3


def open_terminals() -> list[tuple[int, int]]:
    """For standard output and standard error the end that orch reads and that of the command.

    Raises OSError. Whoever calls it has imported `termios` before its process was forked.
    """
    found: list[tuple[int, int]] = []
    try:
        for _ in range(2):
            found.append(os.openpty())
            _settle(found[-1][1])
        # Nobody types, and nobody is to wait for that.
        os.write(found[0][0], _ENDS_OF_INPUT)
    except OSError:
        for fd in (fd for ends in found for fd in ends):
            os.close(fd)
        raise
    return found


def _settle(terminal: int) -> None:
    import fcntl
    import termios

    settings = termios.tcgetattr(terminal)
    settings[_OUTPUT_FLAGS] &= ~termios.OPOST
    settings[_LOCAL_FLAGS] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, pack("HHHH", _ROWS, _COLUMNS, 0, 0))
