"""`orch policy`: every value in force, in a file's own words, with the place it came from."""

import json
from pathlib import Path

import pytest

from tests.cli.orch_program import orch

FILES = {
    "orch.toml": '# Ours.\n[policy]\ngrace = "2s"\n\nretry.on = [\n  "exit(75)",\n]\n',
    "main.pipeline": """\
pipeline demo { }
policy { timeout = 3m }
stage a { run = "true" }
stage b { needs = [a] run = "true" retry { attempts = 3 } }
use "lib/one.pipeline" as one { policy { output { error = 1KiB } } }
service db { run = ["db"] }
stage c { needs = [db] matrix { x = [1, 2] } run = "echo {{ matrix.x }}" timeout = 90s }
""",
    "lib/one.pipeline": """\
policy { output { error = 2KiB, buffer = 2KiB } }
stage plain { run = "true" }
use "two.pipeline" as two { policy { output { buffer = 3KiB } } }
""",
    "lib/two.pipeline": """\
policy { grace = 4s, output { buffer = 4KiB } }
stage plain { run = "true" }
stage own { run = "true" output { error = 5KiB } policy { grace = 5s } }
""",
}


@pytest.fixture
def layered(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def origins(root: Path, stage: str, *words: str) -> dict[str, tuple[str, str]]:
    done = orch("policy", "main.pipeline", "--format", "json", *words, cwd=root)
    found = json.loads(done.stdout)["stages"][stage]
    return {name: (entry["value"], entry["origin"]) for name, entry in found.items()}


def test_each_layer_is_told_with_its_line(layered: Path) -> None:
    """Built-in, orch.toml, using pipeline, file, `use`, stage, command line, through two uses."""
    assert origins(layered, "one.two.own", "--policy", "retry.factor=3") == {
        "timeout": ("3m", "main.pipeline:2"),
        "grace": ("5s", "lib/two.pipeline:3"),
        "retry.attempts": ("1", "built-in"),
        "retry.backoff": ("100ms..3s", "built-in"),
        "retry.factor": ("3", "the command line"),
        "retry.jitter": ("full", "built-in"),
        "retry.on": ("[exit(75)]", "orch.toml:5"),
        "output.buffer": ("3KiB", "lib/one.pipeline:3"),
        "output.error": ("5KiB", "lib/two.pipeline:3"),
        "output.log": ("64MiB", "built-in"),
    }
    plain = origins(layered, "one.two.plain")
    assert plain["grace"] == ("4s", "lib/two.pipeline:1")
    # The file's own value is over that of the `use` around its user, and under that of its own.
    assert plain["output.error"] == ("1KiB", "main.pipeline:5")
    assert origins(layered, "one.plain")["output.buffer"] == ("2KiB", "lib/one.pipeline:1")


def test_text_tells_the_run_first_and_then_what_differs(layered: Path) -> None:
    """Stages for which the same holds stand together; those without anything of their own don't."""
    done = orch("policy", "main.pipeline", cwd=layered)
    heads = [line for line in done.stdout.splitlines() if line and not line.startswith(" ")]
    assert heads == [
        "The run",
        "Stages  where nothing below says otherwise",
        "b",
        "one.plain",
        "one.two.plain",
        "one.two.own",
        "c[x=1], c[x=2]",
    ]
    told = [line.split() for line in done.stdout.splitlines()]
    assert ["retry.on", "[exit(75)]", "orch.toml:5"] in told
    assert told[-2:] == [["c[x=1],", "c[x=2]"], ["timeout", "90s", "main.pipeline:7"]]


def test_one_stage_or_all_are_told_whole_on_demand(layered: Path) -> None:
    """`--stage` takes an id, a matrix or a `use`; a service has the bounds that concern one."""
    done = orch("policy", "main.pipeline", "--stage", "c", cwd=layered)
    assert done.stdout.startswith("c[x=1], c[x=2]\n  timeout         90s         main.pipeline:7\n")
    assert len(done.stdout.splitlines()) == 11
    assert orch("policy", "main.pipeline", "--stage", "one.two", cwd=layered).stdout.count(
        "one.two."
    )
    of_service = origins(layered, "db")
    assert list(of_service) == ["grace", "output.buffer", "output.error", "output.log"]
    whole = orch("policy", "main.pipeline", "-v", cwd=layered).stdout
    assert "\na\n  timeout " in whole
    wrong = orch("policy", "main.pipeline", "--stage", "one.two.owm", cwd=layered)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean `one.two.own`?" in wrong.stderr


def test_what_is_in_force_is_what_the_plan_holds(layered: Path) -> None:
    """The same values, of the run and of every stage; also where a cache knows the plan."""
    plan = json.loads(orch("plan", "main.pipeline", "--format", "json", cwd=layered).stdout)
    told = json.loads(orch("policy", "main.pipeline", "--format", "json", cwd=layered).stdout)
    assert list(told["stages"]) == sorted(stage["id"] for stage in plan["stages"])
    for stage in plan["stages"]:
        buffer = told["stages"][stage["id"]]["output.buffer"]["value"]
        assert buffer == f"{stage['policy']['output']['buffer_bytes'] // 1024}KiB"
    assert told["run"]["concurrency"] == {
        "value": None, "origin": "built-in", "path": None, "line": None,
    }  # fmt: skip


def test_a_file_with_errors_has_no_policies(project: Path) -> None:
    """Its diagnostics are told instead."""
    done = orch("policy", "pipelines/broken.pipeline", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E0201]" in done.stderr
