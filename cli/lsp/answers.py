"""What an editor asks, and our answers in the words of the protocol."""

from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidRequest

from orch.cli.lsp.completion import Item, complete
from orch.cli.lsp.hover import hover
from orch.cli.lsp.mending import mendings
from orch.cli.lsp.mentions import Found, Names, Symbol
from orch.cli.lsp.positions import Positions
from orch.cli.lsp.project import Project
from orch.cli.lsp.protocol import (
    area_from,
    location_of,
    place_from,
    range_of,
    workspace_edit,
)
from orch.cli.lsp.reformatting import formatted
from orch.cli.lsp.renaming import RenameError, renamable, rename
from orch.cli.lsp.symbols import Entry, folds, outline, search
from orch.cli.lsp.tokens import TYPES, changed_part, coded
from orch.dsl.source import Span

_SYMBOLS = {
    "pipeline": types.SymbolKind.Module, "param": types.SymbolKind.Variable,
    "let": types.SymbolKind.Constant, "secret": types.SymbolKind.Key,
    "policy": types.SymbolKind.Object, "pool": types.SymbolKind.Array,
    "stage": types.SymbolKind.Function, "service": types.SymbolKind.Function,
    "finally": types.SymbolKind.Function, "use": types.SymbolKind.Namespace,
    "axis": types.SymbolKind.EnumMember, "value": types.SymbolKind.Field,
    "node": types.SymbolKind.Function, "constant": types.SymbolKind.Variable,
}  # fmt: skip
_COMPLETIONS = {
    "block": types.CompletionItemKind.Keyword, "setting": types.CompletionItemKind.Property,
    "type": types.CompletionItemKind.TypeParameter, "word": types.CompletionItemKind.EnumMember,
    "function": types.CompletionItemKind.Function, "file": types.CompletionItemKind.File,
    "folder": types.CompletionItemKind.Folder, "constant": types.CompletionItemKind.Variable,
    "template": types.CompletionItemKind.Snippet, "root": types.CompletionItemKind.Module,
    "axis": types.CompletionItemKind.EnumMember, "value": types.CompletionItemKind.Field,
    "secret": types.CompletionItemKind.Variable, "pool": types.CompletionItemKind.Variable,
}  # fmt: skip


class Question:
    """A request about one file: the project, the path, and the places in the file."""

    def __init__(self, project: Project, path: str, has_snippets: bool) -> None:
        self.project = project
        self.path = path
        self.has_snippets = has_snippets
        self.positions: Positions = project.positions(path)
        self.names = Names(project)

    def offset(self, params: Any) -> int:
        """The offset of a request's `position`."""
        return self.positions.offset(place_from(params.position))

    def symbol(self, params: Any) -> Symbol | None:
        """What the name at the request's position stands for."""
        found = self.names.at(self.path, self.offset(params))
        return None if found is None else self.names.symbol(self.path, found.mention)

    def range(self, span: Span) -> types.Range:
        """A span of the file."""
        return range_of(self.positions, span)

    def location(self, found: Found) -> types.Location:
        """A mention, perhaps in another file."""
        return location_of(self.project, found.path, found.span)


def _hover(question: Question, params: types.HoverParams) -> types.Hover | None:
    found = hover(question.project, question.path, question.offset(params))
    if found is None:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, found.text)
    return types.Hover(content, question.range(found.span))


def _complete(question: Question, params: types.CompletionParams) -> types.CompletionList:
    found = complete(question.project, question.path, question.offset(params))
    return types.CompletionList(False, [_completion(question, item) for item in found])


def _completion(question: Question, item: Item) -> types.CompletionItem:
    is_snippet = question.has_snippets and bool(item.snippet)
    text = item.snippet if is_snippet else item.text
    words = types.MarkupContent(types.MarkupKind.Markdown, item.documentation)
    return types.CompletionItem(
        label=item.label,
        kind=_COMPLETIONS.get(item.kind, types.CompletionItemKind.Function),
        detail=item.detail or None,
        documentation=words if item.documentation else None,
        text_edit=types.TextEdit(question.range(item.span), text),
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else None,
    )


def _define(question: Question, params: types.DefinitionParams) -> types.Location | None:
    symbol = question.symbol(params)
    found = None if symbol is None else question.names.declaration(symbol)
    return None if found is None else question.location(found)


def _refer(question: Question, params: types.ReferenceParams) -> list[types.Location]:
    symbol = question.symbol(params)
    found = [] if symbol is None else question.names.references(symbol)
    is_wanted = params.context.include_declaration
    return [question.location(f) for f in found if is_wanted or not f.mention.is_declaration]


def _highlight(
    question: Question, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight]:
    symbol = question.symbol(params)
    found = [] if symbol is None else question.names.references_in(symbol, question.path)
    return [types.DocumentHighlight(question.range(each.span)) for each in found]


def _prepare_rename(question: Question, params: types.PrepareRenameParams) -> types.Range:
    try:
        found = renamable(question.project, question.path, question.offset(params))
    except RenameError as error:
        raise JsonRpcInvalidRequest(str(error)) from None
    return question.range(found.span)


def _rename(question: Question, params: types.RenameParams) -> types.WorkspaceEdit:
    try:
        offset = question.offset(params)
        edits = rename(question.project, question.path, offset, params.new_name)
    except RenameError as error:
        raise JsonRpcInvalidRequest(str(error)) from None
    return workspace_edit(question.project, edits)


def _outline(question: Question, _params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    pieced = question.project.pieced(question.path)
    return [] if pieced is None else [_symbol(question, entry) for entry in outline(pieced)]


def _symbol(question: Question, entry: Entry) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=entry.name,
        kind=_SYMBOLS[entry.kind],
        range=question.range(entry.span),
        selection_range=question.range(entry.name_span),
        detail=entry.detail or entry.kind,
        children=[_symbol(question, inner) for inner in entry.entries],
    )


def _fold(question: Question, _params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    pieced = question.project.pieced(question.path)
    return [
        types.FoldingRange(
            fold.first,
            fold.last,
            kind=types.FoldingRangeKind.Comment if fold.is_comment else None,
        )
        for fold in ([] if pieced is None else folds(pieced))
    ]


def _format(question: Question, _params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    pieced = question.project.pieced(question.path)
    change = None if pieced is None else formatted(pieced)
    return [] if change is None else [types.TextEdit(question.range(change[0]), change[1])]


def _act(question: Question, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What would mend the diagnostics that touch the lines asked about."""
    wanted = question.positions.span(area_from(params.range))
    found: list[types.CodeAction] = []
    for diagnostic in question.project.diagnostics(question.path):
        span = diagnostic.span
        if span is None or span.end < wanted.start or wanted.end < span.start:
            continue
        about = [
            each
            for each in params.context.diagnostics
            if each.code == diagnostic.code and each.range == question.range(span)
        ]
        found += [
            types.CodeAction(
                title=mended.title,
                kind=types.CodeActionKind.QuickFix,
                is_preferred=mended.is_sure or None,
                diagnostics=about,
                edit=workspace_edit(question.project, mended.edits),
            )
            for mended in mendings(diagnostic, question.project.pieced)
        ]
    return found


def _color(question: Question, _params: types.SemanticTokensParams) -> types.SemanticTokens:
    project, path = question.project, question.path
    number, _ = project.colored.get(path, (0, []))
    project.colored[path] = number + 1, _coded(question, None)
    return types.SemanticTokens(project.colored[path][1], str(number + 1))


def _color_changes(
    question: Question, params: types.SemanticTokensDeltaParams
) -> types.SemanticTokens | types.SemanticTokensDelta:
    """What is other than when the editor asked last: of a large file all would be too much."""
    known = question.project.colored.get(question.path, (0, []))
    found = _color(question, types.SemanticTokensParams(params.text_document))
    if params.previous_result_id != str(known[0]):
        return found
    start, gone, made = changed_part(known[1], list(found.data))
    return types.SemanticTokensDelta([types.SemanticTokensEdit(start, gone, made)], found.result_id)


def _color_part(
    question: Question, params: types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    within = question.positions.span(area_from(params.range))
    return types.SemanticTokens(_coded(question, within))


def _coded(question: Question, within: Span | None) -> list[int]:
    pieced = question.project.pieced(question.path)
    return [] if pieced is None else coded(pieced, question.project.encoding, within)


def find_symbols(projects: tuple[Project, ...], word: str) -> list[types.WorkspaceSymbol]:
    """Declarations of all projects."""
    return [
        types.WorkspaceSymbol(
            location_of(project, place.path, place.span),
            place.name,
            _SYMBOLS.get(place.kind, types.SymbolKind.Variable),
        )
        for project in projects
        for place in search(project, word)
    ]


LEGEND = types.SemanticTokensLegend(list(TYPES), ["declaration"])

ANSWERS: Mapping[str, tuple[Callable[..., Any], Any]] = {
    types.TEXT_DOCUMENT_HOVER: (_hover, None),
    types.TEXT_DOCUMENT_COMPLETION: (
        _complete,
        types.CompletionOptions(trigger_characters=[".", '"', "/", "|", "[", "="]),
    ),
    types.TEXT_DOCUMENT_DEFINITION: (_define, None),
    types.TEXT_DOCUMENT_REFERENCES: (_refer, None),
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlight, None),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (_prepare_rename, None),
    types.TEXT_DOCUMENT_RENAME: (_rename, types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_outline, None),
    types.TEXT_DOCUMENT_FOLDING_RANGE: (_fold, None),
    types.TEXT_DOCUMENT_FORMATTING: (_format, None),
    types.TEXT_DOCUMENT_CODE_ACTION: (
        _act,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    ),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (_color, LEGEND),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL_DELTA: (_color_changes, LEGEND),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: (_color_part, LEGEND),
}
"""The requests about one file: what answers each, and what the editor is told of it."""
