"""Whatever a file holds, compiling it ends with diagnostics that have places, or with a plan."""

import random
import shutil
from pathlib import Path

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from tests.compiler.test_mutations import SOURCES, check, mutated
from tests.properties.fuzzing import seeds
from tests.properties.written_pipelines import PipelineWriter

_PLACELESS = frozenset({"E0001", "E0003", "E0005", "E0208", "E0402", "E0404"})
"""Codes that may have no span: of a whole file, or of an argument that came from outside."""

_FOREIGN = ("lark", "Token(", "jinja", "pydantic", "Traceback", "NoneType", "Error:")


def check_words(compilation: Compilation) -> None:
    """Places, and messages in our words."""
    for found in compilation.diagnostics:
        assert found.span is not None or found.code in _PLACELESS, found
        assert not any(word in found.message for word in _FOREIGN), found
        assert found.message, found


def test_mutations_of_the_corpus_have_places_and_our_words(tmp_path: Path) -> None:
    """Two files at a time are cut, doubled, moved, spiked and mixed at random."""
    for seed in seeds(60, 0.15):
        dice = random.Random(seed)
        source, other = dice.sample(SOURCES, 2)
        root = tmp_path / str(seed)
        shutil.copytree(source.parent, root, symlinks=True)
        text = source.read_text(encoding="utf-8", errors="replace")
        if dice.random() < 0.5:
            text += other.read_text(encoding="utf-8", errors="replace")
        text = mutated(text, dice)
        (root / source.name).write_text(text, encoding="utf-8")
        compilation = compile_pipeline(root, source.name, Request(demand_arguments=seed % 2 == 0))
        try:
            check(compilation)
            check_words(compilation)
        except AssertionError as error:
            error.add_note(f"seed {seed}\n{text}")
            raise
        shutil.rmtree(root)


def test_pipelines_written_from_the_table_of_settings_get_their_places(tmp_path: Path) -> None:
    """Every block and setting, with values of every kind; now and then one that can be planned."""
    (tmp_path / "b.pipeline").write_text("stage b { run = 'true' }", encoding="utf-8")
    for seed in seeds(150, 0.1):
        text = PipelineWriter(random.Random(seed)).text()
        (tmp_path / "demo.pipeline").write_text(text, encoding="utf-8")
        request = Request(demand_arguments=seed % 2 == 0)
        try:
            compilation = compile_pipeline(tmp_path, "demo.pipeline", request)
            check(compilation)
            check_words(compilation)
        except Exception as error:
            error.add_note(f"seed {seed}\n{text}")
            raise


DEEP = {
    "lists": ("let x = ", "[", "1", "]", ""),
    "maps": ("let x = ", "{ a = ", "1", "}", ""),
    "blocks": ("", "a { ", "", "}", ""),
    "brackets in a template": ("let x = {{ ", "(", "1", ")", " }}"),
    "lists in a template": ("let x = {{ ", "[", "1", "]", " }}"),
    "not": ("let x = {{ ", "not ", "true", "", " }}"),
    "minus": ("let x = {{ ", "- ", "1", "", " }}"),
    "if": ("let x = {{ ", "1 if true else ", "1", "", " }}"),
    "attributes": ("let x = {{ params", ".a", "", "", " }}"),
    "items": ("let x = {{ params", "[0]", "", "", " }}"),
    "sums": ("let x = {{ 1", " + 1", "", "", " }}"),
    "texts": ("let x = {{ 1", " ~ 1", "", "", " }}"),
    "comparisons": ("let x = {{ 1", " < 2", "", "", " }}"),
    "filters": ("let x = {{ 1", " | string", "", "", " }}"),
    "calls": ("let x = {{ ", "range(", "1", ")", " }}"),
    "types": ("param p: ", "list<", "int", ">", ""),
    "substitutions": ('stage a { run = """', "$( ", "echo {{ 1 }}", ")", '\n""" }'),
    "quoted substitutions": ('stage a { run = """', '"$( ', "echo {{ 1 }}", ')"', '\n""" }'),
    "subshells": ('stage a { run = """', "( ", "echo {{ 1 }}", ")", '\n""" }'),
    "cases": ('stage a { run = """', "case x in x) ", "echo {{ 1 }}", ";; esac", '\n""" }'),
    "parameters": ('stage a { run = """echo ', "${x:-", "{{ 1 }}", "}", '\n""" }'),
    "fields": ('stage a { shell = python run = """x = ', "[", "{{ 1 }}", "]", '\n""" }'),
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("levels", [63, 65, 1000, 20_000])
def test_depth_is_a_diagnostic_and_never_an_exception(
    kind: str, levels: int, tmp_path: Path
) -> None:
    before, opening, middle, closing, behind = DEEP[kind]
    deep = before + opening * levels + middle + closing * levels + behind
    text = f"pipeline p {{ }}\nstage s {{ run = 'true' }}\n{deep}\n"
    (tmp_path / "p.pipeline").write_text(text, encoding="utf-8")
    compilation = compile_pipeline(tmp_path, "p.pipeline", Request())
    check(compilation)
    check_words(compilation)
    if levels == 63:
        assert "E0107" not in {found.code for found in compilation.diagnostics}
