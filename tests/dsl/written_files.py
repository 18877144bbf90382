"""Sound pipeline files as hypothesis writes them: every form, any layout, comments anywhere.

A file is a row of tokens with layout between each two, so that no place is left out. Comments are
numbered in their order.
"""

from itertools import count

from hypothesis import strategies as st

DEEPEST = 3

names = st.sampled_from(["a", "run", "stage", "policy", "as", "secret", "web-1", "true", "_x9"])
scalars = st.sampled_from(["1", "-3", "1_000", "0.50", "250ms", "1h30m", "64KiB", "8MB", "true"])
templates = st.sampled_from(
    ["{{ x }}", "{{x}}", "{{ f('}}') }}", '{{ {"a": [1]} }}', "{{\n  a +\n\n\tb  \n}}", "{{ # }}"]
)
lines = st.text(st.sampled_from(list("ab#={}[]'\\ \t\r")), max_size=8)
ARGUMENTS: list[list[str]] = [[], ["75"], ["75", ",", "[", "2", "]", ","]]
tails = st.sampled_from(["", "\n", "\n  ", "\n\t", "x", "\n    x"])


def of_line(text: str) -> bool:
    return "\n" not in text


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string of any kind, often with templates, white space and line breaks where it may."""
    kind = draw(st.sampled_from(['"', "'", '"""', "'''"]))
    if kind == "'":
        return f"'{draw(lines).replace(kind, '')}'"
    pieces = lines if kind == "'''" else st.one_of(lines, templates)
    if kind == '"':
        texts = draw(st.lists(pieces.filter(of_line), max_size=3))
        return f'"{"".join(texts)}"'.replace("\\", "\\\\")
    breaks = st.sampled_from(["\n", "\n  ", "\n    ", "\n\t", "\n \t", "\n\n", ""])
    parts = draw(st.lists(st.tuples(breaks, pieces), max_size=5))
    text = "".join(before + piece for before, piece in parts) + draw(tails)
    return kind + text.replace(kind, "") + kind


def row(draw: st.DrawFn, items: list[list[str]], *, is_loose: bool) -> list[str]:
    """Items one behind the other, with the commas that a row needs or may have."""
    tokens: list[str] = []
    for at, item in enumerate(items):
        is_last = at == len(items) - 1
        tokens += item
        if draw(st.booleans()) if is_last or is_loose else True:
            tokens.append(",")
    return tokens


@st.composite
def values(draw: st.DrawFn, deep: int = 0) -> list[str]:
    """The tokens of a value."""
    kind = draw(st.integers(0, 5 if deep >= DEEPEST else 8))
    if kind <= 2:
        return [draw(st.one_of(scalars, strings(), templates, names))]
    if kind == 3:
        return [draw(names), ".", "b", "[", "k", "=", draw(strings()), ",", "l", "=", "1", "]"]
    if kind == 4:
        return ["1", "..", "2"]
    if kind == 5:
        return ["exit", "(", *draw(st.sampled_from(ARGUMENTS)), ")"]
    if kind == 6:
        items = draw(st.lists(values(deep + 1), max_size=4))
        return ["[", *row(draw, items, is_loose=False), "]"]
    keys = st.one_of(names, strings())
    entry = st.tuples(keys, values(deep + 1)).map(lambda pair: [pair[0], "=", *pair[1]])
    return ["{", *row(draw, draw(st.lists(entry, max_size=3)), is_loose=True), "}"]


@st.composite
def bodies(draw: st.DrawFn, deep: int = 0) -> list[str]:
    """The tokens of a body, its braces among them."""
    kinds = [settings, declarations] + [blocks] * (deep < DEEPEST)
    items = draw(st.lists(st.one_of([kind(deep + 1) for kind in kinds]), max_size=4))
    return ["{", *row(draw, items, is_loose=True), "}"]


@st.composite
def settings(draw: st.DrawFn, deep: int = 0) -> list[str]:
    return [draw(st.one_of(names, strings())), "=", *draw(values(deep))]


@st.composite
def declarations(draw: st.DrawFn, deep: int = 0) -> list[str]:
    return [draw(names), ":", *draw(st.sampled_from([["int"], ["list", "<", "string", ">"]]))]


@st.composite
def blocks(draw: st.DrawFn, deep: int = 0) -> list[str]:
    head = draw(st.sampled_from([["env"], ["stage", "a"], ["stage", "bbbb"], ["k", '"s"']]))
    return [*head, *draw(bodies(deep))]


@st.composite
def top_blocks(draw: st.DrawFn) -> list[str]:
    """The tokens of a block as it may stand at the top of a file."""
    kind = draw(st.integers(0, 5))
    if kind <= 1:
        return draw(blocks())
    if kind == 2:
        return ["let", draw(names), "=", *draw(values())]
    if kind == 3:
        return ["secret", draw(names), *draw(st.one_of(st.just([]), bodies()))]
    if kind == 4:
        return ["use", draw(strings()), "as", draw(names), *draw(st.one_of(st.just([]), bodies()))]
    value = draw(st.one_of(st.just([]), values().map(lambda tokens: ["=", *tokens])))
    body = draw(st.one_of(st.just([]), bodies()))
    return ["param", draw(names), ":", "map", "<", "int", ">", *value, *body]


LAYOUTS = [
    " ", " ", " ", " ", "", "\n", "  \n\n\n", "\n\t\n ", "\t", " #\n", "\n# \t\n", "\n\n  #\n\n",
]  # fmt: skip
ENDS = ["", " ", "\n\n", " #", "\n#\n", "\n\n\n# \r\n\n#"]


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file that says something to the grammar, whatever it means to the compiler."""
    tokens = [token for block in draw(st.lists(top_blocks(), max_size=4)) for token in block]
    layouts = draw(st.sampled_from([[" "], LAYOUTS[:5], LAYOUTS, LAYOUTS]))
    numbers = count()
    pieces: list[str] = []
    before = ""
    for token in [*tokens, ""]:
        layout = draw(st.sampled_from(layouts if token else ENDS))
        if not layout and before[-1:].isalnum() and token[:1].isalnum():
            layout = " "
        pieces += ["".join(f"# {next(numbers)}" if c == "#" else c for c in layout), token]
        before = token
    return "".join(pieces)
