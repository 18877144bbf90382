"""What every fault test asks of a run that met a fault: words for people, and nothing false."""

import json
from pathlib import Path
from typing import Any

from tests.runs.project import Answer, Project

SECRET = "hush-4b1d7e90c2"
"""The value of `TOKEN`, which `WITH_SECRET` declares and stages print."""

WITH_SECRET = "secret TOKEN\n"


def events_told(answer: Answer) -> list[dict[str, Any]]:
    """The events that a run with `--format jsonl` has told on its stdout."""
    return [json.loads(line) for line in answer.stdout.splitlines()]


def assert_spoken_like_people(answer: Answer) -> None:
    """No traceback, no name of an exception, no excuse for a bug."""
    said = answer.stdout + answer.stderr
    for word in ("Traceback", "orch failed inside", "Errno", "Error:", "internal:"):
        assert word not in said, said


def assert_ended_honestly(answer: Answer, exit_code: int = 3) -> list[str]:
    """A run with `--format jsonl` that met a fault ended once, with that code and in words; the
    stages that it reported as succeeded."""
    assert answer.exit_code == exit_code, answer.stderr + answer.stdout
    assert_spoken_like_people(answer)
    told = events_told(answer)
    ends = [event for event in told if event["type"] == "run:completed"]
    assert [end["exit_code"] for end in ends] == [exit_code]
    ended = [event for event in told if event["type"] == "stage:completed"]
    assert len({event["stage"] for event in ended}) == len(ended), "a stage ends once"
    return [event["stage"] for event in ended if event["status"] == "succeeded"]


def assert_no_secret(answer: Answer, *folders: Path) -> None:
    """Neither what was said nor a file below the folders, by name or content, holds the secret."""
    assert SECRET not in answer.stdout + answer.stderr
    for folder in folders:
        for path in folder.rglob("*"):
            assert SECRET not in str(path)
            assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def durable_successes(project: Project) -> list[str]:
    """The stages that the journal of the last run says have succeeded."""
    return [
        event["stage"]
        for event in project.events()
        if event["type"] == "stage:completed" and event["status"] == "succeeded"
    ]
