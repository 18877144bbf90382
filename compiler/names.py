"""Which names an expression may use where it stands, and words for them (E0203, E0402, E0505,
E0507)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from orch.compiler.expression_tree import (
    ROOTS,
    Call,
    Comparison,
    Constant,
    Expression,
    LateReference,
    ListDisplay,
    NameReference,
    Node,
    walk,
)
from orch.compiler.values import Type
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import EMPTY, record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss

_RUN_STATUSES = ("succeeded", "failed", "cancelled")
STATUSES = (*_RUN_STATUSES, "skipped")
"""How a stage may have ended."""


@record
class Scope:
    """What an expression can see.

    `params` and `lets` map names to values; they may evaluate when they are asked, and may give
    `Unknown`. `matrix` is None outside of a matrix, `pipeline_name` where it isn't known. `secrets`
    holds names that must not be used. `glob` gives the project's files that match a pattern, in
    order. `stage_id` translates a stage's name as it is written into the one that the plan knows.
    `late_type` gives the declared type of a run-time value, if it is known. `dashless` holds the
    params none of whose allowed values begins with `-` (W0704).
    """

    params: Mapping[str, Any] = EMPTY
    lets: Mapping[str, Any] = EMPTY
    matrix: Mapping[str, Any] | None = None
    pipeline_name: str | None = None
    secrets: Collection[str] = ()
    glob: Callable[[str], Sequence[str]] | None = None
    is_finally: bool = False
    stage_id: Callable[[str], str] | None = None
    late_type: Callable[[LateReference], Type | None] | None = None
    dashless: Collection[str] = ()


def check_names(
    expression: Expression, scope: Scope, *, may_be_late: bool
) -> tuple[Diagnostic, ...]:
    """What is wrong with the names of an expression, also in branches that are not taken."""
    found = [_check_name(reference, expression.path, scope) for reference in expression.names]
    found += [
        _check_late(reference, expression.path, scope, may_be_late) for reference in expression.late
    ]
    if expression.late and may_be_late:
        found += [*_check_raw(expression), *_check_statuses(expression)]
    return tuple(diagnostic for diagnostic in found if diagnostic is not None)


def _check_name(reference: NameReference, path: str, scope: Scope) -> Diagnostic | None:
    name, span = reference.name, reference.name_span
    found: Diagnostic | None = None
    match reference.root:
        case "":
            if name not in scope.lets and name not in scope.params:
                found = _unknown_bare(name, path, span, scope)
        case "secrets":
            found = _unknown(
                f"unknown name `secrets.{shown(name)}`", name, path, span, scope.secrets
            )
        case "matrix" if scope.matrix is None:
            help_ = "give the stage a `matrix { … }`"
            found = Diagnostic("E0203", "there is no matrix here", path, span, help=help_)
        case "params" | "lets" | "matrix":
            found = _check_member(reference.root, name, path, span, scope)
        case "pipeline":
            pass
    return _secret(name, path, span) if found and name in scope.secrets else found


def _check_member(root: str, name: str, path: str, span: Span, scope: Scope) -> Diagnostic | None:
    known = {"params": scope.params, "lets": scope.lets, "matrix": scope.matrix or {}}
    if name in known[root]:
        return None
    words = {"params": "parameter", "lets": "let", "matrix": "axis of the matrix"}
    for other in words:
        if name in known[other]:
            message = f"`{shown(name)}` is no {words[root]}"
            return Diagnostic("E0203", message, path, span, help=f"write `{other}.{name}`")
    return _unknown(f"unknown {words[root]} `{shown(name)}`", name, path, span, known[root])


def _unknown_bare(name: str, path: str, span: Span, scope: Scope) -> Diagnostic:
    if name in ROOTS:
        message = f"`{name}` alone is no value"
        return Diagnostic("E0203", message, path, span, help=f"write `{name}.NAME`")
    if scope.matrix and name in scope.matrix:
        message = f"unknown name `{name}`"
        return Diagnostic("E0203", message, path, span, help=f"write `matrix.{name}`")
    known = [*scope.lets, *scope.params]
    return _unknown(f"unknown name `{name}`", name, path, span, known)


def _unknown(message: str, name: str, path: str, span: Span, known: Iterable[str]) -> Diagnostic:
    near = near_miss(name, known)
    help_ = did_you_mean(near)
    return Diagnostic("E0203", message, path, span, help=help_)


def _secret(name: str, path: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0505",
        f"secret `{shown(name)}` can't be used in a template",
        path,
        span,
        help=f'list it in `secrets` and let the command read "${name}"',
    )


def _check_late(
    reference: LateReference, path: str, scope: Scope, may_be_late: bool
) -> Diagnostic | None:
    if reference.stage is None and reference.field == "status" and not scope.is_finally:
        message = "`run.status` is known in a `finally` stage only"
        return Diagnostic("E0203", message, path, reference.field_span)
    if may_be_late:
        return None
    message = "this value is known only while running, and is needed to make the plan"
    return Diagnostic("E0507", message, path, reference.span)


def _check_statuses(expression: Expression) -> list[Diagnostic | None]:
    """A status compared with a word that is none would never be equal to it (E0402)."""
    found: list[Diagnostic | None] = []
    for node in expression.nodes:
        if not isinstance(node, Comparison):
            continue
        left = node.first
        for operator, right in node.links:
            words: tuple[Node, ...] = ()
            if operator in ("==", "!="):
                words = (left, right)
            elif operator in ("in", "not in") and isinstance(right, ListDisplay):
                words = right.items
            status = left if isinstance(left, LateReference) else right
            if isinstance(status, LateReference):
                found += [_no_status(status, word, expression.path) for word in words]
            left = right
    return found


def _no_status(status: LateReference, word: Node, path: str) -> Diagnostic | None:
    known = STATUSES if status.stage is not None else _RUN_STATUSES
    if status.field != "status" or not isinstance(word, Constant):
        return None
    if not isinstance(word.value, str) or word.value in known:
        return None
    near = near_miss(word.value, known)
    help_ = did_you_mean(near) or "there are: " + ", ".join(known)
    return Diagnostic("E0402", f"no status is `{word.value}`", path, word.span, help=help_)


def _check_raw(expression: Expression) -> list[Diagnostic | None]:
    """Code can't come from a run-time value: those are never pasted into a script."""
    found: list[Diagnostic | None] = []
    for node in expression.nodes:
        if isinstance(node, Call) and node.operand is not None and node.name == "raw":
            late = [part for part in walk(node.operand) if isinstance(part, LateReference)]
            message = "a value known only while running can't be pasted as code"
            found += [Diagnostic("E0507", message, expression.path, part.span) for part in late]
    return found
