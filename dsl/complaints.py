"""What to say of a token that the grammar can't take where it stands (E0101, E0106)."""

from collections.abc import Sequence

from orch.dsl.lexer import Token
from orch.dsl.strings import Findings

_CANNOT_BE_VALUES = ("RBRACE", "RSQUARE", "RPAREN", "COMMA")


def complain(findings: Findings, tokens: Sequence[Token], failed: int) -> None:
    """Report the token at `failed`, the first that doesn't fit; at the end more are needed."""
    if _has_no_value(tokens, failed):
        name = tokens[failed - 2]
        shown = name.value if name.type == "NAME" else "the name"
        findings.add(
            "E0106", name.span, f"`{shown}` has no value", "nothing follows the `=`",
            f"write a value behind `{shown} =`, or delete it",
        )  # fmt: skip
        return
    at, message, label, hint = _explain(tokens, failed)
    token = tokens[at]
    findings.add("E0101", token.span, message, label, hint)


def _has_no_value(tokens: Sequence[Token], failed: int) -> bool:
    if failed < 2 or tokens[failed - 1].type != "EQUAL":
        return False
    if tokens[failed - 2].type not in ("NAME", "STRING"):
        return False
    return failed == len(tokens) or tokens[failed].type in _CANNOT_BE_VALUES


def _explain(tokens: Sequence[Token], failed: int) -> tuple[int, str, str, str | None]:
    """The token to point at, a message, a label and a help."""
    before = tokens[failed - 1] if failed else None
    if failed == len(tokens):
        last = tokens[-1]
        return failed - 1, f"more is needed behind {_show(last)}", "", None
    token = tokens[failed]
    shown = _show(token)
    if before and before.type == "COLON" and failed >= 2:
        name = tokens[failed - 2]
        return (
            failed - 1, f"`:` stands where `=` is meant behind {_show(name)}", "",
            "a value is set with `=`; `:` stands before a type, as in `count: int`",
        )  # fmt: skip
    return failed, f"{shown} doesn't belong here", "", _repair(tokens, failed)


def _repair(tokens: Sequence[Token], failed: int) -> str | None:
    token = tokens[failed]
    before = tokens[failed - 1] if failed else None
    if before and before.type == "EQUAL" and token.type == "EQUAL":
        return "a setting has one `=`; comparisons stand in a template, `{{ a == b }}`"
    return None


def _show(token: Token) -> str:
    match token.type:
        case "STRING":
            return "this string"
        case "TEMPLATE":
            return "this template"
        case "SCALAR":
            return "this value"
        case _:
            return f"`{token.value}`"
