"""Probes without a service: what is found in pieces, and who is taken for whom."""

import select
import socket
from pathlib import Path
from typing import Any

import pytest

from orch.runtime.probe import Probe, make_probe
from orch.runtime.spawn import SpawnError
from tests.runtime.pool import make_spec


def probe(ready: dict[str, Any]) -> Probe:
    spec = make_spec(Path("/"), "true", ready={"every_ms": 1, "timeout_ms": 1000, **ready})
    return make_probe(spec, select.poll())


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_text_is_found_however_it_is_cut(cut: int) -> None:
    """In pieces of any size, in one stream, between others; and not where it is not."""
    wanted = "now listening"
    written = b"now now listenin\nnow listening on 80\n"
    for text, is_there in ((written, True), (written.replace(b"g on", b"-on"), False)):
        asked = probe({"kind": "log", "text": wanted})
        for start in range(0, len(text), cut):
            asked.see(1, memoryview(b"now "))
            asked.see(0, memoryview(text[start : start + cut]))
        assert asked.is_ready is is_there


def test_a_text_in_two_streams_is_none() -> None:
    """The end of one and the beginning of the other don't belong together."""
    asked = probe({"kind": "log", "text": "ready"})
    asked.see(0, memoryview(b"rea"))
    asked.see(1, memoryview(b"dy"))
    assert not asked.is_ready


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_a_port_that_answers_already_is_refused(family: int, kind: str) -> None:
    """By IPv4 or IPv6; the message says how to find who it is."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    try:
        stranger = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"nothing listens at {host} on this machine")
    with stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(SpawnError, match=f"port {port} is taken"):
            probe({"kind": kind, "port": port, "host": "localhost", "url": "http://localhost"})


def test_a_stranger_elsewhere_is_no_hindrance() -> None:
    """What answers here says nothing of an address of another machine."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        ready = {"kind": "http", "port": port, "host": "192.0.2.1", "url": "http://192.0.2.1"}
        assert not probe(ready).is_ready
