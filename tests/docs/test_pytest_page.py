"""The page on testing with pytest: its tests are run against its pipeline, as a reader would."""

import subprocess
import sys
from pathlib import Path

from pipelines.spec_guard import blocks_of

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/pytest.md"


def test_the_tests_of_the_page_pass_and_keep_the_snapshot_it_shows(tmp_path: Path) -> None:
    """What its diff says of the plan before a change is what the snapshot holds."""
    blocks = list(blocks_of(ROOT, PAGE))
    (pipeline,) = [block.text for block in blocks if block.info.startswith("pipeline")]
    tests = [block.text for block in blocks if block.text.startswith("def test_")]
    (diff,) = [block.text for block in blocks if block.info == "diff"]
    assert len(tests) == 3

    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "release.pipeline").write_text(pipeline)
    (tmp_path / "test_pipelines.py").write_text("\n\n".join(tests))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--snapshot-update", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    snapshot = tmp_path / "__snapshots__" / "test_pipelines" / "test_release.plan"
    before = "".join(line[1:] + "\n" for line in diff.splitlines() if not line.startswith("+"))
    assert before in snapshot.read_text()
