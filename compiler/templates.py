"""Templates evaluated in the scope of the place where they stand; what they asked for is noted.

This is where the passes meet the evaluator: it gives a `Reader` for a file, a combination and a
stage, and collects all diagnostics of a compilation.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from orch.compiler.budget import FaultError
from orch.compiler.evaluate import EvaluationError, evaluate
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Call, Constant, Expression, LateReference
from orch.compiler.globs import GlobError, find_files, split_pattern
from orch.compiler.names import Scope
from orch.compiler.outline import Outline
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.value_nodes import templates_in, values_in
from orch.compiler.values import UNKNOWN, Type
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import Template, Value

if TYPE_CHECKING:
    from orch.compiler.expand import FileInstance, Node, Use
    from orch.compiler.parameters import Constants


class LateJudge(Protocol):
    """Knows the graph, so whether a stage's run-time values may be read at a place."""

    def judge(
        self, reference: LateReference, path: str, file: "FileInstance", reader_node: "Node"
    ) -> Diagnostic | None:
        """What is wrong with reading this value there."""

    def judge_certain(
        self, reference: LateReference, path: str, file: "FileInstance", reader_node: "Node"
    ) -> Diagnostic | None:
        """What is wrong with reading this value there whatever happens, if that much is right."""

    def stage_id(self, name: str, file: "FileInstance") -> str:
        """The id in the plan of a stage, by the name it is written with in a file."""

    def type_of(self, reference: LateReference, file: "FileInstance") -> Type | None:
        """The declared type of the value read, if it has one."""


_MANY_NAMES = 200
_MOST_SUGGESTIONS = 50


@dataclass(frozen=True)
class Templates:
    """The templates of one compilation. `found` and `globs` are filled while it goes on."""

    root: str
    sources: Mapping[str, SourceFile]
    pipeline_name: str | None
    found: list[Diagnostic] = field(default_factory=list)
    globs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    late: LateJudge | None = None
    _suggested: set[str] = field(default_factory=set)
    _varying: dict[int, tuple[Value, bool]] = field(default_factory=dict)

    def with_judge(self, judge: LateJudge) -> "Templates":
        """The same, with values that are known only while running allowed where they may stand."""
        return replace(self, late=judge)

    def reader(
        self,
        outline: Outline,
        constants: "Constants",
        row: Mapping[str, Any] | None = None,
        node: "Node | None" = None,
        use: "Use | None" = None,
    ) -> Reader:
        """A reader for a place: a file, a combination of a matrix, and the stage that reads.

        `use` is the one whose setting is read for the node, where it isn't the node's own.
        """
        place = _Place(self, outline, constants, row, node, use)
        return Reader(outline.path, self.found, place)

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The files that match; raises `FaultError`."""
        if pattern not in self.globs:
            try:
                self.globs[pattern] = find_files(self.root, pattern)
            except GlobError as error:
                raise FaultError(str(error)) from None
        return self.globs[pattern]

    def suggestion(self, name: str, known: Collection[str]) -> str | None:
        """A help that names a near miss. With many names only the first few unknown ones get one,
        for each is held against all."""
        if len(known) > _MANY_NAMES:
            if len(self._suggested) >= _MOST_SUGGESTIONS and name not in self._suggested:
                return None
            self._suggested.add(name)
        hint = near_miss(name, known)
        return did_you_mean(hint)

    def place(self, path: str) -> Callable[[Span], str]:
        """How people say where something stands in a file: `path:line`."""
        source = self.sources[path]
        return lambda span: f"{path}:{source.position(span.start).line}"

    # -- what a value hangs on ---------------------------------------------------

    def expressions(self, value: Value | None, path: str) -> list[Expression]:
        """All expressions in a value that can be read."""
        found = [parse_expression(template, path) for template in templates_in(value)]
        return [e for e in found if isinstance(e, Expression)]

    def varies(self, value: Value, path: str) -> bool:
        """Whether a value may differ between the combinations of a matrix."""
        known = self._varying.get(id(value))
        if known is None:
            answer = any(
                name.root == "matrix" for e in self.expressions(value, path) for name in e.names
            )
            # The value is kept with the answer, so that its identity stays its own.
            known = self._varying[id(value)] = (value, answer)
        return known[1]

    def policy_varies(self, section: Section, path: str) -> bool:
        """Whether one of a stage's policy settings may differ between combinations."""
        parts = [section.settings[name].value for name in section.settings]
        for inner in section.sections.values():
            if inner.spec.keyword in ("policy", "retry", "output"):
                parts += values_in(inner.block)
        return any(self.varies(value, path) for value in parts)

    def is_constant(self, value: Value, outline: Outline) -> bool:
        """Whether a value is the same whatever the arguments, the combination and the files are."""
        seen: set[str] = set()
        waiting: list[Value | None] = [value]
        while waiting:
            for expression in self.expressions(waiting.pop(), outline.path):
                if any(isinstance(n, Call) and n.name == "glob" for n in expression.nodes):
                    return False
                for name in expression.names:
                    if name.root in ("params", "matrix") or name.name in outline.params:
                        return False
                    if name.name in outline.lets and name.name not in seen:
                        seen.add(name.name)
                        waiting.append(outline.lets[name.name].block.value)
        return True


@record
class _Place:
    """Evaluates the templates of one place; without `use` it is one of the node's own."""

    templates: Templates
    outline: Outline
    constants: "Constants"
    row: Mapping[str, Any] | None
    node: "Node | None"
    use: "Use | None"

    @property
    def scope(self) -> Scope:
        late, file, node = self.templates.late, self._file, self.node
        return Scope(
            params=self.constants.params,
            lets=self.constants.lets,
            matrix=self.row,
            pipeline_name=self.templates.pipeline_name,
            secrets=self.outline.secrets,
            glob=self.templates.glob,
            is_finally=node is not None and node.kind == "finally",
            stage_id=(lambda name: late.stage_id(name, file)) if late and file else None,
            late_type=(lambda ref: late.type_of(ref, file)) if late and file else None,
            dashless=self.constants.dashless,
        )

    @property
    def _file(self) -> "FileInstance | None":
        if self.use is not None:
            return self.use.file
        return None if self.node is None else self.node.file

    def check(self, expression: Expression) -> bool:
        wrong = _bad_globs(expression)
        late, file, node = self.templates.late, self._file, self.node
        if late is not None and file is not None and node is not None:
            path = self.outline.path
            judged = [late.judge(each, path, file, node) for each in expression.late]
            if not any(judged):
                judged = [
                    late.judge_certain(each, path, file, node) for each in expression.certain_late
                ]
            wrong += [diagnostic for diagnostic in judged if diagnostic is not None]
        self.templates.found.extend(wrong)
        return not wrong

    def evaluate(self, template: Template, may_be_late: bool) -> Any:
        found = self.templates.found
        expression = parse_expression(template, self.outline.path)
        if isinstance(expression, Diagnostic):
            found.append(expression)
            return UNKNOWN
        if (may_be_late or not expression.late) and not self.check(expression):
            return UNKNOWN
        try:
            return evaluate(expression, self.scope, may_be_late=may_be_late)
        except EvaluationError as error:
            found.extend(error.diagnostics)
            return UNKNOWN


def _bad_globs(expression: Expression) -> list[Diagnostic]:
    """Patterns that are written out and can't be right (E0407)."""
    found: list[Diagnostic] = []
    for node in expression.nodes:
        if not isinstance(node, Call) or node.name != "glob" or node.operand is not None:
            continue
        for argument in node.arguments[:1]:
            if isinstance(argument, Constant) and isinstance(argument.value, str):
                try:
                    split_pattern(argument.value)
                except GlobError as error:
                    found.append(Diagnostic("E0407", str(error), expression.path, argument.span))
    return found
