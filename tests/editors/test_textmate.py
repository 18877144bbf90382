"""VS Code's own engine sees in pipeline files what the language's lexer sees."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.editors.meaning import Piece, pieces_of, sound_texts

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "editors" / "vscode" / "node_modules"

SCOPES = {
    "comment": "comment.line",
    "keyword": "keyword.declaration",
    "block": "keyword.other.block",
    "constant": "constant.language",
    "type": "support.type",
    "number": "constant.numeric",
    "string": "string.quoted",
    "escape": "constant.character.escape",
    "edge": "punctuation.section.embedded",
    "name": "variable.other",
    "setting": "entity.other.attribute-name",
    "word": "support.constant",
    "label": "entity.name.type",
    "member": "variable.other.member",
    "operator": "keyword.operator",
    "field": "variable.other.member",
    "root": "variable.language",
    "function": "support.function",
    "operator word": "keyword.operator.word",
    "script": "meta.embedded",
}

Lines = list[list[tuple[int, int, list[str]]]]


def scopes_of(texts: list[str], place: Path, scope: str = "source.pipeline") -> list[Lines]:
    """The pieces of each line of each text, with their scopes."""
    files = []
    for number, text in enumerate(texts):
        file = place / f"{number}.pipeline"
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    program = Path(__file__).with_name("textmate.mjs")
    done = subprocess.run(
        ["node", str(program), str(MODULES), scope, *files],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[Lines] = json.loads(done.stdout)
    return told


def scopes_at(lines: Lines, line: int, column: int) -> list[str]:
    return next(scopes for start, end, scopes in lines[line] if start <= column < end)


def wrong(piece: Piece, lines: Lines) -> str | None:
    """What the engine says of a piece, where it's not what the lexer says."""
    for column in (piece.start, piece.start + len(piece.text) - 1):
        scopes = scopes_at(lines, piece.line, column)
        is_right = any(scope.startswith(SCOPES[piece.meaning]) for scope in scopes)
        is_placed = ("meta.template.pipeline" in scopes) == piece.is_in_template
        if not (is_right and is_placed):
            return f"line {piece.line + 1}: {piece.text!r} is {piece.meaning}, seen as {scopes}"
    return None


def test_every_file_and_example_is_seen_as_it_is_read(tmp_path: Path) -> None:
    """Each piece of pipelines/, the manual and the plans' corpus has the scope of what it is."""
    # Beyond the basic plane JavaScript counts a character as two.
    texts = [text for text in sound_texts() if max(text) < "\U00010000"]
    found: list[Any] = []
    count = 0
    for text, lines in zip(texts, scopes_of(texts, tmp_path), strict=True):
        for piece in pieces_of(text):
            count += 1
            found.append(wrong(piece, lines))
    assert [each for each in found if each] == []
    assert len(texts) > 80
    assert count > 5000


def line_of(text: str, place: Path) -> list[tuple[str, str]]:
    """The pieces of a one-line file, each with its innermost scope."""
    ((line, *_),) = scopes_of([text], place)
    return [(text[start:end], scopes[-1]) for start, end, scopes in line]


@pytest.mark.parametrize(
    ("text", "piece", "scope"),
    [
        ("stage a { run = 'for x in $A; do x; done' }", "for", "keyword.control.for.shell"),
        ('stage a { shell = python run = "print(1)" }', "print", "support.function.builtin.python"),
        ('stage a { shell = node run = "let a" }', "let", "storage.type.js"),
        ('stage a { run = "echo {{ b }}" }', "b", "variable.other.pipeline"),
        ("stage a { run = 'echo {{ b }}' }", "{", "punctuation.section.block.begin.pipeline"),
        ("service a { ready { exec = 'for x in $A' } }", "for", "keyword.control.for.shell"),
        ('stage a { run = ["if", "x"] }', "if", "string.quoted.double.pipeline"),
    ],
)
def test_a_script_is_read_by_the_grammar_of_its_shell(
    text: str, piece: str, scope: str, tmp_path: Path
) -> None:
    """With templates in it where the language has them, and nowhere else."""
    assert (piece, scope) in line_of(text, tmp_path)


@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("script", ["echo it's", "cat <<EOF", 'echo "x', "$(", "case x in", "{"])
def test_no_script_runs_beyond_its_quotes(script: str, quotes: str, tmp_path: Path) -> None:
    """Whatever is left open in it while somebody types."""
    text = f"stage a {{\n  run = {quotes}\n    {script}\n  {quotes}\n}}\nstage b {{ }}\n"
    (lines,) = scopes_of([text], tmp_path)
    assert scopes_at(lines, 4, 0)[-1] == "punctuation.section.block.end.pipeline"
    assert scopes_at(lines, 5, 0)[-1] == "keyword.declaration.pipeline"


def test_an_open_block_ends_where_the_next_one_begins(tmp_path: Path) -> None:
    """So that the rest of the file keeps its colours while a bracket is missing."""
    (lines,) = scopes_of(["stage a {\n  env { A = 'x'\n\nstage b { }\n"], tmp_path)
    assert scopes_at(lines, 3, 0) == ["source.pipeline", "keyword.declaration.pipeline"]


def test_a_block_of_markdown_is_coloured(tmp_path: Path) -> None:
    """A fence marked `pipeline`, up to the fence that closes it."""
    text = "Text\n\n```pipeline\nstage a { run = 'x' }\n```\n\nstage a\n"
    (lines,) = scopes_of([text], tmp_path, "text.html.markdown")
    assert "keyword.declaration.pipeline" in scopes_at(lines, 3, 0)
    assert "meta.embedded.block.pipeline" in scopes_at(lines, 3, 0)
    assert not any("pipeline" in scope for scope in scopes_at(lines, 6, 0))
