"""Who needs whom: references to stages become numbers of nodes (E0201, E0301, E0302, E0306, E0309).

Names are those of the file they stand in; what a `use` needs, all of its stages need. Whoever
mentions something broken is not told again.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from orch.compiler.expand import Expansion, FileInstance, Group, Member, Node
from orch.compiler.graph import circles
from orch.compiler.matrices import is_same
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.templates import Templates
from orch.compiler.values import Unknown
from orch.dsl.diagnostics import Related
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import List, Reference, Segment, Selector, Template, Value

MOST_NEEDS = 5_000_000
"""Needs of all stages together: a plan lists each of them."""

_MOST_RELATED = 10
"""So many further needs of a circle are marked."""


@record
class Needs:
    """`of[n]` are the nodes that node n needs, each once, in definition order. `has_circle` says
    that no order exists."""

    of: Sequence[tuple[int, ...]]
    has_circle: bool


def resolve_needs(expansion: Expansion, templates: Templates) -> Needs:
    """Resolve every `needs` of every instance."""
    resolver = _Resolver(expansion, templates)
    of = [resolver.needs_of(node) for node in expansion.nodes]
    resolver.report_large()
    found = circles(of)
    for circle in found:
        resolver.report_circle(circle)
    return Needs(of, bool(found))


Edge = tuple[int, FileInstance, Span]


class _Resolver:
    """Resolves references, each setting once for all combinations that share it."""

    def __init__(self, expansion: Expansion, templates: Templates) -> None:
        self._nodes = expansion.nodes
        self._templates = templates
        self._shared: dict[tuple[Section, FileInstance], tuple[Edge, ...]] = {}
        self._inherited: dict[FileInstance, tuple[Edge, ...]] = {}
        self._last: tuple[tuple[Edge, ...], tuple[Edge, ...], tuple[int, ...]] | None = None
        self._total = 0
        self._largest: tuple[int, Node] | None = None

    # -- needs ----------------------------------------------------------------

    def needs_of(self, node: Node) -> tuple[int, ...]:
        if node.kind == "service":
            # A service starts when a stage that needs it is due, so after what that stage needs.
            return ()
        edges = self._written(node.section, node.file, node)
        if node.kind == "finally" or self._total > MOST_NEEDS:
            return ()
        inherited = self._of_uses(node.file)
        if self._last is None or self._last[0] is not edges or self._last[1] is not inherited:
            numbers = tuple(sorted({index for index, _, _ in (*edges, *inherited)}))
            self._last = (edges, inherited, numbers)
        numbers = self._last[2]
        if node.index in numbers and edges:
            self._report_itself(node, edges)
            # Combinations of one matrix that need each other all say it by needing themselves.
            numbers = tuple(i for i in numbers if self._nodes[i].section is not node.section)
        self._total += len(numbers)
        if self._largest is None or len(numbers) > self._largest[0]:
            self._largest = (len(numbers), node)
        return numbers

    def _report_itself(self, node: Node, edges: "tuple[Edge, ...]") -> None:
        for index, file, span in edges:
            if index == node.index:
                reader = self._templates.reader(file.outline, file.constants)
                reader.report("E0302", f"stage `{node.section.name}` needs itself", span)

    def _of_uses(self, file: FileInstance) -> tuple[Edge, ...]:
        """What all stages of a file need because the `use` of it does, or one further up."""
        if file not in self._inherited:
            use = file.use
            edges: tuple[Edge, ...] = ()
            if use is not None:
                own = self._written(use.section, use.file, None, row_file=file)
                edges = (*own, *self._of_uses(use.file))
                edges = self._without_itself(edges, use.section, use.file)
            self._inherited[file] = edges
        return self._inherited[file]

    def _without_itself(
        self, edges: tuple[Edge, ...], section: Section, file: FileInstance
    ) -> tuple[Edge, ...]:
        """A use that needs its own stages is told so once (E0302)."""
        group = file.groups.get(section.name)
        if group is None or not group.members:
            return edges
        own = range(group.members[0].begin, group.members[-1].end)
        kept = []
        for edge in edges:
            if edge[0] in own:
                reader = self._templates.reader(edge[1].outline, edge[1].constants)
                reader.report("E0302", f"`{section.name}` needs itself", edge[2])
            else:
                kept.append(edge)
        return tuple(kept)

    def _written(
        self,
        section: Section,
        file: FileInstance,
        node: Node | None,
        row_file: FileInstance | None = None,
    ) -> tuple[Edge, ...]:
        """The nodes that a `needs` setting names, each with the file and place of its name."""
        setting = section.settings.get("needs")
        if setting is None:
            return ()
        row = (
            node.row
            if node is not None
            else row_file.use.row
            if row_file and row_file.use
            else None
        )
        varies = row is not None and _holds_template(setting.value)
        key = (section, file)
        if not varies and key in self._shared:
            return self._shared[key]
        reader = self._templates.reader(file.outline, file.constants, row)
        if section.spec.keyword == "finally":
            message = f"`{section.name}` runs at the end, and can't say what it needs"
            reader.report("E0309", message, setting.name.span)
            edges: tuple[Edge, ...] = ()
        else:
            edges = tuple(
                (index, file, reference.span)
                for reference in self._references(setting.value, reader)
                for index in self.nodes_of(reference, file, reader)
            )
        if not varies:
            self._shared[key] = edges
        return edges

    def _references(self, value: Value, reader: Reader) -> Iterable[Reference]:
        if not isinstance(value, List):
            message = "`needs` takes a list of names"
            help_ = None
            if isinstance(value, Reference):
                help_ = "put it into `[…]`"
            reader.report("E0401", message, value.span, help_)
            return
        for item in value.items:
            if isinstance(item, Reference):
                yield item
            else:
                help_ = "a stage's name stands without quotes"
                reader.report("E0401", "`needs` takes names of stages", item.span, help_)

    # -- one reference --------------------------------------------------------

    def nodes_of(self, reference: Reference, file: FileInstance, reader: Reader) -> list[int]:
        """The nodes that a reference means, seen from a file."""
        files = [file]
        for at, segment in enumerate(reference.segments):
            is_last = at + 1 == len(reference.segments)
            members: list[Member] = []
            section: Section | None = None
            for scope in files:
                group = self._group(segment, scope, reader)
                if group is None:
                    return []
                section = group.section
                chosen = self._chosen(group, segment, reader)
                if chosen is None:
                    return []
                members += chosen
            if section is None:
                return []
            if is_last:
                return self._ends(section, members, segment, reader, files[0].outline.path)
            if section.spec.keyword != "use":
                following = reference.segments[at + 1].name
                message = f"`{segment.name.text}` is a {section.spec.keyword}: nothing lies in it"
                reader.report("E0201", message, following.span)
                return []
            files = [member.file for member in members if member.file is not None]
        return []

    def _group(self, segment: Segment, file: FileInstance, reader: Reader) -> Group | None:
        name = segment.name.text
        group = file.groups.get(name)
        if group is None and not _is_poisoned(name, file):
            what = (
                "this file declares"
                if file.use is None
                else f"`{shown(file.outline.path)}` declares"
            )
            help_ = self._templates.suggestion(name, file.groups)
            message = f"no stage, service or alias `{name}` is there: {what} none of that name"
            reader.report("E0201", message, segment.name.span, help_)
        return group

    def _chosen(self, group: Group, segment: Segment, reader: Reader) -> list[Member] | None:
        """The members that all selectors match."""
        chosen = list(group.members)
        if not segment.selectors:
            return chosen
        name = segment.name.text
        axes = tuple(group.members[0].row) if group.members else ()
        given: dict[str, Selector] = {}
        for selector in segment.selectors:
            key = selector.key.text
            first = given.setdefault(key, selector)
            if first is not selector:
                path = reader.path
                related = (Related("first given here", path, first.key.span),)
                reader.report("E0209", f"`{key}` is given twice", selector.key.span, None, related)
                return None
            if selector.key.text not in axes:
                hint = near_miss(selector.key.text, axes)
                help_ = did_you_mean(hint)
                if group.is_known or axes:
                    message = f"`{name}` has no axis `{selector.key.text}`"
                    reader.report("E0306", message, selector.span, help_)
                return None
            value = self._selected(selector, reader)
            if isinstance(value, Unknown) or not group.is_known:
                return None
            matching = [m for m in chosen if is_same(m.row[selector.key.text], value)]
            if not matching:
                message = f"no combination of `{name}` has this `{selector.key.text}`"
                if not any(is_same(m.row[selector.key.text], value) for m in group.members):
                    known = ", ".join(_texts(group, selector.key.text))
                    message = f"no combination of `{name}` has it: `{selector.key.text}` is {known}"
                reader.report("E0306", message, selector.span)
                return None
            chosen = matching
        return chosen

    def _selected(self, selector: Selector, reader: Reader) -> object:
        value: object = reader.value(selector.value)
        return value

    def _ends(
        self, section: Section, members: list[Member], segment: Segment, reader: Reader, path: str
    ) -> list[int]:
        """The nodes of members of a section in the file `path`; E0309 for a `finally` stage."""
        if section.spec.keyword == "finally":
            message = f"`{section.name}` is a `finally` stage: nothing can come after it"
            related = (Related("it runs at the end", path, section.name_span),)
            reader.report("E0309", message, segment.name.span, None, related)
            return []
        return [
            index
            for member in members
            for index in range(member.begin, member.end)
            if self._nodes[index].kind != "finally"
        ]

    # -- the whole graph -------------------------------------------------------

    def report_large(self) -> None:
        if self._total <= MOST_NEEDS or self._largest is None:
            return
        node = self._largest[1]
        reader = self._templates.reader(node.file.outline, node.file.constants)
        message = (
            f"the stages of the plan have {self._total:,} needs, and {MOST_NEEDS:,} is the most"
        )
        help_ = "put a stage between two large matrices that all of the second need"
        reader.report("E0307", message, node.section.block.span, help_)

    def report_circle(self, circle: Sequence[int]) -> None:
        """Print the circle; the span is the name by which its first stage needs the second."""
        ids = [self._nodes[index].id for index in (*circle, circle[0])]
        shown = ids if len(ids) <= 12 else [*ids[:10], "…", ids[-1]]
        first, second = circle[0], circle[1]
        _, file, span = self._edge(first, second)
        others = zip(circle[1:], (*circle[2:], first), strict=True)
        related = []
        for one, other in islice(others, _MOST_RELATED):
            _, there, place = self._edge(one, other)
            message = f"`{self._nodes[one].id}` needs `{self._nodes[other].id}`"
            related.append(Related(message, there.outline.path, place))
        reader = self._templates.reader(file.outline, file.constants)
        message = f"stages need each other in a circle: `{' → '.join(shown)}`"
        reader.report("E0301", message, span, None, tuple(related))

    def _edge(self, first: int, second: int) -> Edge:
        """Where it is written that one node needs another."""
        node = self._nodes[first]
        edges = (*self._written(node.section, node.file, node), *self._of_uses(node.file))
        return next(edge for edge in edges if edge[0] == second)


def _texts(group: Group, axis: str) -> list[str]:
    from orch.compiler.matrices import scalar_text

    texts = dict.fromkeys(f"`{shown(scalar_text(member.row[axis]))}`" for member in group.members)
    return [*list(texts)[:8], *(["…"] if len(texts) > 8 else [])]


def _holds_template(value: Value) -> bool:
    """Whether a list of references has a selector that may differ between combinations."""
    items = value.items if isinstance(value, List) else ()
    selectors = (
        selector
        for item in items
        if isinstance(item, Reference)
        for segment in item.segments
        for selector in segment.selectors
    )
    return any(
        isinstance(s.value, Template) or (hasattr(s.value, "is_static") and not s.value.is_static)
        for s in selectors
    )


def _is_poisoned(name: str, file: FileInstance) -> bool:
    """Whether something stands under that name that couldn't be understood."""
    outline = file.outline
    return name.lower() in outline.poisoned
