"""Headers as editors may write them, and such as no editor should."""

import json
import signal
import subprocess
import sys

import pytest

SHUTDOWN = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}).encode()
EXIT = json.dumps({"jsonrpc": "2.0", "method": "exit"}).encode()
PROGRAM = "from orch.cli.main import program; program()"
EARLY = b"ServerNotInitialized"


def started() -> subprocess.Popen[bytes]:
    """A server that waits for what it is sent."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "lsp"], stdin=pipe, stdout=pipe, stderr=pipe
    )


def said_to(data: bytes) -> subprocess.CompletedProcess[bytes]:
    """What a server does with this on its stdin."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "lsp"], input=data, capture_output=True, check=False
    )


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: %d\r\n\r\n",
        b"content-length: %d\r\n\r\n",
        b"CONTENT-LENGTH:%d \r\nContent-Type: x; charset=utf-8\r\n\r\n",
        b"Content-Length: 00%d\n\n",
        b"\r\nContent-Length: 0\r\n\r\nContent-Length: %d\r\n\r\n",
    ],
)
def test_a_header_is_known_in_any_case(header: bytes) -> None:
    """And with blanks, and other headers beside it."""
    done = said_to(header % len(SHUTDOWN) + SHUTDOWN + header % len(EXIT) + EXIT)
    assert EARLY in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"Content-Length: 99999999999999\r\n\r\n{}", b"a message is longer than 128 MiB"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", b"a message is longer than 128 MiB"),
        (b"Content-Length: -1\r\n\r\n{}", b"the length of a message is no number"),
        (b"Content-Length: \r\n\r\n{}", b"the length of a message is no number"),
        (b"Content-Type: x\r\n\r\n{}", b"a message has no length"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"a message has two lengths"),
        (b"x" * 10_000, b"a line of a header is longer than 8,192 bytes"),
        (b"X: y\r\n" * 20_000, b"a header is longer than 64 KiB"),
    ],
)
def test_what_cannot_be_told_apart_ends_the_server_with_a_reason(header: bytes, why: bytes) -> None:
    """What was sound before it is answered."""
    done = said_to(b"Content-Length: %d\r\n\r\n" % len(SHUTDOWN) + SHUTDOWN + header)
    assert EARLY in done.stdout
    assert done.stderr.startswith(b"orch: the editor can't be understood: " + why)
    assert done.returncode == 2


def test_an_editor_that_no_longer_listens_is_told_nothing() -> None:
    """The answers have nowhere to go; the end of the input ends the server as ever."""
    server = started()
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stderr is not None
    server.stdout.close()
    server.stdin.write((b"Content-Length: %d\r\n\r\n" % len(SHUTDOWN) + SHUTDOWN) * 3)
    server.stdin.close()
    assert server.stderr.read() == b""
    assert server.wait() == 0
    server.stderr.close()


def test_an_interrupt_ends_a_server_that_waits_for_its_editor() -> None:
    """One is enough, though a thread goes on reading from the editor."""
    server = started()
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stderr is not None
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(SHUTDOWN) + SHUTDOWN)
    server.stdin.flush()
    assert server.stdout.readline().startswith(b"Content-Length")
    server.send_signal(signal.SIGINT)
    assert server.stderr.read() == b""
    assert server.wait() in (0, 130)
    for each in (server.stdin, server.stdout, server.stderr):
        each.close()


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_without_an_input_or_an_output_nobody_is_there(closed: str) -> None:
    """Said in words, where both were closed before orch began."""
    script = f'exec "$0" -c "from orch.cli.main import program; program()" lsp {closed}'
    done = subprocess.run(["sh", "-c", script, sys.executable], stderr=subprocess.PIPE, check=False)
    assert done.stderr.startswith(b"orch: the language server has nobody to speak with")
    assert done.returncode == 2
