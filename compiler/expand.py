"""Files used and matrices laid out: from declarations to the flat row of all stages of the plan.

The row is in definition order, uses inlined where they stand, so the stages of a use are one
stretch of it. What a stage does is evaluated later; here it gets its id and its combination.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orch.compiler.load import Loaded
from orch.compiler.matrices import Combinations, Row, combinations, row_text
from orch.compiler.outline import Outline
from orch.compiler.parameters import Argument, Constants, Demand
from orch.compiler.policy import Layers, over, read_section
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.templates import Templates
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.shown import LONGEST_PATH, shown
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import Name

MOST_STAGES = 100_000
"""Stages of one plan, and instances of files, those without stages included."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One combination of one `use`: how a file instance came to be; `row` is None without one."""

    section: Section
    file: "FileInstance"
    row: Row | None


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One combination of what a name stands for: the nodes from `begin` to `end` of the row.

    For an alias `file` is the file instance behind it.
    """

    row: Row
    begin: int
    end: int
    file: "FileInstance | None"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All that a name in `needs` can mean. Without `is_known` its combinations are not known, so
    nothing can be said of selectors."""

    section: Section
    members: tuple[Member, ...]
    is_known: bool

    @property
    def is_single(self) -> bool:
        """Whether the name means exactly one node: no alias, no matrix."""
        is_alias = self.section.spec.keyword == "use"
        return not is_alias and "matrix" not in self.section.sections


@dataclass(frozen=True, slots=True, eq=False)
class FileInstance:
    """A file with the arguments it got. `groups` is complete once the file is expanded."""

    outline: Outline
    prefix: str
    constants: Constants
    layers: Layers
    use: Use | None
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A stage, service or finally stage of the plan; `row` is None without a matrix."""

    index: int
    id: str
    section: Section
    file: FileInstance
    row: Row | None

    @property
    def kind(self) -> str:
        return self.section.spec.keyword


@dataclass(frozen=True, slots=True)
class Expansion:
    """The root file's instance and all nodes in definition order."""

    root: FileInstance
    nodes: tuple[Node, ...]
    files: tuple[FileInstance, ...]


class _TooManyError(Exception):
    """The plan would hold more stages, or files inlined, than it may."""

    def __init__(self, file: FileInstance, section: Section) -> None:
        super().__init__(section.name)
        self.file = file
        self.section = section


class Expander:
    """Expands one pipeline. A plan that is too large is reported (E0307) and then expanded once
    more, reduced to one combination of each matrix and one instance of each file, so that its other
    mistakes are found without the work of laying all of it out."""

    def __init__(
        self, loaded: Loaded, outlines: Mapping[str, Outline], templates: Templates
    ) -> None:
        self._loaded = loaded
        self._outlines = outlines
        self._templates = templates
        self._nodes: list[Node] = []
        self._files: list[FileInstance] = []
        self._expanded: set[str] = set()
        self._is_reduced = False

    def expand(
        self, arguments: Mapping[str, Argument], demand: Demand, layers: Layers
    ) -> Expansion:
        """Everything from the entry file down. `layers` lie below the file's own policy."""
        entry = self._outlines[self._loaded.entry]
        constants = self._constants(entry, arguments, demand)
        self._is_reduced = self._is_too_large_anyhow(entry)
        try:
            root = self._file(entry, "", constants, layers, None)
        except _TooManyError as error:
            reader = self._templates.reader(error.file.outline, error.file.constants)
            message = f"the plan has more than {MOST_STAGES:,} stages or files inlined"
            reader.report("E0307", message, error.section.block.span)
            self._is_reduced = True
            self._nodes.clear()
            self._files.clear()
            self._expanded.clear()
            root = self._file(entry, "", constants, layers, None)
        return Expansion(root, tuple(self._nodes), tuple(self._files))

    def _is_too_large_anyhow(self, entry: Outline) -> bool:
        """Whether files use each other so often that even without a matrix there are too many
        (E0307); counted, not tried out, for each level may multiply them."""
        counts: dict[str, int] = {}
        if self._count_files(entry, counts) <= MOST_STAGES:
            return False
        section, used = max(self._uses(entry), key=lambda use: counts[use[1].path])
        path = shown(used.path, LONGEST_PATH)
        message = f"`{path}` inlines {counts[used.path]:,} files, and {MOST_STAGES:,} is the most"
        span = section.block.span
        self._templates.found.append(Diagnostic("E0307", message, entry.path, span))
        return True

    def _count_files(self, outline: Outline, counts: dict[str, int]) -> int:
        """How many instances of files one of this file is, by path in `counts` once known."""
        if outline.path not in counts:
            used = (self._count_files(inner, counts) for _, inner in self._uses(outline))
            counts[outline.path] = 1 + sum(used)
        return counts[outline.path]

    def _uses(self, outline: Outline) -> list[tuple[Section, Outline]]:
        targets = self._loaded.targets
        uses = (s for s in outline.nodes if (outline.path, s.block.span) in targets)
        return [(s, self._outlines[targets[outline.path, s.block.span]]) for s in uses]

    def _constants(
        self, outline: Outline, arguments: Mapping[str, Argument], demand: Demand
    ) -> Constants:
        templates = self._templates
        return Constants(outline, lambda known: templates.reader(outline, known), arguments, demand)

    def _file(
        self,
        outline: Outline,
        prefix: str,
        constants: Constants,
        layers: Layers,
        use: Use | None,
    ) -> FileInstance:
        templates = self._templates
        reader = templates.reader(outline, constants)
        if outline.policy is not None:
            place = templates.place(outline.path)
            layers = over(layers, read_section(outline.policy, reader, place))
        if use is not None and "policy" in use.section.sections:
            user = templates.reader(use.file.outline, use.file.constants, use.row)
            place = templates.place(use.file.outline.path)
            own = read_section(use.section.sections["policy"], user, place)
            layers = over(layers, own)
        instance = FileInstance(outline, prefix, constants, layers, use)
        self._files.append(instance)
        self._expanded.add(outline.path)
        for section in outline.nodes:
            if section.spec.keyword == "use":
                self._use(instance, section)
            else:
                self._stage(instance, section)
        return instance

    # -- stages ---------------------------------------------------------------

    def _stage(self, file: FileInstance, section: Section) -> None:
        rows = self._rows(file, section)
        if len(self._nodes) + len(rows.rows) > MOST_STAGES:
            raise _TooManyError(file, section)
        members: list[Member] = []
        for row in rows.rows:
            index = len(self._nodes)
            suffix = f"[{row_text(row)}]" if "matrix" in section.sections else ""
            node_id = f"{file.prefix}{section.name}{suffix}"
            matrix = row if "matrix" in section.sections else None
            self._nodes.append(Node(index, node_id, section, file, matrix))
            members.append(Member(row, index, index + 1, None))
        if not section.is_duplicate:
            file.groups[section.name] = Group(section, tuple(members), rows.is_known)

    def _rows(self, file: FileInstance, section: Section) -> Combinations:
        matrix = section.sections.get("matrix")
        if matrix is None:
            return _NO_MATRIX
        found = combinations(matrix, self._templates.reader(file.outline, file.constants))
        if self._is_reduced:
            return Combinations(found.axes, found.rows[:1], is_known=False)
        return found

    # -- uses -----------------------------------------------------------------

    def _use(self, file: FileInstance, section: Section) -> None:
        rows = self._rows(file, section)
        target = self._loaded.targets.get((file.outline.path, section.block.span))
        members: list[Member] = []
        for row in rows.rows:
            if len(self._files) >= MOST_STAGES:
                raise _TooManyError(file, section)
            begin = len(self._nodes)
            child = None
            if target is not None and not (self._is_reduced and target in self._expanded):
                child = self._child(file, section, row, self._outlines[target])
            else:
                self._judge_entries(file, section, row)
            members.append(Member(row, begin, len(self._nodes), child))
        if not section.is_duplicate:
            is_known = rows.is_known and target is not None and not self._is_reduced
            file.groups[section.name] = Group(section, tuple(members), is_known)

    def _child(
        self, file: FileInstance, section: Section, row: Row, outline: Outline
    ) -> FileInstance:
        has_matrix = "matrix" in section.sections
        matrix = row if has_matrix else None
        suffix = f"[{row_text(row)}]" if has_matrix else ""
        reader = self._templates.reader(file.outline, file.constants, matrix)
        arguments, misspelt = self._arguments(section, outline, reader)
        related = (Related("used here", file.outline.path, section.head),)
        help_ = "give it in the `use`: `with {{ {name} = … }}`"
        demand = Demand(True, related, help_, misspelt)
        use = Use(section, file, matrix)
        prefix = f"{file.prefix}{section.name}{suffix}."
        constants = self._constants(outline, arguments, demand)
        return self._file(outline, prefix, constants, file.layers, use)

    def _arguments(
        self, section: Section, outline: Outline, reader: Reader
    ) -> tuple[dict[str, Argument], frozenset[str]]:
        """What `with` gives, and the parameters that a misspelt name was meant for (E0208)."""
        given = section.sections.get("with")
        arguments: dict[str, Argument] = {}
        misspelt: set[str] = set()
        for entry in given.entries if given is not None else ():
            name = entry.name.text if isinstance(entry.name, Name) else entry.name.static_text
            value = reader.value(entry.value)
            if name in outline.params:
                said = f"the argument for `{name}`"
                arguments[name] = Argument(value, said, reader, entry.value)
                continue
            hint = near_miss(name, outline.params)
            misspelt |= {hint} if hint else set()
            message = f"`{shown(outline.path, LONGEST_PATH)}` declares no parameter `{shown(name)}`"
            help_ = did_you_mean(hint)
            if name.lower() not in outline.poisoned:
                reader.report("E0208", message, entry.name.span, help_)
        return arguments, frozenset(misspelt)

    def _judge_entries(self, file: FileInstance, section: Section, row: Row) -> None:
        """Check the values of a `use` whose file is not there."""
        matrix = row if "matrix" in section.sections else None
        reader = self._templates.reader(file.outline, file.constants, matrix)
        given = section.sections.get("with")
        for entry in given.entries if given is not None else ():
            reader.value(entry.value)


_NO_MATRIX = Combinations((), ({},), is_known=True)
