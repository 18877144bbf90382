"""The second pass: what each file declares, and under which names (E0202, E0204, E0209, E0210).

An outline says which blocks, settings and names there are; values are not looked at yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orch.compiler.sections import Section, SectionReader
from orch.compiler.settings import BLOCKS
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.record import changed
from orch.dsl.tree import Block, Name, SyntaxTree

NODE_KEYWORDS = ("stage", "service", "finally", "use")
"""Blocks whose names share the scope that `needs` looks into."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What one file declares. Mappings are in written order.

    `poisoned` holds the names (in lower case) of blocks that can't be understood: whoever mentions
    one of them is not told again. `is_whole` says that nothing of the file was lost to syntax
    errors, so that what is not used in it is really not used.
    """

    path: str
    pipeline: Section | None
    params: Mapping[str, Section]
    lets: Mapping[str, Section]
    secrets: Mapping[str, Section]
    pools: Mapping[str, Section]
    policy: Section | None
    nodes: tuple[Section, ...]
    poisoned: frozenset[str]
    is_whole: bool


def outline(tree: SyntaxTree, *, has_syntax_errors: bool) -> tuple[Outline, list[Diagnostic]]:
    """What a file declares, and what is wrong with its blocks and the names of settings."""
    outliner = _Outliner(tree)
    result = outliner.outline(has_syntax_errors=has_syntax_errors)
    return result, outliner.found


class _Outliner:
    """Collects the blocks and diagnostics of one file."""

    def __init__(self, tree: SyntaxTree) -> None:
        self._tree = tree
        self.found: list[Diagnostic] = []
        self._reader = SectionReader(tree.source, self.found)
        self._scopes: dict[str, dict[str, Name]] = {}
        self._poisoned: set[str] = set()

    def outline(self, *, has_syntax_errors: bool) -> Outline:
        read = [self._block(block) for block in self._tree.blocks]
        sections = [section for section in read if section is not None]
        kept = [section for section in sections if not section.is_duplicate]
        is_lossy = has_syntax_errors or len(sections) < len(read) or bool(self._poisoned)

        def of(keyword: str) -> dict[str, Section]:
            return {s.name: s for s in kept if s.spec.keyword == keyword}

        return Outline(
            path=self._tree.source.path,
            pipeline=next(iter(of("pipeline").values()), None),
            params=of("param"),
            lets=of("let"),
            secrets=of("secret"),
            pools=of("pool"),
            policy=of("policy").get(""),
            nodes=tuple(s for s in sections if s.spec.keyword in NODE_KEYWORDS),
            poisoned=frozenset(self._poisoned),
            is_whole=not is_lossy and not any(s.block.is_broken for s in sections),
        )

    def _block(self, block: Block) -> Section | None:
        keyword = block.keyword
        spec = BLOCKS.get(keyword.text)
        section = None
        if spec is None:
            self._reader.report_unknown(keyword, "E0204", "block", BLOCKS)
        else:
            section = self._reader.read(spec, block)
        if section is None:
            self._poisoned |= {name.lower() for name in _names_of(block)}
            return None
        if section.spec.keyword == "policy":
            first = self._scopes.setdefault("policy", {}).setdefault("", keyword)
            if first is not keyword:
                self._reader.report_twice(keyword, first)
            return section if first is keyword else changed(section, is_duplicate=True)
        name = block.alias or block.label
        assert isinstance(name, Name)
        return self._named(section, name)

    def _named(self, section: Section, name: Name) -> Section:
        """The section under its name, which must be allowed there and new in its scope."""
        keyword = section.spec.keyword
        if "-" in name.text and not section.spec.may_hold_dash:
            message = f"the name of a {keyword} can't hold `-`: `{name.text}`"
            self._reader.report("E0210", message, name.span)
        # There is one pipeline block in a file, whatever its name is.
        key = "" if keyword == "pipeline" else name.text.lower()
        first = self._scopes.setdefault(_scope_of(keyword), {}).setdefault(key, name)
        if first is not name:
            self._report_second(keyword, name, first)
        return section if first is name else changed(section, is_duplicate=True)

    def _report_second(self, keyword: str, name: Name, first: Name) -> None:
        message = f"`{name.text}` is defined twice"
        if keyword == "pipeline":
            message = f"a file has one `pipeline` block, and `{name.text}` is a second"
        elif first.text != name.text:
            message = f"`{name.text}` differs only in case from `{first.text}`"
        related = (Related("first defined here", self._tree.source.path, first.span),)
        self._reader.report("E0202", message, name.span, None, related)


def _scope_of(keyword: str) -> str:
    if keyword in NODE_KEYWORDS:
        return "stage"
    return "param" if keyword == "let" else keyword


def _names_of(block: Block) -> Iterable[str]:
    return (name.text for name in (block.label, block.alias) if isinstance(name, Name))
