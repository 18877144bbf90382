"""Definitions, references and renaming, also across files."""

from pathlib import Path

import pytest

from orch.cli.lsp.mentions import Names
from orch.cli.lsp.project import Project
from orch.cli.lsp.renaming import RenameError, edited, renamable, rename
from tests.lsp.marked import MAIN, project_of, shown

PART = """param x: int
stage lint {
  matrix { os = [1, 2] }
  run = "echo {{ x }} {{ matrix.os }}"
  values { lines: int }
}
"""
TEXT = """pipeline demo { }
use "part.pipeline" as part { with { x = 1 } }
param level: string = "full"
let both = "{{ level }}{{ params.level }}"
secret TOKEN
pool few { slots = 2 }
stage test {
  matrix { python = ["3.11", "3.12"], exclude = [{ python = "3.11" }] }
  pool   = few
  secrets = [TOKEN]
  run    = "echo {{ matrix.python }} {{ both }}"
  values { version: string }
}
stage b {
  needs = [test[python="3.12"], part.lint[os=1], test, part]
  when  = {{ stages.test.status == "succeeded" and stages["part"].status == "succeeded" }}
  run   = "true"
}
"""
OTHER = """pipeline other { }
use "part.pipeline" as p { with { x = 2 } }
stage z { needs = [p.lint], run = "true" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = project_of(tmp_path, main=TEXT, part=PART, other=OTHER)
    made.open(MAIN, TEXT)
    made.check(MAIN)
    assert [d.code for d in made.diagnostics(MAIN)] == []
    return made


def place(word: str, within: str) -> int:
    """The offset of a word in the first text that `within` is found in."""
    return TEXT.index(within) + within.index(word) + 1


@pytest.mark.parametrize(
    ("word", "within", "declared", "mentions"),
    [
        ("lint", "part.lint", "part.pipeline:2 lint", 3),
        ("x", "{ x = 1", "part.pipeline:1 x", 4),
        ("os", "[os=1]", "part.pipeline:3 os", 3),
        ("part", '["part"]', "main.pipeline:2 part", 4),
        ("level", "params.level", "main.pipeline:3 level", 3),
        ("python", "matrix.python", "main.pipeline:8 python", 4),
        ("test", "stages.test", "main.pipeline:7 test", 4),
        ("few", "= few", "main.pipeline:6 few", 2),
        ("TOKEN", "[TOKEN]", "main.pipeline:5 TOKEN", 2),
    ],
)
def test_a_name_leads_to_its_declaration_and_to_all_mentions(
    word: str, within: str, declared: str, mentions: int, project: Project
) -> None:
    """Every one of them leads to the same declaration, in whichever file it stands."""
    names = Names(project)
    found = names.at(MAIN, place(word, within))
    assert found is not None
    symbol = names.symbol(MAIN, found.mention)
    assert symbol is not None
    declaration = names.declaration(symbol)
    assert declaration is not None
    assert shown(project, declaration) == declared
    references = names.references(symbol)
    assert len(references) == mentions
    for each in references:
        assert shown(project, each).endswith(f" {word}")
        again = names.at(each.path, each.span.start)
        assert again is not None
        assert names.symbol(each.path, again.mention) == symbol


@pytest.mark.parametrize(
    ("word", "within", "new", "count"),
    [
        ("lint", "part.lint", "check-all", 3),
        ("x", "{ x = 1", "number", 4),
        ("os", "[os=1]", "system", 3),
        ("level", "param level", "depth", 3),
        ("python", "matrix.python", "version_of_python", 4),
        ("part", "as part", "other-part", 4),
        ("few", "pool few", "some-more", 2),
    ],
)
def test_a_renamed_name_means_the_same_everywhere(
    word: str, within: str, new: str, count: int, project: Project
) -> None:
    """All texts still check clean, and nothing else was changed."""
    edits = rename(project, MAIN, place(word, within), new)
    assert sum(map(len, edits.values())) == count
    texts = {}
    for path, changes in edits.items():
        pieced = project.pieced(path)
        assert pieced is not None
        texts[path] = edited(pieced.text, changes)
        assert len(texts[path]) == len(pieced.text) + len(changes) * (len(new) - len(word))
    for path, text in texts.items():
        project.open(path, text)
    for path in (MAIN, "other.pipeline", "part.pipeline"):
        if path not in project.documents:
            pieced = project.pieced(path)
            assert pieced is not None
            project.open(path, pieced.text)
        project.check(path)
        assert [d.code for d in project.diagnostics(path)] == []


@pytest.mark.parametrize(
    ("word", "within", "new", "why"),
    [
        ("test", "stage test", "b", "`b` is declared already"),
        ("test", "stage test", "PART", "`part` is declared already"),
        ("test", "stage test", "a b", "`a b` is no name"),
        ("level", "param level", "a-b", "`a-b` is no name"),
        ("level", "param level", "both", "`both` is declared already"),
        ("TOKEN", "secret TOKEN", "KEY", "the variable that commands read"),
        ("version", "values { version", "v", "what the stage's command writes"),
        ("demo", "pipeline demo", "d", "filed under a pipeline's name"),
        ("python", "matrix { python", "include", "E0"),
        ("run", "run    =", "x", "no name here"),
    ],
)
def test_a_name_that_can_not_be_is_refused_with_a_reason(
    word: str, within: str, new: str, why: str, project: Project
) -> None:
    """Before anything is changed."""
    with pytest.raises(RenameError, match=why):
        rename(project, MAIN, place(word, within), new)


def test_what_is_to_be_renamed_is_the_name_alone(project: Project) -> None:
    """Inside of quotes, and inside of a dotted reference."""
    found = renamable(project, MAIN, place("part", '["part"]'))
    assert TEXT[found.span.start : found.span.end] == "part"
    found = renamable(project, MAIN, place("lint", "part.lint"))
    assert TEXT[found.span.start : found.span.end] == "lint"
