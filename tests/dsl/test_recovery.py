"""Broken texts: every mistake once, at its exact place, and nothing hidden behind it."""

import pytest

from tests.dsl.reading import helps, outline, problems, tree_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stage s { x = 10s 20 }", [("E0101", "20")]),
        ("stage s { x = }", [("E0106", "x")]),
        ("stage s { x = , y = }", [("E0106", "x"), ("E0106", "y")]),
        ("stage s { x = y = 1 }", [("E0106", "x")]),
        ("stage s { x =\n retry { a = 1 } }", [("E0106", "x")]),
        ('stage s { e { "k" = } }', [("E0106", '"k"')]),
        ("stage s { m = { k = } }", [("E0106", "k")]),
        ("let x =\nstage s { }", [("E0106", "x")]),
        ("param x: list<int> =\nstage s { }", [("E0106", "x")]),
        ("stage s { x = ] }", [("E0101", "]")]),
        ("stage s { x = # c\n ) y = 1 }", [("E0101", ")")]),
        ("stage s {\n  x = }\n  y = 1\n}", [("E0101", "}")]),
        ("stage s {\n  x = }\n}", [("E0101", "}")]),
        ("stage s {\n  e {\n    x = }\n}", [("E0106", "x")]),
        ("stage s {\n  e {\n    x = }\n  }\n}", [("E0101", "}")]),
        ("let x = ]\nlet y = 1", [("E0101", "]")]),
        ("param x: int = }\nlet y = 1", [("E0101", "}")]),
        ("stage s { m = [,] }", [("E0101", ",")]),
        ('stage s { e { A: "x" } }', [("E0101", ":")]),
        ('stage s { e { A "x" } }', [("E0101", '"x"')]),
        ('stage s { x == "y" }', [("E0101", "=")]),
        ('stage s { x: "y" }', [("E0101", ":")]),
        ('stage s { x = "y\n}\nstage t { x = "z" }', [("E0103", '"')]),
        ("stage s { x = 'y }\nstage t { x = 'z' }", [("E0103", "'")]),
        ("stage s { x = = 1 }", [("E0101", "=")]),
        ("stage s { x == 1 }", [("E0101", "=")]),
        ("stage s { x = [a b] }", [("E0101", "b")]),
        ("stage s { x = [a,, b] }", [("E0101", ",")]),
        ("stage s { x = 1,, y = 2 }", [("E0101", ",")]),
        ("stage s { , x = 1 }", [("E0101", ",")]),
        ("stage s { x = 1..a }", [("E0101", "a")]),
        ("stage s { x = a..2 }", [("E0101", "..")]),
        ("stage s { x = t[] }", [("E0101", "]")]),
        ("stage s { x = t[a=[1]] }", [("E0101", "[")]),
        ("stage s { x = a.1 }", [("E0105", ".1")]),
        ("stage s { x = 'it's' }", [("E0103", "'")]),
        ('stage s { x = "a" + "b" }', [("E0104", "+")]),
        ("stage s { x = src/**/*.py }", [("E0104", "/")]),
        ("stage s { u = http://a.b/c?d=1&e=2 }", [("E0104", "/")]),
        ("stage s { x = $HOME }", [("E0104", "$")]),
        ("stage s { x = ${{ y }} }", [("E0104", "$")]),
        ("stage s { r = 1; t = 2; };", [("E0104", ";")] * 3),
        ("secret A, secret B", [("E0101", ",")]),
        ("timeout = 10m\nrun: x\n", [("E0101", "timeout"), ("E0101", "run")]),
        ("stage s: { x = 1 }", [("E0101", ":")]),
        ("param p: list[int] = 1", [("E0101", "[")]),
        ("param p: = 1", [("E0101", "=")]),
        ("param p: list<int = 1", [("E0102", "<")]),
        ("param p: list<int, int> = 1", [("E0101", ",")]),
        ("stage s { v { n: } }", [("E0101", ":")]),
        ("foo", [("E0101", "foo")]),
        ("foo\nstage s { }", [("E0101", "foo")]),
        ("}", [("E0101", "}")]),
        ("stage s { x = [a]] }", [("E0101", "]")]),
        ("stage s { x = [a) }", [("E0101", ")")]),
        ("stage s {\n  x = [a }\n  y = 1\n}", [("E0101", "}")]),
        ("stage s { x = [a }", [("E0102", "[")]),
        ("stage s { x = [a\n  y = 1 }", [("E0102", "[")]),
        ("stage s { x = f(1 }", [("E0102", "(")]),
        ("stage s { x = [f(1] }", [("E0102", "(")]),
        ("stage s { x = 1", [("E0102", "{")]),
        ("stage s {", [("E0102", "{")]),
        ("// a\nlet x = 1 /* b\nc */", [("E0104", "/")] * 2),
        ("let\u00a0x = 1\u200b", [("E0104", "\u00a0"), ("E0104", "\u200b")]),
        ("let x\r= 1", [("E0104", "\r")]),
        ("let gr\u00f6\u00dfe = \u00e9", [("E0104", "\u00f6")]),
        ("use lib as x { }\nlet y = 1", [("E0101", "lib")]),
        ("use lib/a.pipeline as x\nlet y = 1", [("E0104", "/")]),
        ('stage s {\n  x = "a\n  b"\n  y = "c\n}', [("E0103", '"')] * 2),
        ("stage s { x = <<EOF a @ b }", [("E0101", "<")]),
        ("stage s { run = |\n  make -j\n}", [("E0104", "|")]),
        ("stage a.b { }", [("E0101", ".")]),
        ("stage s { x = /**/*.py }", [("E0104", "/")]),
        ("stage s { if a == b { y = 1 } }", [("E0101", "a")]),
        ("stage 2fast { }", [("E0105", "2fast")]),
    ],
)
def test_one_mistake_gives_one_diagnostic(text: str, expected: list[tuple[str, str]]) -> None:
    """At the token that doesn't fit, or at the opening of what is never closed."""
    assert problems(text) == expected


def test_all_mistakes_of_a_block_are_found() -> None:
    """Inner blocks included; what is faulty is dropped, the rest is there."""
    text = """stage s {
  a = 1 2
  b = "x"
  c =
  retry {
    d = [1 2]
    e = 3
    f: 4
  }
  g = 10sec
  h = @
  i = 5
}
let z = 1 1
"""
    assert [code for code, _ in problems(text)] == [
        "E0101", "E0106", "E0101", "E0101", "E0105", "E0104", "E0101",
    ]  # fmt: skip
    assert outline(tree_of(text).blocks) == ["stage s! {b, retry! {e}, i}", "let z!"]


def test_a_block_is_broken_only_if_it_lost_something_itself() -> None:
    """The outer block of a broken one still lacks what it lacks."""
    text = "stage s { retry { a = } } stage t { x = 1; y = 2 } stage u { retry { a = 1 } b = }"
    assert outline(tree_of(text).blocks) == [
        "stage s {retry! {}}", "stage t {x, y}", "stage u! {retry {a}}",
    ]  # fmt: skip


def test_a_broken_head_keeps_its_name() -> None:
    """So that what refers to it isn't reported too."""
    text = "stage a: { x = 1 }\nstage b.c { y = 1 }\nparam d: int = @ { z = 1 }\nlet e = [1 2]"
    assert outline(tree_of(text).blocks) == [
        "stage a! {x}", "stage b! {y}", "param d! {z}", "let e!",
    ]  # fmt: skip


def test_garbage_on_a_line_of_its_own_takes_nothing_along() -> None:
    """The setting of the line before is kept."""
    text = 'stage s {\n  run = "x"\n  what is this\n  y = 1\n}'
    assert problems(text) == [("E0101", "what")]
    assert outline(tree_of(text).blocks) == ["stage s! {run, y}"]


def test_an_unclosed_brace_ends_where_the_next_block_begins() -> None:
    """Every kind of block that can only stand at the top of a file is such a sign."""
    beginnings = [
        "stage b { }", "service b { }", "finally b { }", "pool b { }", "pipeline b { }",
        "param b: int", "let b = 1", 'use "b" as b', "secret b", "secret b { }", "policy { }",
    ]  # fmt: skip
    for beginning in beginnings:
        text = f"stage a {{\n  x = [1]\n  r {{\n    y = 1\n  }}\n{beginning}\nlet z = 1 1"
        assert problems(text) == [("E0102", "{"), ("E0101", "1")]
        assert tree_of(text).blocks[0].is_broken
        assert len(tree_of(text).blocks) == 3


def test_indentation_tells_which_brace_was_left_open() -> None:
    """Only in a block whose braces don't match."""
    text = "stage a {\n  retry { x = 1\n  run = 2\n}\nstage b {\n  retry {\n    x = 1\n}\nlet z = 1"
    found = tree_of(text)
    assert problems(text) == [("E0102", "{"), ("E0102", "{")]
    assert outline(found.blocks) == [
        "stage a! {retry! {x}, run}", "stage b! {retry! {x}}", "let z",
    ]  # fmt: skip


def test_a_file_without_indentation_is_read_all_the_same() -> None:
    """Blocks whose own braces match are not judged by their lines."""
    text = "stage a {\nx = 1\nr {\ny = 1\n}\n}\nstage b {\nx = 1\nstage c {\nx = 1\n}"
    assert problems(text) == [("E0102", "{")]
    assert outline(tree_of(text).blocks) == ["stage a {x, r {y}}", "stage b! {x}", "stage c {x}"]


def test_nested_forms_of_the_top_are_left_to_the_compiler_where_braces_match() -> None:
    """A stage in a stage is no syntax error."""
    assert problems("stage a {\n  stage b {\n    x = 1\n  }\n}") == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("stage s { a = 1; b = 2 }", "line break or a comma"),
        ("stage s { run: 'x' }", "set with `=`"),
        ('stage s { "run": "x" }', "set with `=`"),
        ("stage s { run 'x' }", "`name = value`"),
        ("stage s { x = a == b }", "`{{ a == b }}`"),
        ("stage s { x = [a b] }", "commas"),
        ("stage s { x = [\n- a ] }", "[a, b]"),
        ("stage s { needs = a, b }", "[a, b]"),
        ("stage s { x = <<EOF }", '`"""`'),
        ("stage s { x = ${{ y }} }", "without `$`"),
        ("stage s { run = |\n make\n }", '`"""`'),
        ("// x", "`#`"),
        ("run = 'x'", "stand in a block"),
        ("param p: list[int]", "`list<string>`"),
        ('stage s { x = "\\x41" }', "\\u{41}"),
    ],
)
def test_a_help_knows_what_was_meant(text: str, hint: str) -> None:
    """For people who come from make, YAML, JSON, HCL and TOML."""
    assert hint in helps(text)[0]
