"""Runs that are disturbed at one step, many of them at once, and what each has to hold."""

import itertools
import os
import shutil
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from orch.runtime.states import RunStatus
from tests.faults.faulty_runs import (
    Ended,
    FaultyProject,
    ForkServer,
    Seen,
    check_status,
    check_the_end,
    fork_server,
    look_at_files,
    resume_to_the_end,
)
from tests.faults.steps import read_steps

PIPELINE = '''
pipeline demo { title = "Test" }
policy { concurrency = 1, grace = 100ms }
stage one {
  values { v: int }
  retry { attempts = 2, backoff = 1ms..1ms }
  run = "echo $ORCH_RUN_ID one >> $COUNTED; seq 2000; echo v=7 > $ORCH_VALUES"
}
stage two {
  needs = [one]
  artifacts = ["made/**"]
  retry { attempts = 2, backoff = 1ms..1ms }
  run = """
    echo $ORCH_RUN_ID two >> $COUNTED
    mkdir -p made
    echo {{ stages.one.values.v }} > made/file
  """
}
stage three {
  needs = [two]
  retry { attempts = 3, backoff = 1ms..1ms }
  run = "echo $ORCH_RUN_ID three >> $COUNTED; test $ORCH_ATTEMPT -ge 2"
}
finally clean {
  retry { attempts = 2, backoff = 1ms..1ms }
  run = "echo $ORCH_RUN_ID clean >> $COUNTED"
}
'''

Check = Callable[[FaultyProject], None]


class Cases:
    """Cases of one pipeline, a few at a time, each in a folder of its own that is gone after."""

    def __init__(self, folder: Path, pipeline: str = PIPELINE) -> None:
        self.folder = folder
        self.template = folder / "template"
        self.template.mkdir()
        (self.template / "demo.pipeline").write_text(pipeline)
        # What was compiled once is known to all cases.
        subprocess.run(
            [sys.executable, "-m", "orch.cli.main", "run", "demo.pipeline"],
            cwd=self.template, capture_output=True, env={**os.environ, "COUNTED": os.devnull},
            check=True,
        )  # fmt: skip
        for name in (".runs", "out"):
            shutil.rmtree(self.template / name)
        self._numbers = itertools.count()

    def steps(self, check: Check | None = None, *words: str) -> Counter[str]:
        """What a run comes to, or, of a project in which `check` was done, `orch WORDS`."""
        listed = self.folder / f"steps{next(self._numbers)}"

        def run(project: FaultyProject) -> None:
            if check is not None:
                check(project)
            asked = words or ("run", "demo.pipeline", "--format", "json")
            answer = project.orch(*asked, watcher={"kind": "list", "path": str(listed)})
            assert answer.code == 0, answer
            check_the_end(project, project.runs()[-1])

        self.hold([run])
        return read_steps(listed)

    def hold(self, checks: Sequence[Check]) -> None:
        """Do all, two at a time."""
        free: SimpleQueue[ForkServer] = SimpleQueue()

        def do(check: Check) -> str:
            server = free.get()
            place = self.folder / f"case{next(self._numbers)}"
            try:
                check(FaultyProject(place, self.template, server))
                shutil.rmtree(place)
            except Exception:  # noqa: BLE001  Each failure is told, with all others.
                return traceback.format_exc()
            finally:
                server.ask(do="reap", patience_s=0)
                free.put(server)
            return ""

        with fork_server() as first, fork_server() as second, ThreadPoolExecutor(2) as pool:
            free.put(first)
            free.put(second)
            failures = list(filter(None, pool.map(do, checks)))
        assert not failures, f"{len(failures)} of {len(checks)} failed:\n" + "\n".join(failures)


def killing(step: str, occurrence: int, moment: str, *, is_both: bool = False) -> Check:
    """A run that is killed there is whole, and is ended by a resume."""

    def check(project: FaultyProject) -> None:
        at = {"step": step, "occurrence": occurrence, "moment": moment, "is_both": is_both}
        said = project.orch(
            "run", "demo.pipeline", "--format", "json", watcher={"kind": "kill", **at}
        )
        has_orch_survived = step.startswith("warden") and not is_both
        if said.code == 0 and occurrence > 1 and not has_orch_survived:
            # How often a step comes hangs on what coincides; this time it came less often.
            check_the_end(project, project.runs()[-1])
            return
        assert said.code in ((0, 1) if has_orch_survived else (-9,)), said
        for paths in project.runs():
            seen = look_at_files(project, paths)
            check_status(project, paths, seen)
            resume_to_the_end(project, paths, seen)
        project.reap(3)

    return named(check, f"killed {moment} {step}, time {occurrence}")


def interrupted(project: FaultyProject) -> None:
    """A run that was killed while its second stage was under way, its warden too."""
    at = {"step": "warden: spawn", "occurrence": 2, "moment": "after", "is_both": True}
    said = project.orch("run", "demo.pipeline", watcher={"kind": "kill", **at})
    assert said.code == -9, said


def killing_the_resume(step: str, occurrence: int, moment: str) -> Check:
    """A resume that is killed there leaves what the next resume ends."""

    def check(project: FaultyProject) -> None:
        interrupted(project)
        (paths,) = project.runs()
        before = project.counts(paths)
        first = look_at_files(project, paths)
        at = {"step": step, "occurrence": occurrence, "moment": moment}
        project.orch("resume", "last", watcher={"kind": "kill", **at})
        seen = look_at_files(project, paths)
        check_status(project, paths, seen)
        resume_to_the_end(project, paths, seen)
        for stage in first.succeeded():
            assert project.counts(paths)[stage] == before[stage], f"{stage} ran again"
        project.reap(3)

    return named(check, f"resume killed {moment} {step}, time {occurrence}")


ERRORS = {
    "open": "EMFILE", "look": "EMFILE", "pipe": "EMFILE", "fork": "EAGAIN", "spawn": "EMFILE",
    "write": "ENOSPC", "make": "ENOSPC", "fsync": "EIO", "rename": "EIO", "cut": "EIO",
    "remove": "EIO", "lock": "EIO",
}  # fmt: skip


def failing(step: str, occurrence: int, moment: str, *, is_lasting: bool) -> Check:
    """A run in which the step fails there ends by itself and tells the truth."""
    error = ERRORS[step.split()[1]]
    at = {"step": step, "occurrence": occurrence, "moment": moment, "error": error}

    def check(project: FaultyProject) -> None:
        words = ("run", "demo.pipeline", "--format", "jsonl")
        said = project.orch(*words, watcher={"kind": "fail", "is_lasting": is_lasting, **at})
        has_begun = bool(said.events("run:started"))
        assert said.code in (0, 1, 3), said
        assert len(said.events("run:completed")) == has_begun, said
        for paths in project.runs():
            seen = look_at_files(project, paths)
            if has_begun:
                check_what_was_told(said, seen)
            resume_to_the_end(project, paths, seen)
        project.reap(3)

    return named(check, f"{error}{' for good' * is_lasting} {moment} {step}, time {occurrence}")


def check_what_was_told(said: Ended, seen: Seen) -> None:
    """The end that was told is no better than what is in the journal; 3 is orch's own failure, and
    words say what it was."""
    (completed,) = said.events("run:completed")
    (summary,) = said.events("run:summary")
    assert completed["exit_code"] == summary["exit_code"] == said.code, said
    assert (completed["status"] == "succeeded") == (said.code == 0), said
    assert said.code == 0 or said.stderr or completed["reason"], said
    assert summary["succeeded"] <= len(seen.succeeded()), said
    if said.code == 0:
        assert seen.status is RunStatus.SUCCEEDED, said
    if said.code == 3:
        assert completed["reason"].startswith(("storage:", "no stage can be started:")), said


def named(check: Check, name: str) -> Check:
    """Say with each failure which case it was."""

    def do(project: FaultyProject) -> None:
        try:
            check(project)
        except Exception as error:
            error.add_note(name)
            raise

    return do


def is_changing(step: str) -> bool:
    return "look into" not in step and not step.endswith("pipe")


def every_turn(steps: Counter[str]) -> Iterator[tuple[str, int, str]]:
    """Each step before, after and amid, at its first, middle and last time."""
    for step, count in filter(lambda item: is_changing(item[0]), steps.items()):
        moments = ["before", "after"] + ["amid"] * (" write " in step)
        for occurrence in sorted({1, count // 2 + 1, count}):
            yield from ((step, occurrence, moment) for moment in moments)


def turns(steps: Counter[str]) -> Iterator[tuple[str, int, str]]:
    """Each step once: before, after and amid, at its first, middle and last time in turn."""
    numbers = itertools.count()
    for step, count in steps.items():
        if is_changing(step):
            number = next(numbers)
            occurrence = (1, count // 2 + 1, count)[number % 3]
            moments = ["before", "after"] + ["amid"] * (" write " in step)
            yield step, occurrence, moments[number // 3 % len(moments)]
