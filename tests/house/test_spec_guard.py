"""spec-guard finds what it promises to find, in real git repositories."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orch.dsl.catalogue import CODES

ROOT = Path(__file__).parents[2]
GOOD = 'pipeline demo { }\n\nstage build { run = "make" }\n'
BAD = 'pipeline demo { }\n\nstage build { needs = [biuld], run = "make" }\n'


def git(repo: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    return subprocess.run(
        ["git", *identity, *words], cwd=repo, capture_output=True, text=True, check=True
    ).stdout.strip()


def commit(repo: Path, path: str, text: str) -> str:
    """Write one file, commit it, and give the commit's id."""
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", path)
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository of one commit that keeps every rule; its one error page is of our own making."""
    house = tmp_path / "house"
    house.mkdir()
    git(house, "init", "--quiet", "--initial-branch=main")
    (house / "pipelines").mkdir()
    (house / "pipelines" / "demo.pipeline").write_text(GOOD, encoding="utf-8")
    (house / "README.md").write_text(f"# Demo\n\n```pipeline\n{GOOD}```\n", encoding="utf-8")
    (house / "docs" / "errors").mkdir(parents=True)
    for code in CODES:
        (house / "docs" / "errors" / f"{code}.md").write_text(f"# {code}\n", encoding="utf-8")
    (house / "docs" / "errors" / "E0201.md").write_text(
        f"# E0201\n\n## Example\n```pipeline\n{BAD}```\n## Repair\n```pipeline\n{GOOD}```\n",
        encoding="utf-8",
    )
    cases = house / "tests" / "ui"
    cases.mkdir(parents=True)
    (cases / "all.pipeline").write_text(
        "".join(f"#~ {code} word\n" for code in CODES), encoding="utf-8"
    )
    commit(house, "runtime/first.py", "first = 1\n")
    return house


def guard(repo: Path, *flags: str, base: str | None = None) -> tuple[int, str]:
    """Exit status and everything said."""
    environment = {**os.environ, **({"BASE_SHA": base} if base is not None else {})}
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipelines" / "spec_guard.py"), *flags],
        cwd=repo, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_tidy_repository_passes_on_one_screen(repo: Path) -> None:
    """Four questions, four lines, exit 0."""
    status, said = guard(repo)
    assert (status, said.count("\n"), said.count("  ok  ")) == (0, 4, 4), said


def test_this_repository_passes() -> None:
    """The rules that hold for others hold here: nothing but a change without docs is let pass."""
    status, said = guard(ROOT, base=git(ROOT, "rev-parse", "HEAD"))
    assert status == 0, said


def test_a_pipeline_that_does_not_compile_is_found(repo: Path) -> None:
    """Also below a folder of pipelines/."""
    commit(repo, "pipelines/lib/bad.pipeline", BAD)
    status, said = guard(repo)
    assert status == 1
    assert "pipelines/lib/bad.pipeline: E0201" in said


def test_an_example_that_does_not_compile_is_found_with_its_line(repo: Path) -> None:
    """In README.md and in every page of docs/."""
    commit(repo, "docs/manual/start.md", f"# Start\n\n```pipeline\n{BAD}```\n")
    status, said = guard(repo)
    assert status == 1
    assert "docs/manual/start.md:3" in said


def test_an_error_page_whose_example_is_fine_is_found(repo: Path) -> None:
    """An example must yield its code, and a repair nothing."""
    page = f"# E0201\n\n## Example\n```pipeline\n{GOOD}```\n## Repair\n```pipeline\n{BAD}```\n"
    commit(repo, "docs/errors/E0201.md", page)
    status, said = guard(repo)
    assert status == 1
    assert "docs/errors/E0201.md:4 (Example): []" in said
    assert "(Repair): ['E0201']" in said


def test_a_code_without_page_or_test_is_found(repo: Path) -> None:
    """Both are asked for, each by itself."""
    (repo / "docs" / "errors" / "E0302.md").unlink()
    cases = repo / "tests" / "ui" / "all.pipeline"
    cases.write_text(cases.read_text(encoding="utf-8").replace("E0303", ""), encoding="utf-8")
    status, said = guard(repo)
    assert status == 1
    assert "E0302 has no page" in said
    assert "E0303 has no case in tests/ui" in said
    assert "E0302 has no case" not in said


@pytest.mark.parametrize("room", ["dsl", "compiler", "runtime"])
def test_a_change_of_a_room_alone_is_reported(repo: Path, room: str) -> None:
    """Committed or not, and known to git or not."""
    base = git(repo, "rev-parse", "HEAD")
    (repo / room).mkdir(exist_ok=True)
    (repo / room / "second.py").write_text("second = 2\n", encoding="utf-8")
    assert guard(repo, base=base)[0] == 1
    commit(repo, f"{room}/third.py", "third = 3\n")
    status, said = guard(repo, base=base)
    assert status == 1
    assert f"{room}/third.py changed, docs/ and tests/ did not" in said


@pytest.mark.parametrize("witness", ["docs/page.md", "tests/test_page.py"])
def test_a_change_with_docs_or_tests_is_fine(repo: Path, witness: str) -> None:
    """One commit or several: what counts is all that came since the base."""
    base = commit(repo, "README.md", "# Demo\n")
    commit(repo, "runtime/second.py", "second = 2\n")
    commit(repo, witness, "# Page\n")
    assert guard(repo, base=base)[0] == 0


def test_the_command_line_is_no_guarded_room(repo: Path) -> None:
    """cli/ draws; what it draws is tested where it is drawn."""
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, "cli/second.py", "second = 2\n")
    assert guard(repo, base=base)[0] == 0


def test_the_base_is_origin_main_where_none_is_given(repo: Path, tmp_path: Path) -> None:
    """Without BASE_SHA, or with an empty or a zero one, as CI sets for a new branch."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repo), str(clone))
    for base in (None, "", "0" * 40):
        assert guard(clone, base=base)[0] == 0
    commit(clone, "dsl/second.py", "second = 2\n")
    for base in (None, "", "0" * 40):
        status, said = guard(clone, base=base)
        assert status == 1
        assert "dsl/second.py changed" in said


def test_the_base_is_the_first_commit_where_there_is_no_origin(repo: Path) -> None:
    """What the first commit brought is no change."""
    assert guard(repo)[0] == 0
    commit(repo, "compiler/second.py", "second = 2\n")
    assert guard(repo)[0] == 1


def test_a_base_that_is_unknown_is_a_finding(repo: Path) -> None:
    """A misspelled base must not pass for a clean one."""
    status, said = guard(repo, base="f00f00")
    assert status == 1
    assert "BASE_SHA: f00f00 names no commit here" in said


def test_a_base_that_looks_like_a_flag_is_a_finding(repo: Path) -> None:
    """Git is never handed an option by the environment."""
    assert guard(repo, base="--output=/tmp/x")[0] == 1


def test_outside_git_the_other_questions_are_still_asked(repo: Path) -> None:
    """An unpacked sdist is no checkout."""
    shutil.rmtree(repo / ".git")
    status, said = guard(repo)
    assert status == 0
    assert "not compared" in said


def test_dry_run_reports_and_exits_0(repo: Path) -> None:
    """The same findings, another exit status."""
    commit(repo, "pipelines/bad.pipeline", BAD)
    assert guard(repo)[0] == 1
    status, said = guard(repo, "--dry-run")
    assert status == 0
    assert "pipelines/bad.pipeline: E0201" in said


@pytest.mark.parametrize("flags", [("--nonsense",), ("--dry",), ("word",)])
def test_an_unknown_flag_exits_2(repo: Path, flags: tuple[str, ...]) -> None:
    """An abbreviation is unknown too."""
    assert guard(repo, *flags)[0] == 2


def test_help_says_what_it_asks(repo: Path) -> None:
    """Exit 0, and every question is named."""
    status, said = guard(repo, "--help")
    assert status == 0
    for word in ("pipelines/", "example", "code", "--dry-run"):
        assert word in said


def test_a_folder_without_pipelines_exits_2(tmp_path: Path) -> None:
    """Started in the wrong place, it says so instead of finding nothing wrong."""
    status, said = guard(tmp_path)
    assert status == 2
    assert "project root" in said
