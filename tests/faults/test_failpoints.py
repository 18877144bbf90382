"""orch and its wardens are killed at their durable steps, and each time the run goes on; or a step
fails, and the run tells the truth.

The steps are those that a real run comes to. All of them, before and after, at their first, middle
and last time, are `make soak`'s; here every step has its turn once.
"""

import fcntl
import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.cases import (
    Cases,
    Check,
    failing,
    interrupted,
    is_changing,
    killing,
    killing_the_resume,
    named,
    turns,
)
from tests.faults.faulty_runs import FaultyProject, look_at_files, resume_to_the_end
from tests.faults.steps import read_steps


def test_orch_killed_at_each_durable_step_is_resumed_to_the_end(cases: Cases) -> None:
    """Every file is old or new, `status` tells the truth, no stage runs twice whose success was
    in the journal, `finally` stages that are owed run, and no process is left."""
    steps = cases.steps()
    assert len(steps) > 60
    cases.hold([killing(*turn) for turn in turns(steps)])


def test_orch_and_a_warden_killed_at_once_are_resumed_to_the_end(cases: Cases) -> None:
    """At each step of a warden; nobody is left then who knows what the attempt had started."""
    steps = {step: n for step, n in cases.steps().items() if step.startswith("warden")}
    cases.hold([killing(*turn, is_both=True) for turn in turns(Counter(steps))])


def test_a_resume_that_is_killed_is_resumed(cases: Cases) -> None:
    """The same holds of the second resume as of the first."""
    steps = cases.steps(interrupted, "resume", "last")
    cases.hold([killing_the_resume(*turn) for turn in list(turns(steps))[::3]])


def test_a_run_that_ended_untidied_is_tidied_by_resume(cases: Cases) -> None:
    """Its orch was killed between the end in the journal and the removal of the values' folder."""
    cases.hold([killing("orch: look into values/", 1, "before")])


def test_a_run_whose_journal_takes_nothing_has_its_id_everywhere(cases: Cases) -> None:
    """The first line that is printed names it, and so do manifest, metrics and state."""
    cases.hold([failing("orch: write journal.jsonl", 1, "before", is_lasting=True)])


def test_a_run_without_processes_for_its_stages_says_so(cases: Cases) -> None:
    """No descriptor or process is left: exit 3 and words, not a defect of orch."""
    steps = ("orch: pipe", "orch: fork")
    cases.hold([failing(step, 1, "before", is_lasting=True) for step in steps])


def test_a_run_whose_step_fails_ends_and_tells_the_truth(cases: Cases) -> None:
    """A full disk, a broken one, no descriptors: at each step, once or from then on. The run ends
    by itself and is told once, no success is told that is not in the journal, and when all is well
    again a resume ends it."""
    numbers = itertools.count()
    failures = [
        failing(step, (1, count // 2 + 1, count)[n % 3], moment, is_lasting=n % 2 == 0)
        for step, count in cases.steps().items()
        if not step.endswith("reap")
        for n in [next(numbers)]
        for moment in ["amid" if " write " in step else "before"]
    ]
    cases.hold(failures)


def test_a_run_killed_while_it_is_put_aside_is_entered_by_its_resume(cases: Cases) -> None:
    """The lock of the state is busy, and orch dies at each step of leaving its snapshot."""
    busy = Cases(Path(tempfile.mkdtemp(dir=cases.folder)), IMPATIENT)
    listed: Counter[str] = Counter()

    def list_steps(project: FaultyProject) -> None:
        path = project.folder / "steps"
        with state_locked(project):
            project.orch("run", "demo.pipeline", watcher={"kind": "list", "path": str(path)})
        listed.update(read_steps(path))

    busy.hold([list_steps])
    steps = {step: n for step, n in listed.items() if "pending/RUN" in step and is_changing(step)}
    assert len(steps) >= 4, listed
    busy.hold([put_aside_and_killed(step, when) for step in steps for when in ("before", "after")])


IMPATIENT = """
pipeline demo { title = "Test" }
policy { concurrency = 1, lock { attempts = 1 } }
stage one { run = "echo $ORCH_RUN_ID one >> $COUNTED" }
"""


@contextmanager
def state_locked(project: FaultyProject) -> Iterator[None]:
    """Another process has the lock of the task's state."""
    lock = project.root / "out/demo/state.json.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def put_aside_and_killed(step: str, moment: str) -> Check:
    at = {"kind": "kill", "step": step, "occurrence": 1, "moment": moment}

    def check(project: FaultyProject) -> None:
        with state_locked(project):
            assert project.orch("run", "demo.pipeline", watcher=at).code == -9
        (paths,) = project.runs()
        resume_to_the_end(project, paths, look_at_files(project, paths))
        assert not list(Path(paths.pending).iterdir())

    return named(check, f"killed {moment} {step}")
