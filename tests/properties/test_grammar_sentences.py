"""Sentences of the grammar file itself: all that pipeline.lark can derive is read, and compiled.

hypothesis derives them from the rules as lark reads them; only the terminals, which lexer.py finds,
are given here. What is derived seldom means anything, so that the compiler meets what nobody wrote.
"""

from pathlib import Path

import lark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile
from tests.compiler.test_mutations import check
from tests.dsl.canonical import check as check_form
from tests.properties.fuzzing import MINUTES
from tests.properties.test_fuzz import check_words

GRAMMAR = Path(__file__).parents[2] / "dsl" / "pipeline.lark"
EXAMPLES = 60 + int(200 * MINUTES)

_SIGNS = {
    "AS": "as", "EQUAL": "=", "COLON": ":", "COMMA": ",", "DOT": ".", "DOTS": "..",
    "LBRACE": "{", "RBRACE": "}", "LSQUARE": "[", "RSQUARE": "]",
    "LPAREN": "(", "RPAREN": ")", "LESS": "<", "MORE": ">",
}  # fmt: skip
# Without `use`, whose path must stand in quotes: that rule is the reader's own.
_WORDS = {
    "NAME": ["stage", "service", "param", "let", "policy", "run", "needs", "matrix", "string", "a"],
    "STRING": ['"x"', "'y'", '"{{ a }}"', '"b.pipeline"', '"""\n  echo {{ b }}\n"""'],
    "TEMPLATE": ["{{ a }}", "{{ [b] | length }}", "{{ stages.a.status }}"],
    "SCALAR": ["1", "-2", "0.5", "2s", "4KiB"],
}
_TERMINALS = {
    **{name: st.just(f"{sign} ") for name, sign in _SIGNS.items()},
    **{name: st.sampled_from([f"{word} " for word in words]) for name, words in _WORDS.items()},
}


def sentences() -> st.SearchStrategy[str]:
    """Files of some blocks."""
    grammar = lark.Lark(GRAMMAR.read_text(encoding="utf-8"), lexer="basic", start=["block"])
    block = from_lark(grammar, start="block", explicit=_TERMINALS)
    return st.lists(block, max_size=4).map("\n".join)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=sentences())
def test_what_the_grammar_derives_is_read_formatted_and_judged(text: str, tmp_path: Path) -> None:
    """No syntax error, one canonical form, and diagnostics that have places and our words."""
    assert {found.code for found in parse(SourceFile("m", text))[1]} <= {"E0107"}
    check_form(text)
    (tmp_path / "a.pipeline").write_text(text, encoding="utf-8")
    compilation = compile_pipeline(str(tmp_path), "a.pipeline", Request(demand_arguments=False))
    check(compilation)
    check_words(compilation)
