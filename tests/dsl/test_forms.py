"""The three forms of the language, read generically into nodes with exact spans."""

import pytest

from orch.dsl.tree import (
    Boolean,
    Call,
    Declaration,
    List,
    Map,
    Name,
    Reference,
    Setting,
    String,
    SyntaxTree,
    Template,
)
from tests.dsl.reading import outline, read, spans, tree_of, value_of

EXAMPLE = """\
# a comment
pipeline diagnostics { title = "T", tags = ["ci", 'x'] }
param level: string = "quick" { in = ["quick", "full"], env = "DIAG_LEVEL" }
param plain: list<map<int>>
let x = 1 let y = { a = 1, "b c" = [2] }
secret TOKEN secret OTHER { required = false }
policy { retry { attempts = 2, backoff = 100ms..3s } concurrency = 4 }
pool database { slots = 1 }
stage test-1 {
  needs  = [build, web.lint, test[suite="db", n=1]]
  when   = {{ matrix.a == "unit" }}   # why
  retry  { on = [timeout, exit(75)] }
  values { version: string, count: int }
  run    = \"\"\"
    echo {{ x }}
  \"\"\"
}
use "lib/r.pipeline" as release { with { version = "1.2" } }
use "lib/s.pipeline" as s
finally clean { run = "rm" }
"""


def test_every_form_is_read() -> None:
    """Blocks with and without label, type, value, alias and body."""
    assert outline(read(EXAMPLE)) == [
        "pipeline diagnostics {title, tags}",
        "param level {in, env}",
        "param plain",
        "let x",
        "let y",
        "secret TOKEN",
        "secret OTHER {required}",
        "policy {retry {attempts, backoff}, concurrency}",
        "pool database {slots}",
        "stage test-1 {needs, when, retry {on}, values {version, count}, run}",
        "use {with {version}}",
        "use",
        "finally clean {run}",
    ]


def test_the_parts_of_a_head_have_their_places() -> None:
    """As the table in the tree's `Block` says."""
    blocks = {getattr(b.label, "text", b.keyword.text): b for b in read(EXAMPLE)}
    level, plain, x = blocks["level"], blocks["plain"], blocks["x"]
    assert level.type is not None
    assert (level.type.name.text, level.type.argument) == ("string", None)
    assert isinstance(level.value, String)
    assert level.value.static_text == "quick"
    assert plain.type is not None
    assert plain.type.argument is not None
    assert plain.type.argument.argument is not None
    assert (plain.value, plain.body, x.type, x.body) == (None, None, None, None)
    use = blocks["use"]
    assert isinstance(use.label, String)
    assert (use.label.static_text, use.alias and use.alias.text) == ("lib/s.pipeline", "s")


def test_every_span_underlines_its_node() -> None:
    """Names, strings with their quotes, blocks from keyword to brace; children lie in parents."""
    tree = tree_of(EXAMPLE)
    for block in tree.blocks:
        assert EXAMPLE[block.keyword.span.start : block.keyword.span.end] == block.keyword.text
        assert EXAMPLE[block.span.start : block.span.end].startswith(block.keyword.text)
        for span in spans(block):
            assert block.span.start <= span.start < span.end <= block.span.end
    texts = {EXAMPLE[s.start : s.end] for block in tree.blocks for s in spans(block)}
    assert {
        "diagnostics", "'x'", '"lib/r.pipeline"', "release", "list<map<int>>", "map<int>",
        'test[suite="db", n=1]', 'suite="db"', "web.lint", "web", "exit(75)", "100ms..3s",
        '{{ matrix.a == "unit" }}', ' matrix.a == "unit" ', "version: string", '"b c" = [2]',
        'use "lib/s.pipeline" as s', "secret TOKEN", "param plain: list<map<int>>",
    } <= texts  # fmt: skip


def test_comments_are_kept_with_their_places() -> None:
    """They are in no block, and none is found in a string."""
    tree = tree_of(EXAMPLE + "let z = '# no' # last")
    assert [c.text for c in tree.comments] == ["# a comment", "# why", "# last"]
    assert all(
        tree.source.text[c.span.start : c.span.end] == c.text and "\n" not in c.text
        for c in tree.comments
    )


def test_layout_means_nothing() -> None:
    """Line breaks, blanks and commas between settings may be anywhere or nowhere."""
    tight = 'stage a{x=1 y=[1,2]z{k=v,}}let b="c"secret D let e=f secret G'
    loose = (
        "stage\na\n{\n x\n =\n 1 , y=[ 1 ,\t2 , ] , z { k = v } , }\n"
        'let b = "c" # d\nsecret\nD let e = f secret G'
    )
    assert outline(read(tight)) == outline(read(loose)) == [
        "stage a {x, y, z {k}}", "let b", "secret D", "let e", "secret G",
    ]  # fmt: skip


def test_keywords_are_names_where_names_are_expected() -> None:
    """No word is reserved, `as` and `true` included."""
    text = 'use "a" as as {} stage stage { stage = as as = stage true { true = 1 } } secret as'
    assert outline(read(text)) == ["use {}", "stage stage {stage, as, true {true}}", "secret as"]
    (block,) = read("let true = false")
    assert isinstance(block.label, Name)
    assert isinstance(block.value, Boolean)


def test_names_hold_dashes_behind_the_first_character() -> None:
    """A range and a negative number stay what they are."""
    (setting,) = read("stage a-b_c- { k-1 = a--b }")[0].body or ()
    assert isinstance(setting, Setting)
    assert isinstance(setting.value, Reference)
    assert setting.value.word == "a--b"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[]", List), ("[1,]", List), ("{}", Map), ('{ a = 1 "b" = 2, }', Map), ("f()", Call),
        ("f(1, [2],)", Call), ("{{ x }}", Template), ("a.b[c={{ x }}].d", Reference),
        ("[{ a = {} }, {}]", List), ("exit", Reference), ("'a'", String),
    ],
)  # fmt: skip
def test_values_of_every_kind(text: str, kind: type) -> None:
    """Anywhere that a value is due."""
    node = value_of(text)
    assert type(node) is kind
    assert node.span.end - node.span.start == len(text)


def test_a_reference_of_one_name_is_a_word() -> None:
    """Segments and selectors make it more than a word."""
    words = [value_of(t) for t in ("build", "web.lint", 'build[a="b"]')]
    assert [w.word for w in words if isinstance(w, Reference)] == ["build", None, None]


def test_unknown_keywords_and_types_are_left_to_the_compiler() -> None:
    """So are settings, and forms that no keyword has."""
    assert outline(read("stagee x { y { z: w } } foo { if a { } } k l = 1 { m = 2 }")) == [
        "stagee x {y {z}}", "foo {if a {}}", "k l {m}",
    ]  # fmt: skip
    (item,) = read("v { n: nothing<such> }")[0].body or ()
    assert isinstance(item, Declaration)


def test_an_empty_text_is_an_empty_tree() -> None:
    """A comment alone too."""
    for text in ("", "\n", "# c", " \t\n"):
        tree = tree_of(text)
        assert isinstance(tree, SyntaxTree)
        assert tree.blocks == ()
