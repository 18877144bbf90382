"""Evaluating expressions: a walk over our own nodes, so that no Python attribute is ever reached.

One walk serves three ends. What is known gives a value; what hangs on a missing argument is
`Unknown`; what hangs on a value known only while running stays open, with everything around it
folded into constants, and becomes the text of a run-time expression. The bounds are those of
`compiler/budget.py`: 10,000 operations and 1 MiB of result (language.md section 6).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orch.compiler.budget import (
    MAX_RESULT_BYTES,
    AbsentError,
    Budget,
    FaultError,
    is_too_deep,
    size_of,
)
from orch.compiler.expression_tree import (
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Concatenation,
    Conditional,
    Constant,
    Expression,
    Item,
    LateReference,
    ListDisplay,
    Logic,
    MapDisplay,
    NameReference,
    Node,
    Unary,
    children,
    with_children,
)
from orch.compiler.functions import FILTERS, FUNCTIONS, LATE_FUNCTIONS, concatenate
from orch.compiler.names import Scope, check_names
from orch.compiler.operators import calculate, compare, is_true, item_of, negate
from orch.compiler.spelling import spell
from orch.compiler.values import UNKNOWN, Late, Unknown, kind_of
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.limits import DEEPEST
from orch.dsl.record import changed, record


class EvaluationError(Exception):
    """An expression has no value; `diagnostics` say why, one for each independent cause."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = diagnostics


def evaluate(expression: Expression, scope: Scope, *, may_be_late: bool = False) -> Any:
    """The value of an expression, `Unknown`, or, where that is allowed, `Late`.

    Raises `EvaluationError` with E0203, E0505 and E0507 for all names that are wrong, or with
    E0506 where evaluating failed or went past a limit.
    """
    wrong = check_names(expression, scope, may_be_late=may_be_late)
    if wrong:
        raise EvaluationError(wrong)
    try:
        value = Evaluation(scope).value(expression.root)
        if not isinstance(value, Open):
            return bounded(value)
        root, type_ = expression.root, None
        if isinstance(root, LateReference) and scope.late_type is not None:
            type_ = scope.late_type(root)
        return Late(spell(value.node), type_)
    except FaultError as fault:
        found = Diagnostic(
            "E0506", fault.message, expression.path, expression.span, help=fault.help
        )
        raise EvaluationError((found,)) from None


def residual(expression: Expression, scope: Scope) -> str:
    """The text of a run-time expression with all that is known now folded into constants.

    Raises `EvaluationError` as `evaluate` does. What is known completely is spelled as a constant.
    """
    value = evaluate(expression, scope, may_be_late=True)
    if isinstance(value, Late):
        return value.text
    return spell(Constant(value, expression.span))


def bounded(value: Any) -> Any:
    """The value of an evaluation, if it is within the limits. Raises `FaultError`.

    They are 1 MiB and, as values grow into each other from `let` to `let`, 64 levels.
    """
    if size_of(value) > MAX_RESULT_BYTES + 1:
        raise FaultError("the result is larger than 1 MiB")
    if is_too_deep(value):
        raise FaultError(f"the result is nested deeper than {DEEPEST} levels")
    return value


@record
class Open:
    """What is left of a node that can't be evaluated before the run."""

    node: Node


@dataclass
class Evaluation:
    """One evaluation with its budget. `late` finds run-time values; without it they stay open."""

    scope: Scope
    late: Callable[[LateReference], Any] | None = None
    budget: Budget = field(default_factory=Budget)

    def value(self, node: Node) -> Any:
        """A plain value, `Unknown`, or `Open`. Raises `FaultError`."""
        self.budget.spend()
        match node:
            case Constant():
                value = node.value
            case NameReference():
                value = self._name(node)
            case LateReference():
                value = self._late(node)
            case Logic():
                value = self._logic(node)
            case Conditional():
                value = self._conditional(node)
            case Call(name="default", operand=operand) if operand is not None:
                value = self._default(node, operand)
            case _:
                value = self._strict(node)
        return value

    def _name(self, node: NameReference) -> Any:
        match node.root:
            case "params":
                return self.scope.params[node.name]
            case "lets":
                return self.scope.lets[node.name]
            case "matrix":
                assert self.scope.matrix is not None
                return self.scope.matrix[node.name]
            case "pipeline":
                name = self.scope.pipeline_name
                return UNKNOWN if name is None else name
            case _:
                found = self.scope.lets if node.name in self.scope.lets else self.scope.params
                return found[node.name]

    def _late(self, node: LateReference) -> Any:
        if self.late is not None:
            return self.late(node)
        if node.stage is not None and self.scope.stage_id is not None:
            return Open(changed(node, stage=self.scope.stage_id(node.stage)))
        return Open(node)

    def _logic(self, node: Logic) -> Any:
        left = self.value(node.left)
        if isinstance(left, Unknown):
            return UNKNOWN  # Of one type or the other: that hangs on the value.
        if isinstance(left, Open):
            right = self.value(node.right)
            if isinstance(right, Unknown):
                return UNKNOWN
            return Open(changed(node, left=left.node, right=_node(right, node.right)))
        is_decided = is_true(left) is (node.operator == "or")
        return left if is_decided else self.value(node.right)

    def _conditional(self, node: Conditional) -> Any:
        condition = self.value(node.condition)
        if isinstance(condition, Unknown):
            return UNKNOWN
        if not isinstance(condition, Open):
            return self.value(node.then if is_true(condition) else node.otherwise)
        then, otherwise = self.value(node.then), self.value(node.otherwise)
        if isinstance(then, Unknown) or isinstance(otherwise, Unknown):
            return UNKNOWN
        then, otherwise = _node(then, node.then), _node(otherwise, node.otherwise)
        return Open(changed(node, condition=condition.node, then=then, otherwise=otherwise))

    def _default(self, node: Call, operand: Node) -> Any:
        """The operand's value, or the fallback where that isn't there or, on demand, is empty."""
        fallback, is_for_empty = self._bound(node)
        try:
            value = self.value(operand)
        except AbsentError:
            return self.value(fallback)
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, Open):
            return self._opened(node, [value, *map(self.value, node.arguments)])
        empty = False if is_for_empty is None else self.value(is_for_empty)
        if isinstance(empty, (Unknown, Open)):
            raise FaultError("the second argument of `default` must be `true` or `false`")
        is_absent = value is None or (is_true(empty) and not is_true(value))
        return self.value(fallback) if is_absent else value

    def _bound(self, node: Call) -> tuple[Node, Node | None]:
        arguments = FILTERS["default"].bind(node.name, node.arguments, dict(node.named))
        return arguments[0], arguments[1] or None

    def _strict(self, node: Node) -> Any:
        """A node that needs the values of all its parts."""
        values = [self.value(part) for part in children(node)]
        if any(isinstance(value, Unknown) for value in values):
            return UNKNOWN
        if any(isinstance(value, Open) for value in values):
            return self._opened(node, values)
        return self._computed(node, values)

    def _opened(self, node: Node, values: Sequence[Any]) -> Any:
        if any(isinstance(value, Unknown) for value in values):
            return UNKNOWN
        parts = zip(values, children(node), strict=False)
        return Open(with_children(node, tuple(_node(value, part) for value, part in parts)))

    def _computed(self, node: Node, values: list[Any]) -> Any:
        match node:
            case Attribute():
                if not isinstance(values[0], Mapping):
                    raise FaultError(f"{kind_of(values[0])} has no `{node.name}`")
                return item_of(self.budget, values[0], node.name)
            case Item():
                return item_of(self.budget, *values)
            case ListDisplay():
                return tuple(values)
            case MapDisplay():
                return self._map(values)
            case Comparison():
                return self._comparison(node, values)
            case _:
                return self._operator(node, values)

    def _operator(self, node: Node, values: list[Any]) -> Any:
        match node:
            case Unary():
                is_not = node.operator == "not"
                return not is_true(values[0]) if is_not else negate(node.operator, values[0])
            case Arithmetic():
                return calculate(self.budget, node.operator, *values)
            case Concatenation():
                return concatenate(self.budget, values)
            case Call():
                return self._call(node, values)
            case _:
                raise AssertionError(f"evaluated elsewhere: {node!r}")

    def _map(self, values: list[Any]) -> dict[str, Any]:
        keys = values[::2]
        for key in keys:
            if not isinstance(key, str):
                raise FaultError(f"a map's keys are strings, not {kind_of(key)}")
        return dict(zip(keys, values[1::2], strict=True))

    def _comparison(self, node: Comparison, values: list[Any]) -> bool:
        links = zip(node.links, values, values[1:], strict=False)
        return all(compare(self.budget, link[0], left, right) for link, left, right in links)

    def _call(self, node: Call, values: list[Any]) -> Any:
        operands = 0 if node.operand is None else 1
        given = values[operands : operands + len(node.arguments)]
        names = [name for name, _ in node.named]
        named = dict(zip(names, values[operands + len(node.arguments) :], strict=True))
        signature = (FILTERS if operands else {**FUNCTIONS, **LATE_FUNCTIONS})[node.name]
        arguments = signature.bind(node.name, tuple(given), named)
        if node.name == "glob" and not operands:
            return self._glob(arguments[0])
        return signature.body(self.budget, *values[:operands], *arguments)

    def _glob(self, pattern: Any) -> tuple[str, ...]:
        if self.scope.glob is None:
            raise FaultError("`glob` can't be used here")
        if not isinstance(pattern, str):
            raise FaultError(f"`glob` takes a string, not {kind_of(pattern)}")
        found = tuple(self.scope.glob(pattern))
        self.budget.claim(size_of(found))
        return found


def _node(value: Any, written: Node) -> Node:
    """A value back as a node, in the place of the one that it came from."""
    return value.node if isinstance(value, Open) else Constant(value, written.span)
