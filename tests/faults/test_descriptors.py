"""Out of file descriptors, for real: the limit of the very process is lowered (`ulimit -n`)."""

import resource
from functools import partial

import pytest

from tests.faults.evidence import assert_ended_honestly, assert_spoken_like_people
from tests.runs.project import Answer, Project

STAGES = """
  stage a { run = "cat; echo out; echo err >&2; touch ran-a" stdin = "text" }
  stage b { run = "touch ran-b" tty = true }
"""
WIDE = 'stage wide { matrix { n = ["1", "2", "3", "4", "5", "6", "7", "8"] } run = "true" }'


def run_limited(project: Project, limit: int, *words: str) -> Answer:
    process = project.start(
        "run", "demo.pipeline", "--format", "jsonl", *words, preexec_fn=partial(lower, limit)
    )
    return project.finish(process)


def lower(limit: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@pytest.mark.parametrize("limit", [12, 20])
def test_too_few_descriptors_start_no_stage_and_are_named(project: Project, limit: int) -> None:
    """Known before the first stage: exit 3, the limit and how to raise it, and a run that has
    ended and can be resumed. (A stage used to fail with reason `warden`, exit 1.)"""
    project.write(STAGES)
    answer = run_limited(project, limit, "--jobs", "1")
    assert assert_ended_honestly(answer) == []
    assert f"orch may have {limit} files open" in answer.stderr
    assert "`ulimit -n 64`" in answer.stderr
    assert not project.text("ran-a")
    assert set(project.statuses().values()) == {"cancelled"}
    assert project.orch("resume", "last").exit_code == 0
    assert set(project.statuses().values()) == {"succeeded"}


def test_a_wide_run_says_how_many_it_needs(project: Project) -> None:
    """What is enough for one stage at a time is too little for eight."""
    project.write(WIDE)
    answer = run_limited(project, 32, "--jobs", "8")
    assert_ended_honestly(answer)
    assert "lower `--jobs`" in answer.stderr
    assert run_limited(project, 32, "--jobs", "1").exit_code == 0


@pytest.mark.parametrize("limit", [5, 7])
def test_without_descriptors_for_its_own_files_a_run_is_not_begun(
    project: Project, limit: int
) -> None:
    """Exit 3, and how to raise the limit; with the file, unless it is one of orch's own code."""
    project.write(STAGES)
    answer = run_limited(project, limit)
    assert answer.exit_code == 3
    assert_spoken_like_people(answer)
    assert limit < 7 or str(project.root) in answer.stderr
    assert "ulimit -n" in answer.stderr
