"""A name changed wherever it is meant, if it can be another one there."""

import re
from collections.abc import Mapping

from orch.cli.lsp.mentions import Found, Names, Symbol
from orch.cli.lsp.project import Project
from orch.compiler.compile import compile_pipeline
from orch.compiler.settings import BLOCKS
from orch.dsl.source import Span

_DASHLESS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DASHED = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FIXED = {
    "secret": "a secret's name is the variable that commands read: change both by hand",
    "value": "a value's name is what the stage's command writes: change both by hand",
    "pipeline": "runs are filed under a pipeline's name: change it by hand",
    "file": "the name of a file is changed where files are",
}

Edits = Mapping[str, list[tuple[Span, str]]]
"""New texts for spans, by file."""


class RenameError(Exception):
    """A name that can't be changed, or not into this one; the message is for people."""


def renamable(project: Project, path: str, offset: int) -> Found:
    """The name at an offset, if it is one that can be changed. Raises `RenameError`."""
    found, _ = _target(project, path, offset)
    return found


def rename(project: Project, path: str, offset: int, new: str) -> Edits:
    """What changes where, in all files of the project. Raises `RenameError` for a name that can't
    be one, that is taken, or with which something would be wrong that isn't now."""
    _, symbol = _target(project, path, offset)
    names = Names(project)
    _judge_spelling(names, symbol, new)
    if new == symbol.name:
        return {}
    edits: dict[str, list[tuple[Span, str]]] = {}
    for each in names.references(symbol):
        edits.setdefault(each.path, []).append((each.span, new))
    _judge_outcome(project, edits)
    return edits


def _target(project: Project, path: str, offset: int) -> tuple[Found, Symbol]:
    names = Names(project)
    found = names.at(path, offset)
    symbol = None if found is None else names.symbol(path, found.mention)
    if found is None or symbol is None:
        raise RenameError("there is no name here that can be changed")
    if symbol.kind in _FIXED:
        raise RenameError(_FIXED[symbol.kind])
    if names.declaration(symbol) is None:
        raise RenameError(f"`{symbol.name}` isn't declared anywhere")
    return found, symbol


def _judge_spelling(names: Names, symbol: Symbol, new: str) -> None:
    block = names.block(symbol)
    spec = None if block is None else BLOCKS.get(block.keyword.text)
    may_hold_dash = spec is not None and spec.may_hold_dash and not symbol.owner
    if not (_DASHED if may_hold_dash else _DASHLESS).fullmatch(new):
        more = ", and `-` behind the first character" if may_hold_dash else ""
        raise RenameError(f"`{new}` is no name: it takes letters a to z, digits and `_`{more}")
    taken = [
        each.mention.name
        for each in names.declared(symbol.path)
        if (each.mention.kind, each.mention.owner) == (symbol.kind, symbol.owner)
    ]
    for name in taken:
        if name != symbol.name and name.lower() == new.lower():
            raise RenameError(f"`{name}` is declared already")


def _judge_outcome(project: Project, edits: Edits) -> None:
    """Compile what would be changed, before and after."""
    texts = {}
    for path, changes in edits.items():
        pieced = project.pieced(path)
        assert pieced is not None
        texts[path] = edited(pieced.text, changes)
    for path in edits:
        before, after = _errors(project, path, {}), _errors(project, path, texts)
        new = sorted(after - before)
        # An error that was there before may name what is changed.
        if len(after) > len(before):
            raise RenameError(f"then {path} would have an error, {new[0][0]}: {new[0][1]}")


def _errors(project: Project, path: str, texts: Mapping[str, str]) -> set[tuple[str, str]]:
    compilation = compile_pipeline(project.root, path, project.request(texts))
    return {(d.code, d.message) for d in compilation.diagnostics if d.is_error}


def edited(text: str, changes: list[tuple[Span, str]]) -> str:
    """A text with new texts in the place of spans, which don't overlap."""
    for span, new in sorted(changes, key=lambda change: change[0], reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text
