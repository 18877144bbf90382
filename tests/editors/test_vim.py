"""Vim and neovim see in pipeline files what the language's lexer sees, and indent them alike."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from orch.dsl.findings import Findings
from orch.dsl.formatter import format_source
from orch.dsl.lexer import lex
from orch.dsl.source import SourceFile
from orch.dsl.tree import String
from tests.editors.meaning import Piece, pieces_of, sound_texts
from tests.editors.vim import PROGRAMS, run_script

ROOT = Path(__file__).parents[2]

GROUPS = {
    "comment": ("pipelineComment",),
    "keyword": ("pipelineKeyword",),
    "block": ("pipelineBlockWord",),
    "constant": ("pipelineConstant", "pipelineTemplateConstant"),
    "type": ("pipelineTypeWord",),
    "number": ("pipelineNumber", "pipelineTemplateNumber"),
    "string": (
        "pipelineString", "pipelineBlockString", "pipelineLiteral", "pipelineLiteralBlock",
        "pipelineQuote", "pipelineTemplateString",
    ),
    "escape": ("pipelineEscape",),
    "edge": ("pipelineTemplateEdge",),
    "name": ("pipelineName", "pipelineTop", "pipelineTemplateName"),
    "setting": ("pipelineSetting",),
    "word": ("pipelineWord",),
    "label": ("pipelineLabel",),
    "member": ("pipelineMember",),
    "operator": ("pipelineOperator", "pipelineTemplateOperator"),
    "field": ("pipelineField",),
    "root": ("pipelineRoot",),
    "function": ("pipelineFunction",),
    "operator word": ("pipelineOperatorWord",),
    "script": ("pipelineShellScript", "pipelinePythonScript", "pipelineNodeScript"),
}  # fmt: skip


def groups_of(pieces: Mapping[Path, list[Piece]], place: Path, program: str) -> list[list[str]]:
    """The groups at the first and the last character of each piece, outermost first."""
    asked = [(str(path), [at for each in row for at in ends(each)]) for path, row in pieces.items()]
    (place / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    script = Path(__file__).with_name("syntax.vim")
    files = {"ASKED": str(place / "asked.json"), "TOLD": str(place / "told.json")}
    run_script(program, script, place, **files)
    groups: list[list[str]] = json.loads((place / "told.json").read_text(encoding="utf-8"))
    return groups


def ends(piece: Piece) -> list[tuple[int, int]]:
    """Lines and columns of its first and last character, as Vim counts: from 1."""
    first = piece.start + 1
    return [(piece.line + 1, first), (piece.line + 1, first + len(piece.text) - 1)]


def is_right(piece: Piece, groups: list[str]) -> bool:
    """Whether Vim sees a piece as what it is."""
    wanted = GROUPS[piece.meaning]
    if piece.meaning == "script":
        return any(group in wanted for group in groups)
    return bool(groups) and groups[-1] in wanted


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_file_and_example_is_seen_as_it_is_read(program: str, tmp_path: Path) -> None:
    """Each piece of pipelines/, the manual and the plans' corpus is in the group of what it is."""
    pieces = {}
    # Vim counts bytes.
    for number, text in enumerate(text for text in sound_texts() if text.isascii()):
        path = tmp_path / f"{number}.pipeline"
        path.write_text(text, encoding="utf-8")
        pieces[path] = list(pieces_of(text))
    every = [piece for row in pieces.values() for piece in row]
    told = groups_of(pieces, tmp_path, program)
    both = list(zip(every, told[::2], told[1::2], strict=True))
    assert [
        each for each in both if not (is_right(each[0], each[1]) and is_right(each[0], each[2]))
    ] == []
    assert len(every) > 5000


def without_indentation(text: str) -> str:
    """The text with every line at the margin, but for what stands in block strings."""
    lines = text.split("\n")
    inside = {
        number
        for token in lex(SourceFile("", text), Findings(""))[0]
        if isinstance(token.value, String) and token.value.is_block
        for number in range(
            text.count("\n", 0, token.start) + 1, text.count("\n", 0, token.end - 3)
        )
    }
    return "\n".join(
        line if number in inside else line.lstrip() for number, line in enumerate(lines)
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_indenting_gives_the_canonical_form_back(program: str, tmp_path: Path) -> None:
    """Lines of a file that was formatted, all pushed to the margin, return to where they were."""
    texts = [format_source(SourceFile("", text))[0] for text in sound_texts()]
    files = [tmp_path / f"{number}.pipeline" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(without_indentation(text), encoding="utf-8")
    script = Path(__file__).with_name("indent.vim")
    run_script(program, script, tmp_path, FILES="\n".join(map(str, files)))
    assert [file.read_text(encoding="utf-8") for file in files] == texts


@pytest.mark.parametrize("program", PROGRAMS)
def test_make_leads_to_each_mistake(program: str, tmp_path: Path) -> None:
    """The quickfix list holds what `orch check` says, at its place."""
    (tmp_path / "a.pipeline").write_text(
        "pipeline a { }\nlet unused = 1\nstage b {\n  needs = [gone]\n  run   = 'x'\n}\n",
        encoding="utf-8",
    )
    told = tmp_path / "told.json"
    script = tmp_path / "make.vim"
    script.write_text(
        "let &runtimepath = $ORCH_VIM . ',' . &runtimepath\nfiletype plugin on\n"
        "edit a.pipeline\nsilent make!\n"
        "let found = filter(getqflist(), 'v:val.valid')\n"
        "call map(found, '[v:val.type, v:val.nr, v:val.lnum, v:val.col, v:val.text]')\n"
        "call writefile([json_encode(found)], $TOLD)\nquitall!\n",
        encoding="utf-8",
    )
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    run_script(program, script, tmp_path, TOLD=str(told), PATH=path)
    error, lint = sorted(json.loads(told.read_text(encoding="utf-8")))
    assert [error[:4], lint[:4]] == [["E", 201, 4, 12], ["W", 701, 2, 5]]
    assert "`gone`" in error[4]
