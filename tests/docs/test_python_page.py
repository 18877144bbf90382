"""The page on Python: its programs are run one after the other, and print what it shows."""

import re
import subprocess
import sys
from pathlib import Path

import orch
from pipelines.spec_guard import blocks_of

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/python.md"


def test_the_programs_of_the_page_print_what_it_shows(tmp_path: Path) -> None:
    """In one folder, with the pipeline of the page in it."""
    blocks = list(blocks_of(ROOT, PAGE))
    programs = 0
    for block, after in zip(blocks, [*blocks[1:], blocks[0]], strict=True):
        if block.info.startswith("pipeline"):
            (tmp_path / str(block.file)).write_text(block.text, encoding="utf-8")
        if block.info != "python":
            continue
        assert after.info == "text", f"line {block.line}: what it prints is not shown"
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.stdout == after.text, f"line {block.line}: {done.stderr}"
        programs += 1
    assert programs == 6


def test_the_page_names_what_there_is() -> None:
    """Every `orch.name` of it exists, and no function or exception is passed over."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"\borch\.([A-Za-z_]+)", text)) - {"pipeline"}
    records = {
        "Diagnostic", "Manifest", "Plan", "PlannedStage", "Run", "RunEvent", "RunPaths",
        "RunResult", "RunStatus", "StageOutcome", "StageStatus", "__version__",
    }  # fmt: skip
    assert named - set(orch.__all__) == set()
    assert set(orch.__all__) - records <= named
