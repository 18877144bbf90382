"""The plan cache against what befalls files: damage, strangers in its place, full disks, crowds."""

import multiprocessing
import os
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import orch.compiler.plan_cache
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan_cache import FOLDER, MOST_ENTRIES, cached_plan, store_compilation
from orch.compiler.request import Request
from tests.compiler.cached_plans import entry, stored

MAIN = """\
pipeline demo { }
param number: int = 0
let unused = 1
stage each { run = "echo {{ number }}" matrix { suite = ["unit", "db"] } }
stage last { needs = [each] run = "true" }
"""
REQUEST = Request()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one pipeline."""
    (tmp_path / "main.pipeline").write_text(MAIN)
    return tmp_path


def numbered(number: int) -> Request:
    return replace(REQUEST, arguments={"number": str(number)})


def sealed(body: bytes) -> bytes:
    """An entry of any content whose digest holds."""
    return sha256(body).hexdigest().encode() + b"\n" + body


def test_every_damaged_byte_makes_an_entry_worthless(root: Path) -> None:
    """Cut, changed, emptied or replaced by rubbish: no plan, and no exception."""
    plan = stored(root, REQUEST)
    file = entry(root)
    good = file.read_bytes()
    damaged = [good[:cut] for cut in range(0, len(good), 97)]
    damaged += [
        good[:at] + bytes([good[at] ^ 0x01]) + good[at + 1 :] for at in range(0, len(good), 7)
    ]
    damaged += [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"entry": 3, "digest": ""}',
        *(sealed(body) for body in (b"", b"null", b"{}\n{}", b"[" * 100_000 + b"\n", b"1" * 9999)),
    ]
    for data in damaged:
        file.write_bytes(data)
        assert cached_plan(str(root), "main.pipeline", REQUEST) is None, data[:80]
    file.write_bytes(good)
    assert cached_plan(str(root), "main.pipeline", REQUEST) == plan


def leave_nothing(file: Path) -> None:
    file.unlink()


def put_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def put_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def put_a_link_to_nowhere(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def put_a_link_to_a_device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def put_another_entry(file: Path) -> None:
    root = file.parents[3]
    stored(root, numbered(7))
    for other in file.parent.glob("*.json"):
        if other != file:
            shutil.copyfile(other, file)


@pytest.mark.parametrize(
    "change",
    [
        leave_nothing,
        put_a_folder,
        put_a_pipe,
        put_a_link_to_nowhere,
        put_a_link_to_a_device,
        put_another_entry,
    ],
)
def test_what_stands_in_the_place_of_an_entry_is_no_entry(
    root: Path, change: Callable[[Path], None]
) -> None:
    """Neither does it hang, nor fail, nor answer; and storing anew never writes through it."""
    plan = stored(root, REQUEST)
    change(entry(root))
    assert cached_plan(str(root), "main.pipeline", REQUEST) is None
    stored(root, REQUEST)
    assert not (root / FOLDER / "nowhere").exists()
    kept = cached_plan(str(root), "main.pipeline", REQUEST)
    assert kept == plan or (change is put_a_folder and kept is None)


def test_a_cache_that_leads_out_of_the_project_is_not_written(root: Path, tmp_path: Path) -> None:
    """A link in the place of a folder of it, say."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (root / ".orch").symlink_to(outside)
    stored(root, REQUEST)
    assert not list(outside.iterdir())


def test_a_cache_that_can_not_be_written_is_left_alone(root: Path) -> None:
    """A file where the folder should be stops nobody."""
    (root / ".orch").write_text("in the way")
    stored(root, REQUEST)
    assert cached_plan(str(root), "main.pipeline", REQUEST) is None


def test_the_cache_stays_small(root: Path) -> None:
    """The oldest entries go, whatever was left half written too."""
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / ".left.json.1.0").write_text("half")
    for number in range(MOST_ENTRIES + 5):
        stored(root, numbered(number))
    assert len(list((root / FOLDER).iterdir())) == MOST_ENTRIES
    newest = numbered(MOST_ENTRIES + 4)
    assert cached_plan(str(root), "main.pipeline", newest) is not None


def write_often(root: Path) -> None:
    compilation = compile_pipeline(str(root), "main.pipeline", REQUEST)
    for _ in range(30):
        store_compilation(str(root), "main.pipeline", REQUEST, compilation)


def test_writers_at_once_leave_a_whole_entry(root: Path) -> None:
    """Readers see the plan or nothing while several processes write the same entry."""
    plan = stored(root, REQUEST)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_often, args=(root,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert cached_plan(str(root), "main.pipeline", REQUEST) == plan
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert [path.suffix for path in (root / FOLDER).iterdir()] == [".json"]


def store_with_little_space(root: Path) -> None:
    # A file that can't grow fails like one on a full disk, half written.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    stored(root, REQUEST)


def test_an_entry_that_finds_no_space_leaves_nothing_behind(root: Path) -> None:
    """What was written of it goes, and the compilation is none the worse."""
    worker = multiprocessing.get_context("spawn").Process(
        target=store_with_little_space, args=(root,)
    )
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert not list((root / FOLDER).iterdir())


def test_the_cache_keeps_to_a_number_of_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few large entries go as many small ones do, and what can't go stops nobody."""
    stored(root, REQUEST)
    size = entry(root).stat().st_size
    (root / FOLDER / "folder").mkdir()
    os.utime(root / FOLDER / "folder", (0, 0))
    monkeypatch.setattr(orch.compiler.plan_cache, "MOST_BYTES", 3 * size)
    for number in range(10):
        stored(root, numbered(number))
    assert len(list((root / FOLDER).glob("*.json"))) < 4
    assert cached_plan(str(root), "main.pipeline", numbered(9)) is not None


def store_many(root: Path, first: int) -> None:
    for number in range(first, first + 25):
        stored(root, numbered(number))
        assert cached_plan(str(root), "main.pipeline", numbered(-1)) is None


def test_writers_of_many_entries_remove_each_others_in_peace(root: Path) -> None:
    """Together they write far more than is kept; none of them fails, and all are whole."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=store_many, args=(root, n * 1000)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    left = list((root / FOLDER).iterdir())
    assert MOST_ENTRIES - 2 <= len(left) <= MOST_ENTRIES + 2
    for file in left:
        digest, _, body = file.read_bytes().partition(b"\n")
        assert sha256(body).hexdigest().encode() == digest
