"""Values in scripts: data, never code (language.md section 6).

A script is prepared once: where its templates stand depends on its text alone. Then each stage
puts its values in, escaped for those places. Values known only while running are bound to
environment variables, and the quoted variable stands in the script.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from orch.compiler.evaluate import EvaluationError, evaluate
from orch.compiler.expression import parse_expression
from orch.compiler.expression_tree import Call, Concatenation, Constant, Expression, LateReference
from orch.compiler.foreign_literals import node_literal, python_literal, refuse_unspeakable
from orch.compiler.functions import single_quoted
from orch.compiler.literal_places import find_literal_places
from orch.compiler.names import Scope
from orch.compiler.places import FORMAT_OF_PRINTF, OPTION_OF_PRINTF, Place
from orch.compiler.shell_grammar import find_shell_places
from orch.compiler.values import Late, NoTextError, Raw, Type, Unknown, example_of, text_of
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.tree import String, Template, Text


@dataclass(frozen=True, slots=True)
class PreparedScript:
    """A script whose templates are read and whose places are known.

    `parts` are texts and expressions; a template that can't be read is None there. `places` has
    one for each template, in order. `diagnostics` hold what is wrong whatever the values are.
    """

    shell: str
    parts: tuple[str | Expression | None, ...]
    places: tuple[Place, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_code(self) -> bool:
        """Whether values are pasted as code, so that the places hang on them."""
        return any(isinstance(part, Expression) and _is_code(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class QuotedScript:
    """A script with its values. `text` is None where an error or an unknown value is in the way.

    `bindings` map variables (`ORCH_B1`, …) to the run-time expressions they are to hold.
    """

    text: str | None
    bindings: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


_FAILED = object()
"""Stands for a value whose template is wrong, of which nothing more is said."""


@lru_cache(maxsize=4096)
def prepare_script(string: String, shell: str, path: str) -> PreparedScript:
    """Read a script for `sh`, `bash`, `python` or `node`; `string` stands in the file `path`."""
    found: list[Diagnostic] = []
    parts: list[str | Expression | None] = []
    for part in string.parts:
        if isinstance(part, Text):
            parts.append(part.text)
            continue
        read = parse_expression(part, path)
        if isinstance(read, Diagnostic):
            found.append(read)
        parts.append(read if isinstance(read, Expression) else None)
    places = _places_of(parts, shell)
    templates = [part for part in string.parts if isinstance(part, Template)]
    expressions = [part for part in parts if not isinstance(part, str)]
    for place, template, expression in zip(places, templates, expressions, strict=True):
        if expression is not None:
            found += _findings(place, template.source.strip(), expression, shell)
    return PreparedScript(shell, tuple(parts), places, tuple(found))


def quote_script(script: PreparedScript, scope: Scope) -> QuotedScript:
    """The script with the values that its templates have in a scope.

    The diagnostics are the script's own and those of its values: what evaluating finds, E0508, and
    the lint W0704.
    """
    found = list(script.diagnostics)
    values: list[Any] = []
    for part in script.parts:
        if isinstance(part, str):
            continue
        value: Any = _FAILED
        if part is not None:
            try:
                value = evaluate(part, scope, may_be_late=True)
            except EvaluationError as error:
                found += error.diagnostics
        values.append(value)
    if script.has_code and any(isinstance(value, Raw) for value in values):
        script, values = _with_code(script, values)
        found += (d for d in script.diagnostics if d not in found)
    rendering = _Rendering(script, scope, found)
    pieces = rendering.pieces(values)
    bindings = {variable: text for text, variable in rendering.variables.items()}
    is_whole = not any(d.is_error for d in found) and None not in pieces
    text = "".join(piece for piece in pieces if piece is not None) if is_whole else None
    return QuotedScript(text, bindings, tuple(found))


def _places_of(parts: Sequence[str | Expression | None], shell: str) -> tuple[Place, ...]:
    pieces = tuple(part if isinstance(part, str) else None for part in parts)
    if shell in {"sh", "bash"}:
        return find_shell_places(pieces, is_bash=shell == "bash")
    return find_literal_places(pieces, shell)


def _is_code(expression: Expression) -> bool:
    return expression.last_filter == "raw"


def _with_code(script: PreparedScript, values: list[Any]) -> tuple[PreparedScript, list[Any]]:
    """The script with the values pasted that are code: only now its places are what they are."""
    given = iter(values)
    rest: list[Any] = []
    parts: list[str | Expression | None] = []
    for part in script.parts:
        value = part if isinstance(part, str) else next(given)
        if isinstance(value, Raw) or isinstance(part, str):
            parts.append(str(value))
        else:
            parts.append(part)
            rest.append(value)
    places = _places_of(parts, script.shell)
    found: list[Diagnostic] = []
    expressions = [part for part in parts if not isinstance(part, str)]
    for place, expression in zip(places, expressions, strict=True):
        if expression is not None:
            found += _findings(place, "…", expression, script.shell)
    errors = tuple(d for d in found if d.is_error)
    return PreparedScript(script.shell, tuple(parts), places, errors), rest


# -- findings -------------------------------------------------------------------


def _findings(
    place: Place, source: str, expression: Expression, shell: str
) -> Iterator[Diagnostic]:
    """What is wrong with where a template stands: E0504, W0702, W0703."""
    for span in expression.raw_filters:
        message = "`raw` lets a value be code"
        help_ = "leave it out, and the value is escaped for its place"
        yield Diagnostic("W0702", message, expression.path, span, help=help_)
    if _is_code(expression):
        return
    if place.context == "unproved":
        yield Diagnostic(
            "E0504",
            f"a value can't be escaped {place.reason}",
            expression.path,
            expression.span,
            help=_way_out(source, shell, place.reason),
        )
    elif place.second_reader is not None:
        yield from taken_apart(place.second_reader, expression)


def taken_apart(reader: str, expression: Expression) -> Iterator[Diagnostic]:
    """The lint of a value in code that `reader` reads (W0703), unless it is meant or quoted."""
    if not _is_code(expression) and expression.last_filter != "quote":
        yield Diagnostic(
            "W0703",
            f"`{reader}` takes this value apart again",
            expression.path,
            expression.span,
            help="add `| quote` if a shell reads it next, or hand it over in a variable",
        )


def evaluated_again(evaluator: str, expression: Expression) -> Diagnostic:
    """The lint of a value in a variable that `evaluator` reads as code (W0703)."""
    return Diagnostic(
        "W0703",
        f"`{evaluator}` takes the variable apart again that gets this value",
        expression.path,
        expression.span,
        help="make it a number, or add `| quote` if a shell reads it next",
    )


def _way_out(source: str, shell: str, reason: str) -> str:
    if reason in (OPTION_OF_PRINTF, FORMAT_OF_PRINTF):
        return f"give it to a format: `printf '%s' {{{{ {source} }}}}`"
    variable = _VARIABLES.get(shell, '"$VALUE"')
    quoted = source.replace('"', "'") if '"' in source and "'" not in source else source
    return f'let a variable carry it: `env {{ VALUE = "{{{{ {quoted} }}}}" }}`, then `{variable}`'


_VARIABLES = {"python": 'os.environ["VALUE"]', "node": "process.env.VALUE"}


# -- values in places -----------------------------------------------------------


@dataclass
class _Rendering:
    """Puts the values of one scope into a script; `variables` maps run-time texts to variables."""

    script: PreparedScript
    scope: Scope
    found: list[Diagnostic]
    variables: dict[str, str] = field(default_factory=dict)

    def pieces(self, values: list[Any]) -> list[str | None]:
        """The script's texts and, between them, the values as they must stand there."""
        given = iter(zip(self.script.places, values, strict=True))
        pieces: list[str | None] = []
        for part in self.script.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            place, value = next(given)
            if part is None or value is _FAILED:
                pieces.append(None)
            else:
                pieces.append(self._judged(part, place, value))
        return pieces

    def _judged(self, expression: Expression, place: Place, value: Any) -> str | None:
        try:
            piece = self._piece(expression, place, value)
        except NoTextError as error:
            # What can't stand there at all is no option and no number either.
            span, path = expression.span, expression.path
            self.found.append(Diagnostic("E0508", str(error), path, span, help=error.help))
            return None
        if place.may_be_option and _may_begin_with_dash(expression, value, self.scope):
            self.found.append(_dash(expression))
        is_quoted = expression.last_filter == "quote"
        if place.evaluator and not is_quoted and not is_number(expression, value, self.scope):
            self.found.append(evaluated_again(place.evaluator, expression))
        return piece

    def _piece(self, expression: Expression, place: Place, value: Any) -> str | None:
        """A value as it must stand in its place; None where it isn't known. Raises NoTextError."""
        if place.context == "unproved":
            return None
        if isinstance(value, Unknown):
            self._judge_type(place, value)
            return None
        if isinstance(value, Late):
            _refuse_late_type(expression, self.scope)
            number = len(self.variables) + 1
            variable = self.variables.setdefault(value.text, f"ORCH_B{number}")
            context = self.script.shell if place.context == "literal" else place.context
            return _VARIABLE_IN[context].replace("NAME", variable)
        if place.context == "literal":
            literal = python_literal if self.script.shell == "python" else node_literal
            return literal(value)
        if isinstance(value, (tuple, list)):
            if not place.is_word:
                raise NoTextError(*_NO_WORDS)
            if place.is_command and not value:
                raise NoTextError("an empty list can't be the command", None)
            return " ".join(_in_shell(text_of(item), place) for item in value)
        return _in_shell(text_of(value), place)

    def _judge_type(self, place: Place, value: Unknown) -> None:
        """Raises NoTextError where no value of a type can stand in a place."""
        if value.type is None or place.context == "literal":
            return
        if value.type.name != "list":
            text_of(example_of(value))
        elif not place.is_word:
            raise NoTextError(*_NO_WORDS)


_NO_WORDS = (
    "a list can stand only as words of its own",
    "set it apart with blanks, or join it: `| join(' ')`",
)


def _refuse_late_type(expression: Expression, scope: Scope) -> None:
    """A run-time value is one text, so a list can't become words."""
    type_ = _late_type(expression, scope)
    if type_ is not None and type_.name in {"list", "map", "duration", "size"}:
        raise NoTextError(
            f"a {type_.name} that is known only while running can't stand in a script",
            "make it a text where it is handed on",
        )


_VARIABLE_IN = {
    "bare": '"${NAME}"',
    "double": "${NAME}",
    "single": """'"${NAME}"'""",
    "python": '__import__("os").environ["NAME"]',
    "node": "process.env.NAME",
}

_INERT = re.compile(r"[A-Za-z0-9_./:@%+,-]+")


def _in_shell(text: str, place: Place) -> str:
    """A text escaped for its place in a shell's word."""
    refuse_unspeakable(text)
    match place.context:
        case "double":
            escaped = re.sub(r'([\\$"`])', r"\\\1", text)
            # In the arrays of bash its own control characters would be doubled or lost. Where the
            # locale is GBK or Shift-JIS, a byte that is no ASCII swallows a backslash behind it, or
            # the last byte of a character is one.
            escaped = re.sub("[\x01\x7f-\U0010ffff]+", "\"'\\g<0>'\"", escaped)
            # Directly behind `$name` the text would go on with the name.
            return f'""{escaped}' if place.is_after_variable else escaped
        case "single":
            return text.replace("'", "'\\''")
        case _:
            return text if place.is_argument and _INERT.fullmatch(text) else single_quoted(text)


# -- values that may be taken for options ------------------------------------------


def _dash(expression: Expression) -> Diagnostic:
    message = "a value that begins with `-` is taken for an option"
    help_ = "put `--` before it, if the command knows that"
    return Diagnostic("W0704", message, expression.path, expression.span, help=help_)


_DASHLESS_FILTERS = frozenset(
    {"int", "float", "length", "seconds", "bytes", "quote", "raw", "json"}
)


def _may_begin_with_dash(expression: Expression, value: Any, scope: Scope) -> bool:
    """Whether a text of the template may begin with `-`, now or with other arguments.

    Numbers are left out: an author who passes one knows of its sign.
    """
    root = expression.root
    if isinstance(root, Concatenation) and isinstance(root.parts[0], Constant):
        first = root.parts[0].value
        if isinstance(first, str) and first:
            return first.startswith("-")
    if isinstance(root, Call) and root.name in _DASHLESS_FILTERS:
        return False
    if isinstance(value, Late):
        return _late_type(expression, scope) in {None, Type("string"), Type("path")}
    texts = [item for item in _items(value) if isinstance(item, str)]
    is_text = bool(texts) or (isinstance(value, Unknown) and _may_be_text(value.type))
    return is_text and (_is_open(expression, scope) or any(text.startswith("-") for text in texts))


def _may_be_text(type_: Type | None) -> bool:
    """Whether a value of a type is a text, or a list that holds one."""
    if type_ is not None and type_.name == "list":
        return _may_be_text(type_.argument)
    return type_ in {None, Type("string"), Type("path")}


def is_number(expression: Expression, value: Any, scope: Scope) -> bool:
    """Whether a value can be nothing but a number, which means the same to whatever reads it."""
    if isinstance(value, Late):
        type_ = _late_type(expression, scope)
    elif isinstance(value, Unknown):
        type_ = value.type
    else:
        return isinstance(value, (int, float))
    return type_ is not None and type_.name in {"int", "float", "bool"}


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _is_open(expression: Expression, scope: Scope) -> bool:
    """Whether another argument may give another value."""
    return any(
        reference.name not in scope.dashless
        for reference in expression.names
        if reference.root == "params" or (reference.root == "" and reference.name in scope.params)
    )


def _late_type(expression: Expression, scope: Scope) -> Type | None:
    """The type of an expression that is a run-time value and nothing else."""
    root = expression.root
    if not isinstance(root, LateReference):
        return None
    if root.field != "values":
        # Neither a status nor a run's id nor an exit code begins with a dash.
        return Type("int")
    return None if scope.late_type is None else scope.late_type(root)
