"""What is told of fresh stages together is what is told of each, one event after the other."""

import random
from pathlib import Path
from typing import Any

from orch.cli.progress import Progress
from orch.runtime.decisions import Emit, Looked
from orch.runtime.event_text import event_line, fresh_lines
from orch.runtime.events import Payload, RunEvent, StageReady, StageStarted
from orch.runtime.excerpts import Excerpts
from orch.runtime.fresh_events import FreshEvents, FreshStage, FreshStages
from orch.runtime.journal import Journal, read_journal
from orch.runtime.manifest import ManifestFold
from orch.runtime.recorder import Recorder, Watching
from tests.runtime.samples import sample_plan
from tests.runtime.table import Table, plan, stage

TEXTS = ("", "plain", "%s %", '"\\', "\x00\x7f", "\ud800", "é\u2028\u2029\x85", "😀", "\n")
VALUES: tuple[dict[str, Any], ...] = ({}, {"b": [1, {"z": None, "a": "é\u2028"}], "a": "%s"})
FRESH = FreshStage("unchanged", {}, None, "key")


def any_fresh(chance: random.Random) -> FreshStage:
    return FreshStage(
        chance.choice(TEXTS),
        chance.choice(VALUES),
        chance.choice((None, *TEXTS)),
        chance.choice((None, *TEXTS)),
    )


def test_their_lines_are_those_of_each_event() -> None:
    """Whatever they hold, and where the first says what is durable."""
    chance = random.Random(1)
    for _ in range(100):
        ends = [
            (chance.choice(TEXTS), chance.randrange(3), any_fresh(chance))
            for _ in range(chance.randrange(1, 5))
        ]
        events = FreshEvents(chance.randrange(1000), chance.choice(TEXTS), ends)
        first, *others = events
        assert [event.seq for event in events] == list(range(events.seq, events.last_seq + 1))
        assert fresh_lines(events) == b"".join(map(event_line, events))
        assert fresh_lines(events, 7) == event_line(first, 7) + b"".join(map(event_line, others))


def test_they_fold_to_what_each_event_folds_to() -> None:
    """Also where something was told of a stage before: an earlier life has tried it."""
    made = sample_plan("a", "b", "c", "d")
    before: list[Payload] = [StageStarted("b", 1, "logs"), StageReady("c")]
    ends = [(name, 1, FreshStage("unchanged", {"x": 1}, "sum", "key")) for name in "abc"]
    events = FreshEvents(3, "later", ends)
    together, apart = ManifestFold(made), ManifestFold(made)
    for state in (together, apart):
        for seq, payload in enumerate(before, 1):
            state.apply(RunEvent(seq, "early", payload))
    together.apply_fresh(events)
    for event in events:
        apart.apply(event)
    assert together.manifest() == apart.manifest()
    again = RunEvent(events.last_seq + 1, "last", StageReady("a"))
    together.apply(again)
    apart.apply(again)
    assert together.manifest() == apart.manifest()


def test_progress_counts_them_alike() -> None:
    made = sample_plan("a", "b", "c")
    events = FreshEvents(1, "now", [("a", 0, FRESH), ("c", 0, FRESH)])
    together, apart = (Progress(made, lambda: 0.0) for _ in range(2))
    together.apply_fresh(events)
    for event in events:
        apart.apply(event)
    for known in (together, apart):
        assert (known.fresh, set(known.ended)) == ({"a", "c"}, {"a", "c"})
    assert together.counts() == apart.counts()
    assert [s.id for s in together.unbegun(9)] == ["b"]


def test_what_one_round_finds_is_said_together_and_nothing_overtakes_it() -> None:
    """The service that only `a` needs ends between `a` and `b`, as it does one after the other."""
    stages = [stage("s", kind="service"), stage("a", "s", inputs=("x",)), stage("b", inputs=("y",))]
    table = Table(plan(*stages)).hand_in(Looked({"a": FRESH, "b": FRESH}))
    said = [action.payload for action in table.last if isinstance(action, Emit)]
    assert [getattr(payload, "stage", None) for payload in said] == [None, "s", None]
    table = Table(plan(stage("a", inputs=("x",)), stage("b", inputs=("y",))))
    table.hand_in(Looked({"a": FRESH, "b": FRESH}))
    assert [a.payload for a in table.last if isinstance(a, Emit)] == [
        FreshStages([("a", 0, FRESH), ("b", 0, FRESH)])
    ]


def test_whoever_looks_on_is_told_of_each_unless_it_takes_them_together(tmp_path: Path) -> None:
    """The journal has each event either way."""
    heard: list[RunEvent] = []

    class Counting:
        count = 0

        def __call__(self, event: RunEvent) -> None:
            raise AssertionError(event)

        def hear_fresh(self, events: FreshEvents) -> None:
            self.count += len(events.ends)

    counting = Counting()
    path = tmp_path / "journal.jsonl"
    journal = Journal.create(str(path))
    state = ManifestFold(sample_plan("a", "b"))
    watching = Watching((heard.append, counting))
    recorder = Recorder(journal, state, Excerpts(str(path)), watching, lambda: "now")
    recorder.emit(FreshStages([("a", 0, FRESH), ("b", 0, FRESH)]))
    journal.close()
    assert counting.count == 2
    assert recorder.listener_errors == []
    assert recorder.seq == 4
    assert tuple(heard) == read_journal(str(path)).events
