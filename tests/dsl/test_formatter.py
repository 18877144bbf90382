"""The canonical form, rule by rule: what is written beside what becomes of it, and its safety net.

Each folder of formatting/ is a case: `written.pipeline` and, exactly, `formatted.pipeline`.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orch.dsl import formatter
from orch.dsl.block_text import STEP
from orch.dsl.decode import decode_source, encode_source
from orch.dsl.formatter import FormatBugError, format_source
from orch.dsl.source import SourceFile
from tests.dsl.canonical import check, formatted
from tests.dsl.reading import value_of

ROOT = Path(__file__).parents[2]
OURS = [
    "README.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("pipelines/**/*.pipeline")),
]
CASES = sorted(path for path in (Path(__file__).parent / "formatting").iterdir())


def bytes_formatted(data: bytes) -> bytes:
    source, refusal = decode_source("m", data)
    assert refusal is None
    return encode_source(formatted(source.text))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_has_this_form(case: Path) -> None:
    """To the byte; and the form keeps all that is promised."""
    written = (case / "written.pipeline").read_text(encoding="utf-8")
    expected = (case / "formatted.pipeline").read_text(encoding="utf-8")
    assert check(written) == expected


@pytest.mark.parametrize("path", OURS)
def test_our_own_pipelines_have_it(path: str) -> None:
    """Those that this repository runs on itself, and the first one that a visitor sees."""
    text = (ROOT / path).read_text(encoding="utf-8")
    examples = re.findall(r"^```pipeline\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for written in examples if path == "README.md" else [text]:
        assert formatted(written) == written


@pytest.mark.parametrize("text", ["", "\n", " \t\n\n  "])
def test_a_file_without_anything_becomes_empty(text: str) -> None:
    """No line end is made for a line that isn't there."""
    assert formatted(text) == ""


def test_mark_line_ends_and_white_space_at_ends_go() -> None:
    """Byte order mark, CRLF, blanks behind lines, blank lines at the end; one line end stays."""
    data = b"\xef\xbb\xbf# a \t\r\nstage a {  \r\n  run = 'x'\t# b\t\r\n\r\n}\r\n\r\n \t\r\n"
    assert bytes_formatted(data) == b"# a\nstage a {\n  run = 'x'  # b\n}\n"


def test_a_carriage_return_that_is_text_is_kept() -> None:
    """Also before a line end, where it must not be taken for a part of it."""
    data = b"let x = '''\n  a\rb\n  c\r\r\n  d\n'''\n"
    assert bytes_formatted(data) == data
    assert decode_source("m", data)[0].text == "let x = '''\n  a\rb\n  c\r\n  d\n'''\n"


@pytest.mark.parametrize(
    "written",
    [
        "a", "a\n", "\na\n", "\n\na\n", "\n  a\n", "\n  a\n\tb\n", "\n\ta\n\t  b\n\n\t c\n\t",
        "a\n  b", "\n  a\n      \n  b\n", "\n    a\n  \n    b\n", "\n \n\t\n", "\n", " ", "\n\n",
        "\n  \n  ", "\n\t a\n\t\tb\n", "\n  a  \n  b\t\n", "\n  a\\\n  b\\n\n", "\n  #a\n",
        "\n  a\n  b", "\n  a\n b ", "\n \u00a0a\n  \u2003b\n", "\n  a\r\n  b\r\n",
        "\n  \x0b\n  b\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("place", ["let x = {}\n", "stage s {{ env {{ a = [\n {} ] }} }}\n"])
def test_a_block_string_keeps_its_text_wherever_it_stands(
    written: str, quotes: str, place: str
) -> None:
    """Tabs, mixed margins, lines of white space, first and last line: decoded it is the same."""
    check(place.format(quotes + written + quotes))


def test_templates_are_never_touched() -> None:
    """They are the compiler's to read, with every blank and line break."""
    text = 'let x = {{a+\n\n\t  b  }}\nlet y = """\n  {{\n a}}\n    {{  b  }}\n"""\n'
    assert formatted(text) == text


@pytest.mark.parametrize("literal", ["1_000", "0.50", "1h30m", "60s", "1000ms", "1KiB", "'\\n'"])
def test_literals_stand_as_they_were_written(literal: str) -> None:
    """No number is rounded, and no unit changed for a larger one."""
    assert formatted(f"let x={literal}") == f"let x = {literal}\n"


def test_a_text_with_mistakes_is_given_back_with_them() -> None:
    """Nothing is guessed: not one character changes."""
    text = "stage a {\n   run = [1\n}\nstage  b{}"
    result, found = format_source(SourceFile("m", text))
    assert result == text
    assert [diagnostic.code for diagnostic in found] == ["E0102"]


def test_lines_are_broken_that_are_too_long_and_no_others() -> None:
    """At 100 characters a list stays, with one more it has a line for each item."""
    item = "x" * 42
    line = f'let a = ["{item}", "{item}"]\n'
    assert len(line) == 101
    assert formatted(line) == line
    assert formatted(line.replace("let a", "let aa")).count("\n") == 4


def test_a_column_pushes_no_line_over_the_edge() -> None:
    """What fits alone and not in its column is broken, and then shares no column below."""
    item = "x" * 84
    text = f'stage a {{\n  a = ["{item}"]\n  longer_name = 1\n}}\n'
    assert f'  a = [\n    "{item}",\n  ]\n  longer_name = 1\n' in check(text)
    text = f'stage a {{\n  longer_name = 1\n  a {{ b = "{item[:-2]}" }}\n}}\n'
    assert f'  longer_name = 1\n  a {{\n    b = "{item[:-2]}"\n  }}\n' in check(text)


def test_nesting_as_deep_as_it_may_be_is_formatted() -> None:
    """64 levels, in lists, maps and blocks, on one line and on many."""
    for opening, closing in (("[", "]"), ("{ a = ", "}")):
        text = "let x = " + opening * 64 + "1" + closing * 64
        assert check(text).count("\n") > 64
        assert len(check(text.replace(opening, opening + "\n# c\n")).split("# c")) == 65
    check("a { " * 64 + "}" * 64)


DAMAGE: dict[str, Callable[[str], str]] = {
    "drops a comment behind an item": lambda text: text.replace("  # one", ""),
    "drops a comment of its own": lambda text: text.replace("# two\n", "\n"),
    "writes a comment twice": lambda text: text.replace("# two", "# two\n# two"),
    "swaps two comments": lambda text: re.sub("(one)(.*)(two)", r"\3\2\1", text, flags=re.DOTALL),
    "changes a comment": lambda text: text.replace("# two", "# too"),
    "drops an item": lambda text: text.replace("shell = bash", ""),
    "changes a number": lambda text: text.replace("= 1\n", "= 2\n"),
    "changes a kind of string": lambda text: text.replace('"y"', "'y'"),
    "moves a line of a script": lambda text: text.replace("echo b", " echo b"),
    "adds a line to a script": lambda text: text.replace("  echo b", "\n  echo b"),
    "drops a template": lambda text: text.replace("{{ x }}", "x"),
    "swaps two items": lambda text: text.replace('"y", 3', '3, "y"'),
    "drops an empty body": lambda text: text.replace("T { }", "T"),
    "swaps two blocks": lambda text: "".join(reversed(text.partition("secret T { }\n"))),
    "writes what can't be read": lambda text: text + "}",
}
SOUND = '''\
stage a {
  shell = bash  # one
  # two
  run = """
    echo {{ x }}
    echo b
  """
}
secret T { }
let n = 1
let l = ["y", 3]
'''


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_form_that_says_something_else_is_never_given_out(
    damage: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever bug the formatter may have: the form is read again, and held against the source."""
    assert damage(SOUND) != SOUND
    monkeypatch.setattr(formatter, "canonical_text", lambda _tree: damage(SOUND))
    with pytest.raises(FormatBugError, match="`m` would say something else"):
        format_source(SourceFile("m", SOUND))


def test_indentation_is_what_block_strings_take_away() -> None:
    """A line of a script stands one step deeper than its setting, at any depth."""
    text = formatted('stage a { env { b = """\nx\n""" } }')
    assert f'{" " * 2 * STEP}b = """\n{" " * 3 * STEP}x\n{" " * 2 * STEP}"""' in text
    assert value_of('"""\n      x\n    """') == value_of('"""\n      x\n    """')
