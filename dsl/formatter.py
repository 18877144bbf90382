"""The formatter: a file in the one canonical form, which says the same to every reader."""

import gc

from orch.dsl.canonical import canonical_text
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.equivalence import say_the_same
from orch.dsl.parse import parse
from orch.dsl.source import SourceFile


class FormatBugError(Exception):
    """The canonical form of a file would say something else: a bug of ours, and nothing to use."""


def format_source(source: SourceFile) -> tuple[str, tuple[Diagnostic, ...]]:
    """The canonical form of a file, or its text as it is and what is wrong with its syntax.

    Pure, and idempotent. The form is read again before it is given out; raises `FormatBugError`
    where its tree or its comments are others than those of the source.
    """
    was_enabled = gc.isenabled()
    # Two trees are many small values and no garbage: looking for it takes half of the time.
    gc.disable()
    try:
        return _formatted(source)
    finally:
        if was_enabled:
            gc.enable()


def _formatted(source: SourceFile) -> tuple[str, tuple[Diagnostic, ...]]:
    tree, found = parse(source)
    if found:
        return source.text, found
    text = canonical_text(tree)
    if text != source.text:
        again, complaints = parse(SourceFile(source.path, text))
        if complaints or not say_the_same(tree, again):
            raise FormatBugError(f"the canonical form of `{source.path}` would say something else")
    return text, ()
