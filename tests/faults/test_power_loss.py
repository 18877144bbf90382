"""The power fails after any step of real runs: what was synced is there, and the runs go on.

Each step is recorded with its bytes, and the disk is rebuilt as a power loss may leave it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from orch.runtime.paths import resolve_run_paths
from tests.faults.cases import Cases, Check, named
from tests.faults.faulty_runs import (
    FaultyProject,
    check_is_recorded,
    check_status,
    look_at_files,
    resume_to_the_end,
)
from tests.faults.power_loss import Chance, Choice, Disk, NothingKept, put_down, read_record

RUNS = 2
"""The second one replaces and appends to what the first has left."""


@dataclass(frozen=True)
class Loss:
    """What is left on the disk, what the commands had counted, the successes of each run that were
    on the disk for certain, and the runs whose success had been told."""

    left: tuple[tuple[str, bytes | None], ...]
    counted: bytes
    succeeded: dict[str, set[str]]
    told: list[str]
    name: str


@dataclass(frozen=True)
class Recorded:
    lines: list[dict[str, Any]]
    counted: bytes


@pytest.fixture(scope="module")
def recorded(cases: Cases) -> Recorded:
    """Every step of some runs of one project."""
    path, found = cases.folder / "record", []

    def run(project: FaultyProject) -> None:
        words = {"path": str(path), "root": str(project.root), "counted": str(project.counted)}
        for _ in range(RUNS):
            said = project.orch("run", "demo.pipeline", watcher={"kind": "record", **words})
            assert said.code == 0, said
        found.append(project.counted.read_bytes())

    cases.hold([run])
    return Recorded(read_record(path), *found)


def losses(recorded: Recorded, seeds: range) -> Iterator[Loss]:
    """What a power loss may leave after each step: nothing that was not synced, all of it, and what
    chance says; each such state once."""
    disk, known = Disk(), set[bytes]()
    for steps, line in enumerate(recorded.lines, 1):
        disk.play(line)
        counted = recorded.counted[: line["counted_bytes"]]
        certain = tuple(disk.left(NothingKept()))
        choices = {"nothing": NothingKept(), "all": Choice()}
        choices |= {f"seed {seed}": Chance(f"{seed} {steps}") for seed in seeds}
        for name, choice in choices.items():
            left = tuple(disk.left(choice))
            digest = sha256(repr((left, counted)).encode()).digest()
            if digest not in known:
                known.add(digest)
                where = f"after step {steps}, {line['operation']} {line['path']}, {name} kept"
                yield Loss(left, counted, successes(certain), told(recorded, steps), where)


def successes(certain: tuple[tuple[str, bytes | None], ...]) -> dict[str, set[str]]:
    """The stages of each run whose success is on the disk for certain."""
    found = {}
    for path, content in certain:
        if path.endswith("/journal.jsonl"):
            events = [json.loads(line) for line in (content or b"").split(b"\n")[:-1]]
            ended = [event for event in events if event["type"] == "stage:completed"]
            is_of = {event["stage"] for event in ended if event["status"] == "succeeded"}
            found[path.split("/")[-2]] = is_of
    return found


def told(recorded: Recorded, steps: int) -> list[str]:
    """The runs whose success has been told by then, because their orch had ended."""
    ids = list(dict.fromkeys(filter(None, map(run_of, recorded.lines))))
    last = {run_of(line): number for number, line in enumerate(recorded.lines, 1)}
    return [run_id for run_id in ids if last[run_id] < steps or steps == len(recorded.lines)]


def run_of(line: dict[str, Any]) -> str | None:
    parts = line["path"].split("/")
    return parts[3] if len(parts) > 3 and parts[0] == ".runs" else None


def put_down_in(project: FaultyProject, loss: Loss) -> None:
    put_down(loss.left, project.root)
    project.counted.write_bytes(loss.counted)


def readable(loss: Loss) -> Check:
    """All files can be read, and nothing is lost that was on the disk for certain or was told."""

    def check(project: FaultyProject) -> None:
        put_down_in(project, loss)
        for paths in project.runs():
            seen = look_at_files(project, paths)
            assert seen.succeeded() >= loss.succeeded.get(paths.run_id, set())
        for run_id in loss.told:
            check_is_recorded(project, resolve_run_paths(project.root, "demo", run_id, {}))

    return named(check, loss.name)


def resumable(loss: Loss) -> Check:
    """`status` tells the truth, and `resume` ends each run."""

    def check(project: FaultyProject) -> None:
        put_down_in(project, loss)
        for paths in project.runs():
            seen = look_at_files(project, paths)
            check_status(project, paths, seen)
            resume_to_the_end(project, paths, seen)
        project.reap(3)

    return named(check, loss.name)


def test_the_power_may_fail_after_any_step(cases: Cases, recorded: Recorded) -> None:
    """Whatever becomes of what was not synced, every file can be read, and of what was durable or
    told nothing is lost."""
    found = list(losses(recorded, range(1)))
    assert len(found) > 200
    cases.hold([readable(loss) for loss in found])


def test_after_a_power_loss_runs_are_resumed_to_the_end(cases: Cases, recorded: Recorded) -> None:
    """A choice of all states that a power loss may leave, each gone on with by the real orch."""
    found = list(losses(recorded, range(2, 4)))
    cases.hold([resumable(loss) for loss in Random(1).sample(found, 24)])
