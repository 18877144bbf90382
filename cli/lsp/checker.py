"""The process that checks, beside the one that speaks with the editor, which so stays quick.

They speak over a pair of sockets, in records. When the server is gone, however it went, the other
process finds its socket closed and ends.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from orch.cli.lsp.insight import Insight, look_into
from orch.cli.lsp.project import Question
from orch.compiler.request import Request

_PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from orch.cli.lsp.checker import serve; serve()"


class CheckerError(Exception):
    """The compiler failed inside, or its process is gone; the message is for people."""


class Checker:
    """Checks in a process of its own, started when it is first needed. For one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def check(self, root: str, question: Question) -> Insight:
        """What the compiler finds out about a file. Raises `CheckerError`; the next check begins
        with a new process then."""
        try:
            connection = self._connected()
            connection.send((root, question.path, question.request, question.shellcheck))
            answer = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise CheckerError(f"the process that checks is gone: {error!r}") from None
        if isinstance(answer, Insight):
            return answer
        raise CheckerError(str(answer))

    def close(self) -> None:
        """End the process, if there is one."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def _connected(self) -> Connection:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 # Our own program.
                    [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), *sys.path],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            self._connection = Connection(ours.detach())
        return self._connection


def serve() -> None:
    """Answer checks until the server is gone; what an interrupt of the editor's means is its
    business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The program took the path of imports out of the words behind the number.
    connection = Connection(int(sys.argv[1]))
    with suppress(EOFError, OSError):
        while True:
            connection.send(_answer(*connection.recv()))
    os._exit(0)


def _answer(root: str, path: str, request: Request, shellcheck: str | None) -> Insight | str:
    try:
        return look_into(root, path, request, shellcheck)
    except Exception as error:  # noqa: BLE001 # A bug of the compiler must not end the server.
        return f"orch could not check {path}: {error!r}; please report this bug"
