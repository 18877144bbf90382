"""Files of a run that are damaged: what `status`, `cancel` and `resume` make of each.

The journal cut at any byte: `tests/runtime/test_journal.py`; a damaged state, pending snapshot or
metrics file: `tests/runtime/test_task_state.py`, `tests/runtime/test_metrics.py`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.evidence import assert_spoken_like_people
from tests.runs.project import Answer, Project
from tests.runtime.pool import processes_with, wait_until

TWO = """
  policy { grace = 100ms }
  stage one { run = "touch ran-one" }
  stage two { needs = [one] run = "touch started; test -e go || sleep 61.375" }
"""

CONTENTS = {
    "empty": b"",
    "garbage": b"\x00\xff{[",
    "a list": b"[]\n",
    "null": b"null\n",
    "deep": b"[" * 100_000,
    "other types": b'{"pid":"x","seq":"y","schema":1,"time":5,"host":7,"type":{"a":[]}}\n',
    "numbers": b'{"pid":' + b"9" * 5000 + b',"sequence":1e999,"time":"now"}\n',
}
PLACES: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
}
WHOLE_LINES = ("a list", "null", "other types", "numbers")
"""What a crash can't have left at the end of a journal."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a project whose run was killed while its second stage was under way."""
    project = Project(tmp_path_factory.mktemp("killed"))
    project.write(TWO)
    process = project.start("run", "demo.pipeline")
    project.wait_for_file("started")
    # A stage may begin before the first heartbeat and the first manifest.
    for name in (".heartbeat", "manifest.json"):
        wait_until(lambda: any(project.root.glob(f".runs/demo/cli/*/{name}")), f"{name} exists")  # noqa: B023  It is asked in this round.
    process.kill()
    project.finish(process)
    wait_until(lambda: not processes_with("61.375"), "nothing of the stage is left")
    (project.root / "go").touch()
    return project.root


def ask_all(lines: Sequence[Sequence[str]]) -> list[Answer]:
    """The answers to many command lines, one after another: `resume` ends whatever goes by the id
    of its run, and all of these are copies of one."""
    words = [sys.executable, "-m", "tests.faults.zygote", json.dumps(lines)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return [Answer(*answer) for answer in json.loads(done.stdout)]


@pytest.mark.parametrize("name", ["plan.json", "journal.jsonl", "manifest.json", "owner.json"])
def test_damage_is_named_or_does_not_matter(killed: Path, tmp_path: Path, name: str) -> None:
    """Whatever a file has become: a command works without it, or exits with 3 and names it."""
    roots = {damage: tmp_path / damage for damage in (*CONTENTS, *PLACES)}
    for damage, root in roots.items():
        shutil.copytree(killed, root)
        (file,) = root.glob(f".runs/demo/cli/*/{name}")
        file.unlink()
        if damage in CONTENTS:
            file.write_bytes(CONTENTS[damage])
        else:
            PLACES[damage](file)
    for command, fine in (("status", 0), ("cancel", 2), ("resume", 0)):
        lines = [[command, "last", "--root", str(root)] for root in roots.values()]
        for damage, answer in zip(roots, ask_all(lines), strict=True):
            about = f"{command}, {damage}: {answer}"
            assert_spoken_like_people(answer)
            assert "NoneType" not in answer.stderr, about
            assert "indices" not in answer.stderr, about
            if is_fatal(name, damage):
                assert answer.exit_code == 3, about
                assert name in answer.stderr, about
                assert any(w in answer.stderr for w in ("begin a new", "move it", "remove it")), (
                    about
                )
            else:
                assert answer.exit_code == fine, about


@pytest.mark.parametrize("value", ['"\\ud800"', "1e999", "NaN"])
def test_a_plan_with_what_no_plan_holds_is_named(killed: Path, tmp_path: Path, value: str) -> None:
    """Half a character or an endless number is JSON to who reads it, but can't be digested: that
    used to be told as a bug of orch."""
    root = tmp_path / "project"
    shutil.copytree(killed, root)
    (file,) = root.glob(".runs/demo/cli/*/plan.json")
    file.write_text(file.read_text().replace('"params":{', f'"params":{{"x":{value}', 1))
    (answer,) = ask_all([["status", "last", "--root", str(root)]])
    assert_spoken_like_people(answer)
    assert answer.exit_code == 3
    assert "plan.json: the digest is not that of the plan's content" in answer.stderr


def is_fatal(name: str, damage: str) -> bool:
    match name:
        case "plan.json":
            return True
        case "journal.jsonl":
            return damage in PLACES or damage in WHOLE_LINES
        case "owner.json":
            return damage in PLACES
        case _:
            return False


@pytest.mark.parametrize("damage", [*CONTENTS, *PLACES])
def test_a_heartbeat_that_cannot_be_read_is_silence(
    killed: Path, tmp_path: Path, damage: str
) -> None:
    """It is suspicion only; it used to keep people from a run when it wasn't a file."""
    from orch.runtime.liveness import observe
    from orch.runtime.paths import find_run
    from orch.runtime.states import RunStatus

    shutil.copytree(killed, tmp_path / "project")
    paths = find_run(str(tmp_path / "project"), "last", {})
    Path(paths.heartbeat).unlink()
    if damage in CONTENTS:
        Path(paths.heartbeat).write_bytes(CONTENTS[damage])
    else:
        PLACES[damage](Path(paths.heartbeat))
    view = observe(paths, 0)
    assert (view.status, view.beat) == (RunStatus.LOST, None)


def test_a_run_whose_owner_is_unknown_shows_the_way(killed: Path, tmp_path: Path) -> None:
    """Nothing proves that it is lost; and both `status` and `cancel` say that `resume` finds out
    whether anybody holds it."""
    shutil.copytree(killed, tmp_path / "project")
    (owner,) = tmp_path.glob("project/.runs/demo/cli/*/owner.json")
    owner.write_bytes(b"{}")
    root = str(tmp_path / "project")
    status, cancel = ask_all([[word, "last", "--root", root] for word in ("status", "cancel")])
    resume = f"orch resume {owner.parent.name}"
    assert "owner.json doesn't say it" in status.stdout
    assert resume in status.stdout
    assert resume in cancel.stderr
    assert "orch cancel" not in status.stdout
