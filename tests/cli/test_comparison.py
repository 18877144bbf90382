"""`orch plan A --diff B`: what B may be, and that git is only asked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.orch_program import orch

OLD = """\
pipeline shop { title = "Shop" }
param level: string = "quick"
secret TOKEN
pool db { slots = 1 }
policy { concurrency = 2, timeout = 10m }
stage build { secrets = [TOKEN] run = '''
  make one
  make two
  make three
''' }
stage lint { run = ["ruff", "check"] }
stage test {
  needs  = [build, lint]
  matrix { py = ["3.11", "3.12", "3.13", "3.14"] }
  pool   = db
  run    = "pytest -q --python={{ matrix.py }}"
}
stage each { matrix { s = {{ glob("services/*") }} } run = "echo {{ matrix.s }}" }
use "lib.pipeline" as lib { needs = [test] }
finally clean { run = "rm -rf tmp" when = {{ params.level == "quick" }} }
"""

NEW = """\
pipeline shop { title = "Shop" }
param level: string = "quick" { in = ["quick", "full"] }
param more: int = 3
pool db { slots = 2 }
policy { concurrency = 2, timeout = 5m }
stage build { env { MORE = "{{ more }}" } run = '''
  make one
  make 2
  make three
''' }
stage test {
  needs  = [build]
  matrix { py = ["3.11", "3.12", "3.13", "3.14"] }
  pool   = db
  run    = "pytest -v --python={{ matrix.py }}"
  retry  { attempts = 3 }
}
stage each { matrix { s = {{ glob("services/*") }} } run = "echo {{ matrix.s }}" }
use "lib.pipeline" as lib { needs = [test] }
finally clean { run = "rm -rf tmp" when = {{ params.level == "quick" }} }
"""

SHOWN = """\
3 stages added, 1 stage removed, 9 stages changed

Parameters
  more  + 3

Secrets
  TOKEN.env       - "TOKEN"
  TOKEN.required  - true

Pools
  db  1 → 2

Stages
  + each[s=services/c]
  + lib.two  after test, lib.one
  + lib.three  after test
  - lint
  ~ all 9 stages that are in both
      timeout  10m → 5m
  ~ build
      run
          make one
        - make two
        + make 2
          make three
      env.MORE  + "3"
      secrets   - TOKEN
  ~ test[py=3.11], test[py=3.12], test[py=3.13] and 1 more
      needs           - lint
      run
        - pytest -q --python=3.11
        + pytest -v --python=3.11
      retry.attempts  1 → 3
  ~ lib.one
      run
        - true
        + false
"""


def git(root: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with one commit, and changed since."""
    root = tmp_path / "top" / "sub"
    write(
        root,
        {
            "shop.pipeline": OLD,
            "lib.pipeline": 'stage one { run = "true" }\n',
            "services/a": "",
            "services/b": "",
            "pipelines/.keep": "",
        },
    )
    (root / "link").symlink_to("services/a")
    (root / ".gitattributes").write_text("*.pipeline export-ignore filter=evil\n", encoding="utf-8")
    git(root.parent, "init", "-q")
    git(root.parent, "config", "filter.evil.smudge", f"touch {tmp_path}/was-run")
    git(root.parent, "add", "-A")
    git(root.parent, "commit", "-qm", "one: first")
    write(
        root,
        {
            "shop.pipeline": NEW,
            "lib.pipeline": 'stage one { run = "false" }\n'
            'stage two { needs = [one] run = "true" }\nstage three { run = "true" }\n',
            "services/c": "",
        },
    )
    return root


def test_a_revision_is_compared_with_its_own_files(repository: Path, tmp_path: Path) -> None:
    """Uses, globs and orch.toml are those of the revision; nothing of the tree is touched, no
    filter of the repository runs, and nothing stays behind."""
    write(repository, {"orch.toml": "[policy]\n"})
    before = sorted(os.walk(repository.parent / ".git"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = orch(
        "plan", "shop.pipeline", "--diff", "HEAD", cwd=repository, env={"TMPDIR": str(temporary)}
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown, _, bounds = done.stdout.partition("\nAt most\n")
    assert shown == SHOWN
    assert "processes" in bounds
    assert sorted(os.walk(repository.parent / ".git")) == before
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    "other",
    ["HEAD", "HEAD:sub/shop.pipeline", "HEAD:./shop.pipeline", "HEAD^{/one: first}", ":/one"],
)
def test_revisions_are_named_as_git_names_them(other: str, repository: Path) -> None:
    """From the repository's top, from here, or the same file; `--exit-code` tells of a change."""
    done = orch(
        "plan", "shop.pipeline", "--diff", other, "--exit-code", "-p", "more=4", cwd=repository
    )
    assert done.returncode == 1
    assert done.stdout.startswith("3 stages added, 1 stage removed")
    assert "  more  + 4\n" in done.stdout


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("HEAD~7", "is neither a file nor a revision of git"),
        ("--output=x", "is no revision of git"),
        ("HEAD:", "names no file behind its colon"),
        ("HEAD:sub/nope.pipeline", "there is no `nope.pipeline` in `HEAD`"),
        ("HEAD:other/x.pipeline", "lies outside of the project"),
        ("HEAD:../../x", "outside"),
        ("HEAD:/etc/passwd", "lies outside of the project"),
        ("nope.pipeline", "is neither a file nor a revision of git"),
        ("nope.json", "is neither a file nor a revision of git"),
    ],
)
def test_what_is_no_revision_is_refused_in_our_words(
    other: str, said: str, repository: Path
) -> None:
    """Exit 2, whatever it looks like; no word of git's is shown and no option is smuggled in."""
    done = orch("plan", "shop.pipeline", f"--diff={other}", cwd=repository)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "fatal" not in done.stderr


def test_without_a_repository_only_files_can_be_compared(tmp_path: Path) -> None:
    """And that is said."""
    write(tmp_path, {"a.pipeline": 'pipeline a { }\nstage a { run = "true" }\n'})
    stop = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    done = orch("plan", "a.pipeline", "--diff", "HEAD", cwd=tmp_path, env=stop)
    assert done.returncode == 2
    assert "lies in no git repository" in done.stderr


def test_a_project_that_is_its_repository_is_named_so(tmp_path: Path) -> None:
    """It has no folder in it whose name could be told."""
    write(tmp_path, {"a.pipeline": 'pipeline a { }\nstage a { run = "true" }\n'})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    done = orch("plan", "a.pipeline", "--diff", "HEAD:/etc/passwd", cwd=tmp_path)
    assert done.returncode == 2
    assert "outside of the project, which is the whole repository" in done.stderr


def test_files_used_under_any_name_come_from_the_revision(tmp_path: Path) -> None:
    """Also one whose name is not that of a pipeline."""
    used = 'pipeline p { }\nuse "lib/stages.txt" as lib { }\n'
    write(tmp_path, {"a.pipeline": used, "lib/stages.txt": 'stage x { run = "true" }\n'})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    done = orch("plan", "a.pipeline", "--diff", "HEAD", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("no changes\n", "")


def test_errors_of_the_other_side_are_told_as_its_own(repository: Path) -> None:
    """With the name it was given; there is nothing to compare with."""
    write(repository, {"bad.pipeline": "pipeline a { }\nstage a { needs = [b] run = 'x' }\n"})
    done = orch("plan", "shop.pipeline", "--diff", "bad.pipeline", cwd=repository)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E0201]" in done.stderr
    assert done.stderr.endswith("`bad.pipeline` has no plan to compare with\n")


def test_saved_plans_and_files_are_compared_alike(repository: Path) -> None:
    """A plan says the same as the file that it is of; JSON says which plans were compared."""
    text = orch("plan", "shop.pipeline", "--format", "json", cwd=repository).stdout
    write(repository, {"plan.json": text})
    for words in (("shop.pipeline", "plan.json"), ("plan.json", "shop.pipeline")):
        done = orch("plan", words[0], "--diff", words[1], "--exit-code", cwd=repository)
        assert (done.returncode, done.stdout) == (0, "no changes\n")
    done = orch(
        "plan", "shop.pipeline", "--diff", "plan.json", "--policy", "grace=1s", "--format", "json",
        cwd=repository,
    )  # fmt: skip
    value = json.loads(done.stdout)
    assert value["is_changed"] is True
    assert value["old"] == json.loads(text)["digest"] != value["new"]
    (group,) = value["changed"]
    assert group["changes"] == [{"setting": "grace_ms", "old": 10_000, "new": 1000}]
    assert "no file" not in orch("plan", "plan.json", "--diff", "HEAD", cwd=repository).stderr


def test_an_exit_code_is_promised_of_a_comparison_alone(repository: Path) -> None:
    """Without `--diff` nothing could change, and 0 would say that nothing had."""
    done = orch("plan", "shop.pipeline", "--exit-code", cwd=repository)
    assert (done.returncode, done.stdout) == (2, "")
    assert "give both" in done.stderr


def made_commit(root: Path, tree: bytes) -> str:
    """A commit of a tree that git itself would not make."""

    def stored(kind: str, data: bytes) -> str:
        command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
        done = subprocess.run(command, cwd=root, input=data, capture_output=True, check=True)
        return done.stdout.decode().strip()

    who = b"n <e@x> 0 +0000"
    tree_id = stored("tree", tree)
    return stored(
        "commit", b"tree %s\nauthor %s\ncommitter %s\n\nx\n" % (tree_id.encode(), who, who)
    )


def test_a_tree_made_by_hand_writes_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    """Names that lead up, and a link that stands beside a folder of its own name."""
    root = tmp_path / "project"
    write(
        root,
        {
            "a.pipeline": 'pipeline a { }\nlet l = {{ glob("**") }}\n'
            'stage a { run = ["x"] env { N = "{{ l | length }}" } }\n'
        },
    )
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    blob = subprocess.run(
        ["git", "rev-parse", "HEAD:a.pipeline"], cwd=root, capture_output=True, check=True
    ).stdout.strip()
    file = bytes.fromhex(blob.decode())
    link = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=root, input=str(tmp_path).encode(),
        capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    target = bytes.fromhex(link.decode())
    inner = subprocess.run(
        ["git", "mktree"], cwd=root, input=b"100644 blob %s\tleaked\n" % blob,
        capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    folder = bytes.fromhex(inner.decode())
    pipeline = b"100644 a.pipeline\0" + file
    for tree, code, said in (
        (pipeline + b"40000 ..\0" + folder, 2, "a path that leads elsewhere: `../leaked`"),
        (pipeline + b"100644 .git\0" + file, 2, "a path that leads elsewhere: `.git`"),
        (pipeline + b"120000 x\0" + target + b"40000 x\0" + folder, 0, ""),
    ):
        commit = made_commit(root, tree)
        done = orch("plan", "a.pipeline", "--diff", commit, cwd=root)
        assert (done.returncode, said in done.stderr) == (code, True)
        assert not list(tmp_path.glob("leaked"))
