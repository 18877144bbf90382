"""Durable files: old content or new, never between; nothing but regular files is touched."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.dsl.json_text import canonical_json
from orch.runtime.files import (
    StorageError,
    json_line,
    make_folder,
    read_file,
    remove_temporaries,
    replace_file,
    temporary_path,
)
from tests.runtime.samples import exit_code_of, forked


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    replace_file(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names_in(tmp_path) == ["f"]


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "f").symlink_to(victim)
    replace_file(str(tmp_path / "f"), b"new")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "f").read_bytes() == b"new"
    assert not (tmp_path / "f").is_symlink()


def test_reading_refuses_links_and_never_waits_for_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "link", "folder"):
        with pytest.raises(StorageError, match=f"can't read .*{name}"):
            read_file(str(tmp_path / name))
    assert read_file(str(tmp_path / "missing")) is None


def test_a_failed_replacement_leaves_the_old_content_and_no_rubbish(small_disk: Path) -> None:
    """On a full disk: the message says which file, why, and what to do."""
    path = small_disk / "f"
    replace_file(str(path), b"old")
    with pytest.raises(StorageError, match="no space left on device; free some space") as caught:
        replace_file(str(path), b"x" * 200_000)
    assert caught.value.errno == errno.ENOSPC
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names_in(small_disk) == ["f"]


def test_a_read_only_file_system_is_said_so(small_disk: Path) -> None:
    path = small_disk / "f"
    replace_file(str(path), b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="mounted read-only"):
        replace_file(str(path), b"new")
    with pytest.raises(StorageError, match="mounted read-only"):
        make_folder(str(small_disk / "folder"))
    assert read_file(str(path)) == b"old"


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [".state.json.x.1.tmp", ".state.json.1.tmpx", "state.json.1.2.tmp", ".tmp", ".heartbeat"]
    for name in (*kept, ".state.json.12.3.tmp", ".manifest.json.12.3.tmp"):
        (tmp_path / name).touch()
    remove_temporaries(str(tmp_path), ".state.json.")
    assert names_in(tmp_path) == sorted([*kept, ".manifest.json.12.3.tmp"])
    remove_temporaries(str(tmp_path))
    remove_temporaries(str(tmp_path / "missing"))
    assert names_in(tmp_path) == sorted(kept)


def test_without_descriptors_the_error_says_so(tmp_path: Path) -> None:
    def body() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        with pytest.raises(StorageError, match="too many open files; raise the limit") as caught:
            replace_file(str(tmp_path / "f"), b"x")
        assert caught.value.path == str(tmp_path / "f")

    assert exit_code_of(forked(body)) == 0


def test_a_folder_or_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder/inside").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"can't replace .*/folder: is a directory"):
        replace_file(str(tmp_path / "folder"), b"x")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        make_folder(str(tmp_path / "file"))
    with pytest.raises(StorageError, match="not a directory"):
        make_folder(str(tmp_path / "file/below"))
    with pytest.raises(StorageError, match="not a directory"):
        replace_file(str(tmp_path / "file/below"), b"x")
    assert names_in(tmp_path) == ["file", "folder"]


def test_a_temporary_name_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    """It may be that of a process with our pid in another container."""
    name, _, count = (
        Path(temporary_path(str(tmp_path / "f"))).name.removesuffix(".tmp").rpartition(".")
    )
    taken = tmp_path / f"{name}.{int(count) + 1}.tmp"
    taken.write_bytes(b"theirs")
    replace_file(str(tmp_path / "f"), b"x")
    assert taken.read_bytes() == b"theirs"
    assert (tmp_path / "f").read_bytes() == b"x"


def test_readers_see_the_old_content_or_the_new(tmp_path: Path) -> None:
    """While another process replaces the file as fast as it can, until it is killed."""
    path = tmp_path / "f"
    replace_file(str(path), b"a" * 10_000)

    def replace_forever() -> None:
        while True:
            replace_file(str(path), b"b" * 10_000)
            replace_file(str(path), b"a" * 10_000)

    writer = forked(replace_forever)
    seen = {
        (content := read_file(str(path)) or b"")[:1] + b"%d" % len(content) for _ in range(3000)
    }
    os.kill(writer, signal.SIGKILL)
    assert exit_code_of(writer) == -signal.SIGKILL
    assert seen <= {b"a10000", b"b10000"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_a_line_is_canonical_json(value: Any) -> None:
    line = json_line(value)
    assert line == canonical_json(value).encode() + b"\n"
    assert line.count(b"\n") == 1
    assert json.loads(line) == value


@given(st.text(st.characters(codec=None), max_size=30))
def test_lone_surrogates_never_stop_a_writer(text: str) -> None:
    """They become U+FFFD; all other characters stay."""
    mixed = "x\ud800-" + text + "-\udcff"
    read = json.loads(json_line({"k": mixed}).decode())["k"]
    assert read.startswith("x\ufffd-")
    assert read.endswith("\ufffd")
    assert not any("\ud800" <= character <= "\udfff" for character in read)


def test_make_folder_makes_all_that_is_missing_and_minds_nothing_there(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a/b/c"))
    make_folder(str(tmp_path / "a/b/c"))
    assert (tmp_path / "a/b/c").is_dir()


def test_folders_made_by_many_at_once_are_there_for_all(tmp_path: Path) -> None:
    """Whoever finds a parent missing that somebody else makes meanwhile goes on with it."""
    go, start = os.pipe()

    def make_all() -> None:
        os.read(go, 1)
        for number in range(300):
            make_folder(str(tmp_path / f"{number}/b/c"))

    children = [forked(make_all) for _ in range(8)]
    os.write(start, b"x" * 8)
    assert [exit_code_of(child) for child in children] == [0] * 8
