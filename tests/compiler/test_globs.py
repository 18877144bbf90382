"""Patterns of file names: what they match, and what they refuse."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.compiler.globs import GlobError, find_files, missing_files, split_pattern

FILES = ("a.py", "b.txt", ".hidden.py", "src/x.py", "src/deep/y.py", "src/.git/z.py", "zoë.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with files at several depths, hidden ones among them."""
    for name in FILES:
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).touch()
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", ("a.py", "zoë.py")),
        (".*.py", (".hidden.py",)),
        ("**/*.py", ("a.py", "src/deep/y.py", "src/x.py", "zoë.py")),
        ("**", ("a.py", "b.txt", "src/deep/y.py", "src/x.py", "zoë.py")),
        ("src/**", ("src/deep/y.py", "src/x.py")),
        ("**/**/y.py", ("src/deep/y.py",)),
        ("src/*", ("src/x.py",)),
        ("src/*/*", ("src/deep/y.py",)),
        ("./src/../a.py", ("a.py",)),
        ("[ab].*", ("a.py", "b.txt")),
        ("[!a].*", ("b.txt",)),
        ("[a-c]?[py]y", ("a.py",)),
        ("?.py", ("a.py",)),
        ("zo?.py", ("zoë.py",)),
        ("none/*", ()),
        ("a.py/x", ()),
        ("src", ()),
    ],
)
def test_a_pattern_finds_sorted_files(root: Path, pattern: str, found: tuple[str, ...]) -> None:
    """Files only, in order, hidden ones only where the pattern says the dot."""
    assert find_files(str(root), pattern) == found


@pytest.mark.parametrize(
    "pattern", ["", "/etc/*", "../*", "a/../../b", "**/../x", "a**", "x[", "x[]", "a\0b"]
)
def test_a_bad_pattern_is_refused(root: Path, pattern: str) -> None:
    """What leaves the root or isn't well formed is an error, not an empty answer."""
    with pytest.raises(GlobError):
        find_files(str(root), pattern)
    with pytest.raises(GlobError):
        split_pattern(pattern)


def test_links_are_not_followed_out_of_the_root(root: Path) -> None:
    """A link to a file of the project counts; one that leads out of it, or to a folder, doesn't."""
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "secret.py").touch()
    (root / "in.py").symlink_to("a.py")
    (root / "out.py").symlink_to("../outside/secret.py")
    (root / "folder").symlink_to("../outside")
    (root / "loop").symlink_to(".")
    (root / "dangling.py").symlink_to("nothing")
    assert find_files(str(root), "*.py") == ("a.py", "in.py", "zoë.py")
    assert find_files(str(root), "folder/*.py") == ()
    assert find_files(str(root), "loop/*.py") == ()


def test_many_stars_cost_no_time(root: Path) -> None:
    """A pattern that would take a backtracking matcher ages is answered at once."""
    (root / ("a" * 250)).touch()
    assert find_files(str(root), "*a" * 60 + "b") == ()


def test_a_name_that_is_no_text_is_an_error(root: Path) -> None:
    """A plan is UTF-8: a file it can't name is said, not left out."""
    os.close(os.open(os.fsencode(root) + b"/bad\xff.py", os.O_CREAT | os.O_WRONLY))
    with pytest.raises(GlobError, match="UTF-8"):
        find_files(str(root), "*.py")


@pytest.mark.parametrize(
    ("cwd", "patterns", "missing"),
    [
        (".", ("*.py", "src/**"), ()),
        (".", ("*.c", "a.py", "none/**"), ("*.c", "none/**")),
        ("src", ("*.py", "../b.txt", "deep/*"), ()),
        ("src", ("a.py", "../../x"), GlobError),
        (".", ("*.txt", "!b.txt"), ("*.txt",)),
        (".", ("!b.txt", "*.txt"), ("*.txt",)),
        (".", ("**/*.py", "!**/x.py", "!*.py"), ()),
        (".", ("**/*.py", "!**"), ("**/*.py",)),
        (".", ("!**", ".hidden.py"), ()),
        (".", ("src/*", "!src/**/y.py"), ()),
        (".", ("src",), ("src",)),
        (".", ("/etc/passwd",), GlobError),
        (".", ("!b.txt",), ()),
        ("gone", ("*",), ("*",)),
    ],
)
def test_missing_are_the_patterns_without_a_file(
    root: Path, cwd: str, patterns: tuple[str, ...], missing: tuple[str, ...] | type[GlobError]
) -> None:
    """Seen from the folder; what is excluded counts for none, whatever the order."""
    if isinstance(missing, tuple):
        assert missing_files(str(root), cwd, patterns) == missing
    else:
        with pytest.raises(missing):
            missing_files(str(root), cwd, patterns)


def test_the_name_of_the_folder_is_no_pattern(root: Path) -> None:
    """A folder may be called as a pattern is written."""
    (root / "[a]*?").mkdir()
    (root / "[a]*?" / "x").touch()
    assert missing_files(str(root), "[a]*?", ("x", "y")) == ("y",)


def test_a_folder_that_is_a_link_counts_only_inside_the_root(root: Path) -> None:
    """What lies outside the root is no output, even by the stage's own folder."""
    (root / "inside").symlink_to("src")
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "x.py").touch()
    (root / "away").symlink_to("../outside")
    assert missing_files(str(root), "inside", ("x.py",)) == ()
    assert missing_files(str(root), "away", ("x.py",)) == ("x.py",)
    assert missing_files(str(root), ".", ("away/x.py",)) == ("away/x.py",)


@given(
    st.lists(st.sampled_from(FILES), max_size=3),
    st.sampled_from(["*", "**", "?*", "src/**", "**/*.py", "src/*/*", "*/x.py", ".*", "[!a]*"]),
)
def test_a_pattern_excludes_just_what_it_finds(names: list[str], pattern: str) -> None:
    """Both ways of matching agree on every file."""
    with TemporaryDirectory() as folder:
        for name in FILES:
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).touch()
        found = find_files(str(Path(folder)), pattern)
        for name in names:
            excluded = missing_files(folder, ".", (name, f"!{pattern}")) != ()
            assert excluded == (name in found)


def test_many_double_stars_ask_each_folder_once(tmp_path: Path) -> None:
    """Twelve of them lead into the deepest of twenty-five folders in millions of ways."""
    (tmp_path / "/".join("a" * 25)).mkdir(parents=True)
    assert find_files(str(tmp_path), "**/a/" * 12 + "none") == ()
    (tmp_path / "/".join("a" * 25) / "f").touch()
    assert find_files(str(tmp_path), "**/a/" * 12 + "**/f") == ("/".join("a" * 25) + "/f",)
