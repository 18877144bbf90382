"""An event as one line of JSON, for the journal and for streams."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from orch.dsl.record import field_names
from orch.dsl.type_names import Any
from orch.runtime.events import AttemptFigures, RunEvent
from orch.runtime.files import json_line, utf8
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
    if not line.isascii():
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
