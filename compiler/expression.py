"""Reading expressions: Jinja's own lexer and parser, then a whitelist (language.md section 6).

This is the one module that imports Jinja. Its nodes know lines only, so the tokens are numbered
and the numbers are given to its parser in the place of lines: every node, and every complaint of
the parser, then names its token, and with it an exact place in the file. Nothing that Jinja made
is evaluated: the tree becomes nodes of our own, which `compiler/evaluate.py` walks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from orch.compiler.expression_complaints import no_number, unexpected, unknown
from orch.compiler.expression_constants import check_constant
from orch.compiler.expression_nesting import DEEPEST_SPELT, MOST_IN_A_ROW, first_too_deep
from orch.compiler.expression_tree import (
    Arithmetic,
    Call,
    Comparison,
    Concatenation,
    Conditional,
    Constant,
    Expression,
    ListDisplay,
    Logic,
    MapDisplay,
    Node,
    Unary,
)
from orch.compiler.functions import FILTERS, FUNCTIONS, LATE_FUNCTIONS, Signature
from orch.compiler.references import RefusedError, Step, look_into, reference_from
from orch.compiler.values import WrittenFloat
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.limits import DEEPEST
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.tree import Template

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.parser import Parser
    from jinja2.sandbox import SandboxedEnvironment


@lru_cache(maxsize=8192)
def parse_expression(template: Template, path: str) -> Expression | Diagnostic:
    """The expression of a template in the file `path`, or why it is none (E0107, E0203, E050x).

    A template with several faults is answered with the first.
    """
    try:
        root = _Reader(template, FUNCTIONS).read()
    except RefusedError as refused:
        return Diagnostic(
            refused.code, refused.message, path, refused.span, refused.label, refused.help
        )
    return Expression(root, template.span, path)


class ExpressionTextError(ValueError):
    """A run-time expression of a plan that can't be read; the message is for people."""


@lru_cache(maxsize=1024)
def parse_text(text: str) -> Expression:
    """The expression of a plan's text. Raises `ExpressionTextError`."""
    whole = Span(0, len(text))
    try:
        root = _Reader(Template(text, whole, whole), {**FUNCTIONS, **LATE_FUNCTIONS}).read()
    except RefusedError as refused:
        message = f"the plan's expression `{shown(text)}` can't be read: {refused.message}"
        raise ExpressionTextError(message) from None
    return Expression(root, whole, "")


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    span: Span


@dataclass
class _Reader:
    """Reads one template; `tokens` are those that Jinja's parser sees, numbered by their place."""

    template: Template
    functions: Mapping[str, Signature]
    tokens: list[_Token] = field(default_factory=list)
    closings: dict[int, int] = field(default_factory=dict)

    def read(self) -> Node:
        self._refuse_whitespace_control()
        self._read_tokens()
        if not self.tokens:
            raise RefusedError("E0501", "a template without an expression", self.template.span)
        deepest = DEEPEST if self.template.inner != self.template.span else DEEPEST_SPELT
        deep = first_too_deep(((token.kind, token.text) for token in self.tokens), deepest)
        if deep is not None:
            said = f"this is nested deeper than {deepest} levels"
            raise RefusedError("E0107", said, self.tokens[deep].span)
        self._match_brackets()
        try:
            return self._node(self._parse(), 0)
        except RecursionError:  # Whoever calls stands deep himself: Jinja's parser had no room.
            raise RefusedError("E0107", "this is nested too deeply", self.template.span) from None

    # -- tokens -------------------------------------------------------------

    def _refuse_whitespace_control(self) -> None:
        source, inner = self.template.source, self.template.inner
        if inner == self.template.span:  # A text of the plan stands in no braces.
            return
        for at in (0, -1):
            if source[at:][:1] in ("-", "+"):
                place = Span(inner.start, inner.start + 1) if at == 0 else _last(inner)
                message = "a template can't strip the white space around it"
                help_ = f"for a sign, put a space between it and the braces: `{{{{ {source[at]}`"
                raise RefusedError("E0502", message, place, help_=help_ if at == 0 else None)

    def _read_tokens(self) -> None:
        from jinja2.exceptions import TemplateSyntaxError

        source, start = self.template.source, self.template.inner.start
        at = 0
        pieces = _environment().lexer.tokeniter(source, None, state="variable")
        try:
            for _, kind, text in pieces:
                span = Span(start + at, start + at + len(text))
                at += len(text)
                if kind == "variable_end" or kind not in _KINDS:
                    raise unexpected(text, span)
                if kind != "whitespace":
                    check_constant(kind, text, span)
                    self.tokens.append(_Token(kind, text, span))
        except TemplateSyntaxError:
            # The lexer's only complaints: a character no token begins with, a wrong closing
            # bracket. Both stand where the pieces read so far end.
            span = Span(start + at, start + at + 1)
            raise unexpected(source[at : at + 1], span) from None

    def _match_brackets(self) -> None:
        """Fills `closings`: the number of an opening bracket's token to that of its closing one."""
        opened: list[int] = []
        for number, token in enumerate(self.tokens):
            if token.text in {"(", "[", "{"}:
                opened.append(number)
            elif token.text in {")", "]", "}"} and opened:
                self.closings[opened.pop()] = number
        if opened:
            token = self.tokens[opened[-1]]
            raise RefusedError("E0501", f"`{shown(token.text)}` is never closed", token.span)

    def _parse(self) -> "nodes.Expr":
        from jinja2.exceptions import TemplateSyntaxError
        from jinja2.lexer import TokenStream
        from jinja2.parser import Parser

        environment = _environment()
        numbered = ((i, token.kind, token.text) for i, token in enumerate(self.tokens))
        parser = Parser(environment, "")
        try:
            parser.stream = TokenStream(environment.lexer.wrap(numbered), None, None)
            tree = parser.parse_expression()
        except TemplateSyntaxError as error:
            raise self._misplaced(parser, error.lineno) from None
        if not parser.stream.eos:
            raise self._misplaced(parser, parser.stream.current.lineno)
        return tree

    def _misplaced(self, parser: "Parser", number: int) -> RefusedError:
        """What the parser stumbled over, in our words."""
        if parser.stream.current.type == "eof":
            end = Span(self.template.inner.end, self.template.span.end)
            last = self.tokens[-1]
            place = end if end.start < end.end else last.span
            return RefusedError("E0501", f"the expression ends after `{shown(last.text)}`", place)
        token, before = self.tokens[number], self.tokens[number - 1] if number else None
        if before and before.span.end == token.span.start:
            if before.text == token.text == "|":
                return unexpected("||", before.span.to(token.span))
            if before.kind in {"integer", "float"} and token.kind == "name":
                return no_number(before.text, token.text, before.span.to(token.span))
        return unexpected(token.text, token.span)

    # -- nodes --------------------------------------------------------------

    def _node(self, node: "nodes.Node", depth: int) -> Node:
        """Our node for one of Jinja's, if it is one that templates may use."""
        if depth > MOST_IN_A_ROW:
            raise self._too_long(node)
        kind = type(node).__name__
        read = _READERS.get(kind)
        if read is None:
            message, help_ = _REFUSALS.get(kind, ("this construct", None))
            span = self.tokens[node.lineno].span
            raise RefusedError("E0502", f"a template can't use {message}", span, help_=help_)
        return read(self, node, depth + 1)

    def _too_long(self, node: Any) -> RefusedError:
        said = f"more than {MOST_IN_A_ROW} operators in a row in a template"
        help_ = "divide it: a part can be a value of its own, `let NAME = {{ … }}`"
        return RefusedError("E0107", said, self.tokens[node.lineno].span, help_=help_)

    def _nodes(self, found: "list[nodes.Expr]", depth: int) -> tuple[Node, ...]:
        return tuple(self._node(node, depth) for node in found)

    def read_constant(self, node: Any, _depth: int) -> Node:
        number = node.lineno
        span = self.tokens[number].span
        if node.value is None:
            raise RefusedError("E0502", "there is no `none` in this language", span)
        if isinstance(node.value, str):
            while number + 1 < len(self.tokens) and self.tokens[number + 1].kind == "string":
                number += 1
            span = span.to(self.tokens[number].span)
        if isinstance(node.value, float):
            written = self.tokens[number].text.replace("_", "")
            return Constant(WrittenFloat(node.value, written), span)
        return Constant(node.value, span)

    def read_chain(self, node: Any, depth: int) -> Node:
        """A name, and the attributes and items behind one."""
        chain: list[Any] = []
        while type(node).__name__ in {"Getattr", "Getitem"}:
            chain.append(node)
            node = node.node
        if len(chain) > MOST_IN_A_ROW:
            raise self._too_long(chain[-1])
        steps = [self._step(link, depth) for link in reversed(chain)]
        if type(node).__name__ == "Name":
            return reference_from(node.name, self.tokens[node.lineno].span, tuple(steps))
        return look_into(self._node(node, depth), tuple(steps))

    def _step(self, node: Any, depth: int) -> Step:
        span = self.tokens[node.lineno + 1].span
        if type(node).__name__ == "Getattr":
            if node.attr.startswith("_"):
                message = f"the attribute `{shown(node.attr)}` begins with `_`"
                raise RefusedError("E0502", message, span)
            return Step(node.attr, None, span)
        key = self._node(node.arg, depth)
        if node.lineno in self.closings:
            opening = self.tokens[node.lineno].span
            span = opening.to(self.tokens[self.closings[node.lineno]].span)
        is_name = isinstance(key, Constant) and isinstance(key.value, str)
        return Step(key.value if is_name and isinstance(key, Constant) else None, key, span)

    def read_list(self, node: Any, depth: int) -> Node:
        return ListDisplay(self._nodes(node.items, depth), self._bracketed(node.lineno))

    def read_map(self, node: Any, depth: int) -> Node:
        entries = tuple(
            (self._node(pair.key, depth), self._node(pair.value, depth)) for pair in node.items
        )
        return MapDisplay(entries, self._bracketed(node.lineno))

    def _bracketed(self, opening: int) -> Span:
        return self.tokens[opening].span.to(self.tokens[self.closings[opening]].span)

    def read_comparison(self, node: Any, depth: int) -> Node:
        first = self._node(node.expr, depth)
        links = tuple((_COMPARISONS[link.op], self._node(link.expr, depth)) for link in node.ops)
        return Comparison(first, links, first.span.to(links[-1][1].span))

    def read_logic(self, node: Any, depth: int) -> Node:
        left, right = self._node(node.left, depth), self._node(node.right, depth)
        operator: Literal["and", "or"] = "and" if type(node).__name__ == "And" else "or"
        return Logic(operator, left, right, left.span.to(right.span))

    def read_unary(self, node: Any, depth: int) -> Node:
        operand = self._node(node.node, depth)
        operator = _UNARY[type(node).__name__]
        return Unary(operator, operand, self.tokens[node.lineno].span.to(operand.span))

    def read_arithmetic(self, node: Any, depth: int) -> Node:
        left, right = self._node(node.left, depth), self._node(node.right, depth)
        operator = _ARITHMETIC[type(node).__name__]
        return Arithmetic(operator, left, right, left.span.to(right.span))

    def read_concatenation(self, node: Any, depth: int) -> Node:
        parts = self._nodes(node.nodes, depth)
        return Concatenation(parts, parts[0].span.to(parts[-1].span))

    def read_conditional(self, node: Any, depth: int) -> Node:
        then, condition = self._node(node.expr1, depth), self._node(node.test, depth)
        if node.expr2 is None:
            span = then.span.to(condition.span)
            message = "an inline `if` needs an `else`: nothing is silently empty"
            raise RefusedError("E0502", message, span)
        otherwise = self._node(node.expr2, depth)
        return Conditional(condition, then, otherwise, then.span.to(otherwise.span))

    def read_filter(self, node: Any, depth: int) -> Node:
        operand = self._node(node.node, depth)
        name_span = self.tokens[node.lineno].span
        if node.name not in FILTERS:
            last = node.lineno + 2 * node.name.count(".")
            raise unknown("filter", node.name, name_span.to(self.tokens[last].span), FILTERS)
        opening = node.lineno + 1
        is_called = opening in self.closings and self.tokens[opening].text == "("
        end = self.tokens[self.closings[opening]].span if is_called else name_span
        return self._call(node, operand, name_span, operand.span.to(end), depth)

    def read_function(self, node: Any, depth: int) -> Node:
        closing = self.tokens[self.closings[node.lineno]].span
        if type(node.node).__name__ != "Name":
            span = self.tokens[node.lineno].span.to(closing)
            raise RefusedError("E0502", "only a function's name can be called", span)
        name_span = self.tokens[node.node.lineno].span
        if node.node.name not in self.functions:
            raise unknown("function", node.node.name, name_span, self.functions)
        return self._call(node, None, name_span, name_span.to(closing), depth)

    def _call(
        self, node: Any, operand: Node | None, name_span: Span, span: Span, depth: int
    ) -> Node:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            message = "arguments can't be unpacked in a template"
            raise RefusedError("E0502", message, span)
        named = tuple((pair.key, self._node(pair.value, depth)) for pair in node.kwargs)
        name = node.name if operand is not None else node.node.name
        return Call(operand, name, self._nodes(node.args, depth), named, name_span, span)


_KINDS = frozenset({"whitespace", "float", "integer", "name", "string", "operator"})

_COMPARISONS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=",
    "in": "in", "notin": "not in",
}  # fmt: skip

_UNARY: dict[str, Literal["not", "-", "+"]] = {"Not": "not", "Neg": "-", "Pos": "+"}

_ARITHMETIC = {
    "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**",
}  # fmt: skip

_READERS: dict[str, Callable[[_Reader, Any, int], Node]] = {
    "Const": _Reader.read_constant,
    "Name": _Reader.read_chain,
    "Getattr": _Reader.read_chain,
    "Getitem": _Reader.read_chain,
    "List": _Reader.read_list,
    "Dict": _Reader.read_map,
    "Compare": _Reader.read_comparison,
    "And": _Reader.read_logic,
    "Or": _Reader.read_logic,
    **dict.fromkeys(_UNARY, _Reader.read_unary),
    **dict.fromkeys(_ARITHMETIC, _Reader.read_arithmetic),
    "Concat": _Reader.read_concatenation,
    "CondExpr": _Reader.read_conditional,
    "Filter": _Reader.read_filter,
    "Call": _Reader.read_function,
}

_REFUSALS: dict[str, tuple[str, str | None]] = {
    "Test": ("tests with `is`", "compare instead: `==`, `in`, or `| length > 0`"),
    "Slice": ("slices", "take single items, or `| first` and `| last`"),
    "Tuple": ("tuples", "write a list: `[a, b]`"),
}


def _last(span: Span) -> Span:
    return Span(span.end - 1, span.end)
