"""The values of params and lets: arguments where they are given, else defaults.

Defaults and lets may use each other in any order of writing; a circle is E0301. A parameter that
has no value (E0404, or none is demanded) is `UNKNOWN`, and so is what hangs on it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orch.compiler.allowed import Allowed, shown_value
from orch.compiler.budget import is_too_deep
from orch.compiler.outline import Outline
from orch.compiler.patterns import Pattern, PatternError, compile_pattern
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.value_nodes import templates_in
from orch.compiler.values import (
    UNKNOWN,
    Type,
    Unknown,
    fit,
    kind_of,
    normalise_path,
    type_from,
)
from orch.dsl.diagnostics import Related
from orch.dsl.limits import DEEPEST
from orch.dsl.record import record
from orch.dsl.shown import LONGEST_PATH, shown
from orch.dsl.source import Span
from orch.dsl.tree import List, Map, Range, Value

LONGEST_MATCHED = 10_000
"""Characters of a regular expression, and of a value that one is held against."""


@record
class Argument:
    """A value given for a parameter. `reader` and `node` say where blame goes: to the value as the
    using file writes it, or None: then to the parameter's name. `said` names it in messages."""

    value: Any
    said: str = ""
    reader: Reader | None = None
    node: Value | None = None


@record
class Demand:
    """What a missing argument means: an error with these related places, or just not knowing."""

    is_error: bool
    related: tuple[Related, ...] = ()
    help: str | None = None
    excused: frozenset[str] = frozenset()
    """Parameters whose argument is missing only because it was misspelt, which was reported."""


class Constants(Mapping[str, Any]):
    """All params and lets of one instance of a file, each evaluated once when it is asked for."""

    def __init__(
        self,
        outline: Outline,
        reader_of: "Callable[[Constants], Reader]",
        arguments: Mapping[str, Argument],
        demand: Demand,
    ) -> None:
        self._outline = outline
        self._sections = {**outline.lets, **outline.params}
        self._arguments = arguments
        self._demand = demand
        self._known: dict[str, Any] = {}
        self._pending: list[str] = []
        self.dashless: set[str] = set()
        """The params none of whose allowed values begins with `-`."""
        for name in self._sections:
            # `{{ params.a-b }}` reads as `a` less `b`: the name was told what is wrong (E0210).
            if "-" in name:
                for part in name.split("-"):
                    if part not in self._sections:
                        self._known[part] = UNKNOWN
        self._reader = reader_of(self)
        for name in self._in_likely_order():
            self[name]
        # Nobody reads any more. It holds these constants, which would live for ever with all the
        # trees: while a command compiles, nothing looks for garbage.
        del self._reader

    @property
    def params(self) -> Mapping[str, Any]:
        return _View(self, self._outline.params)

    @property
    def lets(self) -> Mapping[str, Any]:
        return _View(self, self._outline.lets)

    def is_part(self, name: object) -> bool:
        """Whether a name is none that is declared, but part of one that can't be a name."""
        return name in self._known and name not in self._sections

    def __getitem__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        section = self._sections[name]
        if name in self._pending:
            return self._circle(self._pending[self._pending.index(name) :])
        self._pending.append(name)
        is_param = section.spec.keyword == "param"
        value = self._param(section) if is_param else self._let(section)
        self._pending.pop()
        return self._known.setdefault(name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)

    def _circle(self, names: list[str]) -> Any:
        """Every name of a circle is unknown; the first in written order is blamed."""
        first = min(names, key=lambda name: self._sections[name].name_span)
        at, span = names.index(first), self._sections[first].name_span
        way = shown(" → ".join([*names[at:], *names[:at], first]), LONGEST_PATH)
        self._reader.report("E0301", f"values need each other in a circle: `{way}`", span)
        for name in names:
            self._known[name] = UNKNOWN
        return UNKNOWN

    def _in_likely_order(self) -> list[str]:
        """All names, those first that others mention: so a long chain is no deep recursion.

        Words inside templates are taken for mentions, which is wrong only in that an order may be
        less good.
        """
        mentions = {
            name: [word for word in _words_in(section.block.value) if word in self._sections]
            for name, section in self._sections.items()
        }
        order: dict[str, None] = {}
        entered: set[str] = set()
        for start in self._sections:
            waiting = [start]
            while waiting:
                name = waiting[-1]
                open_ = [m for m in mentions[name] if m not in entered and m != name]
                if name in entered or not open_:
                    order[name] = None
                    entered.add(name)
                    waiting.pop()
                else:
                    entered.add(name)
                    waiting += reversed(open_)
        return list(order)

    # -- one of them -----------------------------------------------------------

    def _let(self, section: Section) -> Any:
        node = section.block.value
        value = UNKNOWN if node is None else self._reader.value(node)
        if node is None or not is_too_deep(value):
            return value
        message = f"`{section.name}` is nested deeper than {DEEPEST} levels"
        self._reader.report("E0506", message, node.span)
        return UNKNOWN

    def _param(self, section: Section) -> Any:
        rule = _Rule(section, self._reader)
        if rule.type is None:
            return UNKNOWN
        if rule.is_dashless:
            self.dashless.add(section.name)
        argument = self._arguments.get(section.name)
        node = section.block.value
        default = rule.default(node) if node is not None else Unknown(rule.type)
        if argument is not None:
            return rule.judged(argument)
        if node is None and not section.block.is_broken:
            self._missing(section)
        return default

    def _missing(self, section: Section) -> None:
        demand = self._demand
        if not demand.is_error or section.name in demand.excused:
            return
        message = f"parameter `{section.name}` has no argument and no default"
        help_ = demand.help and demand.help.format(name=section.name)
        self._reader.report("E0404", message, section.name_span, help_, demand.related)


class _View(Mapping[str, Any]):
    """The params alone, or the lets alone."""

    def __init__(self, constants: Constants, sections: Mapping[str, Section]) -> None:
        self._constants = constants
        self._sections = sections

    def __getitem__(self, name: str) -> Any:
        if name not in self._sections and not self._constants.is_part(name):
            raise KeyError(name)
        return self._constants[name]

    def __contains__(self, name: object) -> bool:
        return name in self._sections or self._constants.is_part(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)


_WORD = re.compile(r"[A-Za-z_]\w*")


def _words_in(node: Value | None) -> list[str]:
    return [word for template in templates_in(node) for word in _WORD.findall(template.source)]


class _Rule:
    """What one parameter demands of its values: type, `in`, `matches`."""

    def __init__(self, section: Section, reader: Reader) -> None:
        self._section = section
        self._reader = reader
        self.type = self._declared_type()
        self._pattern = self._compiled()
        self._allowed = self._allowed_values() if self.type else None

    @property
    def is_dashless(self) -> bool:
        """Whether `in` lists all values, and none of them begins with `-`."""
        listed = None if self._allowed is None else self._allowed.listed
        return listed is not None and not any(str(value).startswith("-") for value in listed)

    def _declared_type(self) -> Type | None:
        node = self._section.block.type
        return None if node is None else type_from(node)

    def default(self, node: Value) -> Any:
        value = self._reader.value(node)
        return self._checked(value, "the default", self._reader, node)

    def judged(self, argument: Argument) -> Any:
        """The argument's value, if it is one that the parameter takes."""
        reader = argument.reader or self._reader
        return self._checked(argument.value, argument.said, reader, argument.node)

    def _checked(self, value: Any, said: str, reader: Reader, node: Value | None) -> Any:
        assert self.type is not None
        span = self._section.name_span if node is None else node.span
        if self.type.name == "path" and isinstance(value, str) and normalise_path(value) is None:
            reader.report(
                "E0407", f"{said} leaves the project root: `{shown(value, LONGEST_PATH)}`", span
            )
            return UNKNOWN
        try:
            value = fit(value, self.type)
        except ValueError as error:
            part = _culprit(value, self.type, node)
            if part is None:
                reader.report("E0401", f"{said} {error}", span)
            else:
                reader.report("E0401", f"a part of {said} {part[0]}", part[1])
            return UNKNOWN
        if isinstance(value, Unknown):
            return value
        items = value if isinstance(value, (tuple, list)) else (value,)
        for at, item in enumerate(items):
            problem = self._problem_with(item)
            if problem is not None:
                is_written = isinstance(node, List) and len(node.items) == len(items)
                place = node.items[at].span if isinstance(node, List) and is_written else span
                holds = "is" if item is value else "holds"
                reader.report("E0402", f"{said} {holds} {shown_value(item)}, {problem}", place)
                return UNKNOWN
        return value

    def _problem_with(self, value: Any) -> str | None:
        if self._allowed is not None and not self._allowed.holds(value):
            return self._allowed.complaint
        if self._pattern is not None and isinstance(value, str):
            if len(value) > LONGEST_MATCHED:
                return f"longer than the {LONGEST_MATCHED} characters that `matches` looks at"
            if not self._pattern.matches(value):
                return f"which doesn't match `{shown(self._pattern.text)}`"
        return None

    def _compiled(self) -> Pattern | None:
        """`matches` as a regular expression (E0409)."""
        setting = self._section.settings.get("matches")
        if setting is None or self.type is None:
            return None
        text = self._reader.setting(setting.value, self._section.spec.settings["matches"])
        if isinstance(text, Unknown):
            return None
        span = setting.value.span
        if self.type.name not in ("string", "path"):
            message = f"`matches` is for strings, and `{self._section.name}` is of type {self.type}"
            self._reader.report("E0401", message, span)
            return None
        return compiled_pattern(text, self._reader, span)

    def _allowed_values(self) -> "Allowed | None":
        setting = self._section.settings.get("in")
        if setting is None:
            return None
        assert self.type is not None
        of = self.type
        if of.name == "list" and of.argument is not None:
            of = of.argument
        node = setting.value
        if isinstance(node, Range):
            return self._allowed_range(node, of)
        values = self._reader.value(node)
        if isinstance(values, Unknown):
            return None
        if not isinstance(values, (tuple, list)):
            message = f"`in` is {kind_of(values)}, not a list or a range"
            self._reader.report("E0401", message, node.span)
            return None
        fitted: list[Any] = []
        for at, value in enumerate(values):
            span = node.items[at].span if isinstance(node, List) else node.span
            try:
                fitted.append(fit(value, of))
            except ValueError as error:
                self._reader.report("E0401", f"a value of `in` {error}", span)
                return None
        if not fitted:
            self._reader.report("E0402", "`in` is empty, so it allows no value", node.span)
        return Allowed(tuple(fitted), None) if fitted else None

    def _allowed_range(self, node: Range, of: Type) -> "Allowed | None":
        if of.name not in ("int", "float", "duration", "size"):
            message = f"a {of} has no range: `in` takes a list"
            self._reader.report("E0401", message, node.span)
            return None
        ends: list[Any] = []
        for end in (node.low, node.high):
            try:
                ends.append(fit(self._reader.value(end), of))
            except ValueError as error:
                self._reader.report("E0401", f"an end of `in` {error}", end.span)
                return None
        low, high = ends
        if low > high:
            message = "the low end of `in` is above its high end"
            self._reader.report("E0410", message, node.span)
            return None
        return Allowed(None, (low, high))


def _culprit(value: Any, type_: Type, node: Value | None) -> tuple[str, Span] | None:
    """Why a value doesn't fit, and the innermost part of it, as it is written, that is to blame."""
    if node is None:
        return None
    parts: list[tuple[Any, Value]] = []
    if isinstance(node, List) and isinstance(value, tuple) and type_.name == "list":
        parts = list(zip(value, node.items, strict=True))
    elif isinstance(node, Map) and isinstance(value, Mapping) and type_.name == "map":
        parts = list(zip(value.values(), (entry.value for entry in node.entries), strict=False))
    for part, written in parts:
        assert type_.argument is not None
        try:
            fit(part, type_.argument)
        except ValueError as error:
            inner = _culprit(part, type_.argument, written)
            return inner or (str(error), written.span)
    return None


def compiled_pattern(text: str, reader: Reader, span: Span) -> Pattern | None:
    """A regular expression, or None and E0409."""
    try:
        return compile_pattern(text)
    except PatternError as error:
        reader.report("E0409", f"`{shown(text)}` is no regular expression: {error.reason}", span)
        return None
