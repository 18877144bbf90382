"""Reading status and values of other stages while running: who may read whom (E0201, E0203, E0305,
E0406).

A name is looked up in the file it stands in. What is read must come before the stage that reads; a
`finally` stage comes after everything else, and a service starts when a stage that needs it is due,
so what it reads must come before each of those. The text of such an expression names stages by
their ids in the plan; `test` then stands for all of `test[…]`, and `web` for all of `web.…`.
"""

from collections.abc import Iterator, Sequence

from orch.compiler.expand import Expansion, FileInstance, Node
from orch.compiler.expression_tree import LateReference
from orch.compiler.graph import Ancestry
from orch.compiler.sections import Section
from orch.compiler.templates import Templates
from orch.compiler.values import INT, STRING, Type, type_from
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss


@record
class _Found:
    """What a name means: nodes, and the one stage's section where it means exactly one."""

    id: str
    nodes: Sequence[int]
    section: Section | None
    what: str


class LateReads:
    """Judges late references with the finished graph."""

    def __init__(
        self, expansion: Expansion, needs: Sequence[Sequence[int]], templates: Templates
    ) -> None:
        self._nodes = expansion.nodes
        self._needs = needs
        self._templates = templates
        self._ancestry = Ancestry(needs)
        self._users: dict[int, list[int]] | None = None
        self._by_id: dict[str, Node] | None = None
        self._stretches: dict[str, tuple[int, int]] | None = None
        self._known: dict[tuple[str, FileInstance], _Found | None] = {}

    def judge(
        self, reference: LateReference, path: str, file: FileInstance, reader_node: Node
    ) -> Diagnostic | None:
        """What is wrong with reading this value in a stage, if anything is."""
        if reference.stage is None:
            return None
        found = self._find(reference.stage, file)
        if found is None:
            return self._unknown(reference, path, file)
        wrong = self._wrong_field(reference, found, path)
        if wrong is not None:
            return wrong
        if reader_node.kind == "service":
            return self._not_before_service(reference, found, path, file, reader_node)
        if self._all_before(found, reader_node):
            return None
        return self._not_before(reference, found, path, file, reader_node)

    def judge_certain(
        self, reference: LateReference, path: str, file: FileInstance, reader_node: Node
    ) -> Diagnostic | None:
        """E0406 for a value of a stage that can never run, where it is read for certain."""
        found = None if reference.stage is None else self._find(reference.stage, file)
        if found is None or found.section is None or reference.field != "values":
            return None
        if any(True for _ in _conditions(reader_node)):
            # What decides over the reader may well ask whether there is a value to read.
            return None
        for outline_file, section in _conditions(self._nodes[found.nodes[0]]):
            outline = outline_file.outline
            value = section.settings["when"].value
            reader = self._templates.reader(outline, outline_file.constants)
            spec = section.spec.settings["when"]
            is_constant = self._templates.is_constant(value, outline)
            if is_constant and reader.setting(value, spec) is False:
                message = f"`{reference.stage}` can never run, so it hands on no value"
                help_ = "`| default(…)` says what to take instead"
                related = (Related("its `when` is false", outline.path, value.span),)
                return Diagnostic(
                    "E0406", message, path, reference.field_span, help=help_, related=related
                )
        return None

    def stage_id(self, name: str, file: FileInstance) -> str:
        """The id in the plan of what a name means in a file."""
        found = self._find(name, file)
        return name if found is None else found.id

    def type_of(self, reference: LateReference, file: FileInstance) -> Type | None:
        """The type of a late value, where it is declared or always the same."""
        if reference.field == "exit_code":
            return INT
        if reference.field != "values":
            return STRING
        found = self._find(reference.stage or "", file)
        block = found.section.sections.get("values") if found and found.section else None
        for declaration in block.declarations if block is not None else ():
            if declaration.name.text == reference.value:
                return type_from(declaration.type)
        return None

    # -- names ----------------------------------------------------------------

    def _find(self, name: str, file: FileInstance) -> _Found | None:
        key = (name, file)
        if key not in self._known:
            self._known[key] = self._looked_up(name, file)
        return self._known[key]

    def _looked_up(self, name: str, file: FileInstance) -> _Found | None:
        absolute = f"{file.prefix}{name}"
        group = file.groups.get(name)
        if group is not None:
            nodes = [i for m in group.members for i in range(m.begin, m.end)]
            keyword = group.section.spec.keyword
            what = "an alias" if keyword == "use" else "a matrix"
            if group.is_single:
                return _Found(absolute, nodes, group.section, keyword)
            return _Found(absolute, self._counted(nodes), None, what)
        if self._by_id is None or self._stretches is None:
            self._by_id = {node.id: node for node in self._nodes}
            self._stretches = self._groups_by_id()
        node = self._by_id.get(absolute)
        if node is not None:
            return _Found(absolute, (node.index,), node.section, node.kind)
        if absolute in self._stretches:
            begin, end = self._stretches[absolute]
            return _Found(absolute, self._counted(range(begin, end)), None, "an alias")
        return None

    def _groups_by_id(self) -> dict[str, tuple[int, int]]:
        """The stretch of nodes of every matrix stage and every alias, by the id they share."""
        stretches: dict[str, tuple[int, int]] = {}
        files: dict[FileInstance, None] = {}
        for node in self._nodes:
            file: FileInstance | None = node.file
            while file is not None and file not in files:
                files[file] = None
                file = file.use.file if file.use is not None else None
        for file in files:
            for name, group in file.groups.items():
                if group.members and not group.is_single:
                    stretch = (group.members[0].begin, group.members[-1].end)
                    stretches[f"{file.prefix}{name}"] = stretch
                for member in group.members:
                    if member.file is not None:
                        key = member.file.prefix.removesuffix(".")
                        stretches[key] = (member.begin, member.end)
        return stretches

    def _counted(self, nodes: Sequence[int]) -> Sequence[int]:
        """Whose status an alias has: a service ends, and a `finally` stage begins, after those that
        ask for it."""
        return [index for index in nodes if self._nodes[index].kind == "stage"] or nodes

    # -- what is wrong ----------------------------------------------------------

    def _not_before(
        self, reference: LateReference, found: _Found, path: str, file: FileInstance, reader: Node
    ) -> Diagnostic:
        """E0305: itself, what comes after it, or what may run beside it."""
        # What stands in a use is said of the use, not of each stage that it brings in.
        section = _written_in(file, reader)
        name, own = reference.stage or "", section.name
        is_after = any(self._ancestry.comes_before(reader.index, i) for i in found.nodes)
        if reader.index in found.nodes:
            what = reference.field.replace("_", " ")
            message = f"`{name}` has no {what} yet where `{own}` itself reads it"
            help_ = "a stage can read only what has ended before it; read it in a later one"
        elif reader.kind == "finally" or found.what == "finally":
            message = f"`{name}` doesn't come before `{own}`"
            help_ = "nothing comes after a `finally` stage"
        elif any(self._nodes[index].kind == "service" for index in found.nodes):
            message = f"`{name}` may not have ended when `{own}` starts: services run beside stages"
            help_ = "read it in a `finally` stage"
        elif is_after:
            message = f"`{name}` comes after `{own}`, which reads it"
            help_ = "read it in a stage that needs it, or turn the need around"
        else:
            message = f"`{name}` doesn't come before `{own}`"
            help_ = f"list it: `needs = [{name}]`"
            if "needs" in section.settings:
                help_ = f"add `{name}` to its `needs`"
        related = () if reader.index in found.nodes else self._definition(found)
        span = reference.stage_span
        return Diagnostic("E0305", message, path, span, help=help_, related=related)

    def _definition(self, found: _Found) -> tuple[Related, ...]:
        """Where the one stage, service or alias stands that was found."""
        if not found.nodes:
            return ()
        node = self._nodes[found.nodes[0]]
        if found.section is not None and found.section is not node.section:
            return ()
        place = Related("defined here", node.file.outline.path, node.section.name_span)
        return (place,) if found.section is not None or found.what == "a matrix" else ()

    def _all_before(self, found: _Found, reader: Node) -> bool:
        if reader.kind == "finally":
            return all(self._nodes[index].kind != "finally" for index in found.nodes)
        if any(self._nodes[index].kind == "service" for index in found.nodes):
            return False
        return all(self._ancestry.comes_before(i, reader.index) for i in found.nodes)

    def _not_before_service(
        self,
        reference: LateReference,
        found: _Found,
        path: str,
        file: FileInstance,
        service: Node,
    ) -> Diagnostic | None:
        """E0305 for a service that can be due before what it reads has ended."""
        is_last = any(self._nodes[index].kind == "finally" for index in found.nodes)
        if is_last or service.index in found.nodes:
            return self._not_before(reference, found, path, file, service)
        for user in self._users_of(service.index):
            if all(self._ancestry.comes_before(index, user) for index in found.nodes):
                continue
            if file is not service.file and _is_below(self._nodes[user].file, service.file):
                # The `when` of a use is its stages' too, and they are told themselves.
                continue
            name, reader, needer = reference.stage, service.section.name, self._nodes[user].id
            message = f"`{reader}` starts when `{needer}` is due, and `{name}` may not have ended"
            help_ = f"let `{needer}` come after `{name}`"
            if user in found.nodes:
                message = f"`{name}` needs `{reader}`, which reads it"
                help_ = "a service can read only what ends before the stages that need it"
            span, related = reference.stage_span, self._definition(found)
            return Diagnostic("E0305", message, path, span, help=help_, related=related)
        return None

    def _users_of(self, service: int) -> Sequence[int]:
        if self._users is None:
            self._users = {}
            for user, needs in enumerate(self._needs):
                for need in needs:
                    if self._nodes[need].kind == "service":
                        self._users.setdefault(need, []).append(user)
        return self._users.get(service, ())

    def _wrong_field(self, reference: LateReference, found: _Found, path: str) -> Diagnostic | None:
        name = reference.stage
        if found.section is None:
            if reference.field == "status":
                return None
            code = "E0406" if reference.field == "values" else "E0203"
            what = "values" if reference.field == "values" else "exit code"
            message = f"`{name}` is {found.what}: it has a status, and no {what}"
            help_ = f'name one stage of it by its id: `stages["{self._example(found)}"]`'
            return Diagnostic(code, message, path, reference.field_span, help=help_)
        if reference.field != "values":
            return None
        block = found.section.sections.get("values")
        declared = [d.name.text for d in block.declarations] if block is not None else []
        if reference.value in declared or found.section.block.is_broken:
            return None
        if block is not None and block.block.is_broken:
            return None
        hint = near_miss(reference.value or "", declared)
        help_ = did_you_mean(hint) or f"declare it in `{name}`: `values {{ … }}`"
        message = f"stage `{name}` declares no value `{shown(reference.value or '')}`"
        related = self._definition(found)
        span = reference.field_span
        return Diagnostic("E0406", message, path, span, help=help_, related=related)

    def _example(self, found: _Found) -> str:
        return self._nodes[found.nodes[0]].id if found.nodes else found.id

    def _unknown(
        self, reference: LateReference, path: str, file: FileInstance
    ) -> Diagnostic | None:
        name = reference.stage or ""
        first, _, _ = name.partition(".")
        if first.lower() in file.outline.poisoned:
            return None
        help_ = self._templates.suggestion(name, file.groups)
        span: Span = reference.stage_span
        message = f"no stage, service or alias `{shown(name)}` is there"
        return Diagnostic("E0201", message, path, span, help=help_)


def _written_in(file: FileInstance, reader: Node) -> Section:
    """The section of a file by which a node reads: its own, or that of the use it comes from."""
    section, inner = reader.section, reader.file
    while inner is not file and inner.use is not None:
        section, inner = inner.use.section, inner.use.file
    return section


def _is_below(file: FileInstance | None, above: FileInstance) -> bool:
    """Whether a file is another one, or is used by it, however far."""
    while file is not None and file is not above:
        file = file.use.file if file.use is not None else None
    return file is above


def _conditions(node: Node) -> Iterator[tuple[FileInstance, Section]]:
    """The sections that say by a `when` whether a node runs, each with its file."""
    file, section = node.file, node.section
    while True:
        if "when" in section.settings:
            yield file, section
        use = file.use
        if use is None:
            return
        file, section = use.file, use.section
