"""Masking a stream: nothing of a secret comes through, everything else does, however it is cut."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.runtime.capture import LogFile, StreamCapture, captured_stream
from orch.runtime.mask import MASK, Mask, MaskedStream

ROUNDS = int(os.environ.get("MASK_ROUNDS", "1500"))
"""Random texts that are masked; more of them find rarer mistakes."""


def naive(forms: set[bytes], data: bytes) -> bytes:
    """The whole text at once: all occurrences, those that overlap as one."""
    found = sorted(
        (at, at + len(form))
        for form in forms
        for at in range(len(data))
        if data.startswith(form, at)
    )
    merged: list[list[int]] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    parts, at = [], 0
    for start, end in merged:
        parts += [data[at:start], MASK]
        at = end
    return b"".join([*parts, data[at:]])


def in_pieces(mask: Mask, data: bytes, source: random.Random) -> bytes:
    stream = MaskedStream(mask)
    given_out = []
    while data:
        size = source.choice([1, 2, 3, 7, 40, len(data)])
        # The warden reads into one buffer, so what was fed is overwritten by the next read.
        buffer = bytearray(data[:size])
        given_out.append(stream.feed(memoryview(buffer)))
        buffer[:] = b"\xee" * len(buffer)
        data = data[size:]
    return b"".join([*given_out, stream.finish()])


def test_any_cutting_gives_what_masking_the_whole_text_gives() -> None:
    """Small alphabets make forms overlap, repeat, hold each other and begin at every end."""
    source = random.Random(os.environ.get("MASK_SEED", "1"))
    for _ in range(ROUNDS):
        alphabet = source.choice([b"ab", b"abc*", b"abcdefgh"])
        most = source.choice([5, 9, 30])
        forms = {
            bytes(source.choices(alphabet, k=source.randint(4, most)))
            for _ in range(source.choice([1, 2, 5, 12]))
        }
        ordered = sorted(forms)
        data = b"".join(
            source.choice([
                bytes(source.choices(alphabet, k=source.randint(0, 8))),
                source.choice(ordered)[: source.randint(1, 30)],
                source.choice(ordered),
            ])
            for _ in range(source.randint(0, 12))
        )  # fmt: skip
        mask = Mask(forms)
        expected = naive(forms, data)
        assert in_pieces(mask, data, source) == expected, (forms, data)
        assert mask.masked(data) == expected, (forms, data)


@given(st.binary(max_size=300), st.sets(st.binary(min_size=4, max_size=40), min_size=1))
def test_what_holds_no_secret_is_not_touched(data: bytes, forms: set[bytes]) -> None:
    """Byte for byte, NULs and broken UTF-8 included."""
    if not any(form in data for form in forms):
        assert in_pieces(Mask(forms), data, random.Random(0)) == data


@pytest.mark.parametrize(
    ("forms", "data", "expected"),
    [
        ({b"hunter22"}, b"hunter2", b"hunter2"),
        ({b"hunter22"}, b"hunter22hunter22", b"******"),
        ({b"abcd1234", b"1234efgh"}, b"-abcd1234efgh-", b"-***-"),
        ({b"aaaa"}, b"aaaaaa-aaa", b"***-aaa"),
        ({b"****"}, b"*********", b"***"),
        ({b"a***"}, b"a***b", b"***b"),
        ({b"abab"}, b"xabababx", b"x***x"),
        ({b"secret", b"secretsauce"}, b"secretsauc", b"***sauc"),
    ],
)
def test_overlaps_and_beginnings(forms: set[bytes], data: bytes, expected: bytes) -> None:
    """One mask for what overlaps, none for what only begins like a secret."""
    assert Mask(forms).masked(data) == expected


def test_what_can_be_no_secret_any_more_is_given_out_at_once() -> None:
    """A prompt without a line end stands in the log while its command waits."""
    stream = MaskedStream(Mask({b"hunter22"}))
    assert stream.feed(b"password: hunt") == b"password: "
    assert stream.feed(b"ing") == b"hunting"
    assert stream.feed(b"\nhunter2") == b"\n"
    assert stream.feed(b"2 ok") == b"*** ok"
    assert stream.finish() == b""


@pytest.mark.parametrize("limit", range(20, 45))
def test_neither_the_buffer_nor_the_log_cuts_a_secret_open(tmp_path: Path, limit: int) -> None:
    """Masking comes first, so a cut falls into the mask or beside it; all bytes are counted."""
    secret = b"correct-horse"
    data = b"0123456789" * 2 + secret + b"x" * 30 + secret + b"tail"
    log = LogFile(str(tmp_path / "log"), limit)
    stream = StreamCapture(2 * limit, limit, log, Mask({secret}))
    for at in range(0, len(data), 3):
        stream.feed(memoryview(data[at : at + 3]))
    stream.finish()
    log.close()
    expected = data.replace(secret, MASK)
    assert (tmp_path / "log").read_bytes() == expected[:limit]
    counts = (stream.total_bytes, stream.shown_bytes, log.unlogged_bytes)
    assert counts == (len(data), len(expected), len(expected) - limit)
    shown = captured_stream(memoryview(b"".join(stream.held())), counts, 2 * limit, limit)
    assert shown.tail.encode() == expected[-limit:]
    assert shown.total_bytes == len(data)
    assert "horse" not in shown.excerpt


def test_a_secret_of_many_lines_and_a_periodic_one_cost_no_more_than_their_length() -> None:
    """Thousands of forms and the worst of periods: the test would not end otherwise."""
    lines = {b"%06d-line-of-a-secret" % number for number in range(3000)}
    flood = b"y\n" * 200_000
    assert Mask(lines).masked(flood) == flood
    assert Mask({b"a" * 60_000}).masked(b"a" * 400_000) == MASK
    half = b"a" * 2000 + b"b" + b"a" * 2000
    assert Mask({half}).masked(b"b" + half * 40) == b"b" + MASK * 40
