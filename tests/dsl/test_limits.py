"""Hostile texts: depth, length and repetition cost a diagnostic, never an exception or a hang."""

from collections.abc import Callable

import pytest

from orch.dsl import grammar, lexer, template_search
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile, Span
from tests.dsl.reading import outline, problems, tree_of


def nested(opening: str, closing: str, levels: int, middle: str = "") -> str:
    return opening * levels + middle + closing * levels


def test_64_levels_are_read() -> None:
    """Blocks, lists, maps and parentheses count together, types on their own."""
    assert problems("let x = " + nested("[", "]", 64)) == []
    assert problems("stage s { x = " + nested("[", "]", 63) + " }") == []
    assert problems(nested("a { ", "}", 64)) == []
    assert problems("let x = " + nested("{ a = ", "}", 64, "1")) == []
    assert problems("param p: " + nested("list<", ">", 64, "int")) == []
    assert problems("let x = {{ " + nested("(", ")", 64, "1") + " }}") == []


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("let x = " + nested("[", "]", 65), "["),
        ("stage s { x = " + nested("[", "]", 64) + " y = 1 }", "["),
        (nested("a { ", "}", 65), "{"),
        ("let x = " + nested("{ a = ", "}", 65, "1"), "{"),
        ("let x = " + nested("f(", ")", 65), "("),
        ("param p: " + nested("list<", ">", 65, "int"), "<"),
        ("let x = {{ " + nested("(", ")", 65, "1") + " }}", "("),
        ('let x = "{{ ' + nested("[", "]", 65, "1") + ' }}"', "["),
        ("let x = " + "[" * 100_000, "["),
        ("a { " * 100_000, "{"),
        ("param p: " + "list<" * 100_000, "<"),
        ("let x = {{ " + "(" * 100_000, "("),
    ],
)
def test_the_65th_level_is_marked_once(text: str, token: str) -> None:
    """However deep it goes on, the next block is read."""
    found = problems(text + "\nlet y = 1 1\n")
    if "{{" in text and "}}" not in text:
        assert found[0] == ("E0107", token)
    else:
        assert found == [("E0107", token), ("E0101", "1")]
        assert outline(tree_of(text + "\nlet y = 1\n").blocks)[-1] == "let y"


def test_the_token_of_e0107_is_the_first_that_is_too_deep() -> None:
    """Levels count from the outermost brace."""
    text = "stage s { x = " + nested("[", "]", 64) + " }"
    _, (found,) = parse(SourceFile("m", text))
    assert found.span == Span(len("stage s { x = ") + 63, len("stage s { x = ") + 64)


def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts tokens made, tokens fed to the parser, and steps of searches for templates' ends."""
    count = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal count
            count += 1
            return function(*arguments)

        return call

    real_read = grammar._read

    def read(start: grammar.Start, tokens: list[lexer.Token]) -> object:
        nonlocal count
        count += len(tokens)
        return real_read(start, tokens)

    monkeypatch.setattr(grammar, "_read", read)
    monkeypatch.setattr(lexer.Token, "__init__", counted(lexer.Token.__init__))
    search = template_search.TemplateSearch
    for name in ("_open", "_close", "_quote", "_escaped_quote"):
        monkeypatch.setattr(search, name, counted(getattr(search, name)))
    return lambda: count


UNITS = [
    'stage a {\n  run = "echo {{ x }}"\n  needs = [b, c]\n}\n',
    "stage a { x = 1 2 y = [1 }\n",
    "stage a {\n", "a { ", "}\n", "x = {{\n", "'{{' ", '"{{ ', "x = [\n", "@ ", "= ", "a ", "a.",
    "x = }\n", "x = ] ",
    "' {{ ' \"\"\" ' }} '\n", 'a = """\n', "a = '''\n b", "{% {# ", '"\\q" ', "/* ", "list<", "1..",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("around", [("", ""), ("stage s { x = ", " }"), ("stage s {\n", "\n}")])
def test_the_cost_grows_with_the_length_alone(
    unit: str, around: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are counted: a text four times as long takes no more than some six times as many."""
    monkeypatch.setattr("orch.dsl.strings._PATIENCE_CHARACTERS", 1_000)
    steps = counting(monkeypatch)
    costs = []
    for repeats in (150, 600):
        before = steps()
        tree_of(around[0] + unit * repeats + around[1])
        costs.append(steps() - before)
    assert costs[1] <= 6 * costs[0] + 2_000


def test_findings_of_one_file_are_bounded() -> None:
    """A file of nothing but mistakes doesn't fill the memory with them."""
    assert len(problems("; " * 20_000)) == 10_000
