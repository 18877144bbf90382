"""What orch and a warden say to each other: frames over a pair of pipes.

A frame is two lengths (4 bytes each, big-endian), a JSON object and a blob. The object holds
everything but captured output; that travels in the blob as the bytes it is, so that a report never
needs more memory than the capture did (NULs and broken UTF-8 would grow sixfold in JSON).
Nothing but bytes in order is asked of the transport, so a frame can cross machines as well.
"""

import os
from operator import attrgetter
from struct import Struct

from orch.dsl.json_codec import decode_json, json_encoder
from orch.dsl.record import as_dictionary, field_names
from orch.dsl.type_names import Any, Mapping, deque
from orch.runtime.attempt import (
    AttemptOutcome,
    AttemptSpec,
    CapturedStream,
    FreshnessOrder,
    Shortcoming,
)
from orch.runtime.capture import captured_stream

_LENGTHS = Struct("!II")
_READ_BYTES = 65536
_WRITEV_PARTS = 16
_encode = json_encoder()

Frame = tuple[Mapping[str, Any], bytes]


def encode_spec(spec: AttemptSpec, last: AttemptSpec | None = None) -> dict[str, Any]:
    """The spec as a JSON object with its field names as keys. Where the other side has `last`
    already, only what is different is in it, and of the environment `gone` names what is no more.
    """
    if last is None:
        value = {**dict(zip(_FIELDS, _values(spec), strict=True)), "env": dict(spec.env)}
    else:
        both = zip(_FIELDS, _values(spec), _values(last), strict=True)
        value = {name: new for name, new, old in both if new != old}
        if "env" in value:
            known = last.env.get
            value["env"] = {name: text for name, text in spec.env.items() if known(name) != text}
            if gone := last.env.keys() - spec.env.keys():
                value["gone"] = sorted(gone)
    if value.get("freshness") is not None:
        value["freshness"] = as_dictionary(value["freshness"])
    return value


def decode_spec(value: Mapping[str, Any], last: AttemptSpec | None = None) -> AttemptSpec:
    """The reverse of `encode_spec`."""
    fields = dict(value)
    if last is not None:
        fields = dict(zip(_FIELDS, _values(last), strict=True)) | fields
        if "env" in value:
            fields["env"] = {**last.env, **fields["env"]}
        for name in fields.pop("gone", ()):
            del fields["env"][name]
    for name in _TUPLES:
        fields[name] = tuple(fields[name])
    if isinstance(fields["freshness"], dict):
        fields["freshness"] = FreshnessOrder(**fields["freshness"])
    return AttemptSpec(**fields)


_FIELDS = field_names(AttemptSpec)
_TUPLES = ("argv", "outputs", "artifacts")
_values = attrgetter(*_FIELDS)


def encode_outcome(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What `OwnedAttempt.outcome` tells, as far as it is other than of a success that wrote
    nothing: most attempts are that, or nearly."""
    return {name: value for name, value in outcome.items() if value != _SILENT_SUCCESS[name]}


def decode_outcome(header: Mapping[str, Any], blob: bytes, spec: AttemptSpec) -> AttemptOutcome:
    """The outcome in the header and blob of an `ended` report."""
    told = {**_SILENT_SUCCESS, **header}
    streams: list[CapturedStream] = []
    rest = memoryview(blob)
    for counts, held_bytes in told["streams"]:
        held, rest = rest[:held_bytes], rest[held_bytes:]
        streams.append(captured_stream(held, counts, spec.buffer_bytes, spec.error_bytes))
    return AttemptOutcome(
        told["exit_code"],
        told["signal"],
        told["spawn_error"],
        told["is_timed_out"],
        told["is_stopped"],
        told["duration_ms"],
        told["cpu_ms"],
        told["peak_rss_bytes"],
        told["survivors"],
        streams[0],
        streams[1],
        told["log_error"],
        bytes(rest),
        None if told["shortcoming"] is None else Shortcoming(**told["shortcoming"]),
        tuple(told["artifacts"]),
        told["found"],
        told["complaint"],
    )


_SILENT_SUCCESS: Mapping[str, Any] = {
    "exit_code": 0,
    "signal": None,
    "spawn_error": None,
    "is_timed_out": False,
    "is_stopped": False,
    "duration_ms": 0,
    "cpu_ms": 0,
    "peak_rss_bytes": 0,
    "survivors": 0,
    "has_leftovers": False,
    "shortcoming": None,
    "artifacts": [],
    "found": None,
    "complaint": "",
    "log_error": None,
    "streams": [((0, 0, 0), 0)] * 2,
}


class FrameReader:
    """Frames from a descriptor, which may be blocking or not."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_at_end = False
        """The other side is gone. What came of a frame it had begun is dropped."""
        self._held = bytearray()

    def read(self) -> list[Frame]:
        """Read once and return the frames that are whole now, often one, sometimes none."""
        try:
            data = os.read(self.fd, _READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.is_at_end = True
            return []
        self._held += data
        frames: list[Frame] = []
        while len(self._held) >= _LENGTHS.size:
            json_bytes, blob_bytes = _LENGTHS.unpack_from(self._held)
            start = _LENGTHS.size + json_bytes
            end = start + blob_bytes
            if len(self._held) < end:
                break
            with memoryview(self._held) as view:
                text = str(view[_LENGTHS.size : start], "ascii")
                header = decode_json(text)
                frames.append((header, bytes(view[start:end])))
            del self._held[:end]
        return frames


class FrameWriter:
    """Frames to a non-blocking descriptor; what it does not take at once waits here."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_broken = False
        """The other side is gone; whatever is put is dropped."""
        self._waiting: deque[memoryview] = deque()

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def put(self, header: Mapping[str, Any], *blob: bytes | bytearray | memoryview) -> None:
        """Queue a frame. The parts of the blob must not change until `flush` has returned True."""
        text = _encode(header).encode()
        blob_bytes = sum(len(part) for part in blob)
        self._waiting.append(memoryview(_LENGTHS.pack(len(text), blob_bytes) + text))
        self._waiting.extend(memoryview(part) for part in blob if part)

    def flush(self) -> bool:
        """Write what the descriptor takes; True when nothing waits any more."""
        waiting = self._waiting
        while waiting:
            parts = [waiting[n] for n in range(min(len(waiting), _WRITEV_PARTS))]
            try:
                written = os.writev(self.fd, parts)
            except BlockingIOError:
                return False
            except OSError:
                self.is_broken = True
                waiting.clear()
                return True
            while waiting and written >= len(waiting[0]):
                written -= len(waiting.popleft())
            if written:
                waiting[0] = waiting[0][written:]
        return True
