"""Plans are a pure function of sources and arguments: snapshots, and the same bytes everywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from orch.cli.under_test import ProjectUnderTest
from orch.compiler.packed_plan import pack, unpack
from orch.compiler.plan import digest_of, plan_from_json
from orch.dsl.json_text import canonical_json
from tests.plans.corpus import ROOT, Entry, entries

PIPELINES = sorted((ROOT / "pipelines").glob("*.pipeline"))


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_plan_of_the_corpus_moves_only_with_its_meaning(
    entry: Entry, tmp_path: Path, orch: ProjectUnderTest, snapshot: SnapshotAssertion
) -> None:
    """A changed snapshot is a changed meaning, to be read before it is blessed."""
    entry.place(tmp_path)
    assert orch.at(tmp_path).plan(entry.main.name, entry.arguments) == snapshot


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_the_plan_of_our_own_pipelines_moves_only_with_its_meaning(
    path: Path, orch: ProjectUnderTest, snapshot: SnapshotAssertion
) -> None:
    """What the project runs on itself is held too."""
    assert orch.plan(path) == snapshot


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_plan_is_the_same_behind_the_cache(entry: Entry, tmp_path: Path) -> None:
    """To the byte of its canonical JSON: packing takes no number for a bool, and loses nothing."""
    entry.place(tmp_path)
    plan = entry.compile(tmp_path).plan
    assert plan is not None
    again = unpack(json.loads(canonical_json(pack(plan))))
    assert again == plan
    assert canonical_json(again.to_json()) == canonical_json(plan.to_json())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_another_place_and_environment_give_the_same_bytes(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the root's path, nor the working directory, nor unrelated variables leak in."""
    entry.place(tmp_path / "one")
    entry.place(tmp_path / "two" / "deep er")
    here = entry.plan_text(tmp_path / "one")
    monkeypatch.chdir(tmp_path / "two")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    monkeypatch.setenv("LEVEL", "full")
    monkeypatch.setenv("HOME", "/nowhere")
    there = entry.plan_text(Path("deep er"))
    assert here == there
    assert str(tmp_path) not in here


def test_another_hash_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """No order of a set or of a dictionary of ids decides anything."""
    program = (
        "import sys; from pathlib import Path; from tests.plans.corpus import entries\n"
        "for entry in entries():\n"
        "    entry.place(Path(sys.argv[1]) / entry.name)\n"
        "    print(entry.name, entry.plan_text(Path(sys.argv[1]) / entry.name))\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert printed[0].count(b"sha256:") == len(entries())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_plan_reads_back_as_it_was(entry: Entry, tmp_path: Path) -> None:
    """The JSON holds all of the plan, keys are sorted, and the digest is that of the content."""
    entry.place(tmp_path)
    text = entry.plan_text(tmp_path)
    value = json.loads(text)
    assert value["digest"] == digest_of(value)
    assert text == canonical_json(plan_from_json(value).to_json())
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_stages_stand_behind_what_they_need(entry: Entry, tmp_path: Path) -> None:
    """The order is topological, and finally stages come last."""
    entry.place(tmp_path)
    stages = json.loads(entry.plan_text(tmp_path))["stages"]
    seen: set[str] = set()
    for stage in stages:
        assert set(stage["needs"]) <= seen, stage["id"]
        seen.add(stage["id"])
    kinds = [stage["kind"] == "finally" for stage in stages]
    assert kinds == sorted(kinds)
