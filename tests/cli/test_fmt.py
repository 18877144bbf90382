"""`orch fmt`, from outside: what is rewritten, what is left alone, what is told, exit codes."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from orch.cli.main import main
from orch.dsl import formatter
from orch.dsl.canonical import canonical_text
from orch.dsl.tree import SyntaxTree
from tests.cli.orch_program import ORCH, orch

LOOSE = 'stage a{run="true"  }  # c\nstage b{run="true"}\n'
TIDY = 'stage a { run = "true" }  # c\nstage b { run = "true" }\n'
BROKEN = "stage a { run = [1 }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`loose`, `tidy` and `broken`, and a file that is no pipeline, in a project of their own."""
    (tmp_path / ".git").mkdir()
    for name, text in (("loose", LOOSE), ("tidy", TIDY), ("broken", BROKEN)):
        (tmp_path / f"{name}.pipeline").write_bytes(text.encode())
    (tmp_path / "notes.txt").write_text(LOOSE, encoding="utf-8")
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_file_is_rewritten_and_named(folder: Path) -> None:
    """One line for each file that changed; then there is nothing to do."""
    done = orch("fmt", "loose.pipeline", "tidy.pipeline", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "formatted loose.pipeline\n", "")
    assert texts(folder)["loose.pipeline"] == TIDY
    done = orch("fmt", "loose.pipeline", "tidy.pipeline", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "nothing to format in 2 files\n")
    assert orch("fmt", "-q", "tidy.pipeline", cwd=folder).stdout == ""


def test_a_file_keeps_its_mode_and_a_tidy_one_is_not_touched(folder: Path) -> None:
    """And no other file appears beside them."""
    loose, tidy = folder / "loose.pipeline", folder / "tidy.pipeline"
    loose.chmod(0o755)
    before = tidy.stat().st_ino, tidy.stat().st_mtime_ns
    names = sorted(texts(folder))
    assert orch("fmt", "loose.pipeline", "tidy.pipeline", cwd=folder).returncode == 0
    assert stat.S_IMODE(loose.stat().st_mode) == 0o755
    assert (tidy.stat().st_ino, tidy.stat().st_mtime_ns) == before
    assert sorted(texts(folder)) == names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_keeps_its_owner(folder: Path) -> None:
    """Root in a container formats the files of somebody outside of it."""
    os.chown(folder / "loose.pipeline", 12345, 54321)
    assert orch("fmt", "loose.pipeline", cwd=folder).returncode == 0
    known = (folder / "loose.pipeline").stat()
    assert (known.st_uid, known.st_gid) == (12345, 54321)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
def test_a_file_that_is_read_only_is_left_alone(folder: Path) -> None:
    """Though its folder would let us replace it."""
    (folder / "loose.pipeline").chmod(0o444)
    done = orch("fmt", "loose.pipeline", cwd=folder)
    assert done.returncode == 3
    assert "loose.pipeline: permission denied" in done.stderr
    assert texts(folder)["loose.pipeline"] == LOOSE


def test_broken_files_are_left_and_told_and_the_others_are_done(folder: Path) -> None:
    """Diagnostics as `check` draws them, but on stderr; exit 2."""
    (folder / "not-text.pipeline").write_bytes(b"\xff\n")
    done = orch("fmt", "broken.pipeline", "not-text.pipeline", "gone.pipeline", "loose.pipeline",
                cwd=folder)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "formatted loose.pipeline\n")
    assert "error[E0102]: `[` is never closed\n --> broken.pipeline:1:17" in done.stderr
    assert "error[E0002]: the file is not UTF-8" in done.stderr
    assert "error[E0001]: `gone.pipeline` can't be read: there is no such file" in done.stderr
    assert "3 errors in 3 files\n" in done.stderr
    assert done.stderr.endswith("they were not formatted\n")
    assert (folder / "broken.pipeline").read_text() == BROKEN
    assert (folder / "not-text.pipeline").read_bytes() == b"\xff\n"


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [(("--check",), 1), (("--diff",), 0), (("--check", "--diff"), 1)],
    ids=["check", "diff", "both"],
)
def test_check_and_diff_write_nothing(words: tuple[str, ...], exit_code: int, folder: Path) -> None:
    """Only --check fails, with 1, where a file would change; errors count for more."""
    before = texts(folder)
    assert orch("fmt", *words, "loose.pipeline", cwd=folder).returncode == exit_code
    assert orch("fmt", *words, "tidy.pipeline", cwd=folder).returncode == 0
    assert orch("fmt", *words, ".", cwd=folder).returncode == 2
    assert texts(folder) == before


def test_check_names_what_would_change(folder: Path) -> None:
    done = orch("fmt", "--check", "loose.pipeline", "tidy.pipeline", cwd=folder)
    assert done.stdout == "would format loose.pipeline\n"


def test_a_diff_can_be_applied(folder: Path) -> None:
    """Also where the last line had no end, and nothing else is on stdout."""
    (folder / "open.pipeline").write_bytes(b"\xef\xbb\xbfstage a{}\r\n# c\r\n#d")
    done = orch("fmt", "--diff", "loose.pipeline", "open.pipeline", "tidy.pipeline", cwd=folder,
                env={"LC_ALL": "C"})  # fmt: skip
    assert done.stdout.startswith("--- loose.pipeline\n+++ loose.pipeline\n@@ -1,2 +1,2 @@\n-stage")
    # As bytes: text would lose the carriage returns.
    (folder / "diff").write_bytes(
        subprocess.run(
            [*ORCH, "fmt", "--diff", "loose.pipeline", "open.pipeline"],
            cwd=folder, stdout=subprocess.PIPE, check=True,
        ).stdout
    )  # fmt: skip
    subprocess.run(["git", "apply", "-p0", "--unsafe-paths", "diff"], cwd=folder, check=True)
    assert texts(folder)["loose.pipeline"] == TIDY
    assert (folder / "open.pipeline").read_bytes() == b"stage a { }\n# c\n#d\n"


def test_a_folder_stands_for_the_pipelines_below_it(folder: Path) -> None:
    """Neither hidden folders, nor links, nor other files; a folder without any is no error."""
    deep = folder / "sub" / "deep"
    deep.mkdir(parents=True)
    (folder / ".git" / "x.pipeline").write_text(LOOSE)
    (deep / "x.pipeline").write_text(LOOSE)
    (folder.parent / "outside.pipeline").write_text(LOOSE)
    (deep / "link.pipeline").symlink_to(folder.parent / "outside.pipeline")
    (deep / "loop").symlink_to(folder)
    (folder / "empty").mkdir()
    done = orch("fmt", "sub", "sub/deep", "empty", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "formatted sub/deep/x.pipeline\n")
    assert (folder.parent / "outside.pipeline").read_text() == LOOSE
    assert (folder / ".git" / "x.pipeline").read_text() == LOOSE
    done = orch("fmt", "empty", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "there are no files that end in .pipeline\n")


def test_a_link_that_is_named_stays_and_its_file_is_formatted(folder: Path) -> None:
    """Wherever it leads, also out of the project."""
    target = folder.parent / "elsewhere.txt"
    target.write_text(LOOSE)
    (folder / "link.pipeline").symlink_to(target)
    assert orch("fmt", "link.pipeline", cwd=folder).returncode == 0
    assert (folder / "link.pipeline").is_symlink()
    assert target.read_text() == TIDY


def test_files_outside_the_project_are_formatted_too(folder: Path) -> None:
    """Text needs no project; diagnostics name such a file as it was given."""
    outside = folder.parent / "outside.pipeline"
    outside.write_text(LOOSE)
    words = ("fmt", "../outside.pipeline")
    assert orch(*words, cwd=folder).stdout == "formatted ../outside.pipeline\n"
    outside.write_text(BROKEN)
    assert " --> ../outside.pipeline:1:17" in orch(*words, cwd=folder).stderr


def test_what_is_no_file_is_an_error_and_nothing_waits_for_it(folder: Path) -> None:
    """A FIFO is not opened for good, and no name is too strange."""
    os.mkfifo(folder / "fifo.pipeline")
    (folder / "loop").symlink_to("loop")
    for name in ("fifo.pipeline", "loop", "x" * 300, "tidy.pipeline/x", "/dev/null"):
        done = orch("fmt", name, cwd=folder)
        assert (done.returncode, done.stdout) == (2, ""), name
        assert "error[E0001]" in done.stderr


def orch_fed(data: bytes, *words: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """`orch fmt` with something on its standard input."""
    return subprocess.run(
        [*ORCH, "fmt", *words],
        input=data, cwd=cwd, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_standard_input_is_formatted_to_standard_output(folder: Path) -> None:
    """To the byte, and a tidy text too; nothing else is written."""
    for text in (LOOSE, TIDY):
        done = orch_fed(text.encode(), "-", cwd=folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, TIDY.encode(), b"")
    assert orch_fed(b"", "-", cwd=folder).stdout == b""
    assert orch_fed(b"# \xc3\xa9", "-", cwd=folder).stdout == b"# \xc3\xa9\n"


def test_broken_standard_input_writes_nothing_to_standard_output(folder: Path) -> None:
    """An editor that takes what it gets must not get half a file."""
    done = orch_fed(BROKEN.encode(), "-", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b" --> <stdin>:1:17" in done.stderr


def test_standard_input_can_be_checked_and_compared(folder: Path) -> None:
    assert orch_fed(LOOSE.encode(), "--check", "-", cwd=folder).returncode == 1
    assert orch_fed(TIDY.encode(), "--check", "-", cwd=folder).returncode == 0
    done = orch_fed(LOOSE.encode(), "--diff", "-", cwd=folder)
    assert (done.returncode, done.stdout[:12]) == (0, b"--- <stdin>\n")


def test_json_is_one_document(folder: Path) -> None:
    """Diagnostics as for every command, and what changed; paths from the root."""
    (folder / "sub").mkdir()
    done = orch("fmt", "../loose.pipeline", "../broken.pipeline", "--format", "json",
                cwd=folder / "sub")  # fmt: skip
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert set(document) == {"diagnostics", "changed", "failures"}
    assert (document["changed"], document["failures"]) == (["loose.pipeline"], [])
    assert [(d["code"], d["path"]) for d in document["diagnostics"]] == [
        ("E0102", "broken.pipeline")
    ]
    done = orch("fmt", "tidy.pipeline", "loose.pipeline", "--check", "--format", "json", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)["changed"]) == (0, [])
    fed = orch_fed(LOOSE.encode(), "-", "--diff", "--format", "json", cwd=folder)
    document = json.loads(fed.stdout)
    assert (document["formatted"], document["changed"]) == (TIDY, ["<stdin>"])
    assert document["diff"].startswith("--- <stdin>\n")


@pytest.mark.parametrize("words", [(), ("--check",), ("-", "x.pipeline")])
def test_words_that_make_no_sense_are_refused(words: tuple[str, ...], folder: Path) -> None:
    """No FILE is not every file, and standard input stands alone."""
    before = texts(folder)
    done = orch("fmt", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert ("orch fmt ." in done.stderr) is ("-" not in words)
    assert texts(folder) == before


def test_a_bug_of_the_formatter_harms_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is told as a bug, with exit 3, and the next file is formatted."""

    def careless_text(tree: SyntaxTree) -> str:
        return canonical_text(tree).replace("# d", "")

    monkeypatch.setattr(formatter, "canonical_text", careless_text)
    monkeypatch.chdir(folder)
    (folder / "first.pipeline").write_text("stage a{} # d\n")
    assert main(["fmt", "first.pipeline", "loose.pipeline"]) == 3
    out, err = capfd.readouterr()
    assert out == "formatted loose.pipeline\n"
    assert "`first.pipeline` would say something else" in err
    assert "this is a bug of orch" in err
    assert texts(folder)["first.pipeline"] == "stage a{} # d\n"
    assert texts(folder)["loose.pipeline"] == TIDY
