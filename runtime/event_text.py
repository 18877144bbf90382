"""An event as one line of JSON, for the journal and for streams."""

from itertools import count
from operator import attrgetter

from orch.dsl.json_codec import encode_basestring
from orch.dsl.json_text import canonical_json, text_around
from orch.dsl.record import EMPTY, field_names
from orch.dsl.type_names import Any, Callable, Iterator, Sequence
from orch.runtime.events import AttemptFigures, RunEvent
from orch.runtime.files import json_line, utf8
from orch.runtime.fresh_events import FreshEvents, FreshStage
from orch.runtime.record_text import record_speller

_SPELLERS: dict[type[Any], Callable[[Any], str]] = {}
_FIGURES = field_names(AttemptFigures)
_values_of_figures = attrgetter(*_FIGURES)


def event_line(event: RunEvent, durable_seq: int | None = None) -> bytes:
    """An event as a line of the journal or of a stream, whole for every reader: one that splits
    lines as Unicode does would otherwise split it at three characters. `durable_seq` is the number
    of the last event that is known to be on the disk, if that is to be said."""
    kind = type(event.payload)
    if durable_seq is None:
        line = utf8((_SPELLERS.get(kind) or _new_speller(kind))(event)) + b"\n"
    else:
        line = json_line({**event.to_json(), "durable": durable_seq})
    return line if line.isascii() else _without_separators(line)


def fresh_lines(events: FreshEvents, durable_seq: int | None = None) -> bytes:
    """The lines of all these events, as `event_line` makes them of each."""
    lines = utf8("".join(_fresh_texts(events)))
    if durable_seq is not None:
        first, _ = events.pair(0)
        lines = event_line(first, durable_seq) + lines.partition(b"\n")[2]
    return lines if lines.isascii() else _without_separators(lines)


def _fresh_texts(events: FreshEvents) -> Iterator[str]:
    model = FreshEvents(0, events.time, [("", 0, FreshStage("", EMPTY, None, None))])
    fresh, completed = (event.to_json() for event in model)
    one = text_around(fresh, ("reason", "seq", "stage"))
    two = text_around(completed, ("attempts", "key", "seq", "stage", "summary", "values"))
    reason, spelled_reason = "", '""'
    for seq, (stage_id, attempts, said) in zip(count(events.seq, 2), events.ends, strict=False):
        stage = encode_basestring(stage_id)
        if said.reason is not reason:
            reason, spelled_reason = said.reason, encode_basestring(said.reason)
        key = "null" if said.key is None else encode_basestring(said.key)
        summary = "null" if said.summary is None else encode_basestring(said.summary)
        values = canonical_json(dict(said.values)) if said.values else "{}"
        yield (
            f"{one[0]}{spelled_reason}{one[1]}{seq}{one[2]}{stage}{one[3]}\n{two[0]}{attempts}"
            f"{two[1]}{key}{two[2]}{seq + 1}{two[3]}{stage}{two[4]}{summary}{two[5]}{values}"
            f"{two[6]}\n"
        )


def _without_separators(line: bytes) -> bytes:
    for separator in ("\x85", "\u2028", "\u2029"):
        line = line.replace(separator.encode(), f"\\u{ord(separator):04x}".encode())
    return line


def _new_speller(kind: type[Any]) -> Callable[[Any], str]:
    """Spells events of a kind as `RunEvent.to_json` has them."""
    fields = tuple(name for name in field_names(kind) if name != "figures")
    figures = _FIGURES if "figures" in field_names(kind) else ()
    of_payload = attrgetter("type", *fields)

    def values(event: RunEvent) -> Sequence[Any]:
        said: Any = event.payload
        found = (event.seq, event.time, *of_payload(said))
        return (*found, *_values_of_figures(said.figures)) if figures else found

    made = _SPELLERS[kind] = record_speller(("seq", "time", "type", *fields, *figures), values)
    return made
