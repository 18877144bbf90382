"""A file on the command line has one path in its project, however it is written."""

import os
from pathlib import Path

import pytest

from orch.cli.failure import CommandError
from orch.cli.project import find_root, named_pipelines, nearest_root, relative_path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project with a folder, in which we stand, and links in it and out of it."""
    (tmp_path / "project/sub/deep").mkdir(parents=True)
    (tmp_path / "project/pipelines").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project/within").symlink_to("sub/deep")
    (tmp_path / "project/out").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "project/sub")
    return os.path.realpath(tmp_path / "project")


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a.pipeline", "sub/a.pipeline"),
        ("./deep//a", "sub/deep/a"),
        ("../a", "a"),
        ("../sub/../a", "a"),
        ("deep/", "sub/deep"),
        ("deep/.", "sub/deep"),
        (".", "sub"),
        ("..", "."),
        ("../within/a", "sub/deep/a"),
        ("../out", "out"),
        ("../..a", "..a"),
        ("\udcff", "sub/\udcff"),
    ],
)
def test_a_path_is_seen_from_the_root(root: str, written: str, path: str) -> None:
    """Links above the file are resolved, its own name is kept."""
    assert relative_path(root, written) == path
    assert relative_path(root, os.path.join(os.getcwd(), written)) == path


@pytest.mark.parametrize("written", ["../../a", "../..", "/", "../out/a", "../../project-x/a"])
def test_what_lies_outside_is_refused(root: str, written: str) -> None:
    with pytest.raises(CommandError, match="outside the project root"):
        relative_path(root, written)


def test_the_root_is_the_nearest_folder_with_a_sign(root: str) -> None:
    """None at all: then it is the folder itself."""
    assert nearest_root(f"{root}/sub/deep") == root
    assert find_root(None, {}) == root
    assert nearest_root("/") == "/"
    assert relative_path("/", "a") == f"{root}/sub/a"[1:]


def test_a_pipeline_has_the_name_of_its_file(root: str) -> None:
    """Nothing else in the folder has one."""
    for name in ("b.c.pipeline", "a.pipeline", ".pipeline", "x.txt", "pipeline"):
        Path(root, "pipelines", name).touch()
    assert sorted(named_pipelines(root)) == ["a", "b.c"]
    assert named_pipelines(f"{root}/sub") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "`nowhere`, which is no folder"),
        ("file", "`file`, which is no folder"),
        ("file/below", "`file/below`, which is no folder"),
        ("a\0b", "which is no folder"),
        ("x" * 300, "x`: file name too long"),
    ],
)
def test_a_root_that_is_none_is_refused_with_the_reason(root: str, name: str, words: str) -> None:
    Path("file").touch()
    with pytest.raises(CommandError, match="--root names") as refused:
        find_root(name, {})
    assert words in refused.value.message
