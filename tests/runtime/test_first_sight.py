"""A sight over real files: it tells what its record tells, or nothing."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orch.runtime.first_sight import Sight, is_as_seen, sight_of
from orch.runtime.listings import NOTHING, Listing, Places, UnreadableError, first_look
from orch.runtime.listings import take_listing as take_any
from tests.runtime.test_listings import meddle

HEAD = ("plan", "needs", "run", "key")


def take(root: Path, *patterns: str, known: Listing = NOTHING) -> Listing:
    places = Places(os.path.realpath(root), ".runs", "out")
    return take_any(places, ".", patterns, known, lambda: False)


def sight(listing: Listing, **other: Any) -> Sight:
    record = {**dict(zip(HEAD, HEAD, strict=True)), "inputs": listing, "outputs": NOTHING}
    return sight_of({**record, "values": {}, **other})


def is_same(root: Path, seen: Sight) -> bool:
    return is_as_seen(os.path.realpath(root), seen[len(HEAD) :])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of sources that are old enough for their times to tell."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").write_text("a")
    time.sleep(0.1)
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "src/new.c").write_text(""),
        lambda root: (root / "src/a.c").unlink(),
        lambda root: (root / "src/a.c").chmod(0o755),
        lambda root: os.utime(root / "src/a.c", (9, 9)),
        lambda root: (root / "src").rename(root / "sources"),
    ],
)
def test_a_file_or_folder_that_changed_is_seen(
    root: Path, change: Callable[[Path], object]
) -> None:
    """New, gone, of another mode, touched, elsewhere."""
    seen = sight(take(root, "src/*.c"))
    assert seen[:4] == list(HEAD)
    assert is_same(root, seen)
    change(root)
    assert not is_same(root, seen)


@pytest.mark.parametrize(
    "other",
    [{"values": {"n": 1}}, {"needs": None}, {"outputs": None}, {"run": "a\tb"}, {"key": "\ud800"}],
)
def test_what_times_alone_cannot_tell_has_no_sight(root: Path, other: dict[str, Any]) -> None:
    """Values, a need that failed, outputs nobody knows, and texts that would break a line."""
    assert sight(take(root, "src/*.c"))
    assert not sight(take(root, "src/*.c"), **other)


def test_what_was_too_young_or_not_there_has_no_sight(root: Path) -> None:
    """The record is read, and says what is to be looked at."""
    assert not sight(take(root, "src/*.c", "flags"))
    young = take(root, "src/a.c")
    young["files"][0][4:] = 0, 0, 0
    assert not sight(young)


@pytest.mark.parametrize("seed", range(10))
def test_a_sight_never_says_more_than_its_record(tmp_path: Path, seed: int) -> None:
    """Whatever is done to files, folders and links; and it does say something."""
    random = Random(seed)
    names = ["src/a.c", "src/b.c", "src/sub/c.c", "src/sub", "notes", "other", "logs"]
    (tmp_path / "src/sub").mkdir(parents=True)
    listing, times_same = take(tmp_path, "src/**/*.c"), 0
    for _ in range(60):
        try:
            meddle(tmp_path / random.choice(names), tmp_path / random.choice(names), random)
        except OSError:
            continue
        seen = sight(listing)
        if seen and is_same(tmp_path, seen):
            times_same += 1
            assert first_look(os.path.realpath(tmp_path), listing) is listing
        try:
            listing = take(tmp_path, "src/**/*.c", known=listing)
        except UnreadableError:
            continue
        if random.random() < 0.3:
            time.sleep(0.06)
            listing = take(tmp_path, "src/**/*.c", known=listing)
    assert times_same
