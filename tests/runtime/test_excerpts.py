"""Excerpts stand in the journal alone, and come back from there as the fold would have them."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch.compiler.plan import LockPolicy
from orch.dsl.record import changed
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunEvent,
    RunResumed,
    SnapshotSkipped,
    StageCompleted,
    StageReady,
    StageRetrying,
    StageStarted,
)
from orch.runtime.excerpts import Excerpts, ExcerptsLostError, replay
from orch.runtime.files import StorageError, replace_file_by_parts
from orch.runtime.journal import Journal, JournalReader
from orch.runtime.manifest import ManifestFold, fold
from orch.runtime.manifest_file import RunManifestWriter, read_manifest
from orch.runtime.paths import RunPaths
from orch.runtime.persistence import PersistenceCoordinator
from orch.runtime.states import StageStatus
from tests.runtime.samples import new_run, sample_plan, sample_stage

PLAN = sample_plan("a", "b", changed(sample_stage("c"), allow_failure=True))
TEXTS = ("", "", "out\n", "é\u2028\x85😀", "\x00\x1f", '"stages":[]', "\n" * 3)
FIGURES = AttemptFigures(exit_code=1)


def random_payload(chance: random.Random) -> Payload:
    """Events in an order that no scheduler would give them, too."""
    stage = chance.choice("abc")
    match chance.randrange(8):
        case 0:
            return RunResumed("r", 1, "host", "0.1.0")
        case 1:
            return StageReady(stage)
        case 2:
            return StageRetrying(stage, 1, 5, "failure", FIGURES, None)
        case 3 | 4:
            return StageStarted(stage, chance.randrange(1, 9), "logs")
        case _:
            status = chance.choice((StageStatus.SUCCEEDED, StageStatus.FAILED))
            out, err = chance.choices(TEXTS, k=2)
            return StageCompleted(stage, status, None, 1, FIGURES, out, err)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_left_in_the_journal_comes_back_at_every_moment(tmp_path: Path, seed: int) -> None:
    """After any events the manifest that an owner writes, and the one of whoever replays the
    journal, are the fold of the events with all that is in them, resumed or not."""
    chance = random.Random(seed)
    paths = new_run(tmp_path)
    journal = Journal.create(paths.journal)
    state, excerpts = ManifestFold(PLAN), Excerpts(paths.journal)
    events: list[RunEvent] = []
    while len(events) < 60:
        some = [
            RunEvent(len(events) + n, "2026", random_payload(chance))
            for n in range(1, chance.randrange(2, 4))
        ]
        for event, offset in zip(some, journal.append(*some), strict=True):
            state.apply(excerpts.taken(event, offset))
        if chance.random() < 0.3:
            # The next line says up to where all is durable, and is longer by that.
            journal.sync()
        events += some
        expected = fold(PLAN, events)
        assert tuple(excerpts.whole(state.manifest().stages)) == expected.stages
        parts = state.manifest().json_parts(excerpts.whole)
        assert "".join(parts) == "".join(expected.json_parts())
    upto = chance.randrange(len(events))
    replayed = ManifestFold(PLAN)
    places = replay(replayed, JournalReader(paths.journal), upto)
    assert tuple(places.whole(replayed.manifest().stages)) == fold(PLAN, events[:upto]).stages
    journal.close()
    RunManifestWriter(paths).write(state.manifest(), excerpts.whole)
    assert read_manifest(paths.manifest) == expected


def chatty_run(paths: RunPaths) -> tuple[ManifestFold, Excerpts]:
    journal = Journal.create(paths.journal)
    for seq, stage in enumerate("abc", 1):
        done = StageCompleted(stage, StageStatus.FAILED, None, 1, FIGURES, f"{stage} says", "")
        journal.append(RunEvent(seq, "2026", done))
    journal.close()
    state = ManifestFold(PLAN)
    return state, replay(state, JournalReader(paths.journal))


@pytest.mark.parametrize("harm", ["removed", "cut", "exchanged", "garbled", "a folder"])
def test_a_journal_that_was_harmed_costs_the_excerpts_and_not_the_manifest(
    tmp_path: Path, harm: str
) -> None:
    """At the end of a run its manifest says how each stage ended, and somebody is told what it
    lacks; nothing of another stage is shown in the place of what is lost."""
    paths = new_run(tmp_path)
    state, excerpts = chatty_run(paths)
    lines = Path(paths.journal).read_bytes().splitlines(keepends=True)
    Path(paths.journal).unlink()
    match harm:
        case "cut":
            Path(paths.journal).write_bytes(lines[0] + lines[1][:40])
        case "exchanged":
            Path(paths.journal).write_bytes(lines[1] + lines[0] + lines[2])
        case "garbled":
            Path(paths.journal).write_bytes(lines[0] + b"\0" * len(lines[1]) + lines[2])
        case "a folder":
            Path(paths.journal).mkdir()
        case _:
            pass
    with pytest.raises(ExcerptsLostError):
        list(excerpts.whole(state.manifest().stages))
    told: list[object] = []
    coordinator = PersistenceCoordinator(
        paths, LockPolicy(1, (1, 1)), told.append, excerpts=excerpts
    )
    coordinator.write_manifest(state.manifest())
    assert read_manifest(paths.manifest) == state.manifest()
    (skipped,) = told
    assert isinstance(skipped, SnapshotSkipped)
    assert skipped.what == "excerpts"
    assert "journal.jsonl" in skipped.message


def test_what_fails_while_it_is_made_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """Parts of a new content may be on disk by then, in more than one write."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 20_000
        raise StorageError("journal", "read", "gone")

    with pytest.raises(StorageError, match="gone"):
        replace_file_by_parts(str(path), parts())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
