"""Listings over real files: what a look notices, and that a first look never says too much."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from orch.runtime.listings import (
    NOTHING,
    Listing,
    Places,
    UnreadableError,
    differences,
    digest_of,
    first_look,
    take_listing,
)
from orch.runtime.output_cache import OutputCache

PATTERNS = ("src/**/*.c", "flags", "lib/*", "!src/old*")


def never() -> bool:
    return False


def take(root: Path, known: Listing = NOTHING) -> Listing:
    places = Places(os.path.realpath(root), ".runs", "out")
    return take_listing(places, ".", PATTERNS, known, never)


def look(root: Path, listing: Listing) -> Listing | None:
    return first_look(os.path.realpath(root), listing)


def test_what_is_too_young_to_tell_is_read_again(tmp_path: Path) -> None:
    """A file written just before it was read might be changed within the same instant: its times
    count only once they are older than the look."""
    flags = tmp_path / "flags"
    flags.write_text("1")
    # Younger than any look, however long this machine takes for one.
    os.utime(flags, (time.time() + 3600,) * 2)
    young = take(tmp_path)
    assert young["files"][0][4:] == [0, 0, 0]
    os.utime(flags, (9.5, 9.5))
    time.sleep(0.1)
    settled = take(tmp_path, young)
    assert all(settled["files"][0][4:])
    assert settled["files"][0][:3] == young["files"][0][:3]
    assert look(tmp_path, settled) is settled


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "src/new.c").write_text(""),
        lambda root: (root / "src/a.c").unlink(),
        lambda root: (root / "src/a.c").rename(root / "src/b.c"),
        lambda root: (root / "src/a.c").chmod(0o755),
        lambda root: os.utime(root / "src/a.c", (9, 9)),
        lambda root: (root / "flags").write_text(""),
        lambda root: (root / "lib").mkdir(),
        lambda root: (root / "src").rename(root / "sources"),
    ],
)
def test_a_first_look_leaves_to_others_what_it_cannot_tell(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """New, gone, renamed, touched, and what was named and not there."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").write_text("a")
    time.sleep(0.1)
    listing = take(tmp_path)
    assert look(tmp_path, listing) is listing
    change(tmp_path)
    assert look(tmp_path, listing) is None


def meddle(path: Path, other: Path, random: Random) -> None:
    """One of the things that are done to a path; raises OSError where it can't be."""
    match random.randrange(7):
        case 0 | 1 | 2:
            path.write_text(random.choice("xy"))
        case 3:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        case 4:
            path.mkdir()
        case 5:
            path.symlink_to(other)
        case 6:
            path.chmod(random.choice((0o755, 0o644)))


@pytest.mark.parametrize("seed", range(20))
def test_a_first_look_never_says_that_nothing_changed_where_it_has(
    tmp_path: Path, seed: int
) -> None:
    """Whatever is done to files, folders and links, and however soon after the last look."""
    random = Random(seed)
    names = ["src/a.c", "src/b.c", "src/sub/c.c", "src/old.c", "flags", "lib/x", "lib", "src/sub"]
    (tmp_path / "src/sub").mkdir(parents=True)
    listing = take(tmp_path)
    for _ in range(60):
        path = tmp_path / random.choice(names)
        try:
            meddle(path, tmp_path / random.choice(names), random)
        except OSError:
            continue
        seen = look(tmp_path, listing)
        try:
            now = take(tmp_path, listing)
        except UnreadableError:
            # A folder, or a link to one, stands where a pattern names a file: never unchanged.
            assert seen is None, (path, seen)
            continue
        from_scratch = take(tmp_path)
        assert digest_of(now) == digest_of(from_scratch)
        assert (digest_of(now) == digest_of(listing)) == (not differences(listing, now))
        if seen is not None:
            assert digest_of(seen) == digest_of(from_scratch), (path, seen, from_scratch)
        listing = now if random.random() < 0.7 else listing
        if random.random() < 0.1:
            time.sleep(0.06)


def test_files_of_orchs_own_are_nobodys_inputs(tmp_path: Path) -> None:
    """A pattern that means everything doesn't mean what each run writes."""
    for name in ("out/demo/state.json", "out/demo/report.txt", ".runs/demo/x", ".orch/y", "z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    places = Places(str(tmp_path), ".runs", "out")
    found = take_listing(places, ".", ("**", ".runs/**", ".orch/*"), NOTHING, never)
    assert [row[0] for row in found["files"]] == ["out/demo/report.txt", "z"]


def test_nothing_is_restored_through_a_link(tmp_path: Path) -> None:
    """Nor anything but what was promised; a file comes back whole or not at all."""
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "lib/x").write_text("content")
    (row,) = take(root)["files"]
    cache = OutputCache(str(root))
    assert cache.keep(row[0], row[1], never) == len("content")
    assert cache.keep(row[0], row[1], never) == 0
    (root / "lib/x").write_text("other")
    restored = cache.restore(row, never)
    assert restored is not None
    assert restored[:3] == row[:3]
    outside = tmp_path / "outside"
    (root / "lib").rename(outside)
    (root / "lib").symlink_to(outside)
    (outside / "x").write_text("theirs")
    assert cache.restore(row, never) is None
    assert cache.restore(["../outside/x", *row[1:]], never) is None
    assert (outside / "x").read_text() == "theirs"
    assert [path.name for path in outside.iterdir()] == ["x"]
