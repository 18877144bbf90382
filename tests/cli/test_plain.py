"""The plain reader and click read the same words the same way, or the plain one steps aside."""

from pathlib import Path

import pytest

import orch.cli.check
import orch.cli.checking
import orch.cli.run
import orch.cli.running
from orch.cli.commands import run_command
from orch.cli.failure import CommandError
from orch.cli.plain import plain_command

PLAIN = (
    "run a.pipeline",
    "start diagnostics",
    "run -p x=1 a.pipeline -p y=",
    "run --param x=--y a.pipeline",
    "run a.pipeline --format json -q",
    "run a.pipeline --format text --format jsonl",
    "run -j 4 --task t a.pipeline",
    "run --jobs 1024 -v a.pipeline -v",
    "run --root . a.pipeline",
    "check a.pipeline",
    "check a.pipeline b.pipeline --strict",
    "check -p x=1 --root . a.pipeline --format json -q",
)

NOT_PLAIN = (
    "",
    "plan a.pipeline",
    "check",
    "check a.pipeline -j 4",
    "check a.pipeline --format jsonl",
    "check a.pipeline --strict --help",
    "run a.pipeline --strict",
    "run",
    "run a b",
    "run --help",
    "run a.pipeline --dry-run",
    "run a.pipeline --format=json",
    "run a.pipeline -qv",
    "run a.pipeline -q -v",
    "run a.pipeline --format xml",
    "run a.pipeline -j 0",
    "run a.pipeline -j 1025",
    "run a.pipeline -j 4x",
    "run a.pipeline -j",
    "run a.pipeline -p",
    "run -- a.pipeline",
    "run a.pipeline -p -x",
    "run a.pipeline --policy timeout=5m",
)


@pytest.mark.parametrize("line", PLAIN)
def test_both_readers_make_the_same_words(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def take(words: object) -> int:
        read.append(words)
        return 0

    for module in (orch.cli.run, orch.cli.running):
        monkeypatch.setattr(module, "run_pipeline", take)
    for module in (orch.cli.check, orch.cli.checking):
        monkeypatch.setattr(module, "check_files", take)
    run_command(line.split())
    act = plain_command(line.split())
    assert act is not None
    act()
    assert len(read) == 2
    assert read[0] == read[1]


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_whatever_is_not_plain_is_left_to_click(line: str) -> None:
    assert plain_command(line.split(" ") if line else []) is None


def test_a_root_that_is_no_folder_is_refused_by_both(tmp_path: Path) -> None:
    words = ["run", "a.pipeline", "--root", str(tmp_path / "nowhere")]
    for reader in (plain_command, run_command):
        with pytest.raises(CommandError, match="no folder"):
            reader(words)
