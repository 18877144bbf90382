"""What to say of a token that the grammar can't take where it stands (E0101, E0106).

The words are for people who know make, YAML, JSON or HCL better than this language.
"""

from collections.abc import Sequence

from orch.dsl.findings import Findings
from orch.dsl.lexer import Token
from orch.dsl.literals import DURATION_UNITS_MS, SIZE_UNITS_BYTES
from orch.dsl.shown import shown

_BEGINS_VALUE = ("NAME", "STRING", "SCALAR", "TEMPLATE", "LSQUARE")
_ENDS_VALUE = ("NAME", "STRING", "SCALAR", "TEMPLATE", "RSQUARE", "RPAREN", "RBRACE")
_CANNOT_FOLLOW_EQUAL = ("RBRACE", "RSQUARE", "RPAREN", "COMMA")


def complain(
    findings: Findings, tokens: Sequence[Token], failed: int, is_top: bool = False
) -> None:
    """Report the token at `failed`, the first that doesn't fit; at the end more are needed.

    `is_top` says that the tokens are the head of a block at the top of a file.

    Nothing is said of a bracket that was added for a missing one: that was reported already.
    """
    name = _without_value(tokens, failed)
    if name is not None:
        named = f"`{shown(name.value)}`" if name.type == "NAME" else "this name"
        findings.add(
            "E0106",
            name.span,
            f"{named} has no value",
            "nothing follows its `=`",
            "write a value behind the `=`, or delete the setting",
        )
        return
    angle = _unclosed_angle(tokens, failed)
    if angle is not None:
        findings.add(
            "E0102", angle.span, "`<` is never closed", "no `>` closes it", "add the missing `>`"
        )
        return
    at, message, hint = _explain(tokens, failed, is_top)
    if tokens[at].end > tokens[at].start:
        findings.add("E0101", tokens[at].span, message, "", hint)


def complain_of_setting_at_top(findings: Findings, name: Token) -> None:
    """Report a setting that stands in no block."""
    findings.add(
        "E0101",
        name.span,
        f"`{shown(name.value)}` can't be set at the top of a file",
        "this stands in no block",
        "settings stand in a block, such as `policy { … }` or `stage NAME { … }`; "
        "a constant is written `let NAME = …`",
    )


def _without_value(tokens: Sequence[Token], failed: int) -> Token | None:
    """The name that stands before an `=` behind which nothing follows."""
    if failed < 2 or tokens[failed - 1].type != "EQUAL":
        return None
    if failed < len(tokens) and tokens[failed].type not in _CANNOT_FOLLOW_EQUAL:
        return None
    if failed > 4 and [t.type for t in tokens[:3]] == ["NAME", "NAME", "COLON"]:
        return tokens[1]  # `param NAME: TYPE =`
    name = tokens[failed - 2]
    return name if name.type in ("NAME", "STRING") else None


def _unclosed_angle(tokens: Sequence[Token], failed: int) -> Token | None:
    """The `<` of a type that ends without its `>`."""
    if not failed or tokens[failed - 1].type not in ("NAME", "MORE"):
        return None
    if any(t.type == "MORE" for t in tokens[failed:]):
        return None
    open_: list[Token] = []
    for token in tokens[:failed]:
        if token.type == "LESS":
            open_.append(token)
        elif token.type == "MORE" and open_:
            open_.pop()
    return open_[-1] if open_ else None


def _explain(tokens: Sequence[Token], failed: int, is_top: bool) -> tuple[int, str, str | None]:
    """The index of the token to point at, a message and a help."""
    kinds = [t.type for t in tokens[:3]]
    if is_top and tokens[0].value == "use" and kinds[1:2] == ["NAME"]:
        path = shown(tokens[1].value)
        return 1, f"`{path}` is no path in quotes", 'a use is written `use "FILE" as NAME`'
    if failed and tokens[failed - 1].type == "COLON" and failed < len(tokens):
        return _explain_colon(tokens, failed)
    if kinds[:1] == ["NAME"] and failed == len(tokens) == 1:
        return _explain_start(tokens)
    if not is_top and kinds[:1] == ["NAME"] and 0 < failed <= 2 and kinds[1] in _BEGINS_VALUE:
        return _explain_start(tokens)
    if failed == len(tokens):
        last = tokens[-1]
        return failed - 1, f"something is missing behind {_show(last)}", None
    return failed, f"{_show(tokens[failed])} doesn't belong here", _repair(tokens, failed)


def _explain_start(tokens: Sequence[Token]) -> tuple[int, str, str | None]:
    """An item that begins with a name, and ends or goes on without `=` or `{`."""
    name = _show(tokens[0])
    if len(tokens) == 1:
        return (
            0,
            f"{name} is no setting and no block",
            "a setting is written `name = value`, and several values as a list, `[a, b]`",
        )
    value = _show(tokens[1])
    return 1, f"`=` is missing between {name} and {value}", "a setting is written `name = value`"


def _explain_colon(tokens: Sequence[Token], failed: int) -> tuple[int, str, str | None]:
    """A `:` with something behind it that is no type."""
    colon = failed - 1
    if tokens[0].value == "param" and colon == 2:
        hint = "the types are string, int, float, bool, duration, size, path, list<…> and map<…>"
        return failed, f"{_show(tokens[failed])} is no type", hint
    if tokens[failed].type == "LBRACE":
        return colon, "`:` doesn't belong before a block's `{`", "delete it"
    return (
        colon,
        "`:` stands where `=` is meant",
        "a value is set with `=`; a `:` stands before a type, as in `count: int`",
    )


_REPAIRS = {
    ("EQUAL", "EQUAL"): "a setting has one `=`; comparisons stand in a template, `{{ a == b }}`",
    ("EQUAL", "NAME"): "comparisons stand in a template, `{{ a == b }}`",
    ("MORE", "EQUAL"): "a setting is written `name = value`",
    ("LESS", "EQUAL"): 'a text of several lines stands between `"""`',
    ("DOTS", "TEMPLATE"): "the ends of a range are written out, as in `1..4`, and hold no template",
    ("TEMPLATE", "DOTS"): "the ends of a range are written out, as in `1..4`, and hold no template",
    ("STRING", "STRING"): "write one string, or a list, `[a, b]`",
}
"""What to write, by the type of a token and of the one before it."""

_REPAIRS_ANYWHERE = {
    "COLON": "a value is set with `=`",
    "COMMA": "one comma stands between two items, and one may follow the last",
    "DOTS": "a range is written between two numbers, as in `1..4`",
}


def _repair(tokens: Sequence[Token], failed: int) -> str | None:
    token = tokens[failed]
    before = tokens[failed - 1].type if failed else ""
    if token.type == "EQUAL" and [t.type for t in tokens[:2]] == ["NAME", "COLON"]:
        return "what has a type here gets its value while running; a setting has no type"
    if token.type in _BEGINS_VALUE and before in _ENDS_VALUE and _is_in_list(tokens, failed):
        return "commas stand between the items of a list"
    if before == "SCALAR" and token.value in (*DURATION_UNITS_MS, *SIZE_UNITS_BYTES):
        return "a unit stands directly behind its number, as in `10s`"
    if token.type == "LSQUARE" and before == "NAME" and "COLON" in [t.type for t in tokens[:4]]:
        return "the type of items stands in angle brackets, as in `list<string>`"
    return _REPAIRS.get((token.type, before)) or _REPAIRS_ANYWHERE.get(token.type)


def _is_in_list(tokens: Sequence[Token], at: int) -> bool:
    """Whether the innermost bracket that is open at `at` is a list's."""
    closed = 0
    for token in reversed(tokens[:at]):
        if token.type in ("RBRACE", "RSQUARE", "RPAREN"):
            closed += 1
        elif token.type in ("LBRACE", "LSQUARE", "LPAREN"):
            if closed == 0:
                return token.type == "LSQUARE"
            closed -= 1
    return False


def _show(token: Token) -> str:
    match token.type:
        case "STRING":
            return "this string"
        case "TEMPLATE":
            return "this template"
        case "SCALAR":
            return "this number"
        case _:
            return f"`{shown(token.value)}`"
