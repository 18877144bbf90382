"""A writer never loses order, never waits where it promises not to, and outlives its reader."""

import errno
import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from orch.cli.writer import BACKLOG_BYTES, Writer


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's two ends; what a test closed itself is left alone."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        with suppress(OSError):
            os.close(fd)


def test_offer_never_waits_for_a_reader(pipe: tuple[int, int]) -> None:
    """A reader that reads nothing holds nobody up; what it missed comes later, in order."""
    reader, end = pipe
    writer = Writer(end)
    sent = b"".join(b"%08d" % number for number in range(50_000))
    writer.offer(sent)
    assert writer.is_waiting
    got = b""
    while len(got) < len(sent):
        got += os.read(reader, 1 << 16)
        writer.pump()
    assert got == sent
    assert not writer.is_waiting


def test_write_waits_until_all_is_read(pipe: tuple[int, int]) -> None:
    """`write` returns when everything, also what was offered before, is on its way."""
    reader, end = pipe
    writer = Writer(end)
    got: list[bytes] = []

    def read_all() -> None:
        while data := os.read(reader, 1 << 16):
            got.append(data)

    thread = threading.Thread(target=read_all)
    writer.offer(b"a" * 300_000)
    thread.start()
    writer.write(b"b")
    assert not writer.is_waiting
    os.close(end)
    thread.join()
    assert b"".join(got) == b"a" * 300_000 + b"b"


def test_a_descriptor_made_non_blocking_loses_nothing(pipe: tuple[int, int]) -> None:
    """Whoever shares the pipe may have made it non-blocking; `write` still waits."""
    reader, end = pipe
    flags = fcntl.fcntl(end, fcntl.F_GETFL)
    fcntl.fcntl(end, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    got: list[bytes] = []

    def read_all() -> None:
        while data := os.read(reader, 1 << 12):
            got.append(data)

    thread = threading.Thread(target=read_all)
    thread.start()
    Writer(end).write(b"x" * 500_000)
    os.close(end)
    thread.join()
    assert sum(map(len, got)) == 500_000


def test_a_reader_that_went_away_is_no_error(pipe: tuple[int, int]) -> None:
    """After EPIPE everything is dropped, quietly."""
    reader, end = pipe
    os.close(reader)
    writer = Writer(end)
    writer.write(b"x")
    writer.write(b"y")
    assert writer.is_gone
    assert writer.error is None
    assert not writer.is_waiting


def test_a_full_disk_is_an_error() -> None:
    """What can't be written for another reason is remembered as an error."""
    fd = os.open("/dev/full", os.O_WRONLY)
    writer = Writer(fd)
    writer.write(b"x")
    os.close(fd)
    assert writer.error is not None
    assert writer.error.errno == errno.ENOSPC


def test_congestion_is_told(pipe: tuple[int, int]) -> None:
    """More than the backlog unread: whoever has something that can be left out leaves it out."""
    writer = Writer(pipe[1])
    assert not writer.is_congested
    writer.offer(b"x" * (BACKLOG_BYTES + (1 << 17)))
    assert writer.is_congested


class HastyWriter(Writer):
    """One whose look at the descriptor is always too late: somebody else took the room since."""

    __slots__ = ()

    def _is_ready(self, timeout_ms: int | None) -> bool:
        return timeout_ms != -1


def test_a_pipe_that_others_fill_too_is_never_waited_for(pipe: tuple[int, int]) -> None:
    """Nor is it made non-blocking for those others."""
    reader, end = pipe
    writer = HastyWriter(end)
    writer.never_wait()
    writer.offer(b"x" * 300_000)
    assert writer.is_waiting
    assert os.get_blocking(end)
    assert os.read(reader, 1) == b"x"
    writer.give_back()
    os.close(end)
    while os.read(reader, 1 << 16):
        pass


def test_a_socket_is_never_waited_for() -> None:
    """Some programs start others with sockets in the place of pipes."""
    here, there = socket.socketpair()
    with here, there:
        writer = HastyWriter(there.fileno())
        writer.never_wait()
        sent = b"".join(b"%08d" % number for number in range(100_000))
        writer.offer(sent)
        assert writer.is_waiting
        assert there.getblocking()
        got = b""
        while len(got) < len(sent):
            got += here.recv(1 << 16)
            writer.pump()
        assert got == sent


def test_a_reader_that_takes_nothing_is_given_up_in_the_end(pipe: tuple[int, int]) -> None:
    """`write` returns after the wait it was told, and what is left is dropped."""
    writer = Writer(pipe[1])
    writer.wait_at_most(0.05)
    writer.write(b"x" * 300_000)
    assert writer.has_given_up
    assert not writer.is_waiting
    writer.write(b"more")
    assert writer.error is None


def test_a_reader_that_is_only_slow_is_not_given_up(pipe: tuple[int, int]) -> None:
    """The wait begins anew with everything that it takes, so it gets all of it."""
    reader, end = pipe
    writer = Writer(end)
    writer.wait_at_most(2)
    got: list[bytes] = []

    def read_slowly() -> None:
        until = threading.Event()
        while data := os.read(reader, 1 << 14):
            got.append(data)
            until.wait(0.1)

    thread = threading.Thread(target=read_slowly)
    thread.start()
    writer.write(b"x" * 600_000)
    os.close(end)
    thread.join()
    assert sum(map(len, got)) == 600_000
    assert not writer.has_given_up
