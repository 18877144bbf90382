"""What mends which help: a help is words for people, by which it is known here."""

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
from orch.cli.lsp.mending_foreign import (
    as_map,
    as_setting,
    between_numbers,
    block_of_value,
    block_text,
    commented,
    compared_in_template,
    computed,
    dashed_list,
    escape,
    in_angles,
    plain_name,
    quoted_word,
    set_at_top,
    strings_in_list,
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
from orch.cli.lsp.mending_numbers import (
    decimal,
    in_falling_order,
    in_smaller_units,
    largest,
    with_digits,
    with_known_unit,
    with_single_lines,
    without_zero,
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
from orch.cli.lsp.mending_templates import (
    alike,
    as_format,
    between_quotes,
    characters,
    chosen,
    compared,
    handed_on_as_text,
    item_of,
    list_of,
    never_opened,
)
from orch.cli.lsp.mending_values import (
    as_number,
    carried,
    declared_duration,
    defaulted,
    defaulted_at_end,
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
from orch.cli.lsp.mending_words import (
    as_block,
    behind_dashes,
    by_id,
    deleted,
    in_brackets,
    in_quotes,
    other_root,
    replaced,
    separated,
    setting_name,
    straight,
    typed,
    with_equal,
    without_comma,
    without_quotes,
    without_raw,
    without_setting,
)
from orch.compiler.values import GENERIC_TYPES, SCALAR_TYPES
from orch.dsl.pieces import PiecedText
from orch.dsl.source import Span

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


CHOICES: tuple[tuple[re.Pattern[str], _Chooser], ...] = (
    (re.compile(r"write digits on both sides of the point"), with_digits),
    (re.compile(r"a `_` stands between two digits"), with_single_lines),
    (re.compile(r"leave the zero out, .*"), without_zero),
    (re.compile(r"an int has 64 bits at most"), largest),
    (re.compile(r"write a number with decimal digits, .*"), decimal),
    (re.compile(r"write a smaller unit, .*"), in_smaller_units),
    (re.compile(r"units stand in falling order, .*"), in_falling_order),
    (re.compile(r"durations are in .*"), with_known_unit),
    (re.compile(r"a text stands in quotes: `(.*)`"), lambda _, match: [match[1]]),
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

_Offer = Callable[
    [PiecedText, Span, re.Match[str]], Iterable[tuple[str, Iterable[tuple[Span, str]]]]
]
OFFERED: tuple[tuple[re.Pattern[str], _Offer], ...] = tuple(
    (re.compile(pattern), offer)
    for pattern, offer in (
        (r"a stage can read only what has ended before it; read it in a later one", read_later),
        (r"a service can read only what ends before .*", read_before_service),
        (r"nothing comes after a `finally` stage", read_of_finally),
        (r"read it in a `finally` stage", read_at_the_end),
        (r"read it in a stage that needs it, or turn the need around", read_behind),
        (r"a service runs beside stages that need it, a `finally` stage after .*", first_stage),
        (r"settings stand in a block, .*", set_at_top),
        (r"values are computed in a template, .*", computed),
        (r"take single items, or .*", item_of),
        (r"`.` needs no escape; .*", escape),
        (r"this is SC(\d+): .*", heeded),
        (r"list it in `secrets` and let the command read \"\$(.*)\"", secret_read_by_command),
    )
)

_Maker = Callable[[PiecedText, Span, re.Match[str]], Iterable[tuple[Span, str]]]

_NAME = r"[A-Za-z0-9_.-]+"
KNOWN: tuple[tuple[re.Pattern[str], _Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"write it without quotes: `.*`", without_quotes),
        (r"a (?:stage|pool|secret)'s name stands without quotes", without_quotes),
        (r"a number is written without quotes", without_quotes),
        (r"(?:a .* is|`true` and `false` are) written without quotes(?:.*: `.*`)?", unquoted),
        (r"a unit stands directly behind its number, as in `10s`", with_unit),
        (r"commas stand between the items of a list", divided),
        (r'a use is written `use "FILE" as NAME`', quoted_path),
        (r"a string stands in quotes: `.*`", in_quotes),
        (r"put it into `\[…\]`|put its values into `\[…\]`", in_brackets),
        (r"one comma stands between two items, and one may follow the last", without_comma),
        (r"write a value behind the `=`, or delete the setting", without_setting),
        (r"write `(?:and|or)`|`==` compares", operator),
        (r"write `([\])}]|not)`", replaced),
        (r"(?:say of what, as in|a character is written) `(.*)`", replaced),
        (r"write `not`, or `!=`", negated),
        (r"delete it", deleted),
        (r"(?:a template is written `\{\{ … \}\}`,|names stand) without `\$`", deleted),
        (r"delete it, or write a plain space or line break", deleted),
        (r"write `([A-Za-z_-]+) = …`", setting_name),
        (r"write `[a-z_]+ \{ … \}`", as_block),
        (r"a text of several lines stands between .*", block_text),
        (r"a list is written `\[a, b\]`", dashed_list),
        (r"names hold the letters .*", plain_name),
        (r"a text stands in quotes", quoted_word),
        (r"a setting is written `name = value`.*", as_setting),
        (r"comparisons stand in a template, .*", compared_in_template),
        (r"write one string, or a list, .*", strings_in_list),
        (r"a range is written between two numbers, .*", between_numbers),
        (r"the type of items stands in angle brackets, .*", in_angles),
        (r"a map is written `\{ KEY = value \}`", as_map),
        (r"a comment is written outside the string, .*", deleted),
        (r"a character is written `\\u\{…\}`, .*", escaped_backslash),
        (r"compare instead: .*", compared),
        (r"write a list: `\[a, b\]`", list_of),
        (r"write `a if condition else b`", chosen),
        (r"text stands in quotes: .*", between_quotes),
        (r"convert one of them, .*", alike),
        (r"for its characters: `\| list`", characters),
        (r"give it to a format: .*", as_format),
        (r"make it a text where it is handed on", handed_on_as_text),
        (r"a value is set with `=`(?:; a `:` stands before a type, .*)?", with_equal),
        (r"write `((?:params|lets|matrix)\.[A-Za-z_][A-Za-z0-9_]*)`", other_root),
        (r"name one stage of it by its id: `(.*)`", by_id),
        (r"leave it out, and the value is escaped for its place", without_raw),
        (r"put `--` before it, if the command knows that", behind_dashes),
        (r"settings need no separator: write a line break or a comma", separated),
        (r"a comment begins with `#` and runs to the end of the line", commented),
        (r"write straight quotes, .*", straight),
        (r"write `param (.*): string`, or another type", typed),
        (r"(?:add|make it a number, or add) `(\| quote)` if a shell reads it next.*", filtered),
        (r"(?:write it as text|say the unit|set it apart .*|hand it over): `(\| [^`]*)`", filtered),
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
        (r"close it with `\}\}`; .*", never_opened),
        (r"write `(?:[a-z]+|use …) ((?:as )?NAME)`", named_head),
        (r"write `let [A-Za-z_]\w* = …`", empty_value),
        (r"write `([A-Za-z_-]+) = …`", value_for),
        (r"write `retry \{ … \}`", block_for),
        (r"write `[a-z_]+ \{ … \}`", block_of_value),
        (r"write one such as `.*`", this_version),
        (r"a range is written `(.*)`", ranged),
        (r"a setting has one `=`; .*", deleted),
        (r"a (?:stage|pool|secret)'s name stands without quotes", without_template),
        (r"a number is written without quotes", as_number),
        (r"the ends of a range are written out, .*", written_range),
        (r"say the unit: `30s`, `5m`", declared_duration),
        (r"an axis holds strings, numbers and the like", without_list),
        (r"what has a type here gets its value while running; .*", only_type_or_value),
        (r"the escapes are .*; a backslash itself is written .*", escaped_backslash),
        (r"only expressions are read, .* hold any text as it is", literal_string),
        (r"`\| default\(…\)` says what to take instead", defaulted),
        (r"say what to take instead: `\| default\(…\)`", defaulted_at_end),
        (r"let a variable carry it: `env .*", carried),
        (r"a run whose heartbeat is one beat late would count as lost", late_enough),
    )
)
TITLES: Mapping[_Maker, str] = {
    block_text: 'Put the lines between `"""`',
    dashed_list: "Write it without dashes",
    plain_name: "Write a name or a text",
    quoted_word: "Write a text in quotes",
    as_setting: "Make it a setting: `name = value`",
    compared_in_template: "Put the comparison into `{{ … }}`",
    strings_in_list: "Put them into a list",
    between_numbers: "Write a range between two numbers",
    in_angles: "Write angle brackets",
    as_map: "Write a map",
    commented: "Begin it with `#`",
    compared: "Compare with `==` or `!=`",
    list_of: "Write a list",
    between_quotes: "Write a text in quotes",
    alike: "Compare texts: `| string`",
    as_format: "Write a format: `'%s'`",
    handed_on_as_text: "Hand a string on",
    never_opened: "Delete the braces",
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
