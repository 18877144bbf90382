"""The shell scripts of a file: where they stand, and their text as a tool that reads shell sees it.

A template becomes a quoted variable, escaped as the value would be, so that it is one word there
and no constant. Every character of the text knows its place in the file.
"""

import re
from collections.abc import Iterator, Mapping

from orch.compiler.request import Script
from orch.compiler.shell_grammar import find_shell_places
from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span
from orch.dsl.string_places import places_of, read_string
from orch.dsl.tree import (
    Block,
    List,
    Map,
    Name,
    Reference,
    Setting,
    String,
    SyntaxTree,
    Template,
    Text,
    Value,
)

_STARTING = ("stage", "service", "finally")
_SHELLS = ("sh", "bash")
_RAW = re.compile(r"\|\s*raw\b")

_VARIABLE_IN = {"bare": '"${NAME}"', "double": "${NAME}", "single": """'"${NAME}"'"""}


@record
class ShellText:
    """`places` has one span for every character of `text`; `is_value` says which are a value's."""

    text: str
    places: tuple[Span, ...]
    is_value: tuple[bool, ...]

    def span(self, start: int, end: int) -> Span:
        """The place of a piece of the text; of an empty one that of the character there."""
        last = len(self.places) - 1
        first = min(start, last)
        return self.places[first].to(self.places[max(first, min(end - 1, last))])

    def is_of_values(self, start: int, end: int) -> bool:
        """Whether nothing but values stands in a piece of the text."""
        return end > start and all(self.is_value[start:end])


def scripts_of(tree: SyntaxTree) -> Iterator[Script]:
    """The scripts of stages, services and probes that sh or bash reads, in written order."""
    for block in tree.blocks:
        if block.keyword.text not in _STARTING:
            continue
        values = _settings(block)
        variables = tuple(sorted(_variables(block, values)))
        run, shell = values.get("run"), _shell(values.get("shell"))
        if isinstance(run, String) and shell is not None:
            yield Script(tree.source.path, run.span.start, shell, variables)
        probe = _settings(_inner(block, "ready")).get("exec")
        if isinstance(probe, String):
            yield Script(tree.source.path, probe.span.start, "sh", variables)


def _settings(block: Block | None) -> dict[str, Value]:
    """The settings by name; of one that is given twice the first counts."""
    found: dict[str, Value] = {}
    for item in () if block is None else block.body or ():
        if isinstance(item, Setting) and isinstance(item.name, Name):
            found.setdefault(item.name.text, item.value)
    return found


def _inner(block: Block, keyword: str) -> Block | None:
    inner = (item for item in block.body or () if isinstance(item, Block))
    return next((item for item in inner if item.keyword.text == keyword), None)


def _shell(value: Value | None) -> str | None:
    if value is None:
        return "sh"
    word = value.word if isinstance(value, Reference) else None
    return word if word in _SHELLS else None


def _variables(block: Block, values: Mapping[str, Value]) -> Iterator[str]:
    """The variables that the block itself puts into the environment."""
    yield from _settings(_inner(block, "env"))
    match values.get("env"):
        case Map(entries=entries):
            yield from (entry.key.text for entry in entries if isinstance(entry.key, Name))
    match values.get("secrets"):
        case List(items=items):
            yield from (item.word or "" for item in items if isinstance(item, Reference))


def shell_text(source: SourceFile, script: Script) -> ShellText | None:
    """The script's text; None where it can't be told, as with a value that is code (`raw`)."""
    string = read_string(source, script.start)
    if string is None or not string.parts:
        return None
    pieces = [part.text if isinstance(part, Text) else None for part in string.parts]
    places = iter(find_shell_places(pieces, is_bash=script.shell == "bash"))
    texts: list[str] = []
    spans: list[Span] = []
    is_value: list[bool] = []
    numbers: dict[str, int] = {}
    for part in string.parts:
        if isinstance(part, Text):
            text, found = part.text, places_of(part, string, source)
        else:
            place = next(places)
            form = _VARIABLE_IN.get(place.context)
            if form is None or _RAW.search(part.source):
                return None
            number = numbers.setdefault(part.source.strip(), len(numbers) + 1)
            text = form.replace("NAME", f"ORCH_B{number}")
            found = [part.span] * len(text)
        texts.append(text)
        spans += found
        is_value += [isinstance(part, Template)] * len(text)
    return ShellText("".join(texts), tuple(spans), tuple(is_value))
