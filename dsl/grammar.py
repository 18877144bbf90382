"""The parser made from pipeline.lark: lark makes its tables, and a loop of ours reads by them.

The loop is the textbook's (Aho, Sethi, Ullman, "Compilers", section 4.7). lark's own takes twice
the time for a token, and its import half of what a small file takes in all; so it is imported only
where this user's cache doesn't hold the tables yet.
"""

import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, cast

from orch.dsl.building import BUILDERS
from orch.dsl.grammar_cache import read_cached, write_cached
from orch.dsl.lexer import Token
from orch.dsl.record import record
from orch.dsl.tree import Block, Item

Start = Literal["block", "item"]


def read_block(tokens: Sequence[Token]) -> Block | int:
    """The top-level block that the tokens make, or the index of the first that doesn't fit.

    The index is that of the end if more tokens are needed.
    """
    return cast("Block | int", _read("block", tokens))


def read_item(tokens: Sequence[Token]) -> Item | int:
    """The same for what stands inside a block."""
    return cast("Item | int", _read("item", tokens))


@record
class _Tables:
    """What to do in each state, by the type of the next token: an int takes it and is the state to
    go to; a rule builds a symbol from as many values as it is long, and goes to the state that the
    row of the state before them has for that symbol. What a row lacks doesn't fit. `begins` and
    `ends` are the states before and behind all tokens."""

    rows: Sequence[Mapping[str, Any]]
    begins: Mapping[str, int]
    ends: Mapping[str, int]


_Rule = tuple[str, int, Callable[[list[Any]], Any]]
"""The symbol that is built, of how many values (at least one), and by what."""

_END = Token("$END", "", 0, 0)


def _read(start: Start, tokens: Sequence[Token]) -> Any:
    tables = _tables()
    rows, end = tables.rows, tables.ends[start]
    state = tables.begins[start]
    states = [state]
    values: list[Any] = []
    for at, token in enumerate((*tokens, _END)):
        while (action := rows[state].get(token.type)).__class__ is tuple:
            symbol, length, build = action
            matched = values[-length:]
            del values[-length:], states[-length:]
            values.append(build(matched))
            state = rows[states[-1]][symbol]
            states.append(state)
            if state == end:
                return values[0] if token is _END else at
        if action is None:
            return at
        states.append(action)
        values.append(token)
        state = action
    raise AssertionError("what is whole ends in the state for it")


# -- tables -------------------------------------------------------------------


@cache
def _tables() -> _Tables:
    """From the cache of this user, or made from the grammar."""
    with open(f"{os.path.dirname(__file__)}/pipeline.lark", encoding="utf-8") as file:
        grammar = file.read()
    key = f"tables of {grammar}"
    name = f"grammar-{zlib.crc32(key.encode()):08x}"
    saved = read_cached(name, key)
    if saved is None:
        saved = json.dumps(_made_by_lark(grammar)).encode()
        write_cached(name, key, saved)
    value = json.loads(saved)
    rows = [{kind: _action(written) for kind, written in row.items()} for row in value["rows"]]
    return _Tables(rows, value["begins"], value["ends"])


def _action(written: Any) -> int | _Rule:
    if isinstance(written, int):
        return written
    symbol, length, name = written
    return symbol, length, BUILDERS[name]


def _made_by_lark(grammar: str) -> dict[str, Any]:
    """The tables as JSON values, from what lark gives to parsers in other languages."""
    import lark

    parser = lark.Lark(grammar, parser="lalr", lexer="basic", start=["block", "item"])
    data, rules = parser.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    tables = data["parser"]["parser"]
    symbols = tables["tokens"]

    def action(is_rule: int, value: Any) -> Any:
        if not is_rule:
            return value
        rule = rules[value["@"]]
        return [rule["origin"]["name"], len(rule["expansion"]), rule["alias"]]

    rows = [
        {symbols[symbol]: action(*written) for symbol, written in row.items()}
        for _, row in sorted(tables["states"].items())
    ]
    return {"rows": rows, "begins": tables["start_states"], "ends": tables["end_states"]}
