"""Reading expressions: what templates may say, and the exact place of what they may not."""

import pytest

from orch.compiler.expression import ExpressionTextError, parse_expression, parse_text
from orch.compiler.expression_tree import (
    Expression,
    LateReference,
    NameReference,
    late_references,
    names_used,
)
from orch.compiler.spelling import spell
from tests.compiler.written import BEFORE, expression, refusal, template, underlined


@pytest.mark.parametrize(
    ("inside", "code", "place"),
    [
        (" params.level + ", "E0501", "}}"),
        ("", "E0501", "{{}}"),
        ("  ", "E0501", "{{  }}"),
        (" a b ", "E0501", "b"),
        (" ( a ", "E0501", "("),
        (" a ) ", "E0501", ")"),
        (" (a] ", "E0501", "]"),
        (" a & b ", "E0501", "&"),
        (" a = b ", "E0501", "="),
        (" a..b ", "E0501", "."),
        (" 'abc ", "E0501", "'"),
        (' "a\\d" ', "E0501", "\\d"),
        (' "\\x4" ', "E0501", "\\x"),
        (' "\\ud83d" ', "E0501", "\\u"),
        (' "\\N{DASH}" ', "E0501", "\\N"),
        (" 99999999999999999999 ", "E0501", "99999999999999999999"),
        (" 1e999 ", "E0501", "1e999"),
        (" x }} y ", "E0501", "}}"),
        (" not ", "E0501", "}}"),
        (" for x in y ", "E0501", "x"),
        ("- x ", "E0502", "-"),
        (" x -", "E0502", "-"),
        ("+x ", "E0502", "+"),
        (" x is defined ", "E0502", "is"),
        (" x[1:2] ", "E0502", "1"),
        (" (1, 2) ", "E0502", ","),
        (" x if y ", "E0502", "x if y"),
        (" x._y ", "E0502", "_y"),
        (" x.__class__.__mro__ ", "E0502", "__class__"),
        (" none ", "E0502", "none"),
        (" params[x] ", "E0502", "[x]"),
        (" stages[x].status ", "E0502", "[x]"),
        (" range(*x) ", "E0502", "range(*x)"),
        (" x.y(1) ", "E0502", "(1)"),
        (" params.level | uper ", "E0503", "uper"),
        (" x | a.b ", "E0503", "a.b"),
        (" x | lower | uper | trim ", "E0503", "uper"),
        (" super() ", "E0503", "super"),
        (" stages.build ", "E0203", "stages.build"),
        (" stages.build.exitcode ", "E0203", "exitcode"),
        (" stages.build.values ", "E0203", "values"),
        (" run.idd ", "E0203", "idd"),
        (" pipeline.title ", "E0203", "title"),
        ("(" * 65 + "1" + ")" * 65, "E0107", "("),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(inside: str, code: str, place: str) -> None:
    found = refusal(inside)
    assert (found.code, underlined(found, inside)) == (code, place)


@pytest.mark.parametrize(
    "inside",
    [
        "not " * 3000 + "x",
        "1+" * 3000 + "1",
        " " + "- " * 3000 + "1",
        "1 if x else " * 3000 + "1",
        "x" + ".a" * 3000,
        "x" + "[0]" * 3000,
        "x" + "|lower" * 3000,
        "[" * 3000,
        "x and " * 3000 + "x",
    ],
)
def test_endless_nesting_is_refused_in_words_of_our_own(inside: str) -> None:
    found = refusal(inside)
    assert found.code in {"E0107", "E0501"}
    assert "recursion" not in found.message


def test_brackets_may_nest_64_deep() -> None:
    assert spell(expression("(" * 64 + "1" + ")" * 64).root) == "1"


@pytest.mark.parametrize("inside", [" a + ", " x | uper ", " x is y ", "'", "\\", " \x00 ", " é§ "])
def test_no_message_is_jinjas(inside: str) -> None:
    message = refusal(inside).message
    for foreign in ("expected token", "unexpected", "got ", "template data", "lexer"):
        assert foreign not in message


def test_near_misses_are_suggested() -> None:
    assert refusal(" x | uper ").help == "did you mean `upper`?"
    assert refusal(" stages.build.exitcode ").help == "did you mean `exit_code`?"


def test_names_have_the_place_of_their_last_word() -> None:
    inside = " params.level ~ lets['other'] ~ bare ~ matrix.axis "
    names = names_used(expression(inside))
    text = "{{" + inside
    places = [text[n.name_span.start - BEFORE : n.name_span.end - BEFORE] for n in names]
    assert places == ["level", "'other'", "bare", "axis"]
    assert [(n.root, n.name) for n in names] == [
        ("params", "level"),
        ("lets", "other"),
        ("", "bare"),
        ("matrix", "axis"),
    ]


def test_run_time_references_know_stage_field_and_value() -> None:
    inside = " stages['my-stage'].values.x ~ stages.web.lint.status ~ run.id "
    found = late_references(expression(inside))
    text = "{{" + inside
    assert [(f.stage, f.field, f.value) for f in found] == [
        ("my-stage", "values", "x"),
        ("web.lint", "status", None),
        (None, "id", None),
    ]
    whole = [text[f.span.start - BEFORE : f.span.end - BEFORE] for f in found]
    assert whole == ["stages['my-stage'].values.x", "stages.web.lint.status", "run.id"]
    stages = [text[f.stage_span.start - BEFORE : f.stage_span.end - BEFORE] for f in found]
    assert stages == ["'my-stage'", "web.lint", "run"]
    assert text[found[0].field_span.start - BEFORE : found[0].field_span.end - BEFORE] == "x"


def test_spans_go_over_line_ends() -> None:
    inside = "\n  params.level ==\n    'full' |\n uper"
    assert underlined(refusal(inside), inside) == "uper"


@pytest.mark.parametrize(
    "text",
    [
        "stages.build.values.version",
        'stages["my-stage"].status == "failed"',
        "1 + 2 * 3",
        "(1 + 2) * 3",
        "1 - (2 - 3)",
        "2 ** 3 ** 2",
        "2 ** (3 ** 2)",
        "-(2 ** 2)",
        "-2 ** 2",
        'a ~ b ~ "c" | upper',
        "(a ~ b) | upper",
        "-(a | int)",
        "not (a and b) or c",
        "not a == b",
        "(not a) == b",
        "a if b else c if d else e",
        "(a if b else c) if d else e",
        "1 < 2 <= 3",
        "a not in [1, 2.50, true]",
        '{"k": [{}], "l": a.b["c d"][0]}',
        "x | default(value=1, boolean=true)",
        'stages.a.values["_x"] | join(", ")',
        "(1 + 2) ~ 3",
        "1 + 2 ~ 3",
    ],
)
def test_the_canonical_spelling_is_a_fixed_point(text: str) -> None:
    assert spell(parse_text(text).root) == text


def test_a_plans_text_may_hold_durations_and_sizes_and_sources_may_not() -> None:
    assert spell(parse_text("duration(5) > size(1)").root) == "duration(5) > size(1)"
    assert refusal(" duration(5) ").code == "E0503"


def test_a_damaged_text_of_a_plan_is_an_error_for_people() -> None:
    with pytest.raises(ExpressionTextError, match="can't be read"):
        parse_text("1 + ")


def test_reading_the_same_template_twice_reads_it_once() -> None:
    one, other = (parse_expression(template(" a.b "), "a.pipeline") for _ in range(2))
    assert isinstance(one, Expression)
    assert one is other


def test_the_words_that_begin_references_can_be_names_too() -> None:
    node = expression(" stages ").root
    assert isinstance(node, NameReference)
    assert node.name == "stages"


def test_steps_behind_a_run_time_value_look_into_it() -> None:
    assert spell(expression(" stages.a.values.m.k[0] ").root) == "stages.a.values.m.k[0]"
    assert isinstance(next(iter(expression(" stages.a.values.m.k[0] ").late)), LateReference)
