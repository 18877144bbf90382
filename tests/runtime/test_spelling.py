"""The quick spelling of records is, byte for byte, the canonical JSON of their values."""

import random
from operator import attrgetter
from typing import Any

import pytest

from orch.dsl.json_text import canonical_json, speller
from orch.dsl.record import EMPTY, changed, field_names, record
from orch.runtime.event_text import event_line
from orch.runtime.events import PAYLOADS, AttemptFigures, RunEvent
from orch.runtime.files import json_line, utf8
from orch.runtime.manifest import fold
from orch.runtime.stage_entry import StageEntry
from orch.runtime.states import RunStatus, StageStatus
from tests.runtime.samples import sample_plan

TEXTS = ("", "plain", "%s %", '"\\', "\x00\x1f\x7f", "\ud800", "é\u2028\u2029\x85", "😀", "\n")
SCALARS: tuple[Any, ...] = (*TEXTS, None, True, False, 0, -1, 2**70, 1.5, 1e300)
NESTED = ({"b": [1, {"z": None, "a": "é"}], "a": 2.0}, ({"path": "é", "size_bytes": 1},), ["x"])
VALUES = (*SCALARS, *NESTED, EMPTY, {}, (), [], *StageStatus, *RunStatus)


@pytest.mark.parametrize("kind", PAYLOADS.values(), ids=lambda kind: kind.type)
def test_a_line_of_an_event_is_its_canonical_json(kind: type[Any]) -> None:
    """Of every type, whatever its fields hold; but for the three characters that end lines."""
    chance = random.Random(kind.type)
    for _ in range(100):
        fields = {name: chance.choice(VALUES) for name in field_names(kind) if name != "figures"}
        if "figures" in field_names(kind):
            fields["figures"] = AttemptFigures(*chance.choices(SCALARS, k=8))
        event = RunEvent(chance.randrange(1000), chance.choice(TEXTS), kind(**fields))
        line = json_line(event.to_json()).decode()
        for separator in "\x85\u2028\u2029":
            line = line.replace(separator, f"\\u{ord(separator):04x}")
        assert event_line(event) == line.encode()


def test_the_parts_of_a_manifest_are_its_canonical_json() -> None:
    """Also where a text looks like the place at which the stages are put in."""
    chance = random.Random(4)
    fields = len(field_names(StageEntry))
    for count in (0, 1, 2, 30):
        stages = tuple(StageEntry(*chance.choices(VALUES, k=fields)) for _ in range(count))
        reason = chance.choice(('"stages":[]', *TEXTS))
        manifest = changed(fold(sample_plan("a"), ()), stages=stages, reason=reason)
        assert utf8("".join(manifest.json_parts())) == json_line(manifest.to_json())


@record
class _Pair:
    a: Any
    b: Any


def test_what_could_not_be_spelled_leaves_nothing_behind() -> None:
    """NaN has no spelling; the next object doesn't get what was spelled before that was found."""
    spelled = speller(("b", "a"), attrgetter("b", "a"), canonical_json)
    first, odd = _Pair("first", 1.5), _Pair("odd", float("nan"))
    assert spelled(first) == '{"a":"first","b":1.5}'
    with pytest.raises(ValueError, match="Out of range"):
        spelled(odd)
    assert spelled(first) == '{"a":"first","b":1.5}'
