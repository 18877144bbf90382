"""What would mend a diagnostic, as edits of the text, or a few to choose from.

A help is words for people, by which it is known here. A test applies every edit to the cases of
tests/ui, each help of which has one, and holds that the diagnostic is gone and no error is new;
another reads all helps of the sources and wants a case for each.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from orch.cli.lsp.mending_table import CHOICES, KNOWN, OFFERED, TITLES
from orch.cli.lsp.mending_uses import given_in_use
from orch.cli.lsp.mending_values import written_range
from orch.cli.lsp.mending_words import named
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.pieces import PiecedText
from orch.dsl.record import record
from orch.dsl.source import Span
from orch.dsl.suggest import proposed_word

TextOf = Callable[[str], PiecedText | None]
"""The text of a file by its path; None where it can't be read."""


@record
class Mending:
    """What is done, in words, and the new texts for spans, by file. `is_sure` says that there is no
    other, and that it leaves nothing to be filled in."""

    title: str
    edits: Mapping[str, tuple[tuple[Span, str], ...]]
    is_sure: bool


def mendings(diagnostic: Diagnostic, text_of: TextOf) -> tuple[Mending, ...]:
    """All that would mend a diagnostic, one or the other; `text_of` is asked for its file, and for
    others that it has to do with."""
    help_ = diagnostic.help
    if help_ is None:
        return ()
    if _OWED.fullmatch(help_):
        given = given_in_use(text_of, diagnostic)
        return () if given is None else (Mending(*given, False),)
    pieced = text_of(diagnostic.path)
    found = () if pieced is None else _in_own_text(pieced, diagnostic.span, help_)
    return tuple(Mending(title, {diagnostic.path: edits}, sure) for title, edits, sure in found)


def _in_own_text(
    pieced: PiecedText, span: Span | None, help_: str
) -> Sequence[tuple[str, tuple[tuple[Span, str], ...], bool]]:
    """Title, edits, and whether they are sure, of each mending that stays in the file."""
    if span is None or not 0 <= span.start <= span.end <= len(pieced.text):
        return ()
    word = proposed_word(help_)
    if word is not None:
        return ((f"Change to `{word}`", ((named(pieced.text, span), word),), True),)
    for pattern, choose in CHOICES:
        match = pattern.fullmatch(help_)
        if match is not None:
            words = choose(pieced.text[span.start : span.end], match)
            if words:
                return [(f"Write `{each}`", ((span, each),), False) for each in words]
    for pattern, offer in OFFERED:
        match = pattern.fullmatch(help_)
        if match is not None:
            offered = [(title, tuple(edits)) for title, edits in offer(pieced, span, match)]
            return [(title, edits, False) for title, edits in offered if edits]
    for pattern, make in KNOWN:
        match = pattern.fullmatch(help_)
        edits = () if match is None else tuple(make(pieced, span, match))
        if edits:
            title = TITLES.get(make, help_[:1].upper() + help_[1:])
            is_filled = not any(_TO_BE_FILLED_IN.search(text) for _, text in edits)
            is_sure = is_filled and make is not written_range
            return ((title, edits, is_sure),)
    return ()


_OWED = re.compile(r"give it in the `use`: .*")


_TO_BE_FILLED_IN = re.compile(r'\bNAME\b|""|100ms\.\.3s')
"""What stands where only the author knows what should."""
