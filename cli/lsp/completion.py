"""What may be typed at a place: blocks, settings, words, names, filters, files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname

from orch.cli.lsp.mentions import Names, Symbol
from orch.cli.lsp.paths import candidates
from orch.cli.lsp.project import ENDING, Project
from orch.cli.lsp.typing_context import Context, context_at
from orch.cli.lsp.wording import (
    block_words,
    function_text,
    function_words,
    setting_words,
    shape_text,
)
from orch.compiler.functions import FILTERS, FUNCTIONS
from orch.compiler.names import STATUSES
from orch.compiler.settings import BLOCKS, BlockSpec, SettingSpec
from orch.compiler.shapes import ListOf, MapOf, RangeOf, Scalar, Shape, Strings, Words
from orch.compiler.shapes import Names as NamesShape
from orch.compiler.values import GENERIC_TYPES, SCALAR_TYPES
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.tree import Block, Declaration, List, Name, Setting, String, Value

_FIELDS = {
    "status": "how it ended: succeeded, failed, skipped or cancelled",
    "exit_code": "the exit code of its last attempt",
    "values": "what it handed on",
}
_ROOTS = {
    "params": "the parameters of this file", "lets": "the lets of this file",
    "matrix": "the axes of this combination", "pipeline": "the pipeline: its `name`",
    "stages": "other stages, while running", "run": "the run: its `id`, its `status`",
}  # fmt: skip
_HEADS: Mapping[str, str] = {
    "pipeline": "pipeline ${1:name} { }", "param": "param ${1:name}: ${2:string}",
    "let": "let ${1:name} = $0", "secret": "secret ${1:NAME}",
    "policy": "policy {\n  $0\n}", "pool": "pool ${1:name} { slots = ${2:1} }",
    "stage": 'stage ${1:name} {\n  run = "$0"\n}',
    "service": 'service ${1:name} {\n  run = "$0"\n}',
    "finally": 'finally ${1:name} {\n  run = "$0"\n}',
    "use": 'use "$0" as ${1:name}',
}  # fmt: skip


@record
class Item:
    """One proposal: `kind` says what it is, `insert` stands in the place of `span`; `snippet` is
    the same with places to fill, for editors that know such."""

    label: str
    kind: str
    span: Span
    detail: str = ""
    documentation: str = ""
    insert: str = ""
    snippet: str = ""

    @property
    def text(self) -> str:
        return self.insert or self.label


def complete(project: Project, path: str, offset: int) -> list[Item]:
    """All that may stand at an offset; who draws it leaves out what doesn't fit what was typed."""
    pieced = project.pieced(path)
    if pieced is None:
        return []
    start, piece = pieced.at(offset)
    context = context_at(piece, offset - start)
    span = Span(context.span.start + start, context.span.end + start)
    return list(_Completer(project, path, context, span).items())


class _Completer:
    def __init__(self, project: Project, path: str, context: Context, span: Span) -> None:
        self._project = project
        self._path = path
        self._names = Names(project)
        self._context = context
        self._span = span
        self._spec = _spec_of(context)

    def items(self) -> Iterator[Item]:
        match self._context.kind:
            case "top":
                yield from self._blocks()
            case "item":
                yield from self._settings()
            case "type":
                types = (*SCALAR_TYPES, *(f"{name}<string>" for name in GENERIC_TYPES))
                yield from self._words(types, "type")
            case "value":
                yield from self._values()
            case "selector":
                yield from self._selectors()
            case "string":
                yield from self._strings()
            case "template":
                yield from self._expressions()

    def _item(self, label: str, kind: str, detail: str = "", text: str = "") -> Item:
        return Item(label, kind, self._span, detail, text)

    def _words(self, words: Iterable[str], kind: str) -> Iterator[Item]:
        return (self._item(word, kind) for word in words)

    # -- blocks and settings ----------------------------------------------------

    def _blocks(self) -> Iterator[Item]:
        for keyword, spec in BLOCKS.items():
            words = block_words(spec)
            yield Item(keyword, "block", self._span, spec.doc, words, snippet=_HEADS[keyword])

    def _settings(self) -> Iterator[Item]:
        spec = self._spec
        if spec is None:
            return
        if spec.keyword == "with":
            yield from self._params_of_used_file()
        for name, setting in spec.settings.items():
            detail, words = shape_text(setting.shape), setting_words(setting)
            insert = f"{name} = "
            yield Item(name, "setting", self._span, detail, words, insert, f"{insert}$0")
        for keyword, inner in spec.blocks.items():
            if keyword in spec.settings:
                continue
            snippet = f"{keyword} {{\n  $0\n}}"
            yield Item(
                keyword, "block", self._span, inner.doc, block_words(inner), f"{keyword} ", snippet
            )

    def _params_of_used_file(self) -> Iterator[Item]:
        blocks = self._context.blocks
        target = self._names.target(self._path, blocks[0].label) if blocks else None
        for name, block in self._declared(target, ("param",)):
            insert = f"{name} = "
            detail = _text_of(block)
            yield Item(name, "constant", self._span, detail, "", insert, f"{insert}$0")

    # -- values -----------------------------------------------------------------

    def _values(self) -> Iterator[Item]:
        setting = self._setting()
        if setting is not None:
            yield from self._of_shape(setting.shape)
            yield from self._template(setting)
        elif self._context.keyword in ("param", "let"):
            yield from self._words(("true", "false"), "word")

    def _setting(self) -> SettingSpec | None:
        return None if self._spec is None else self._spec.settings.get(self._context.setting)

    def _of_shape(self, shape: Shape) -> Iterator[Item]:
        match shape:
            case NamesShape(of=of):
                yield from self._named(of)
            case Words(words=words):
                yield from self._words((w.replace("(N)", "()") for w in words), "word")
            case Scalar(type="bool"):
                yield from self._words(("true", "false"), "word")
            case Scalar(type="string", allowed=allowed):
                yield from self._words((f'"{word}"' for word in allowed), "word")
            case ListOf(item=item):
                yield from self._of_shape(item)
            case RangeOf() | MapOf() | Strings() | _:
                return

    def _template(self, setting: SettingSpec) -> Iterator[Item]:
        if setting.templates.name != "NEVER":
            snippet = "{{ $0 }}"
            yield Item("{{ }}", "template", self._span, "a template", "", "{{  }}", snippet)

    def _named(self, of: str) -> Iterator[Item]:
        """Stages, secrets or pools; behind a dot those of the file that an alias brings in."""
        keywords = {"stage": ("stage", "service", "use"), "secret": ("secret",), "pool": ("pool",)}
        path: str | None = self._path
        for alias in self._context.chain:
            path = None if path is None else self._names.target(path, alias)
        own = self._context.blocks[0].label if self._context.blocks else ""
        for name, block in self._declared(path, keywords[of]):
            if name != own or self._context.chain:
                yield self._item(name, block.keyword.text, _text_of(block))

    def _selectors(self) -> Iterator[Item]:
        path: str | None = self._path
        *aliases, stage = self._context.levels[-1].chain
        for alias in aliases:
            path = None if path is None else self._names.target(path, alias)
        if path is None:
            return
        axis = self._context.chain
        if axis:
            for text in _axis_values(self._project, path, stage, axis[0]):
                yield self._item(text, "word")
            return
        for name in self._inner_names(path, stage, "matrix"):
            yield Item(name, "axis", self._span, "axis", "", f"{name}=", f"{name}=$0")

    def _inner_names(self, path: str, node: str, keyword: str) -> Iterator[str]:
        """The names of axes or values that a stage declares."""
        block = self._names.block(Symbol(path, "node", "", node))
        for inner in () if block is None else block.body or ():
            if isinstance(inner, Block) and inner.keyword.text == keyword:
                for item in inner.body or ():
                    name = item.name if isinstance(item, Setting | Declaration) else None
                    if isinstance(name, Name) and name.text not in ("include", "exclude"):
                        yield name.text

    def _declared(self, path: str | None, keywords: Iterable[str]) -> Iterator[tuple[str, Block]]:
        pieced = None if path is None else self._project.pieced(path)
        for _, piece in () if pieced is None else pieced.placed():
            for block in piece.tree.blocks:
                label = block.alias or block.label
                if block.keyword.text in keywords and isinstance(label, Name):
                    yield label.text, block

    # -- templates ------------------------------------------------------------------

    def _expressions(self) -> Iterator[Item]:
        text = self._context.text
        written = text + self._context.prefix
        if re.search(r"[\"']", re.sub(r"\"[^\"]*\"|'[^']*'", "", written)):
            yield from self._texts(written)
            return
        if re.search(r"\|\s*$", text):
            for name in FILTERS:
                signature = function_text(name) or ""
                yield self._item(name, "function", signature, function_words(name) or "")
            return
        chain = re.search(r"\b([A-Za-z_][\w-]*(?:\.[\w-]+)*)\.$", text)
        if chain is not None:
            yield from self._members(chain[1].split("."))
            return
        for name, block in self._declared(self._path, ("param", "let")):
            yield self._item(name, "constant", _text_of(block))
        for name, words in _ROOTS.items():
            yield self._item(name, "root", words)
        for name in FUNCTIONS:
            signature = function_text(name) or ""
            yield self._item(name, "function", signature, function_words(name) or "")

    def _members(self, chain: list[str]) -> Iterator[Item]:
        match chain:
            case ["params" | "lets" as root]:
                for name, block in self._declared(self._path, (root[:-1],)):
                    yield self._item(name, "constant", _text_of(block))
            case ["matrix"]:
                own = self._context.blocks[0].label if self._context.blocks else ""
                for name in self._inner_names(self._path, own, "matrix"):
                    yield self._item(name, "axis", "axis")
            case ["pipeline"]:
                yield self._item("name", "word")
            case ["run"]:
                yield from self._words(("id", "status"), "word")
            case ["stages", *names]:
                yield from self._of_stages(names)

    def _of_stages(self, names: list[str]) -> Iterator[Item]:
        path: str | None = self._path
        if names and names[-1] == "values":
            for alias in names[:-2]:
                path = None if path is None else self._names.target(path, alias)
            for name in self._inner_names(path, names[-2], "values") if path else ():
                yield self._item(name, "value", "value")
            return
        if names:
            for name, words in _FIELDS.items():
                yield self._item(name, "word", words)
        for alias in names:
            path = None if path is None else self._names.target(path, alias)
        for name, block in self._declared(path, ("stage", "finally", "use")):
            yield self._item(name, block.keyword.text, _text_of(block))

    # -- files ----------------------------------------------------------------------

    def _strings(self) -> Iterator[Item]:
        """Paths: of a `use` relative to this file, of a stage to where its command finds itself."""
        setting, typed = self._setting(), self._context.prefix
        if self._context.keyword == "use":
            for item in self._paths(dirname(self._path), typed):
                if item.kind == "folder" or item.label.endswith(ENDING):
                    yield item
        elif setting is not None and setting.name == "cwd":
            yield from (item for item in self._paths("", typed) if item.kind == "folder")
        elif setting is not None and setting.name in ("inputs", "outputs", "artifacts"):
            yield from self._paths(self._own_folder(), typed)

    def _own_folder(self) -> str:
        """The `cwd` of the stage around, where it is written out."""
        label = self._context.blocks[0].label if self._context.blocks else ""
        for name, block in self._declared(self._path, ("stage", "finally")):
            value = _value_of(block, "cwd") if name == label else None
            if isinstance(value, String) and value.is_static:
                return value.static_text
        return ""

    def _paths(self, folder: str, typed: str) -> Iterator[Item]:
        for each in candidates(self._project, folder, typed):
            span = Span(self._span.end - each.typed, self._span.end)
            yield Item(each.name, "folder" if each.is_folder else "file", span)

    def _texts(self, written: str) -> Iterator[Item]:
        """What may stand in quotes in a template: files in `glob`, statuses, allowed values."""
        if (pattern := re.search(r"\bglob\(\s*[\"']([^\"']*)$", written)) is not None:
            yield from self._paths("", pattern[1])
        elif re.search(r"\bstatus\s*[=!]=\s*[\"'][a-z]*$", written):
            yield from self._words(STATUSES, "word")
        elif (name := re.search(r"(\w+)\s*[=!]=\s*[\"'][^\"']*$", written)) is not None:
            for param, block in self._declared(self._path, ("param",)):
                if param == name[1]:
                    yield from self._words(_allowed_texts(block), "word")


def _allowed_texts(block: Block) -> list[str]:
    """The texts in the `in` of a param."""
    value = _value_of(block, "in")
    items = value.items if isinstance(value, List) else ()
    return [item.static_text for item in items if isinstance(item, String) and item.is_static]


def _value_of(block: Block, setting: str) -> Value | None:
    for item in block.body or ():
        if isinstance(item, Setting) and isinstance(item.name, Name) and item.name.text == setting:
            return item.value
    return None


def _spec_of(context: Context) -> BlockSpec | None:
    """The innermost block that is open, if the language knows it there."""
    spec: BlockSpec | None = None
    known: Mapping[str, BlockSpec] = BLOCKS
    for level in context.blocks:
        spec = known.get(level.keyword)
        if spec is None:
            return None
        known = spec.blocks
    return spec


def _axis_values(project: Project, path: str, stage: str, axis: str) -> list[str]:
    """The values of an axis as the last check found them, as a file would write them."""
    for insight in project.insights(path):
        for instance in insight.instances:
            if instance.path == path and stage in instance.rows:
                return list(instance.rows[stage].axes.get(axis, ()))
    return []


def _text_of(block: Block) -> str:
    """A few words about a declaration: its keyword and, of a param, its type."""
    type_ = block.type
    if type_ is None:
        return block.keyword.text
    inner = "" if type_.argument is None else f"<{type_.argument.name.text}>"
    return f"{block.keyword.text}: {type_.name.text}{inner}"
