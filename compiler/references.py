"""What dotted names in an expression mean: `params.level`, `stages.build.values.version`.

A chain is a word and the steps behind it (`.name`, `["name"]`). The words of `ROOTS` begin a
reference; any other word is a let or a param, whose value the steps look into.
"""

from typing import Literal, get_args

from orch.compiler.expression_tree import (
    Attribute,
    Item,
    LateReference,
    NameReference,
    Node,
    Root,
)
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss

StageField = Literal["status", "exit_code", "values"]


class RefusedError(Exception):
    """An expression that may not stand in a template; the parts of its diagnostic."""

    def __init__(
        self, code: str, message: str, span: Span, *, label: str = "", help_: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.label = label
        self.help = help_


@record
class Step:
    """`.name`, or `[key]`. `name` is None where the key is no constant text.

    `span` is the name, or the key with its brackets.
    """

    name: str | None
    key: Node | None
    span: Span

    @property
    def is_item(self) -> bool:
        return self.key is not None


def reference_from(word: str, word_span: Span, steps: tuple[Step, ...]) -> Node:
    """The node for a chain. Raises `RefusedError` (E0203, E0502) for one that names nothing."""
    if not steps:
        return NameReference("", word, word_span, word_span)
    if word == "stages":
        return _stage_reference(word_span, steps)
    if word == "run":
        return _run_reference(word_span, steps)
    if word in get_args(Root):
        node, rest = _root_reference(word, word_span, steps), steps[1:]
    else:
        node, rest = NameReference("", word, word_span, word_span), steps
    return look_into(node, rest)


def look_into(node: Node, steps: tuple[Step, ...]) -> Node:
    """The node for what the steps find in a node's value."""
    for step in steps:
        span = node.span.to(step.span)
        if step.key is not None:
            node = Item(node, step.key, span)
        else:
            assert step.name is not None
            node = Attribute(node, step.name, step.span, span)
    return node


def _root_reference(word: str, word_span: Span, steps: tuple[Step, ...]) -> NameReference:
    name = _written_out(steps[0], word)
    if word == "pipeline" and name != "name":
        raise _unknown(steps[0], name, "`pipeline` has only a `name` here", ("name",))
    root: Root = next(root for root in get_args(Root) if root == word)
    return NameReference(root, name, _inside(steps[0]), word_span.to(steps[0].span))


def _run_reference(word_span: Span, steps: tuple[Step, ...]) -> Node:
    name = _written_out(steps[0], "run")
    if name not in {"id", "status"}:
        raise _unknown(steps[0], name, "a run has an `id` and a `status`", ("id", "status"))
    span = word_span.to(steps[0].span)
    field: Literal["id", "status"] = "id" if name == "id" else "status"
    late = LateReference(None, field, None, word_span, _inside(steps[0]), span)
    return look_into(late, steps[1:])


def _stage_reference(word_span: Span, steps: tuple[Step, ...]) -> Node:
    """A stage's name goes on until the first field: `stages.web.lint.status` reads `web.lint`."""
    names = [_written_out(steps[0], "stages")]
    fields = get_args(StageField)
    at = 1
    while at < len(steps) and steps[at].name not in fields:
        names.append(_written_out(steps[at], "stages"))
        at += 1
    if at == len(steps):
        raise _no_field(steps, word_span)
    stage, stage_span = ".".join(names), _inside(steps[0]).to(_inside(steps[at - 1]))
    field, value, value_span = steps[at].name, None, _inside(steps[at])
    last = steps[at]
    if field == "values":
        if at + 1 == len(steps):
            help_ = f"name one of its values: `stages.{stage}.values.NAME`"
            raise RefusedError("E0203", "`values` alone is no value", last.span, help_=help_)
        at += 1
        last = steps[at]
        value, value_span = _written_out(last, "values"), _inside(last)
    known = next(name for name in fields if name == field)
    late = LateReference(stage, known, value, stage_span, value_span, word_span.to(last.span))
    return look_into(late, steps[at + 1 :])


def _no_field(steps: tuple[Step, ...], word_span: Span) -> RefusedError:
    fields = get_args(StageField)
    if len(steps) == 1:
        return RefusedError(
            "E0203",
            "a stage alone is no value",
            word_span.to(steps[0].span),
            help_="read its `status`, its `exit_code` or one of its `values`",
        )
    step = steps[1]
    return _unknown(step, step.name or "", "a stage has a status, an exit code and values", fields)


def _unknown(step: Step, name: str, label: str, known: tuple[str, ...]) -> RefusedError:
    near = near_miss(name, known)
    help_ = did_you_mean(near)
    message = f"`{shown(name)}` is unknown here"
    return RefusedError("E0203", message, _inside(step), label=label, help_=help_)


def _written_out(step: Step, word: str) -> str:
    if step.name is None:
        message = f"what is read from `{word}` must be written out"
        help_ = f'write a name: `{word}.NAME` or `{word}["NAME"]`'
        raise RefusedError("E0502", message, step.span, help_=help_)
    return step.name


def _inside(step: Step) -> Span:
    """The place of a step's name; of an item the key without its brackets."""
    return step.span if step.key is None else step.key.span
