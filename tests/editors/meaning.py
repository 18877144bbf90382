"""What each piece of a pipeline file is: told by the language, to be seen by editors alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orch.cli.pygments_lexer import PipelineLexer
from orch.dsl.findings import Findings
from orch.dsl.lexer import Token, lex
from orch.dsl.source import SourceFile
from orch.dsl.tree import String, Template
from pipelines.spec_guard import examples_of, pages

ROOT = Path(__file__).parents[2]

_MEANINGS = {
    "Comment.Single": "comment",
    "Keyword.Declaration": "keyword",
    "Keyword": "block",
    "Keyword.Constant": "constant",
    "Keyword.Type": "type",
    "Literal.Number.Float": "number",
    "Literal.Number.Integer": "number",
    "Literal.String.Double": "string",
    "Literal.String.Escape": "escape",
    "Literal.String.Interpol": "edge",
    "Literal.String.Single": "string",
    "Name": "name",
    "Name.Attribute": "setting",
    "Name.Builtin": "word",
    "Name.Class": "label",
    "Name.Variable": "member",
    "Operator": "operator",
}
_IN_TEMPLATES = {
    "Keyword.Constant": "constant",
    "Literal.Number": "number",
    "Literal.String.Interpol": "edge",
    "Literal.String.Other": "string",
    "Name.Attribute": "field",
    "Name.Builtin": "root",
    "Name.Function": "function",
    "Name.Variable": "name",
    "Operator": "operator",
    "Operator.Word": "operator word",
}


@dataclass(frozen=True)
class Piece:
    """A piece of one line: numbers of line and column from 0, its text and what it is.

    `is_in_template` says where it stands; what is a script's own is a `script`."""

    line: int
    start: int
    text: str
    meaning: str
    is_in_template: bool


def sound_texts() -> list[str]:
    """Files and examples of this repository that hold no mistake of syntax."""
    files = [
        path
        for folder in ("pipelines", "docs", "tests/plans/corpus")
        for path in sorted((ROOT / folder).rglob("*.pipeline"))
    ]
    examples = [
        text
        for page in pages(ROOT)
        if not page.startswith("docs/errors/")
        for example in examples_of(ROOT, page)
        for name, text in example.files.items()
        if name.endswith(".pipeline") and "E01" not in text
    ]
    return list(dict.fromkeys([*(path.read_text(encoding="utf-8") for path in files), *examples]))


def pieces_of(text: str) -> Iterator[Piece]:
    """All pieces of a file but its white space, its brackets and its commas."""
    tokens, _ = lex(SourceFile("", text), Findings(""))
    templates = list(_templates_of(tokens))
    scripts = list(_scripts_of(tokens))
    for at, kind, piece in PipelineLexer().get_tokens_unprocessed(text):
        in_template = any(start <= at < end for start, end in templates)
        in_script = any(start <= at < end for start, end in scripts)
        name = ".".join(kind)
        meaning = (_IN_TEMPLATES if in_template else _MEANINGS).get(name)
        if in_script and not in_template:
            meaning = "script"
        if meaning:
            for start, part in _by_line(at, piece):
                column = start - text.rfind("\n", 0, start) - 1
                line = text.count("\n", 0, start)
                yield Piece(line, column, part, meaning, in_template)


def _by_line(at: int, piece: str) -> Iterator[tuple[int, str]]:
    """What stands on each line, without the white space around it, and its offset."""
    for line in piece.splitlines(keepends=True):
        stripped = line.strip()
        if stripped:
            yield at + line.index(stripped), stripped
        at += len(line)


def _templates_of(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    for token in tokens:
        parts = token.value.parts if isinstance(token.value, String) else [token.value]
        for part in parts:
            if isinstance(part, Template):
                yield part.span.start, part.span.end


def _scripts_of(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Where scripts stand, without their quotes."""
    for name, _, token in zip(tokens, tokens[1:], tokens[2:], strict=False):
        string = token.value
        if isinstance(string, String) and name.value in ("run", "exec"):
            quotes = 3 if string.is_block else 1
            yield string.span.start + quotes, string.span.end - quotes
