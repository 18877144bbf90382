"""Kept texts of plans: always the canonical one, whatever befell the file that keeps it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import orch.compiler.plan_cache
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan, with_digest
from orch.compiler.plan_cache import FEWEST_STAGES, FOLDER, plan_text
from orch.compiler.request import Request
from orch.dsl.record import changed
from orch.runtime.plan_file import read_plan, write_plan


def planned(root: Path, stages: int = FEWEST_STAGES) -> Plan:
    (root / "main.pipeline").write_text(
        "pipeline demo { }\n"
        + "".join(f'stage s{n} {{ run = "echo é\\\\n{n}" }}\n' for n in range(stages))
    )
    plan = compile_pipeline(str(root), "main.pipeline", Request()).plan
    assert plan is not None
    return plan


def spelled(plan: Plan) -> bytes:
    return "".join(plan.canonical_parts()).encode()


def kept(root: Path) -> Path:
    """The only text of the cache."""
    (only,) = (root / FOLDER).glob("*.text")
    return only


def test_a_text_is_kept_and_read_and_no_other_one(tmp_path: Path) -> None:
    """The second time it isn't spelled; another plan, also of the same stages, has its own."""
    plan = planned(tmp_path)
    assert plan_text(str(tmp_path), plan) == spelled(plan)
    marked = kept(tmp_path).stat().st_mtime_ns
    assert plan_text(str(tmp_path), changed(plan, stages=plan.stages[::-1])) == spelled(plan)
    assert kept(tmp_path).stat().st_mtime_ns == marked
    other = with_digest(changed(plan, policy=changed(plan.policy, fail_fast=False)))
    assert plan_text(str(tmp_path), other) == spelled(other)
    assert len(list((tmp_path / FOLDER).glob("*.text"))) == 2


def test_what_is_written_by_a_kept_text_is_the_plan(tmp_path: Path) -> None:
    """The file of a run is the same by either way, and is read back."""
    plan = planned(tmp_path)
    for _ in range(2):
        write_plan(str(tmp_path / "kept.json"), plan, plan_text(str(tmp_path), plan))
        write_plan(str(tmp_path / "spelled.json"), plan)
        assert (tmp_path / "kept.json").read_bytes() == (tmp_path / "spelled.json").read_bytes()
        assert read_plan(str(tmp_path / "kept.json")) == plan


def put_another_text(file: Path) -> None:
    other = planned(file.parents[3], FEWEST_STAGES + 1)
    plan_text(str(file.parents[3]), other)
    for text in file.parent.glob("*.text"):
        if text != file:
            text.rename(file)


def put_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def put_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("harm", [Path.unlink, put_another_text, put_a_folder, put_a_pipe])
def test_a_stranger_in_the_place_of_a_text_is_never_taken_for_it(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    """Nothing, the text of another plan, and what is no file."""
    plan = planned(tmp_path)
    plan_text(str(tmp_path), plan)
    harm(kept(tmp_path))
    assert plan_text(str(tmp_path), plan) == spelled(plan)


def test_every_damaged_byte_makes_a_text_worthless(tmp_path: Path) -> None:
    """Cut or changed anywhere; it is spelled and kept anew."""
    plan = planned(tmp_path)
    right = plan_text(str(tmp_path), plan)
    good = kept(tmp_path).read_bytes()
    damaged = [good[:cut] for cut in range(0, len(good), 997)]
    damaged += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(0, 999, 7)]
    for data in damaged:
        kept(tmp_path).write_bytes(data)
        assert plan_text(str(tmp_path), plan) == right, data[:80]
        assert kept(tmp_path).read_bytes() == good


def test_small_and_very_large_plans_have_no_kept_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few stages it is spelled as quickly; a large one would be held whole."""
    assert plan_text(str(tmp_path), planned(tmp_path, FEWEST_STAGES - 1)) is None
    plan = planned(tmp_path)
    monkeypatch.setattr(orch.compiler.plan_cache, "LARGEST_TEXT_BYTES", len(spelled(plan)) - 1)
    assert plan_text(str(tmp_path), plan) is None
    assert not (tmp_path / FOLDER).exists()


def test_a_link_out_of_the_project_is_not_followed_for_a_text(tmp_path: Path) -> None:
    """The folder of the cache leads elsewhere: nothing is written there."""
    (tmp_path / ".orch/cache").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / FOLDER).symlink_to(tmp_path / "outside")
    plan = planned(tmp_path)
    assert plan_text(str(tmp_path), plan) == spelled(plan)
    assert list((tmp_path / "outside").iterdir()) == []
