"""The plain reader and click read the same words the same way, or the plain one steps aside."""

from pathlib import Path

import pytest

import orch.cli.run
from orch.cli.commands import run_command
from orch.cli.failure import CommandError
from orch.cli.plain import plain_run
from orch.cli.running import RunWords

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
)

NOT_PLAIN = (
    "",
    "check a.pipeline",
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
    read: list[RunWords] = []

    def take(words: RunWords) -> int:
        read.append(words)
        return 0

    monkeypatch.setattr(orch.cli.run, "run_pipeline", take)
    run_command(line.split())
    assert [plain_run(line.split())] == read


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_whatever_is_not_plain_is_left_to_click(line: str) -> None:
    assert plain_run(line.split(" ") if line else []) is None


def test_a_root_that_is_no_folder_is_refused_by_both(tmp_path: Path) -> None:
    words = ["run", "a.pipeline", "--root", str(tmp_path / "nowhere")]
    for reader in (plain_run, run_command):
        with pytest.raises(CommandError, match="no folder"):
            reader(words)
