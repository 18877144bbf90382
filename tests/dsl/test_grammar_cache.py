"""The grammar's tables are kept in a private place, and no state of it does harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import orch
from orch.dsl.grammar_cache import read_cached, write_cached

PROGRAM = """
import sys
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile
tree, found = parse(SourceFile("m", "stage a { x = [1, 'b'] }"))
print(len(tree.blocks), len(found))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder(home: Path) -> Path:
    return home / f"orch-{orch.__version__}-{os.getuid()}"


def parse_elsewhere() -> str:
    """What a new process prints that parses, and everything on its stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_what_was_saved_is_read(home: Path) -> None:
    """Under the same name and key only."""
    write_cached("grammar", "key", b"body")
    assert read_cached("grammar", "key") == b"body"
    assert read_cached("grammar", "other") is None
    assert read_cached("other", "key") is None


def test_the_folder_and_its_files_are_private(home: Path) -> None:
    """And no draft is left behind."""
    write_cached("grammar", "key", b"body")
    assert folder(home).stat().st_mode & 0o777 == 0o700
    assert [p.name for p in folder(home).iterdir()] == ["grammar"]
    assert (folder(home) / "grammar").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_can_write_to_is_not_used(home: Path) -> None:
    """Nor one that is a link, or no folder."""
    write_cached("grammar", "key", b"body")
    folder(home).chmod(0o777)
    assert read_cached("grammar", "key") is None
    folder(home).chmod(0o700)
    elsewhere = home / "elsewhere"
    folder(home).rename(elsewhere)
    folder(home).symlink_to(elsewhere)
    assert read_cached("grammar", "key") is None
    folder(home).unlink()
    folder(home).write_text("")
    assert read_cached("grammar", "key") is None
    write_cached("grammar", "key", b"body")


def test_torn_files_are_not_read(home: Path) -> None:
    """Whatever their length, and whichever byte is wrong."""
    write_cached("grammar", "key", b"body")
    path = folder(home) / "grammar"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_cached("grammar", "key") is None
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert read_cached("grammar", "key") is None


def test_parsing_needs_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home, with one that can't be written, and with a torn file, silently."""
    assert parse_elsewhere() == "1 0\n"
    (saved,) = folder(home).iterdir()
    assert parse_elsewhere() == "1 0\n"
    saved.write_bytes(saved.read_bytes()[:1000])
    assert parse_elsewhere() == "1 0\n"
    assert len(saved.read_bytes()) > 1000
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/nowhere")
    assert parse_elsewhere() == "1 0\n"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/dev/null")
    assert parse_elsewhere() == "1 0\n"


def test_processes_that_start_at_once_disturb_nobody(home: Path) -> None:
    """All of them parse, and one whole file is left."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(4)
    ]
    assert [process.communicate()[0] for process in started] == [b"1 0\n"] * 4
    assert len(list(folder(home).iterdir())) == 1
