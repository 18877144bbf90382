"""A stream is held by its head and its end, counted whole, logged to its limit, and shown as text
that no cut has broken."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch.runtime.attempt import CapturedStream
from orch.runtime.capture import LogFile, StreamCapture, captured_stream


def capture(
    pieces: list[bytes], buffer_bytes: int, error_bytes: int, log: LogFile | None = None
) -> tuple[CapturedStream, StreamCapture]:
    stream = StreamCapture(buffer_bytes, error_bytes, log or LogFile("/nonexistent/log", 0))
    for piece in pieces:
        # The warden reads into one buffer, so what was fed is overwritten by the next read.
        buffer = bytearray(piece)
        stream.feed(memoryview(buffer))
        buffer[:] = b"\xee" * len(buffer)
    held = b"".join(stream.held())
    shown = captured_stream(
        memoryview(held), (stream.total_bytes, stream.shown_bytes, 0), buffer_bytes, error_bytes
    )
    return shown, stream


def split(data: bytes, seed: int) -> list[bytes]:
    source = random.Random(seed)
    pieces = []
    while data:
        size = source.choice([1, 2, 3, 7, 100, len(data)])
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def test_output_that_fits_is_shown_whole() -> None:
    """A buffer's worth of bytes is shown without a marker."""
    shown, _ = capture([b"a" * 600, b"b" * 424], 1024, 256)
    assert shown == CapturedStream("a" * 600 + "b" * 424, "b" * 256, 1024, 0, 0)


def test_one_byte_more_is_cut_in_the_middle_with_a_marker() -> None:
    """Half is head, half is tail, and the marker says how many bytes are missing."""
    shown, _ = capture([b"h" * 512 + b"x" + b"t" * 512], 1024, 256)
    assert shown.excerpt == "h" * 512 + "\n… 1 bytes left out …\n" + "t" * 512
    assert (shown.total_bytes, shown.truncated_bytes) == (1025, 1)


def test_a_halved_character_is_left_out_and_counted() -> None:
    """Neither half of an excerpt, nor the tail, begins or ends within a character."""
    shown, _ = capture(["€".encode() * 1000], 1024, 256)
    assert shown.excerpt == "€" * 170 + "\n… 1980 bytes left out …\n" + "€" * 170
    assert shown.truncated_bytes == 3000 - 340 * 3
    assert shown.tail == "€" * 85


def test_the_tail_is_kept_where_it_is_longer_than_the_buffer() -> None:
    """`output.error` may be larger than `output.buffer`."""
    data = bytes(random.Random(1).choices(b"abcdef\n", k=10_000))
    shown, _ = capture([data[:3000], data[3000:]], 1024, 4096)
    assert shown.tail == data[-4096:].decode()
    assert shown.excerpt.startswith(data[:512].decode())
    assert shown.excerpt.endswith(data[-512:].decode())
    assert len(shown.excerpt) == 1024 + len("\n… 8976 bytes left out …\n")


def test_bytes_that_are_no_text_are_shown_as_replacement_characters() -> None:
    """NULs stay, broken UTF-8 becomes U+FFFD, and nothing is lost from the counts."""
    shown, _ = capture([b"a\x00b\xff\xfec\xe2\x82"], 1024, 256)
    assert shown.excerpt == "a\x00b\ufffd\ufffdc\ufffd"
    assert (shown.total_bytes, shown.truncated_bytes) == (8, 0)


SAME_EACH_TIME = settings(derandomize=True)


@SAME_EACH_TIME
@given(
    data=st.one_of(
        st.binary(max_size=3000),
        st.text(max_size=1000).map(lambda text: text.encode("utf-8", "replace")),
        st.integers(0, 6000).map(lambda n: "aé€😀".encode() * (n // 10) + b"z" * (n % 10)),
    ),
    seed=st.integers(0, 1000),
    buffer_bytes=st.integers(8, 1500),
    error_bytes=st.integers(4, 1500),
)
def test_reads_of_any_size_give_the_same_result(
    data: bytes, seed: int, buffer_bytes: int, error_bytes: int
) -> None:
    """What is shown depends on the bytes alone, and agrees with a plain reading of the promise."""
    shown, stream = capture(split(data, seed), buffer_bytes, error_bytes)
    assert shown == capture([data], buffer_bytes, error_bytes)[0]
    assert shown.total_bytes == len(data)
    assert sum(map(len, stream.held())) <= buffer_bytes // 2 + max(
        buffer_bytes - buffer_bytes // 2, error_bytes
    )
    if len(data) <= buffer_bytes:
        assert shown.excerpt == data.decode("utf-8", "replace")
        assert shown.truncated_bytes == 0
    else:
        head, marker, rest = shown.excerpt.partition(
            f"\n… {shown.truncated_bytes} bytes left out …\n"
        )
        assert marker
        half = buffer_bytes // 2
        assert data[:half].decode("utf-8", "replace").startswith(head)
        assert data[half - buffer_bytes :].decode("utf-8", "replace").endswith(rest)
        assert len(data) - buffer_bytes <= shown.truncated_bytes <= len(data) - buffer_bytes + 6
    assert data[-error_bytes:].decode("utf-8", "replace").endswith(shown.tail)


@SAME_EACH_TIME
@given(text=st.text(max_size=900), buffer_bytes=st.integers(8, 600), seed=st.integers(0, 99))
def test_valid_text_never_shows_a_replacement_character(
    text: str, buffer_bytes: int, seed: int
) -> None:
    """Cuts are made between characters, so that only the command's own errors are shown as such."""
    text = text.replace("\ufffd", "?").encode("utf-8", "replace").decode()
    shown, stream = capture(split(text.encode(), seed), buffer_bytes, 64)
    assert "\ufffd" not in shown.excerpt
    assert "\ufffd" not in shown.tail
    assert "\ufffd" not in stream.last_line(100)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("", ""),
        ("\n\n", ""),
        ("one", "one"),
        ("one\ntwo\n", "two"),
        ("one\ntwo\n\n\r\n", "two"),
        ("one\npart", "part"),
        ("a" * 5000, "a" * 40),
        ("x\n" * 5000 + "last", "last"),
        ("50%\r60%", "50%\r60%"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("ä" * 3000, "ä" * 40),
    ],
)
def test_the_last_line_is_the_last_with_something_in_it(written: str, line: str) -> None:
    """At most so many of its last characters, raw; the same in every buffer."""
    for buffer_bytes in (16, 64, 1024, 65536):
        _, stream = capture(split(written.encode(), 3), buffer_bytes, 256)
        assert stream.last_line(40) == line


def test_a_log_is_made_with_its_folders_by_the_first_byte(tmp_path: Path) -> None:
    """No output, no file and no folder."""
    path = tmp_path / "a" / "b" / "stdout.log"
    log = LogFile(str(path), 100)
    capture([], 64, 64, log)
    assert not (tmp_path / "a").exists()
    capture([b"one ", b"two"], 64, 64, log)
    log.close()
    assert path.read_bytes() == b"one two"
    assert (log.error, log.unlogged_bytes) == (None, 0)


def test_a_log_holds_the_first_bytes_up_to_its_limit(tmp_path: Path) -> None:
    """What is beyond is counted and dropped; a limit of 0 makes no file."""
    for limit in (0, 1, 9, 10, 11):
        path = tmp_path / f"{limit}.log"
        log = LogFile(str(path), limit)
        capture([b"01234", b"5678", b"9"], 64, 64, log)
        log.close()
        assert log.unlogged_bytes == max(10 - limit, 0)
        assert path.exists() == (limit > 0)
        if limit:
            assert path.read_bytes() == b"0123456789"[:limit]


def test_a_log_that_fails_stops_nothing(tmp_path: Path) -> None:
    """The first reason is remembered with the path, and all later bytes count as unlogged."""
    log = LogFile("/dev/null/no/stdout.log", 100)
    shown, _ = capture([b"one", b"two"], 64, 64, log)
    assert shown.excerpt == "onetwo"
    assert log.unlogged_bytes == 6
    assert log.error is not None
    assert log.error.startswith("/dev/null/no/stdout.log: ")


def test_a_log_never_follows_a_link_and_replaces_what_is_there(tmp_path: Path) -> None:
    """An attempt's folder is its own; what is there is a trap, or the log of an attempt that no
    journal knows of."""
    target = tmp_path / "target"
    (tmp_path / "link.log").symlink_to(target)
    (tmp_path / "file.log").write_text("mine")
    for name in ("link.log", "file.log"):
        log = LogFile(str(tmp_path / name), 100)
        capture([b"data"], 64, 64, log)
        log.close()
        assert (log.error, log.unlogged_bytes) == (None, 0)
        assert (tmp_path / name).read_text() == "data"
        assert not (tmp_path / name).is_symlink()
    assert not target.exists()


def test_a_full_disk_is_an_error_of_the_log_alone() -> None:
    """A device that takes nothing (ENOSPC) ends the log, not the capture."""
    log = LogFile("/dev/full", 100)
    # The device exists, so it is opened here as a file made by the log itself would be.
    log._fd = os.open("/dev/full", os.O_WRONLY)
    shown, _ = capture([b"one", b"two"], 64, 64, log)
    log.close()
    assert shown.excerpt == "onetwo"
    assert log.error == "/dev/full: No space left on device"
    assert log.unlogged_bytes == 6
