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
        compilation = compile_pipeline(
            str(root), source.name, Request(demand_arguments=seed % 2 == 0)
        )
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
            compilation = compile_pipeline(str(tmp_path), "demo.pipeline", request)
            check(compilation)
            check_words(compilation)
        except Exception as error:
            error.add_note(f"seed {seed}\n{text}")
            raise


# Before, opening, inside, closing and behind; the token that is marked, or None for shell scripts.
NESTED = {
    "lists": ("let x = ", "[", "1", "]", "", "["),
    "maps": ("let x = ", "{ a = ", "1", "}", "", "{"),
    "maps in lists": ("let x = [", "{ a = ", "1", "}", "]", "{"),
    "blocks": ("", "a { ", "", "}", "", "{"),
    "calls": ("let x = ", "f(", "1", ")", "", "("),
    "types": ("param p: ", "list<", "int", ">", "", "<"),
    "types of values": ("stage a { run = 'true' values { v: ", "list<", "int", ">", "} }", "<"),
    "brackets in a template": ("let x = {{ ", "(", "1", ")", " }}", "("),
    "lists in a template": ("let x = {{ ", "[", "1", "]", " }}", "["),
    "maps in a template": ("let x = {{ ", "{'a': ", "1", "}", " }}", "{"),
    "calls in a template": ("let x = {{ ", "range(", "1", ")", " }}", "("),
    "items in items": ("let x = {{ ", "[1][", "0", "]", " }}", "["),
    "arguments in arguments": ("let x = {{ ", "1 | default(", "1", ")", " }}", "("),
    "brackets in a string": ('let x = "{{ ', "(", "1", ")", ' }}"', "("),
    "not": ("let x = {{ ", "not ", "true", "", " }}", "not"),
    "minus": ("let x = {{ ", "- ", "1", "", " }}", "-"),
    "plus": ("let x = {{ ", "+ ", "1", "", " }}", "+"),
    "else": ("let x = {{ ", "1 if true else ", "1", "", " }}", "else"),
    "not in brackets": ("let x = {{ 1, ", "not ", "true", "", " }}", "not"),
    "substitutions": ('stage a { run = """', "$( ", "echo {{ 1 }}", ")", '\n""" }', None),
    "quoted substitutions": (
        'stage a { run = """', 'echo "$( ', "echo {{ 1 }}", ')"', '\n""" }', None,
    ),
    "subshells": ('stage a { run = """', "( ", "echo {{ 1 }}", ")", '\n""" }', None),
    "arrays": ('stage a { shell = bash run = """', "a=( ", "{{ 1 }}", ")", '\n""" }', None),
    "cases": ('stage a { run = """', "case x in x) ", "echo {{ 1 }}", ";; esac", '\n""" }', None),
    "parameters": ('stage a { run = """echo ', "${x:-", "{{ 1 }}", "}", '\n""" }', None),
    "quoted parameters": ('stage a { run = """echo "', "${x:-", "{{ 1 }}", "}", '"\n""" }', None),
    "arithmetic": ('stage a { run = """echo ', "$(( ", "{{ 1 }}", " ))", '\n""" }', None),
}  # fmt: skip

# What stands in a row is not nested, and only in the number of operators bounded.
ROWS = {
    "attributes": ("let x = {{ params", ".a", " }}"),
    "items": ("let x = {{ params", "[0]", " }}"),
    "sums": ("let x = {{ 1", " + 1", " }}"),
    "powers": ("let x = {{ 1", " ** 1", " }}"),
    "texts": ("let x = {{ 1", " ~ 1", " }}"),
    "comparisons": ("let x = {{ 1", " < 2", " }}"),
    "and": ("let x = {{ true", " and not true", " }}"),
    "filters": ("let x = {{ 1", " | string", " }}"),
    "signs apart": ("let x = {{ [1", ", -1", "] }}"),
    "branches apart": ("let x = {{ [1", ", 1 if true else 2", "] }}"),
    "lists": ("let x = [1", ", [1]", "]"),
    "fields": ('stage a { shell = python run = "x = 1', " + {{ 1 }}", '" }'),
    "quotes": ("stage a { run = 'echo", ' "a"', "' }"),
    "commands": ('stage a { run = "', "echo $(echo {{ 1 }}); ", '" }'),
    "functions": ('stage a { run = "', "f() { ", 'echo {{ 1 }}" }'),
    "coprocesses": ('stage a { shell = bash run = "', "coproc ", 'echo {{ 1 }}" }'),
    "conditions": ('stage a { run = "', "if ", 'echo {{ 1 }}" }'),
    "loops": ('stage a { run = "', "while ", 'echo {{ 1 }}" }'),
    "negations": ('stage a { run = "', "! ", 'echo {{ 1 }}" }'),
    "groups": ('stage a { run = "', "{ ", 'echo {{ 1 }}" }'),
    "patterns": ('stage a { shell = bash run = "echo ', "@(", '{{ 1 }}" }'),
    "processes": ('stage a { shell = bash run = "cat ', "<(cat ", '{{ 1 }}" }'),
    "backticks": ('stage a { run = "', "echo `", '{{ 1 }}" }'),
    "literals": ('stage a { shell = node run = "', "x = `${", '{{ 1 }}" }'),
}


def compiled(folder: Path, text: str) -> Compilation:
    text = f"pipeline p {{ }}\nstage s {{ run = 'true' }}\n{text}\n"
    (folder / "p.pipeline").write_text(text, encoding="utf-8")
    compilation = compile_pipeline(str(folder), "p.pipeline", Request())
    check(compilation)
    check_words(compilation)
    return compilation


@pytest.mark.parametrize("kind", NESTED)
def test_64_levels_are_fine_and_the_65th_is_marked(kind: str, tmp_path: Path) -> None:
    """However many more there are, at the first token too many (E0107), or at the template whose
    place in a script is behind them (E0504): a script's own levels are the shell's business."""
    before, opening, middle, closing, behind, token = NESTED[kind]
    for levels in (64, 65, 1_000, 20_000):
        text = before + opening * levels + middle + closing * levels + behind
        if kind == "maps in lists":
            text = before + opening * (levels - 1) + middle + closing * (levels - 1) + behind
        compilation = compiled(tmp_path, text)
        source = compilation.sources["p.pipeline"].text
        found = [
            (d.code, source[d.span.start : d.span.end])
            for d in compilation.diagnostics
            if d.span and (d.code == "E0107" or "more than 64 substitutions" in d.message)
        ]
        marked = ("E0504", "{{ 1 }}") if token is None else ("E0107", token)
        assert found == [marked] * (levels > 64), levels


@pytest.mark.parametrize("kind", ROWS)
def test_what_stands_in_a_row_is_not_nested(kind: str, tmp_path: Path) -> None:
    """160 operators may stand in a row; more are a diagnostic, and never an exception."""
    before, again, behind = ROWS[kind]
    for times in (65, 120, 1_000, 20_000):
        compilation = compiled(tmp_path, before + again * times + behind)
        codes = [found.code for found in compilation.diagnostics]
        assert times > 120 or "E0107" not in codes
        assert codes.count("E0107") <= 1
