"""Values as they are written → values of the type that a setting takes.

One mechanism for every block: the table of settings says what is due, and what doesn't fit is
reported here (E0401, E0402, E0407, E0410). A value that can't be known, or that was reported, is
`UNKNOWN` from then on, and nobody says more about it.

Results are in the plain form of the plan: durations are milliseconds, sizes bytes, lists tuples, a
range a pair, words their text. A value known only while running is a `Late`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orch.compiler.expression_tree import Expression
from orch.compiler.names import Scope
from orch.compiler.settings import SettingSpec, Templates
from orch.compiler.shapes import (
    Anything,
    ListOf,
    MapOf,
    Names,
    RangeOf,
    Scalar,
    Shape,
    Strings,
    Words,
)
from orch.compiler.spelling import spell_value
from orch.compiler.texts import is_exit_reason
from orch.compiler.values import (
    DurationMs,
    Late,
    NoTextError,
    SizeBytes,
    Type,
    Unknown,
    WrittenFloat,
    fit,
    kind_of,
    normalise_path,
    text_of,
)
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.source import Span
from orch.dsl.suggest import near_miss
from orch.dsl.tree import (
    Boolean,
    Call,
    Duration,
    Float,
    Integer,
    List,
    Map,
    Name,
    Range,
    Reference,
    Size,
    String,
    Template,
    Text,
    Value,
)

UNKNOWN = Unknown()

Evaluate = Callable[[Template, bool], Any]
"""Gives a template's value; with True that may be a `Late`. Reports what is wrong itself, and
gives `UNKNOWN` then."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values of one file in one scope; what it finds goes to `found`.

    `check` judges what the evaluator can't know of an expression, reports it, and says whether the
    expression may be used.
    """

    path: str
    found: list[Diagnostic]
    scope: Scope
    evaluate: Evaluate
    check: Callable[[Expression], bool]

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        help_: str | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        self.found.append(Diagnostic(code, message, self.path, span, "", help_, related))

    # -- values of any type ----------------------------------------------------

    def value(self, node: Value) -> Any:
        """The value of a node as a value of the language (values.py)."""
        found: Any = UNKNOWN
        match node:
            case String():
                found = self.text(node, may_be_late=False)
            case Template():
                found = self.evaluate(node, False)
            case List():
                items = tuple(self.value(item) for item in node.items)
                found = UNKNOWN if any(isinstance(item, Unknown) for item in items) else items
            case Map():
                found = self._map_value(node)
            case Range():
                self.report("E0401", "a range can't stand here: a value is due", node.span)
            case Reference():
                self._bare_word(node)
            case Call():
                help_ = "functions stand in a template: `{{ … }}`"
                self.report("E0401", f"`{node.name.text}(…)` is no value", node.span, help_)
            case _:
                found = _literal(node)
        return found

    def _map_value(self, node: Map) -> Any:
        found: dict[str, Any] = {}
        for entry in node.entries:
            key = self.static_key(entry.key)
            if key is None:
                continue
            if key in found:
                self.report("E0209", f"`{key}` is given twice", entry.key.span)
            found[key] = self.value(entry.value)
        return UNKNOWN if any(isinstance(v, Unknown) for v in found.values()) else found

    def static_key(self, key: Name | String) -> str | None:
        """The text of a key, which can't hold a template."""
        if isinstance(key, Name):
            return key.text
        if key.is_static:
            return key.static_text
        self.report("E0401", "a key can't hold a template", key.span)
        return None

    def text(self, node: String, *, may_be_late: bool) -> Any:
        """A string's text; `Late` where one of its templates is."""
        pieces: list[str | Late] = []
        for part in node.parts:
            if isinstance(part, Text):
                pieces.append(part.text)
                continue
            value = self.evaluate(part, may_be_late)
            piece = value if isinstance(value, Late) else self.text_of_template(part, value)
            if isinstance(piece, Unknown):
                return self._rest_unknown(node, part, may_be_late)
            pieces.append(piece)
        if any(isinstance(piece, Late) for piece in pieces):
            return joined_late(pieces)
        return "".join(piece for piece in pieces if isinstance(piece, str))

    def _rest_unknown(self, node: String, known_bad: Template, may_be_late: bool) -> Unknown:
        """Judge the templates behind one that is unknown: their mistakes are their own."""
        for part in node.parts[node.parts.index(known_bad) + 1 :]:
            if isinstance(part, Template):
                value = self.evaluate(part, may_be_late)
                if not isinstance(value, Late):
                    self.text_of_template(part, value)
        return UNKNOWN

    def text_of_template(self, node: Template, value: Any) -> Any:
        """What a template's value reads as inside a string."""
        if isinstance(value, Unknown):
            return UNKNOWN
        try:
            return text_of(value)
        except NoTextError as error:
            self.report("E0508", str(error), node.span, error.help)
            return UNKNOWN

    def _bare_word(self, node: Reference) -> None:
        word = node.word
        message = "a name can't stand here: a value is due"
        if word is None:
            self.report("E0401", message, node.span)
            return
        help_ = (
            f'a string stands in quotes, `"{word}"`, a param or let in braces, `{{{{ {word} }}}}`'
        )
        self.report("E0401", f"`{word}` is a name, and a value is due here", node.span, help_)

    # -- values by the table ----------------------------------------------------

    def setting(self, node: Value, spec: SettingSpec) -> Any:
        """The value of a setting, as its row in the table wants it."""
        if spec.templates is Templates.NEVER and (place := _first_template(node)):
            message = f"`{spec.name}` takes no template: {spec.templates.value}"
            self.report("E0401", message, place)
            return UNKNOWN
        may_be_late = spec.templates is Templates.LATE
        return self.shaped(node, spec.shape, spec.name, may_be_late=may_be_late)

    def shaped(self, node: Value, shape: Shape, name: str, *, may_be_late: bool = False) -> Any:
        """A value of a shape; `name` is the setting's, for messages."""
        found: Any
        match shape:
            case Scalar():
                found = self._scalar(node, shape, name, may_be_late)
            case Words():
                found = self._word(node, shape, name)
            case ListOf():
                found = self._list(node, shape, name, may_be_late)
            case RangeOf():
                found = self._range(node, shape, name)
            case MapOf():
                found = self._map(node, shape, name, may_be_late)
            case Strings():
                found = self._strings(node, name, may_be_late)
            case Names() | Anything():
                found = self.value(node)
        return found

    def _scalar(self, node: Value, shape: Scalar, name: str, may_be_late: bool) -> Any:
        match node:
            case String():
                value = self.text(node, may_be_late=may_be_late)
            case Template():
                value = self.evaluate(node, may_be_late)
            case Reference() | Call() | Range() | List() | Map():
                self._wrong(node.span, f"`{name}` takes {_article(shape.type)}", _hint(node, shape))
                return UNKNOWN
            case _:
                value = self.value(node)
        return self.fitted(value, shape, name, node.span)

    def fitted(self, value: Any, shape: Scalar, name: str, span: Span) -> Any:
        """A value that is already there, judged by a scalar shape."""
        if isinstance(value, (Unknown, Late)):
            return value
        if shape.type == "path" and isinstance(value, str):
            path = normalise_path(value)
            if path is None:
                self.report("E0407", f"`{value}` leaves the project root", span)
                return UNKNOWN
            return path
        try:
            value = fit(value, Type(shape.type))
        except ValueError as error:
            self._wrong(span, f"`{name}` {error}", _UNIT_HINTS.get((kind_of(value), shape.type)))
            return UNKNOWN
        if isinstance(value, (DurationMs, SizeBytes)):
            value = value.value
        return value if self._is_allowed(value, shape, name, span) else UNKNOWN

    def _is_allowed(self, value: Any, shape: Scalar, name: str, span: Span) -> bool:
        if shape.allowed and value not in shape.allowed:
            self._outside(name, str(value), shape.allowed, span)
            return False
        message = out_of_range(value, shape, name)
        if message is not None:
            self.report("E0402", message, span)
        return message is None

    def _word(self, node: Value, shape: Words, name: str) -> Any:
        match node:
            case Reference() if node.word is not None:
                word = node.word
            case Call() if len(node.arguments) == 1 and isinstance(node.arguments[0], Integer):
                word = f"{node.name.text}({node.arguments[0].value})"
            case Template():
                value = self.evaluate(node, False)
                if isinstance(value, Unknown):
                    return UNKNOWN
                if not isinstance(value, str):
                    self._wrong(node.span, f"`{name}` is {kind_of(value)}, not a word", None)
                    return UNKNOWN
                word = str(value)
            case _:
                help_ = None
                if isinstance(node, String) and node.static_text in shape.words:
                    help_ = f"write it without quotes: `{node.static_text}`"
                words = ", ".join(f"`{word}`" for word in shape.words)
                self._wrong(node.span, f"`{name}` takes one of {words}", help_)
                return UNKNOWN
        return word if self.is_word(word, shape, name, node.span) else UNKNOWN

    def is_word(self, word: str, shape: Words, name: str, span: Span) -> bool:
        if word in shape.words and "(" not in word:
            return True
        if "exit(N)" in shape.words and is_exit_reason(word):
            return True
        self._outside(name, word, shape.words, span)
        return False

    def _outside(self, name: str, word: str, allowed: Iterable[str], span: Span) -> None:
        hint = near_miss(word, allowed)
        words = ", ".join(f"`{one}`" for one in allowed)
        help_ = f"did you mean `{hint}`?" if hint else None
        self.report("E0402", f"`{word}` is no `{name}`: it is one of {words}", span, help_)

    def _list(self, node: Value, shape: ListOf, name: str, may_be_late: bool) -> Any:
        if isinstance(node, Template):
            return self._list_of_template(node, shape, name)
        if not isinstance(node, List):
            self._wrong(node.span, f"`{name}` takes a list", "put it into `[…]`")
            return UNKNOWN
        found: list[Any] = []
        for item in node.items:
            value = self.shaped(item, shape.item, name, may_be_late=may_be_late)
            if isinstance(shape.item, Strings) and isinstance(value, tuple):
                found += value
            else:
                found.append(value)
        return UNKNOWN if any(isinstance(v, Unknown) for v in found) else tuple(found)

    def _list_of_template(self, node: Template, shape: ListOf, name: str) -> Any:
        value = self.evaluate(node, False)
        if isinstance(value, Unknown):
            return UNKNOWN
        if not isinstance(value, (tuple, list)):
            self._wrong(node.span, f"`{name}` is {kind_of(value)}, not a list", None)
            return UNKNOWN
        found: list[Any] = []
        for item in value:
            if isinstance(shape.item, Words):
                is_known = isinstance(item, str) and self.is_word(
                    str(item), shape.item, name, node.span
                )
                found.append(str(item) if is_known else UNKNOWN)
            else:
                scalar = shape.item if isinstance(shape.item, Scalar) else Scalar("string")
                found.append(self.fitted(item, scalar, name, node.span))
        return UNKNOWN if any(isinstance(v, Unknown) for v in found) else tuple(found)

    def _range(self, node: Value, shape: RangeOf, name: str) -> Any:
        if not isinstance(node, Range):
            if isinstance(node, Template) and isinstance(self.evaluate(node, False), Unknown):
                return UNKNOWN
            example = "100ms..3s" if shape.item.type == "duration" else "1..4"
            self._wrong(node.span, f"`{name}` takes a range", f"a range is written `{example}`")
            return UNKNOWN
        low = self.shaped(node.low, shape.item, name)
        high = self.shaped(node.high, shape.item, name)
        if isinstance(low, Unknown) or isinstance(high, Unknown):
            return UNKNOWN
        if low > high:
            self.report("E0410", f"the low end of `{name}` is above its high end", node.span)
            return UNKNOWN
        return (low, high)

    def _map(self, node: Value, shape: MapOf, name: str, may_be_late: bool) -> Any:
        if isinstance(node, Map):
            found: dict[str, Any] = {}
            for entry in node.entries:
                key = self.static_key(entry.key)
                if key in found:
                    self.report("E0209", f"`{key}` is given twice", entry.key.span)
                elif key is not None:
                    found[key] = self.shaped(entry.value, shape.item, key, may_be_late=may_be_late)
            return found
        value = self.evaluate(node, False) if isinstance(node, Template) else None
        if isinstance(value, Unknown):
            return UNKNOWN
        if not isinstance(value, Mapping):
            self._wrong(node.span, f"`{name}` takes a map", "a map is written `{ KEY = value }`")
            return UNKNOWN
        return {key: self.fitted(v, shape.item, key, node.span) for key, v in value.items()}

    def _strings(self, node: Value, name: str, may_be_late: bool) -> Any:
        """A string as text, a list of strings as a tuple."""
        match node:
            case List():
                return self._list(node, ListOf(Strings()), name, may_be_late)
            case Template():
                value = self.evaluate(node, may_be_late)
                if isinstance(value, (tuple, list)):
                    items = [self.fitted(v, Scalar("string"), name, node.span) for v in value]
                    return UNKNOWN if UNKNOWN in items else tuple(items)
                return self.fitted(value, Scalar("string"), name, node.span)
        return self._scalar(node, Scalar("string"), name, may_be_late)

    def _wrong(self, span: Span, message: str, help_: str | None) -> None:
        self.report("E0401", message, span, help_)


def _literal(node: Integer | Boolean | Float | Duration | Size) -> Any:
    match node:
        case Float():
            return WrittenFloat(node.value, node.written)
        case Duration():
            return DurationMs(node.value_ms)
        case Size():
            return SizeBytes(node.value_bytes)
        case _:
            return node.value


def joined_late(pieces: Sequence[str | Late]) -> Late:
    """Texts and values known only while running, one after the other, as one such value.

    Who gives the value to a command takes its text, so a piece alone needs no text beside it.
    """
    if len(pieces) == 1 and isinstance(pieces[0], Late):
        return pieces[0]
    written = (f"({p.text})" if isinstance(p, Late) else spell_value(p) for p in pieces)
    return Late(" ~ ".join(written))


def out_of_range(value: Any, shape: Scalar, name: str) -> str | None:
    """Why a number is outside a shape's range; None if it is inside."""
    low, high = shape.low, shape.high
    is_low = low is not None and value < low
    if not is_low and not (high is not None and value > high):
        return None
    shown = quantity_text(value, shape.type)
    if low is not None and high is not None:
        limits = f"{quantity_text(low, shape.type)}..{quantity_text(high, shape.type)}"
        return f"`{name}` is {shown}, outside {limits}"
    limit = low if is_low else high
    return (
        f"`{name}` is {shown}, {'below' if is_low else 'above'} {quantity_text(limit, shape.type)}"
    )


_DURATION_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_SIZE_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))


def quantity_text(value: Any, type_name: str) -> str:
    """A number as it would be written in a file: `90s`, `64KiB`."""
    units = {"duration": _DURATION_UNITS, "size": _SIZE_UNITS}.get(type_name)
    if units is None:
        return str(value)
    if value == 0:
        return f"0{units[-1][0]}"
    return next(f"{value // size}{unit}" for unit, size in units if value % size == 0)


def _first_template(node: Value) -> Span | None:
    match node:
        case Template():
            return node.span
        case String():
            return next((p.span for p in node.parts if isinstance(p, Template)), None)
        case List():
            return next(filter(None, map(_first_template, node.items)), None)
        case _:
            return None


_UNIT_HINTS = {
    ("an int", "duration"): "say the unit: `30s`, `5m`",
    ("an int", "size"): "say the unit: `64KiB`",
    ("a string", "duration"): "a duration is written without quotes: `30s`",
    ("a string", "size"): "a size is written without quotes: `64KiB`",
    ("a string", "int"): "a number is written without quotes",
    ("a string", "bool"): "`true` and `false` are written without quotes",
}


def _hint(node: Value, shape: Scalar) -> str | None:
    if isinstance(node, Reference) and node.word is not None:
        if shape.type == "bool":
            return "write `true` or `false`"
        if shape.type in ("string", "path"):
            return f'a string stands in quotes: `"{node.word}"`'
    return None


def _article(type_name: str) -> str:
    return f"an {type_name}" if type_name == "int" else f"a {type_name}"
