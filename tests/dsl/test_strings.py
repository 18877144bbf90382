"""Strings: escapes, indentation, templates found among quotes and braces, and what is wrong."""

import pytest

from orch.dsl.tree import String, Template, Text
from tests.dsl.reading import helps, outline, problems, spans, tree_of, value_of


def parts_of(text: str) -> list[str]:
    """The parts of a string: text as it is, templates between angle brackets."""
    node = value_of(text)
    assert isinstance(node, String)
    return [p.text if isinstance(p, Text) else f"<{p.source}>" for p in node.parts]


def test_escapes_are_decoded() -> None:
    """All six of them."""
    assert parts_of(r'"\" \\ \n \t \r \u{1F600}\u{e9}"') == ['" \\ \n \t \r 😀é']


def test_literal_strings_are_taken_as_they_stand() -> None:
    """Neither escapes nor templates nor statements are looked for."""
    assert parts_of(r"""'a\n"{{ x }}{% y %}'""") == [r'a\n"{{ x }}{% y %}']
    assert parts_of("''") == []
    assert parts_of("'''\n  {{ x }}\\n\n  '''") == ["{{ x }}\\n\n"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("\n    one\n      two\n    three\n    ", "one\n  two\nthree\n"),
        ("\n    one\n    two", "one\ntwo"),
        ("\n  a\n\n \n  b\n", "a\n\n\nb\n"),
        ("\n  a\n     \n  b\n", "a\n   \nb\n"),
        ("\n\ta\n\t\tb\n", "a\n\tb\n"),
        ("\n\ta\n  b\n", "\ta\n  b\n"),
        ("one", "one"),
        ("one\n  two\n", "one\n  two\n"),
        ("   \n  a\n", "a\n"),
        ("\n\n  a\n", "\na\n"),
        ("\n  a \\n\\\n", "a \\n\\\n"),
        ("", ""),
        ("\n", ""),
        ("\n   ", ""),
        (' say "hi" ', 'say "hi" '),
    ],
)
@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_block_strings_lose_common_indentation(quotes: str, written: str, text: str) -> None:
    """Lines of white space don't count, the first newline and the closing line's margin go."""
    assert "".join(parts_of(quotes + written + quotes)) == text


def test_a_template_stands_for_text_where_indentation_is_counted() -> None:
    """Its own line ends are no lines of the string, and a line with one is not blank."""
    written = '"""\n    {{ a }}\n      b {{ [1,\n2] }}\n    """'
    assert parts_of(written) == ["<" + " a " + ">", "\n  b ", "<" + " [1,\n2] " + ">", "\n"]


@pytest.mark.parametrize(
    "source",
    [
        ' x | join("-") ', ' {"a": {"b": 1}} ', ' {"a": {"b": 1}}', ' "}}" ', " '}}' ", " '\"' ",
        r' "a\"}}" ', " f(')') ", " [1][0] ", ' x["a-b"] ', "", " a }b", ' "{{" ', " it's ",
        "- x -",
    ],
)  # fmt: skip
def test_templates_end_behind_their_own_strings_and_brackets(source: str) -> None:
    """In one-line strings, block strings and by themselves alike."""
    if "}b" in source:
        source = source.replace("}b", "{}b")
    for quotes in ('"', '"""'):
        assert parts_of(f"{quotes}a {{{{{source}}}}} b{quotes}") == ["a ", f"<{source}>", " b"]
    bare = value_of(f"{{{{{source}}}}}")
    assert isinstance(bare, Template)
    assert bare.source == source


def test_escaped_quotes_in_a_template_open_strings_and_move_nothing() -> None:
    """The backslash becomes a space outside of the nested string, so that offsets stay exact."""
    text = r'"{{ x | join(\"-\") }} {{ f(\"a\", 1) }}"'
    node = value_of(text)
    assert isinstance(node, String)
    first, _, second = node.parts
    assert isinstance(first, Template)
    assert isinstance(second, Template)
    assert first.source == ' x | join( "-" ) '
    assert second.source == ' f( "a" , 1) '
    assert len(first.source) == first.inner.end - first.inner.start


def test_every_template_has_the_length_of_its_place() -> None:
    """Offset i in the source is offset `inner.start + i` in the file."""
    text = 'stage s { a = "é{{ x }}" b = {{y}} c = """\n {{ z }}\n""" }'
    (block,) = tree_of(text).blocks
    found = [s for s in spans(block) if text[s.start : s.end] in (" x ", "y", " z ")]
    assert len(found) == 3


@pytest.mark.parametrize("text", [r"\q", r"\'", r"\{", r"\u{110000}", r"\u{D800}", r"\u{}", r"\0",
                                  r"\u{0}", r"\u0041", r"\x41", r"\u{12", r"\é"])  # fmt: skip
def test_a_bad_escape_is_marked_alone(text: str) -> None:
    """And the string ends where it ends."""
    assert problems(f'stage s {{ x = "a {text} b" }}') == [("E0105", text)]


def test_each_bad_escape_of_a_string_is_marked() -> None:
    """Beside an unclosed template too."""
    assert problems(r'stage s { x = "\q \w {{ a" y = 1 }') == [
        ("E0105", r"\q"), ("E0105", r"\w"), ("E0103", "{{"),
    ]  # fmt: skip


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_unclosed_string_ends_with_its_line(quote: str) -> None:
    """The closing braces that it swallowed are not missed."""
    text = f"stage a {{\n  x = {quote}abc\n  y = 1\n}}\nstage b {{ x = {quote}abc }}\nlet z = 1\n"
    assert problems(text) == [("E0103", quote), ("E0103", quote)]
    assert outline(tree_of(text).blocks) == ["stage a! {y}", "stage b! {}", "let z"]


@pytest.mark.parametrize("quotes", ["'''", '"""'])
def test_an_unclosed_block_ends_with_its_indentation(quotes: str) -> None:
    """The first line that is indented no deeper than its opening line is read again."""
    text = f"stage a {{\n  x = {quotes}\n    it's {{{{ a\n\n    }}\n  y = @\n}}\nlet z = 1\n"
    assert problems(text) == [("E0103", quotes), ("E0104", "@")]
    assert outline(tree_of(text).blocks) == ["stage a! {}", "let z"]


@pytest.mark.parametrize("quotes", ["'''", '"""'])
def test_the_block_that_was_left_open_is_marked_and_not_the_last(quotes: str) -> None:
    """Where one ends at the opening of the next, the first was never closed."""
    text = "".join(
        f"stage {name} {{\n  run = {quotes}\n    echo; x\n{end}}}\n"
        for name, end in [("a", f"  {quotes}\n"), ("b", ""), ("c", f"  {quotes}\n"), ("d", "")]
    )
    assert [code for code, _ in problems(text)] == ["E0103", "E0103"]
    names = outline(tree_of(text).blocks)
    assert names == ["stage a {run}", "stage b! {}", "stage c {run}", "stage d! {}"]


@pytest.mark.parametrize(
    "text",
    [
        '"echo {{ x"', '"{{ x | join("-) }}"', '"{{ a }"', "{{ a }", '"""\n {{ a\n """', '"{{"',
        '"""{{ "abc """', "{{ (a\n", '"{{ \\"a }}"',
    ],
)  # fmt: skip
def test_an_unclosed_template_is_marked_at_its_braces(text: str) -> None:
    """Later lines are read as if it had been closed."""
    found = problems(f"stage s {{\n  x = {text}\n  y = 1\n}}\nlet z = @\n")
    assert found == [("E0103", "{{"), ("E0104", "@")]


def test_statements_and_comments_of_templates_are_refused_where_they_close() -> None:
    """`${#x}` is shell, and what never closes is text; templates beside them are kept."""
    text = '''stage s {
      a = "{% if x %}{{ y }}{% endif %}"
      b = """
        {# c #} ${#x} {{ z }} ${y#}
        {% set a
        """
      c = "{# {%"
    }'''
    assert problems(text) == [
        ("E0502", "{% if x %}"), ("E0502", "{% endif %}"), ("E0502", "{# c #}"),
    ]  # fmt: skip
    assert outline(tree_of(text).blocks) == ["stage s {a, b, c}"]


def test_a_template_may_name_a_statement_in_a_string() -> None:
    """What stands inside of a template is the compiler's."""
    assert parts_of("\"{{ '{% x %}' }}\"") == ["< '{% x %}' >"]


def test_quotes_of_word_processors_are_one_mistake() -> None:
    """However many words stand between them."""
    text = "stage s { x = \u201cHello w\u00f6rld\u201d y = 1 }"
    assert problems(text) == [("E0104", "\u201c")]
    assert "straight" in helps(text)[0]


def test_a_block_string_that_ends_with_an_equals_sign_may_be_a_name_or_a_path() -> None:
    """What follows is then `=` or `as`, and no sign of a string left open."""
    assert problems("env { '''\na =''' = 1 }\nuse \"\"\"\nb =\"\"\" as c\n") == []
