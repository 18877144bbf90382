"""Where a report says that the policies of a run came from, and when it says that nobody knows."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orch.cli.report.origins import Origins, origins_of
from orch.runtime.clock import wall_ms
from orch.runtime.liveness import observe
from orch.runtime.paths import RunPaths, find_run
from tests.cli.orch_program import orch
from tests.cli.test_report import report_of
from tests.cli.written_runs import TRICKS

NAME = "made/here.pipeline"
TEXT = """\
pipeline here { }
policy { timeout = 3m }
param level: string = "high" { env = "LEVEL" }
param every: duration = 1s
param most: size = 1KiB
param share: float = 0.50
param waits: list<duration> = [1s]
param sizes: map<size> = { a = 1KiB }
stage one { run = "echo -- {{ params.share }} {{ params.every | seconds }} {{ params.level }}" }
stage two { needs = [one] run = "true" retry { attempts = 2 } }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "made").mkdir(parents=True)
    (root / NAME).write_text(TEXT, encoding="utf-8")
    (root / "orch.toml").write_text('[policy]\ngrace = "2s"\n', encoding="utf-8")
    return root


def run(root: Path, *words: str) -> RunPaths:
    done = orch("run", NAME, *words, cwd=root, env={"LEVEL": "low"})
    assert done.returncode == 0, done.stderr
    return last_run(root)


def last_run(root: Path) -> RunPaths:
    return find_run(str(root), "last", {}, None)


def looked_at(paths: RunPaths) -> Origins:
    return origins_of(observe(paths, wall_ms()))


def found(origins: Origins) -> Mapping[str, tuple[str, str]]:
    """Value and origin by policy; of stages only where none says otherwise."""
    assert origins.why_not == ""
    return {name: (v, o) for _, _, rows in origins.sections[:2] for name, v, o in rows}


def doctor(paths: RunPaths, **fields: Any) -> None:
    """Let the first event of the journal say something else."""
    first, *others = Path(paths.journal).read_bytes().splitlines(keepends=True)
    told = json.dumps({**json.loads(first), **fields}).encode() + b"\n"
    Path(paths.journal).write_bytes(b"".join([told, *others]))


def test_each_policy_stands_with_the_line_it_came_from(root: Path) -> None:
    """Of the file, orch.toml, the command line and orch itself; what stages say by themselves."""
    run(root, "--policy", "output.log=1MiB", "-p", "level=</code><script>")
    plan = report_of(root).by_id("plan")
    tables = {table.all("caption")[0].text: table for table in plan.all("table")}
    assert list(tables) == ["The run", "Stages, where nothing below says otherwise", "two"]
    rows = [[cell.text for cell in row.all("th") + row.all("td")] for row in plan.all("tr")]
    for row in (
        ["timeout", "3m", f"{NAME}:2"],
        ["grace", "2s", "orch.toml:2"],
        ["output.log", "1MiB", "the command line"],
        ["concurrency", "one stage a CPU", "built-in"],
        ["retry.attempts", "2", f"{NAME}:10"],
    ):
        assert row in rows
    assert "which give the plan that was run" in plan.text


def test_params_of_every_type_give_the_same_plan_again(root: Path) -> None:
    """From the command line or the environment; a default is put into texts as it is written."""
    paths = run(root)
    assert found(looked_at(paths))["timeout"] == ("3m", f"{NAME}:2")
    required = TEXT.replace('= "high" ', "").replace("0.50", "0.5")
    (root / NAME).write_text(required, encoding="utf-8")
    for words in (
        (),
        ("-p", "every=90s", "-p", "most=1MiB"),
        ("-p", 'waits=["2s", "1m"]', "-p", 'sizes={"b": "2KiB"}', "-p", "share=0.25"),
    ):
        assert found(looked_at(run(root, *words)))["timeout"] == ("3m", f"{NAME}:2"), words


def test_selection_and_keep_going_are_no_change_of_the_file(root: Path) -> None:
    """They are part of the plan that was run; what the command line switched off is said of it."""
    told = found(looked_at(run(root, "--only", "one", "--keep-going")))
    assert told["fail_fast"] == ("false", "the command line (--keep-going)")
    assert told["timeout"] == ("3m", f"{NAME}:2")
    assert found(looked_at(run(root, "--from", "two")))["fail_fast"] == ("true", "built-in")


def test_a_changed_file_is_said_to_have_changed(root: Path) -> None:
    """So is one that has gone, or is no pipeline any more; a comment changes nothing."""
    paths = run(root)
    (root / NAME).write_text(f"# Ours.\n{TEXT}", encoding="utf-8")
    assert found(looked_at(paths))["timeout"] == ("3m", f"{NAME}:3")
    (root / NAME).write_text(TEXT.replace("3m", "4m"), encoding="utf-8")
    shown = report_of(root).by_id("plan")
    assert not shown.all("table")
    assert f"`{NAME}` gives another plan by now" in shown.text
    (root / NAME).write_text("pipeline {", encoding="utf-8")
    assert "can't be compiled" in looked_at(paths).why_not
    (root / NAME).write_text(TEXT, encoding="utf-8")
    (root / "orch.toml").write_text("[policy", encoding="utf-8")
    assert "can't be compiled" in looked_at(paths).why_not
    (root / NAME).unlink()
    assert "can't be compiled" in looked_at(paths).why_not


def test_a_run_of_no_file_says_so(root: Path) -> None:
    """A saved plan, a single command, and a run of an orch that did not write it down."""
    saved = orch("plan", NAME, "-p", "level=a", "--format", "json", cwd=root).stdout
    (root / "saved.json").write_text(saved, encoding="utf-8")
    for words in (("run", "saved.json"), ("exec", "--", "true")):
        assert orch(*words, cwd=root).returncode == 0
        assert "names no pipeline file" in looked_at(last_run(root)).why_not
    paths = run(root)
    first = json.loads(Path(paths.journal).read_bytes().splitlines()[0])
    assert (first["source"], first["policy"]) == (NAME, {})
    lines = Path(paths.journal).read_bytes().splitlines(keepends=True)
    older = {k: v for k, v in first.items() if k not in ("source", "policy")}
    Path(paths.journal).write_bytes(b"".join([json.dumps(older).encode() + b"\n", *lines[1:]]))
    assert "names no pipeline file" in looked_at(paths).why_not


def test_a_doctored_journal_leads_nowhere(root: Path) -> None:
    """Out of the root by a path or a link, to a device or a pipe, or to nonsense: it is not known.

    Whatever lies there would give the very plan, so it can't have been read."""
    paths = run(root)
    outside = root.parent / "outside.pipeline"
    outside.write_text(TEXT, encoding="utf-8")
    (root / "link.pipeline").symlink_to(outside)
    (root / "folder").symlink_to(root.parent)
    (root / "zero.pipeline").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.pipeline")
    doctor(paths, source=NAME)
    assert looked_at(paths).sections
    for source in (
        str(outside), str(root / NAME), "../outside.pipeline", "made/../../outside.pipeline",
        "link.pipeline", "folder/outside.pipeline", "folder/root/../outside.pipeline",
        "zero.pipeline", "pipe.pipeline", "/dev/zero", "made", ".", "", "\0", "\ud800", "a" * 9999,
        None, 7, [NAME], {"a": NAME}, *TRICKS,
    ):  # fmt: skip
        doctor(paths, source=source)
        told = looked_at(paths)
        assert (told.sections, bool(told.why_not)) == ((), True), source
        assert len(told.why_not) < 1000
    for policy in (None, 7, "timeout", {"timeout": 7}, {"\ud800": "\0"}, {TRICKS[0]: TRICKS[1]}):
        doctor(paths, source=NAME, policy=policy)
        assert looked_at(paths).sections == (), policy


@pytest.mark.parametrize("trick", [TRICKS[0], TRICKS[1], "\u202egnp"])
def test_the_name_of_a_file_stays_text(root: Path, trick: str) -> None:
    """Where it is known and where it isn't."""
    name = trick.replace("/", "") + ".pipeline"
    (root / name).write_text('pipeline a { }\nstage one { timeout = 7s run = "true" }\n', "utf-8")
    assert orch("run", name, cwd=root).returncode == 0
    assert ":2" in report_of(root).by_id("plan").all("table")[2].text
    (root / name).unlink()
    assert "Not known: `" in report_of(root).by_id("plan").text
