"""What is proposed while one types, in texts that are hardly ever sound then."""

from pathlib import Path

import pytest

from orch.cli.lsp.completion import complete
from tests.lsp.marked import MAIN, MARK, opened, project_of, text_at

PART = 'param x: int\nstage lint {\n  run = "make {{ x }}"\n  values { lines: int }\n}\n'
BASE = """pipeline demo { }
use "part.pipeline" as part { with { x = 1 } }
param level: string = "full" { in = ["full", "quick"] }
let names = ["a"]
secret TOKEN
pool p { slots = 2 }
stage test {
  matrix { python = ["3.11", "3.12"], suite = ["a", "b"] }
  run = "echo {{ matrix.python }}"
  values { version: string }
}
"""
STAGE = "stage c {{ {} }}\n"


@pytest.mark.parametrize(
    ("typed", "proposed", "missing"),
    [
        ("st¦", ["stage", "use", "param"], ["run", "test"]),
        ("stage c {\n  ne¦\n", ["needs", "run", "retry", "matrix"], ["stage", "slots"]),
        ('stage c {\n  ti¦\n  run = "x"\n}\n', ["title", "timeout"], ["test"]),
        ("stage c { needs = [¦", ["test", "part"], ["c", "level"]),
        ("stage c { needs = [test, part.¦] }", ["lint"], ["test"]),
        ("stage c { needs = [test[¦] }", ["python", "suite"], ["test"]),
        ("stage c { needs = [test[python=¦] }", ['"3.11"', '"3.12"'], ["suite"]),
        ("stage c { retry { jitter = ¦ } }", ["none", "full", "equal", "{{ }}"], ["true"]),
        ("stage c { retry { on = [failure, ¦", ["timeout", "exit()"], ["none"]),
        ("stage c { policy { output { ¦ } } }", ["buffer", "log"], ["run"]),
        ("stage c { tty = ¦ }", ["true", "false"], ["none"]),
        ("stage c { pool = ¦ }", ["p"], ["test"]),
        ("stage c { secrets = [¦] }", ["TOKEN"], ["p"]),
        ("service c { stop = ¦ }", ['"TERM"', '"KILL"'], ["TERM"]),
        ("policy { ¦ }", ["concurrency", "heartbeat"], ["run"]),
        ("param z: ¦", ["int", "list<string>"], ["true"]),
        ('stage c { run = "echo {{ ¦', ["level", "names", "stages", "glob"], ["upper", "x"]),
        ('stage c { run = "echo {{ level | ¦ }}" }', ["upper", "quote"], ["glob", "level"]),
        ('stage c { run = """\n  a {{ params.¦ }}\n""" }', ["level"], ["names"]),
        ("let z = {{ lets.¦ }}", ["names"], ["level"]),
        ("stage c { matrix { os = [1] } run = {{ matrix.¦ }} }", ["os"], ["python"]),
        ('stage c { run = "{{ stages.¦ }}" }', ["test", "part"], ["status"]),
        ('stage c { run = "{{ stages.test.¦ }}" }', ["status", "values"], ["version"]),
        ('stage c { run = "{{ stages.test.values.¦ }}" }', ["version"], ["status"]),
        ('stage c { run = "{{ stages.part.lint.values.¦ }}" }', ["lines"], ["version"]),
        ("finally c { when = {{ run.¦ }} }", ["status", "id"], ["test"]),
        ('use "part.pipeline" as q { with { ¦ } }', ["x"], ["level"]),
        ('use "¦" as q', ["part.pipeline", "docs/"], ["orch.toml"]),
        ('use "docs/¦', ["inner.pipeline"], ["page.md"]),
        ('stage c { inputs = ["docs/¦"] }', ["page.md"], ["orch.toml"]),
        ('stage c { cwd = "¦" }', ["docs/"], ["orch.toml"]),
        ('stage c { cwd = "docs", run = "x", inputs = ["!¦"] }', ["page.md"], ["orch.toml"]),
        ('let z = {{ glob("docs/¦") }}', ["page.md"], ["level"]),
        ('stage c { when = {{ stages.test.status == "¦" }} }', ["failed", "skipped"], ["level"]),
        ('stage c { when = {{ level != "f¦" }} }', ["full", "quick"], ["level"]),
        ("stage c { run = \"{{ level ~ 'a¦' }}\" }", [], ["level", "stages"]),
    ],
)
def test_what_may_stand_there_is_proposed(
    typed: str, proposed: list[str], missing: list[str], tmp_path: Path
) -> None:
    """And what may not isn't."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").touch()
    (tmp_path / "docs" / "inner.pipeline").touch()
    project = project_of(tmp_path, part=PART)
    opened(project, BASE)
    project.documents.pop(MAIN)
    project.open(MAIN, BASE + typed.replace(MARK, ""))
    found = complete(project, MAIN, len(BASE) + typed.index(MARK))
    labels = [item.label for item in found]
    assert [word for word in proposed if word not in labels] == []
    assert [word for word in missing if word in labels] == []
    assert len(set(labels)) == len(labels)


def test_what_was_typed_of_a_word_is_replaced(tmp_path: Path) -> None:
    """The beginning of a setting goes; of a path the part behind the last slash."""
    project = project_of(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").touch()
    for typed, word, insert in (
        ("stage c { nee¦ }", "nee", "needs = "),
        ('stage c { inputs = ["docs/pa¦"] }', "pa", "page.md"),
    ):
        opened(project, typed)
        found = complete(project, MAIN, typed.index(MARK))
        item = next(each for each in found if each.text == insert)
        assert text_at(project, MAIN, item.span) == word


@pytest.mark.parametrize("typed", ["# st¦", 'stage c { run = "ma¦"', "stage c { title = '¦' }"])
def test_nothing_is_proposed_in_texts_of_ones_own(typed: str, tmp_path: Path) -> None:
    """Comments, scripts, titles."""
    project = project_of(tmp_path)
    opened(project, typed)
    assert complete(project, MAIN, typed.index(MARK)) == []
