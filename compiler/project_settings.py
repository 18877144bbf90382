"""orch.toml, the project's own file: what it sets, and where in it.

It holds one table, `[policy]`, the lowest layer over what is built in. What is wrong with the file
is told as what is wrong with a pipeline is: by a code, at a place.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from orch.compiler.foreign_words import meant_word
from orch.dsl.decode import decode_source
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import EMPTY, record
from orch.dsl.shown import shown
from orch.dsl.source import SourceFile, Span
from orch.dsl.suggest import did_you_mean

PROJECT_FILE = "orch.toml"
POLICY_TABLE = "policy"

_LATER = {"sync": "uploading runs is not there yet, so nothing would come of it"}
"""Tables that a later version of orch takes, and why this one refuses them."""

_LONGEST_SEARCHED = 64 * 1024
_MOST_LINES_OF_A_VALUE = 200
_DEEPEST = 3  # policy.retry.attempts

KeyPath = tuple[str, ...]


@record
class ProjectSettings:
    """What orch.toml says. `policy` is its table as TOML gives it; the policies judge it.

    `places` has the place of each key that could be found: the name itself, or its line.
    """

    source: SourceFile
    policy: Mapping[str, Any]
    places: Mapping[KeyPath, Span]
    diagnostics: tuple[Diagnostic, ...]

    def place(self, path: KeyPath) -> Span | None:
        """The place of a key, or of the nearest table around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def origin(self, path: KeyPath) -> str:
        """How people say where a key stands: `orch.toml:3`."""
        span = self.place(path)
        line = f":{self.source.position(span.start).line}" if span is not None else ""
        return PROJECT_FILE + line


_NOWHERE: Mapping[KeyPath, Span] = MappingProxyType({})
NO_SETTINGS = ProjectSettings(SourceFile(PROJECT_FILE, ""), EMPTY, _NOWHERE, ())


def read_project_settings(data: bytes) -> ProjectSettings:
    """The settings in the bytes of an orch.toml; none at all for an empty one."""
    if not data:
        return NO_SETTINGS
    source, refusal = decode_source(PROJECT_FILE, data)
    if refusal is not None:
        return ProjectSettings(source, EMPTY, _NOWHERE, (refusal,))
    import tomllib

    try:
        table = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return ProjectSettings(source, EMPTY, _NOWHERE, (_no_toml(source, str(error)),))
    except (RecursionError, ValueError):
        message = "a number or a nesting here goes past all limits"
        refusal = Diagnostic("E0105", message, PROJECT_FILE, None)
        return ProjectSettings(source, EMPTY, _NOWHERE, (refusal,))
    settings = ProjectSettings(source, EMPTY, _places(source.text), ())
    policy = table.get(POLICY_TABLE, {})
    found = [_unknown(name, settings) for name in table if name != POLICY_TABLE]
    if not isinstance(policy, Mapping):
        message, help_ = f"`{POLICY_TABLE}` is a table, not a value", f"write `[{POLICY_TABLE}]`"
        span = settings.place((POLICY_TABLE,))
        found.append(Diagnostic("E0401", message, PROJECT_FILE, span, help=help_))
        policy = {}
    return ProjectSettings(source, policy, settings.places, tuple(found))


def _no_toml(source: SourceFile, words: str) -> Diagnostic:
    """The library's words are left out; its place is told in ours."""
    message = f"{PROJECT_FILE} is not TOML here, or gives a name twice"
    place = re.search(r"line (\d+), column (\d+)", words)
    at = len(source.text)
    if place is not None and int(place[1]) <= len(source.line_starts):
        at = min(at, source.line_starts[int(place[1]) - 1] + int(place[2]) - 1)
    return Diagnostic("E0101", message, PROJECT_FILE, Span(at, min(at + 1, len(source.text))))


def _unknown(name: str, settings: ProjectSettings) -> Diagnostic:
    message, span = (
        f"{PROJECT_FILE} has no table or setting `{shown(name)}`",
        settings.place((name,)),
    )
    if name in _LATER:
        return Diagnostic("E0205", message, PROJECT_FILE, span, _LATER[name], "delete it")
    help_ = did_you_mean(meant_word(name, (POLICY_TABLE,))) or "it takes one table, `[policy]`"
    return Diagnostic("E0205", message, PROJECT_FILE, span, help=help_)


# -- places: the TOML reader of the standard library doesn't tell them ----------------


def _places(text: str) -> Mapping[KeyPath, Span]:
    """Where each key of a valid TOML file stands first."""
    if len(text) > _LONGEST_SEARCHED:
        return _NOWHERE
    found: dict[KeyPath, Span] = {}
    header: KeyPath = ()
    for start, chunk, table in _statements(text):
        is_header = chunk.lstrip().startswith("[")
        paths = list(_paths(table))
        if is_header:
            header = paths[-1] if paths else ()
        for path in paths:
            whole = path if is_header else header + path
            found.setdefault(whole, _key_in(chunk, start, path[-1]))
    return found


def _statements(text: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Headers and settings, each with its offset and what it says alone: the fewest lines that
    are valid TOML by themselves."""
    import tomllib

    start = at = lines = 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        lines += 1
        if lines > _MOST_LINES_OF_A_VALUE:
            return
        try:
            table = tomllib.loads(text[start:at])
        except tomllib.TOMLDecodeError:
            continue
        yield start, text[start:at], table
        start, lines = at, 0


def _paths(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths of the keys, a table before what it holds, no deeper than anything is set."""
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, Mapping) and len(above) + 1 < _DEEPEST:
            yield from _paths(value, (*above, key))


def _key_in(chunk: str, start: int, key: str) -> Span:
    """The key in the text of its statement; the whole first line where it is spelt otherwise."""
    word = re.escape(key)
    match = re.search(rf"""(?<![\w"'-])(?:"{word}"|'{word}'|{word})(?=[ \t]*[=.\]])""", chunk)
    if match is not None:
        return Span(start + match.start(), start + match.end())
    blank = len(chunk) - len(chunk.lstrip())
    line = chunk[blank:].partition("\n")[0].rstrip()
    return Span(start + blank, start + blank + len(line))
