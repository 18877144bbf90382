"""Values as they are written → values of the language (values.py), whatever their type.

A value that can't be known, or that was reported, is `UNKNOWN` from then on, and nobody says more
about it. A value known only while running is a `Late`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from orch.compiler.expression_tree import Expression
from orch.compiler.names import Scope
from orch.compiler.spelling import spell_value
from orch.compiler.values import (
    UNKNOWN,
    DurationMs,
    Late,
    NoTextError,
    SizeBytes,
    Unknown,
    WrittenFloat,
    example_of,
    text_of,
)
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.record import record
from orch.dsl.shown import shown
from orch.dsl.source import Span
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


class Place(Protocol):
    """Where values are read: what may be said there in templates, and what they come to."""

    @property
    def scope(self) -> Scope:
        """The names that templates may use."""

    def check(self, expression: Expression) -> bool:
        """Judge what the evaluator can't know of an expression, report what is wrong, and say
        whether the expression may be used."""

    def evaluate(self, template: Template, may_be_late: bool) -> Any:
        """A template's value; with `may_be_late` that may be a `Late`. Reports what is wrong
        itself, and gives `UNKNOWN` then."""


@record
class PlainReader:
    """Reads values of any type in one file, at one place; what it finds goes to `found`."""

    path: str
    found: list[Diagnostic]
    place: Place

    @property
    def scope(self) -> Scope:
        return self.place.scope

    def check(self, expression: Expression) -> bool:
        """See `Place`."""
        return self.place.check(expression)

    def evaluate(self, template: Template, may_be_late: bool) -> Any:
        """See `Place`."""
        return self.place.evaluate(template, may_be_late)

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
                self.report("E0209", f"`{shown(key)}` is given twice", entry.key.span)
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
            piece = self.text_of_template(part, value)
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
                self.text_of_template(part, self.evaluate(part, may_be_late))
        return UNKNOWN

    def text_of_template(self, node: Template, value: Any) -> Any:
        """What a template's value reads as inside a string; a `Late` that will be text is one."""
        if isinstance(value, Unknown) and value.type is None:
            return UNKNOWN
        if isinstance(value, Late):
            if value.type is None or value.type.name not in _NO_TEXTS:
                return value
            message = f"a {value.type.name} can't stand in text"
            self.report("E0508", message, node.span, _NO_TEXTS[value.type.name])
            return UNKNOWN
        try:
            text = text_of(example_of(value))
        except NoTextError as error:
            self.report("E0508", str(error), node.span, error.help)
            return UNKNOWN
        return UNKNOWN if isinstance(value, Unknown) else text

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


_NO_TEXTS = {
    "list": "write it as text: `| join(' ')`",
    "map": "write it as text: `| json`",
    "duration": "say the unit: `| seconds`",
    "size": "say the unit: `| bytes`",
}


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
