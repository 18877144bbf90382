"""The words of the language by what they are, for who colours files: taken from its own tables."""

from collections.abc import Iterable, Iterator
from functools import cache

from orch.compiler.expression_tree import ROOTS
from orch.compiler.functions import FILTERS, FUNCTIONS
from orch.compiler.settings import BLOCKS, BlockSpec
from orch.compiler.shapes import ListOf, Shape, Words
from orch.compiler.values import GENERIC_TYPES, SCALAR_TYPES
from orch.dsl.literals import DURATION_UNITS_MS, SIZE_UNITS_BYTES
from orch.dsl.record import record


@record
class LanguageWords:
    """`keywords` begin a block at the top of a file, `blocks` one inside of another, `settings`
    stand before a `=`, `words` are what a setting allows without quotes (`exit` of `exit(N)`).
    `roots`, `filters`, `functions` and `operators` are those of templates."""

    keywords: frozenset[str]
    blocks: frozenset[str]
    settings: frozenset[str]
    types: frozenset[str]
    words: frozenset[str]
    constants: frozenset[str]
    durations: frozenset[str]
    sizes: frozenset[str]
    roots: frozenset[str]
    filters: frozenset[str]
    functions: frozenset[str]
    operators: frozenset[str]


@cache
def language_words() -> LanguageWords:
    """All words, each kind in a set."""
    every = tuple(_with_inner(BLOCKS.values()))
    rows = [row for block in every for row in block.rows]
    return LanguageWords(
        keywords=frozenset(BLOCKS),
        blocks=frozenset(inner.keyword for block in every for inner in block.inner),
        settings=frozenset(row.name for row in rows),
        types=frozenset((*SCALAR_TYPES, *GENERIC_TYPES)),
        words=frozenset(word for row in rows for word in _words_of(row.shape)),
        constants=frozenset(("true", "false")),
        durations=frozenset(DURATION_UNITS_MS),
        sizes=frozenset(SIZE_UNITS_BYTES),
        roots=frozenset(ROOTS) - {"secrets"},  # Known only so that it can be refused.
        filters=frozenset(FILTERS),
        functions=frozenset(FUNCTIONS),
        operators=frozenset(("and", "or", "not", "in", "if", "else")),
    )


def _with_inner(blocks: Iterable[BlockSpec]) -> Iterator[BlockSpec]:
    for block in blocks:
        yield block
        yield from _with_inner(block.inner)


def _words_of(shape: Shape) -> Iterator[str]:
    match shape:
        case Words(words=words):
            yield from (word.partition("(")[0] for word in words)
        case ListOf(item=Words() as item):
            yield from _words_of(item)
