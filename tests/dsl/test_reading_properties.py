"""Properties of reading that hold for any text."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from orch.dsl.catalogue import CODES
from orch.dsl.decode import decode_source
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile
from orch.dsl.tree import Block, Template, Text
from tests.dsl.reading import outline, shifted, spans

PIECES = [
    "{", "}", "[", "]", "(", ")", "=", ":", ",", "<", ">", ".", "..", "{{", "}}", "'", '"', '"""',
    "'" * 3, "#", "\n", " ", "\\", '\\"', "-", "1", "10s", "5min", "stage", "stage a {\n", "let",
    "param x: ", 'use "f" as x', "as", "secret X\n", "policy {", "a", "true", "@", ";", "//", "é",
    "\u00a0", "{%", "%}", "{#", "#}", "$", "1..2", "run =", "list<", "\r", "\t", "  x = 1\n", "}\n",
]  # fmt: skip
GOOD = [
    "stage a { x = 1 }\n", "let y = [1, 'b', {{ c }}]\n", "secret T\n", "param p: list<int>\n",
    'use "f" as g { with { h = 1s } }\n', 'policy { retry { on = [exit(75), a.b[c="d"]] } }\n',
    'stage b {\n  run = """\n    echo {{ x }}\n  """\n}\n', "let m = { a = 1, 'b' = 1..4 } # c\n",
    'param q: string = "a{{ b }}c" { help = "h" }\n',
]  # fmt: skip

texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def check(text: str) -> None:
    tree, found = parse(SourceFile("m", text))
    assert list(found) == sorted(found, key=lambda d: d.span.start if d.span else -1)
    assert len({(d.code, d.span) for d in found}) == len(found)
    for diagnostic in found:
        assert diagnostic.code in CODES
        assert diagnostic.span is not None
        assert 0 <= diagnostic.span.start < diagnostic.span.end <= len(text)
        assert not diagnostic.message.endswith(".")
        assert diagnostic.message[:1] == "`" or not diagnostic.message[:1].isupper()
    for span in spans(tree.blocks):
        assert 0 <= span.start <= span.end <= len(text)
    if not found:
        assert "!" not in "".join(outline(tree.blocks))


@settings(max_examples=300)
@given(texts)
def test_any_text_has_a_tree_and_honest_diagnostics(text: str) -> None:
    """Nothing is raised, spans lie in the text, and nothing is said twice."""
    check(text)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_characters_are_read(text: str) -> None:
    """Those that no source file has too."""
    check(text)


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    """What is refused has its place in the text that is drawn."""
    source, found = decode_source("m", data)
    if found is None:
        check(source.text)
    else:
        assert found.span is not None
        assert found.span.end <= len(source.text)


@settings(max_examples=100)
@given(st.lists(st.sampled_from(GOOD), max_size=8))
def test_good_blocks_are_read_the_same_together_and_alone(pieces: list[str]) -> None:
    """The blocks of a file are those of its parts, shifted."""
    expected: list[Block] = []
    text = ""
    for piece in pieces:
        expected += shifted(parse(SourceFile("m", piece))[0].blocks, len(text))
        text += piece
    tree, found = parse(SourceFile("m", text))
    assert (list(tree.blocks), found) == (expected, ())


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(GOOD), min_size=1, max_size=4),
    st.sampled_from(["stage z { x = }\n", "stage z { x = 1 2 }\n", "stage z { x = @ }\n",
                     "stage z { x = 'a }\n", "stage z { x = [1 }\n", "stage z {\n", "let z =\n",
                     "}\n", "stage z { x = 5min }\n", "stage z { x = {{ a }\n}\n"]),
    st.lists(st.sampled_from(GOOD), min_size=1, max_size=4),
)  # fmt: skip
def test_a_broken_block_changes_nothing_around_it(
    before: list[str], broken: str, after: list[str]
) -> None:
    """The blocks before and behind it are read as if it were not there."""
    head, tail = "".join(before), "".join(after)
    if broken.endswith("{\n") and tail.startswith("policy"):
        return  # A policy may stand inside a stage.
    tree, found = parse(SourceFile("m", head + broken + tail))
    first = parse(SourceFile("m", head))[0].blocks
    last = shifted(parse(SourceFile("m", tail))[0].blocks, len(head + broken))
    assert len(found) == 1
    assert tree.blocks[: len(first)] == first
    assert tree.blocks[len(tree.blocks) - len(last) :] == last


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["a", "é", "{{ x }}", "{{ f('}}') }}", "\\n", "{", "}", " "])))
def test_strings_alternate_text_and_templates(pieces: list[str]) -> None:
    """No empty text and no two neighbours of one kind, and each template says its source."""
    text = 'let x = "' + "".join(pieces) + '"'
    (block,) = parse(SourceFile("m", text))[0].blocks or (None,)
    if block is None:
        return
    parts = getattr(block.value, "parts", ())
    for one, other in pairwise(parts):
        assert not (isinstance(one, Text) and isinstance(other, Text))
    for part in parts:
        if isinstance(part, Template):
            assert part.source == text[part.inner.start : part.inner.end]
        else:
            assert part.text
