"""What would mend a diagnostic, as edits of the text, or a few to choose from.

A help is words for people, by which it is known here. A test applies every edit to the cases of
tests/ui, each help of which has one, and holds that the diagnostic is gone and no error is new.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from orch.cli.lsp.mending_blocks import (
    added_setting,
    declared_value,
    given_matrix,
    moved_to_policy,
    named_literal,
    needed_by,
)
from orch.cli.lsp.mending_gaps import (
    block_for,
    closed_angle,
    closed_bracket,
    closed_string,
    closed_template,
    divided,
    empty_value,
    named_head,
    quoted_path,
    ranged,
    this_version,
    value_for,
)
from orch.cli.lsp.mending_order import (
    first_stage,
    read_at_the_end,
    read_before_service,
    read_behind,
    read_later,
    read_of_finally,
)
from orch.cli.lsp.mending_scripts import heeded
from orch.cli.lsp.mending_secrets import secret_read_by_command
from orch.cli.lsp.mending_uses import given_in_use
from orch.cli.lsp.mending_values import (
    as_number,
    carried,
    declared_duration,
    defaulted,
    escaped_backslash,
    filtered,
    joined,
    late_enough,
    literal_string,
    negated,
    only_type_or_value,
    operator,
    unquoted,
    with_unit,
    without_list,
    without_template,
    written_range,
)
from orch.compiler.values import GENERIC_TYPES, SCALAR_TYPES
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import PiecedText
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.suggest import proposed_word

TextOf = Callable[[str], PiecedText | None]
"""The text of a file by its path; None where it can't be read."""


@record
class Mending:
    """What is done, in words, and the new texts for spans, by file. `is_sure` says that there is no
    other, and that it leaves nothing to be filled in."""

    title: str
    edits: Mapping[str, tuple[tuple[Span, str], ...]]
    is_sure: bool


def mendings(diagnostic: Diagnostic, text_of: TextOf) -> tuple[Mending, ...]:
    """All that would mend a diagnostic, one or the other; `text_of` is asked for its file, and for
    others that it has to do with."""
    help_ = diagnostic.help
    if help_ is None:
        return ()
    if _OWED.fullmatch(help_):
        given = given_in_use(text_of, diagnostic)
        return () if given is None else (Mending(*given, False),)
    pieced = text_of(diagnostic.path)
    found = () if pieced is None else _in_own_text(pieced, diagnostic.span, help_)
    return tuple(Mending(title, {diagnostic.path: edits}, sure) for title, edits, sure in found)


def _in_own_text(
    pieced: PiecedText, span: Span | None, help_: str
) -> Sequence[tuple[str, tuple[tuple[Span, str], ...], bool]]:
    """Title, edits, and whether they are sure, of each mending that stays in the file."""
    if span is None or not 0 <= span.start <= span.end <= len(pieced.text):
        return ()
    word = proposed_word(help_)
    if word is not None:
        return ((f"Change to `{word}`", ((_named(pieced.text, span), word),), True),)
    for pattern, choose in _CHOICES:
        match = pattern.fullmatch(help_)
        if match is not None:
            words = choose(pieced.text[span.start : span.end], match)
            if words:
                return [(f"Write `{each}`", ((span, each),), False) for each in words]
    for pattern, offer in _OFFERED:
        match = pattern.fullmatch(help_)
        if match is not None:
            offered = [(title, tuple(edits)) for title, edits in offer(pieced, span, match)]
            return [(title, edits, False) for title, edits in offered if edits]
    for pattern, make in _KNOWN:
        match = pattern.fullmatch(help_)
        edits = () if match is None else tuple(make(pieced, span, match))
        if edits:
            title = _TITLES.get(make, help_[:1].upper() + help_[1:])
            is_filled = not any(_TO_BE_FILLED_IN.search(text) for _, text in edits)
            is_sure = is_filled and make is not written_range
            return ((title, edits, is_sure),)
    return ()


_OWED = re.compile(r"give it in the `use`: .*")


_TO_BE_FILLED_IN = re.compile(r'\bNAME\b|""|100ms\.\.3s')
"""What stands where only the author knows what should."""


def _named(text: str, span: Span) -> Span:
    """A span without the quotes around a name in it."""
    quote = text[span.start : span.start + 1]
    is_quoted = quote in ("'", '"') and span.end - span.start > 1 and text[span.end - 1] == quote
    return Span(span.start + 1, span.end - 1) if is_quoted else span


# -- a few words to choose from -------------------------------------------------------

_Chooser = Callable[[str, re.Match[str]], Sequence[str]]


def _with_units(*units: str) -> _Chooser:
    return lambda text, _: [text + unit for unit in units] if text.isdecimal() else []


def _words(*words: str) -> _Chooser:
    return lambda _text, _match: words


def _with_fields(*fields: str) -> _Chooser:
    return lambda text, _: [f"{text}.{field}" for field in fields]


def _with_name(text: str, _: re.Match[str]) -> Sequence[str]:
    """`params` becomes `params.NAME`, where it can't be but one that name."""
    return [f"{text}.{ {'run': 'id', 'pipeline': 'name'}.get(text, 'NAME') }"]


_CHOICES: tuple[tuple[re.Pattern[str], _Chooser], ...] = (
    (re.compile(r"say the unit: `30s`, `5m`"), _with_units("s", "m", "ms", "h")),
    (re.compile(r"say the unit: `64KiB`"), _with_units("KiB", "MiB", "B")),
    (re.compile(r"write `true` or `false`"), _words("true", "false")),
    (
        re.compile(r"there are: ((?:[a-z]+, )*[a-z]+)"),
        lambda _text, match: [f'"{word}"' for word in match[1].split(", ")],
    ),
    (
        re.compile(r"a string stands in quotes, `(.*)`, a param or let in braces, `(.*)`"),
        lambda _text, match: match.groups(),
    ),
    (re.compile(r"functions stand in a template: .*"), lambda text, _: [f"{{{{ {text} }}}}"]),
    (re.compile(r"read its `status`, its `exit_code` or .*"), _with_fields("status", "exit_code")),
    (re.compile(r"name one of its values: .*"), _with_fields("NAME")),
    (re.compile(r"write `[a-z]+\.NAME`"), _with_name),
    (re.compile(r"write a name: .*"), _words(".NAME")),
    (re.compile(r"for a sign, put a space between .*"), lambda text, _: [f" {text}"]),
    (
        re.compile(r"the types are .*"),
        _words(*SCALAR_TYPES, *(f"{name}<string>" for name in GENERIC_TYPES)),
    ),
)

# -- several edits, each with its title ------------------------------------------------

_Offer = Callable[
    [PiecedText, Span, re.Match[str]], Iterable[tuple[str, Iterable[tuple[Span, str]]]]
]
_OFFERED: tuple[tuple[re.Pattern[str], _Offer], ...] = tuple(
    (re.compile(pattern), offer)
    for pattern, offer in (
        (r"a stage can read only what has ended before it; read it in a later one", read_later),
        (r"a service can read only what ends before .*", read_before_service),
        (r"nothing comes after a `finally` stage", read_of_finally),
        (r"read it in a `finally` stage", read_at_the_end),
        (r"read it in a stage that needs it, or turn the need around", read_behind),
        (r"a service runs beside stages that need it, a `finally` stage after .*", first_stage),
        (r"this is SC(\d+): .*", heeded),
        (r"list it in `secrets` and let the command read \"\$(.*)\"", secret_read_by_command),
    )
)

# -- one edit -------------------------------------------------------------------------

_Maker = Callable[[PiecedText, Span, re.Match[str]], Iterable[tuple[Span, str]]]
_Edits = Iterable[tuple[Span, str]]


def _without_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    inner = _named(pieced.text, span)
    return [] if inner == span else [(span, pieced.text[inner.start : inner.end])]


def _in_brackets(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    return [(span, f"[{pieced.text[span.start : span.end]}]")]


def _in_quotes(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    return [(span, f'"{pieced.text[span.start : span.end]}"')]


def _replaced(_: PiecedText, span: Span, match: re.Match[str]) -> _Edits:
    return [(span, match[1])]


def _deleted(_: PiecedText, span: Span, _match: re.Match[str]) -> _Edits:
    return [(span, "")]


def _without_comma(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    return [(span, "")] if pieced.text[span.start : span.end] == "," else []


def _without_setting(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    """A name and its `=`, where nothing or a stray bracket stands for the value."""
    before = re.search(r"[A-Za-z_]+[ \t]*=[ \t]*$", pieced.text[: span.start])
    behind = re.compile(r"[ \t]*=[ \t]*").match(pieced.text, span.end)
    if before is not None:
        return [(Span(before.start(), span.end), "")]
    return [] if behind is None else [(Span(span.start, behind.end()), "")]


def _set(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    """`run: "x"` becomes `run = "x"`."""
    before = len(pieced.text[: span.start].rstrip(" \t"))
    is_spaced = pieced.text[span.end : span.end + 1] in (" ", "\t", "\n", "")
    is_colon = pieced.text[span.start : span.end] == ":"
    return [(Span(before, span.end), " =" if is_spaced else " = ")] if is_colon else []


def _as_block(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    """`retry = { … }` loses its `=`; what is no `{ … }` can't become a block."""
    before = re.search(r"[ \t]*=[ \t]*$", pieced.text[: span.start])
    if before is None or pieced.text[span.start : span.start + 1] != "{":
        return []
    return [(Span(before.start(), span.start), " ")]


def _setting_name(pieced: PiecedText, span: Span, match: re.Match[str]) -> _Edits:
    """`"run" = …` loses its quotes; of the others that say so, none has a value."""
    is_quoted = _named(pieced.text, span) != span
    return [(span, match[1])] if is_quoted else []


def _other_root(pieced: PiecedText, span: Span, match: re.Match[str]) -> _Edits:
    """`lets.x` becomes `params.x`, and a bare `x` `matrix.x`."""
    before = re.search(r"\b(params|lets|matrix)\.$", pieced.text[: span.start][-20:])
    begin = span.start - len(before[0]) if before else span.start
    name = pieced.text[span.start : span.end]
    return [(Span(begin, span.end), match[1])] if match[1].endswith(f".{name}") else []


def _by_id(pieced: PiecedText, span: Span, match: re.Match[str]) -> _Edits:
    """`stages.test` becomes `stages["test[a=1]"]`."""
    before = re.search(r"\bstages\.[A-Za-z0-9_.-]*$", pieced.text[: span.start])
    name = re.match(r'stages\["([^\["]*)', match[1])
    if before is None or name is None:
        return []
    end = before.start() + len(f"stages.{name[1]}")
    is_it = pieced.text[before.start() : end] == f"stages.{name[1]}"
    return [(Span(before.start(), end), match[1])] if is_it else []


def _without_raw(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    before = re.search(r"[ \t]*\|[ \t]*$", pieced.text[: span.start])
    return [(Span(before.start(), span.end), "")] if before else []


def _behind_dashes(_: PiecedText, span: Span, _match: re.Match[str]) -> _Edits:
    return [(Span(span.start, span.start), "-- ")]


def _separated(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    rest = pieced.text[span.end :].partition("\n")[0].strip()
    return [(span, "," if rest and not rest.startswith(("#", "}")) else "")]


def _commented(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    is_line = pieced.text.startswith("//", span.start)
    return [(Span(span.start, span.start + 2), "#")] if is_line else []


def _straight(pieced: PiecedText, span: Span, _: re.Match[str]) -> _Edits:
    quotes = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
    match = re.compile(rf"[{quotes}]([^\n\"\\{quotes}]*)[{quotes}]").match(pieced.text, span.start)
    return [(Span(match.start(), match.end()), f'"{match[1]}"')] if match else []


def _typed(_: PiecedText, span: Span, _match: re.Match[str]) -> _Edits:
    return [(Span(span.end, span.end), ": string")]


_NAME = r"[A-Za-z0-9_.-]+"
_KNOWN: tuple[tuple[re.Pattern[str], _Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"write it without quotes: `.*`", _without_quotes),
        (r"a (?:stage|pool|secret)'s name stands without quotes", _without_quotes),
        (r"a number is written without quotes", _without_quotes),
        (r"(?:a .* is|`true` and `false` are) written without quotes(?:: `.*`)?", unquoted),
        (r"a unit stands directly behind its number, as in `10s`", with_unit),
        (r"commas stand between the items of a list", divided),
        (r'a use is written `use "FILE" as NAME`', quoted_path),
        (r"a string stands in quotes: `.*`", _in_quotes),
        (r"put it into `\[…\]`|put its values into `\[…\]`", _in_brackets),
        (r"one comma stands between two items, and one may follow the last", _without_comma),
        (r"write a value behind the `=`, or delete the setting", _without_setting),
        (r"write `and`|`==` compares", operator),
        (r"write `([\])}]|not)`", _replaced),
        (r"(?:say of what, as in|a character is written) `(.*)`", _replaced),
        (r"write `not`, or `!=`", negated),
        (r"delete it", _deleted),
        (r"(?:a template is written `\{\{ … \}\}`,|names stand) without `\$`", _deleted),
        (r"delete it, or write a plain space or line break", _deleted),
        (r"write `([A-Za-z_-]+) = …`", _setting_name),
        (r"write `[a-z_]+ \{ … \}`", _as_block),
        (r"a value is set with `=`(?:; a `:` stands before a type, .*)?", _set),
        (r"write `((?:params|lets|matrix)\.[A-Za-z_][A-Za-z0-9_]*)`", _other_root),
        (r"name one stage of it by its id: `(.*)`", _by_id),
        (r"leave it out, and the value is escaped for its place", _without_raw),
        (r"put `--` before it, if the command knows that", _behind_dashes),
        (r"settings need no separator: write a line break or a comma", _separated),
        (r"a comment begins with `#` and runs to the end of the line", _commented),
        (r"write straight quotes, .*", _straight),
        (r"write `param (.*): string`, or another type", _typed),
        (r"(?:add|make it a number, or add) `(\| quote)` if a shell reads it next.*", filtered),
        (r"(?:write it as text|say the unit|set it apart .*): `(\| [^`]*)`", filtered),
        (rf"(?P<own>)add `(?P<name>{_NAME})` to its `needs`", needed_by),
        (rf"(?P<own>)list it: `needs = \[(?P<name>{_NAME})\]`", needed_by),
        (rf"let `(?P<own>{_NAME})` come after `(?P<name>{_NAME})`", needed_by),
        (r"put it into a `policy` block there", moved_to_policy),
        (rf"declare it in `({_NAME})`: `values \{{ … \}}`", declared_value),
        (r"`([a-z]+)`: .*", added_setting),
        (r"give the stage a `matrix \{ … \}`", given_matrix),
        (r"`~` joins texts", joined),
        (r"give it a name, `let NAME = (.*)`, and use that", named_literal),
        (r"add the missing `([\])}])`", closed_bracket),
        (r"close it with `(\"\"\"|\'\'\'|\"|\')`.*", closed_string),
        (r"add the missing `(>)`", closed_angle),
        (r"close it with `\}\}`; .*", closed_template),
        (r"write `(?:pipeline|stage|use …) ((?:as )?NAME)`", named_head),
        (r"write `let [A-Za-z_]\w* = …`", empty_value),
        (r"write `([A-Za-z_-]+) = …`", value_for),
        (r"write `retry \{ … \}`", block_for),
        (r"write one such as `.*`", this_version),
        (r"a range is written `(.*)`", ranged),
        (r"a setting has one `=`; .*", _deleted),
        (r"a (?:stage|pool|secret)'s name stands without quotes", without_template),
        (r"a number is written without quotes", as_number),
        (r"the ends of a range are written out, .*", written_range),
        (r"say the unit: `30s`, `5m`", declared_duration),
        (r"an axis holds strings, numbers and the like", without_list),
        (r"what has a type here gets its value while running; .*", only_type_or_value),
        (r"the escapes are .*; a backslash itself is written .*", escaped_backslash),
        (r"only expressions are read, .* hold any text as it is", literal_string),
        (r"`\| default\(…\)` says what to take instead", defaulted),
        (r"let a variable carry it: `env .*", carried),
        (r"a run whose heartbeat is one beat late would count as lost", late_enough),
    )
)
_TITLES: Mapping[_Maker, str] = {
    written_range: "Write its ends out",
    operator: "Write the operator as it is here",
    this_version: "Let it be this version or a later one",
    only_type_or_value: "Delete what can't stand there",
    without_list: "Take it out of its list",
    escaped_backslash: "Write the backslash itself",
    literal_string: "Write a literal string, `'…'`",
    declared_duration: "Make its param a duration",
    as_number: "Make it a number: `| int`",
    defaulted: "Add `| default('')`",
    joined: "Join texts with `~`",
    late_enough: "Make `stale` twice `every`",
}
"""What is done, where the help says why."""
