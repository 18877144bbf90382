"""Values as they are written → values of the type that a setting takes.

One mechanism for every block: the table of settings says what is due, and what doesn't fit is
reported here (E0401, E0402, E0407, E0410). A value that can't be known, or that was reported, is
`UNKNOWN` from then on, and nobody says more about it.

Results are in the plain form of the plan: durations are milliseconds, sizes bytes, lists tuples, a
range a pair, words their text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from orch.compiler.plain_reading import PlainReader
from orch.compiler.quantities import out_of_range
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
from orch.compiler.texts import is_exit_reason
from orch.compiler.value_nodes import templates_in
from orch.compiler.values import (
    UNKNOWN,
    DurationMs,
    Late,
    SizeBytes,
    Type,
    Unknown,
    example_of,
    fit,
    kind_of,
    normalise_path,
)
from orch.dsl.shown import LONGEST_PATH, shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import (
    Call,
    Integer,
    List,
    Map,
    Range,
    Reference,
    String,
    Template,
    Value,
)


class Reader(PlainReader):
    """Reads values by the table of settings too."""

    __slots__ = ()

    def setting(self, node: Value, spec: SettingSpec) -> Any:
        """The value of a setting, as its row in the table wants it."""
        if spec.templates is Templates.NEVER and (templates := templates_in(node)):
            message = f"`{spec.name}` takes no template: {spec.templates.value}"
            self.report("E0401", message, templates[0].span)
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
        return self.fitted(value, shape, name, node.span, _quoted_template(node))

    def fitted(
        self, value: Any, shape: Scalar, name: str, span: Span, help_: str | None = None
    ) -> Any:
        """A value that is already there, judged by a scalar shape; `help_` is said of a wrong one
        before what its type suggests."""
        if isinstance(value, Late):
            return self._fitted_late(value, shape, name, span)
        if shape.type == "path" and isinstance(value, str):
            path = normalise_path(value)
            if path is None:
                self.report(
                    "E0407", f"`{shown(value, LONGEST_PATH)}` leaves the project root", span
                )
                return UNKNOWN
            return path
        try:
            value = fit(value, Type(shape.type))
        except ValueError as error:
            hint = help_ or _UNIT_HINTS.get((kind_of(value), shape.type))
            self._wrong(span, f"`{name}` {error}", hint)
            return UNKNOWN
        if isinstance(value, Unknown):
            return value
        if isinstance(value, (DurationMs, SizeBytes)):
            value = value.value
        return value if self._is_allowed(value, shape, name, span) else UNKNOWN

    def _fitted_late(self, value: Late, shape: Scalar, name: str, span: Span) -> Late | Unknown:
        if _may_become(value.type, shape):
            return value
        message = f"`{name}` is {_article(str(value.type))}, not {_article(shape.type)}"
        self._wrong(span, message, None)
        return UNKNOWN

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
        # `exit(N)` is a form, not a word that anybody means.
        hint = near_miss(word, [one for one in allowed if one.isalnum()])
        words = ", ".join(f"`{one}`" for one in allowed)
        help_ = did_you_mean(hint)
        self.report("E0402", f"`{shown(word)}` is no `{name}`: it is one of {words}", span, help_)

    def _list(self, node: Value, shape: ListOf, name: str, may_be_late: bool) -> Any:
        if isinstance(node, Template):
            return self._list_of_template(node, shape, name)
        if not isinstance(node, List):
            self._wrong(node.span, f"`{name}` takes a list", "put it into `[…]`")
            return UNKNOWN
        found: list[Any] = []
        for item in node.items:
            if isinstance(item, List):
                self._wrong(item.span, f"`{name}` holds no lists in its list", None)
                found.append(UNKNOWN)
                continue
            value = self.shaped(item, shape.item, name, may_be_late=may_be_late)
            if isinstance(shape.item, Strings) and isinstance(value, tuple):
                found += value
            else:
                found.append(value)
        return UNKNOWN if any(isinstance(v, Unknown) for v in found) else tuple(found)

    def _list_of_template(self, node: Template, shape: ListOf, name: str) -> Any:
        value = self.evaluate(node, False)
        if isinstance(value, Unknown) and isinstance(example_of(value), (tuple, Unknown)):
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
                    self.report("E0209", f"`{shown(key)}` is given twice", entry.key.span)
                elif key is not None:
                    found[key] = self.shaped(entry.value, shape.item, key, may_be_late=may_be_late)
            return found
        value = self.evaluate(node, False) if isinstance(node, Template) else None
        if isinstance(value, Unknown) and isinstance(example_of(value), (Mapping, Unknown)):
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
                if isinstance(example_of(value), tuple):
                    return UNKNOWN
                return self.fitted(value, Scalar("string"), name, node.span)
        return self._scalar(node, Scalar("string"), name, may_be_late)

    def _wrong(self, span: Span, message: str, help_: str | None) -> None:
        self.report("E0401", message, span, help_)


_UNIT_HINTS = {
    ("an int", "duration"): "say the unit: `30s`, `5m`",
    ("an int", "size"): "say the unit: `64KiB`",
    ("a string", "duration"): "a duration is written without quotes: `30s`",
    ("a string", "size"): "a size is written without quotes: `64KiB`",
    ("a string", "int"): "a number is written without quotes",
    ("a string", "bool"): "`true` and `false` are written without quotes",
}


def _quoted_template(node: Value) -> str | None:
    """What to say of a string that is a template and no text beside, where no string is due."""
    match node:
        case String(parts=(Template(),)):
            return "a template is written without quotes, where its value is no text: `{{ … }}`"
        case _:
            return None


def _hint(node: Value, shape: Scalar) -> str | None:
    if isinstance(node, Reference) and node.word is not None:
        if shape.type == "bool":
            return "write `true` or `false`"
        if shape.type in ("string", "path"):
            return f'a string stands in quotes: `"{node.word}"`'
    return None


def _may_become(type_: Type | None, shape: Scalar) -> bool:
    """Whether a value known only while running can be what a setting takes, as far as its type is
    known: everything that has a text can be a string."""
    if type_ is None:
        return True
    if shape.type == "string":
        return type_.name not in ("list", "map", "duration", "size")
    return type_.name == shape.type


def _article(type_name: str) -> str:
    return f"an {type_name}" if type_name == "int" else f"a {type_name}"
